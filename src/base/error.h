/* Errors travel up as values: a function that can fail on its input takes a `struct error *` last and returns 0, or -1 with
 * the error filled. The first message wins, so a caller may add nothing. Only src/cli and tools/ print or exit. */
#ifndef WEFT_BASE_ERROR_H
#define WEFT_BASE_ERROR_H

enum error_code {
	ERROR_NONE = 0,
	ERROR_INPUT,       /* a file, scenario or command line is wrong: exit 2 */
	ERROR_HOST,        /* disk, memory, permissions: exit 2 */
	ERROR_SIMULATION,  /* the simulated system cannot finish (deadlock, disconnected, dead chip): exit 1 */
	ERROR_INTERRUPTED, /* the user stopped the run: exit 1, results up to then are kept */
};

struct error {
	enum error_code code;
	char message[2048]; /* complete, one line: "file:line:column: what is wrong with 'subject' (known: ...)" */
};

/* All three return -1, so that `return error_set(...)` reads well. An error already set stays. `err` may be NULL. */
int error_set(struct error *err, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Bad input with a place; line and column count from 1, 0 leaves them (and what follows) out; file may be NULL. */
int error_at(struct error *err, const char *file, int line, int column, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Puts "prefix: " before the message of an error that is set. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void error_clear(struct error *err);
/* The exit status of design contract §3 for this error: 0, 1 or 2. */
int error_exit_status(const struct error *err);

#endif
