/* One scenario run with many seeds, several at a time, each in a process of its own. */
#ifndef WEFT_HOST_ENSEMBLE_H
#define WEFT_HOST_ENSEMBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/sample.h"

struct error;
struct scenario;

enum ensemble_figure {
	ENSEMBLE_TIME_PS, ENSEMBLE_ENERGY_J, ENSEMBLE_REPLAYS,
	ENSEMBLE_FAILURES,      /* by chance: how many began */
	ENSEMBLE_FAILED_SHARE,  /* of the ranks' time, held by dead chips */
	ENSEMBLE_FIGURES
};
extern const char *const ensemble_figure_names[ENSEMBLE_FIGURES]; /* as in JSON */

struct ensemble_run {
	int64_t seed;
	char status[16], digest[DIGEST_HEX_SIZE];
	char message[512];      /* why it is not complete; "" */
	double figures[ENSEMBLE_FIGURES]; /* NAN: this scenario has none */
};

struct ensemble {
	struct ensemble_run *runs; /* [n] by seed */
	uint32_t n, n_complete;
	bool known[ENSEMBLE_FIGURES];
	struct sample_summary summaries[ENSEMBLE_FIGURES]; /* over complete runs; where known */
};

/* Seeds: the scenario's and the n - 1 that follow. -1 and an error: bad input, a crash, or the user stopped it. */
int ensemble_run(struct ensemble *ensemble, const struct scenario *scenario, uint32_t n, uint32_t jobs, struct error *err);
void ensemble_release(struct ensemble *ensemble);

#endif
