#include "host/measures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/error.h"
#include "base/text.h"
#include "scenario/energy.h"
#include "scenario/physics.h"
#include "scenario/simulation.h"

struct measure_entry {
	const char *name;
	uint32_t at;
	UT_hash_handle hh;
};

/* As patterns: what a figure can be called. */
static const char *const known_measures[] = {
	"status", "result_digest", "time_ps", "messages", "bytes", "link_bytes", "packet_hops", "replays", "energy_pj", "collective.*.time_ps",
	"collective.*.start_ps", "collective.*.bytes", "rank.*.end_ps", "rank.*.compute_ps", "rank.*.exposed_ps", "rank.*.hidden_ps",
	"rank.*.wait_peer_ps", "rank.*.wait_dependency_ps", "rank.*.failed_ps", "link.*.bytes",
};
#define N_KNOWN (sizeof known_measures / sizeof *known_measures)

int measures_check_pattern(const char *pattern, struct error *err)
{
	char known[1024];
	for (size_t i = 0; i < N_KNOWN; i++)
		if (text_matches(known_measures[i], pattern))
			return 0;
	return error_set(err, ERROR_INPUT, "unknown metric '%s'%s", pattern, text_known(known, sizeof known, pattern, known_measures, N_KNOWN));
}

static void write_ranks(const struct simulation *simulation, FILE *out)
{
	for (uint32_t r = 0; r < simulation->n_ranks; r++) {
		fprintf(out, "rank.%u.end_ps %" PRId64 "\n", r, simulation->ranks[r].end_ps);
		for (int c = 0; c < RANK_CLASSES; c++)
			fprintf(out, "rank.%u.%s_ps %" PRId64 "\n", r, rank_class_names[c], simulation->ranks[r].class_ps[c]);
	}
}

static void write_links(const struct simulation *simulation, FILE *out)
{
	char name[256];
	for (uint32_t link = 0; link < simulation->fabric.n_links; link++)
		fprintf(out, "link.%s.bytes %" PRId64 "\n", fabric_link_name(&simulation->fabric, link, name, sizeof name),
			simulation->link_bytes[link]);
}

void measures_write(const struct simulation *simulation, FILE *out)
{
	int64_t link_bytes = 0, replays = 0;
	for (uint32_t link = 0; link < simulation->fabric.n_links; link++) {
		link_bytes += simulation->link_bytes[link];
		replays += simulation->physics && simulation->physics->errors ? simulation->physics->replays[link] : 0;
	}
	fprintf(out, "status %s\nresult_digest %s\ntime_ps %" PRId64 "\nmessages %" PRIu64 "\nbytes %" PRId64 "\nlink_bytes %" PRId64 "\n",
		simulation->status, simulation->digest, simulation->end_ps, simulation->n_messages, simulation->message_bytes, link_bytes);
	if (simulation->packet_hops)
		fprintf(out, "packet_hops %" PRIu64 "\n", simulation->packet_hops);
	if (simulation->physics && simulation->physics->errors)
		fprintf(out, "replays %" PRId64 "\n", replays);
	if (simulation->energy)
		fprintf(out, "energy_pj %" PRId64 "\n", simulation->energy->total_pj);
	for (uint32_t i = 0; i < simulation->n_collectives; i++) {
		struct collective_result result = simulation_collective(simulation, i);
		fprintf(out, "collective.%u.time_ps %" PRId64 "\ncollective.%u.start_ps %" PRId64 "\ncollective.%u.bytes %" PRId64 "\n", i,
			result.time_ps, i, result.record.start_ps, i, result.record.bytes);
	}
	write_ranks(simulation, out);
	write_links(simulation, out);
}

void measures_add(struct measures *figures, const char *name, const char *value, bool see)
{
	char *end;
	ARRAY_RESERVE(figures->list, figures->n + 1, figures->capacity);
	struct measure *figure = &figures->list[figures->n];
	*figure = (struct measure){.name = arena_text(&figures->arena, name), .value = arena_text(&figures->arena, value), .see = see};
	errno = 0;
	figure->number = strtoll(value, &end, 10);
	figure->is_number = *value && !*end && !errno && strcmp(name, "result_digest") && strcmp(name, "status");
	struct measure_entry *entry = arena_alloc(&figures->arena, sizeof *entry);
	entry->name = figure->name;
	entry->at = figures->n++;
	HASH_ADD_KEYPTR(hh, figures->index, entry->name, strlen(entry->name), entry);
}

const struct measure *measures_find(const struct measures *figures, const char *name)
{
	struct measure_entry *entry;
	HASH_FIND_STR(figures->index, name, entry);
	return entry ? &figures->list[entry->at] : NULL;
}

static int parse_line(struct measures *figures, char *line, const char *file, int number, struct error *err)
{
	bool see = !strncmp(line, "see ", 4);
	char *name = see ? line + 4 : line, *value = strrchr(name, ' ');
	if (!value || value == name || !value[1])
		return error_at(err, file, number, 1, "expected 'metric value', not '%s'", line);
	*value++ = '\0';
	if (measures_find(figures, name))
		return error_at(err, file, number, 1, "metric '%s' is there twice", name);
	measures_add(figures, name, value, see);
	return 0;
}

int measures_parse(struct measures *figures, const char *text, const char *file, int n_skip, struct error *err)
{
	char *copy = memory_text(text), *rest = NULL;
	int number = 0, status = 0;
	for (char *line = strtok_r(copy, "\n", &rest); line && status == 0; line = strtok_r(NULL, "\n", &rest))
		if (++number > n_skip && *line != '#')
			status = parse_line(figures, line, file, number, err);
	free(copy);
	return status;
}

void measures_release(struct measures *figures)
{
	HASH_CLEAR(hh, figures->index);
	free(figures->list);
	arena_release(&figures->arena);
	memset(figures, 0, sizeof *figures);
}
