#include "cli/results_circuits.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "base/units.h"
#include "scenario/circuits.h"

void results_circuits_json(struct json *json, const struct circuits_totals *totals)
{
	if (!totals)
		return;
	json_open_object(json, "circuits");
	json_integer(json, "control_ps", totals->control_ps);
	json_integer(json, "switching_ps", totals->switching_ps);
	json_integer(json, "relock_ps", totals->relock_ps);
	json_integer(json, "moves", (int64_t)totals->n_moves);
	json_integer(json, "ports_moved", (int64_t)totals->n_ports_moved);
	json_integer(json, "dark_ps", totals->dark_ps);
	json_integer(json, "lit_ps", totals->lit_ps);
	json_open_array(json, "requests");
	for (uint32_t i = 0; i < totals->n_requests; i++) {
		const struct circuit_request_record *request = &totals->requests[i];
		json_open_object(json, NULL);
		json_integer(json, "collective", request->collective);
		json_string(json, "state", request->state);
		json_integer(json, "asked_ps", request->asked_ps);
		json_integer(json, "begun_ps", request->begun_ps);
		json_integer(json, "bytes", request->bytes);
		json_integer(json, "delay_ps", request->delay_ps);
		json_number(json, "before_bytes_per_s", request->before_bytes_per_s);
		json_number(json, "after_bytes_per_s", request->after_bytes_per_s);
		json_number(json, "break_even_bytes", request->break_even_bytes);
		json_string(json, "decision", circuit_decision(request));
		json_close_object(json);
	}
	json_close_array(json);
	json_close_object(json);
}

#define MOST_REQUESTS 16

static const char *rate(char *out, size_t size, double bytes_per_s)
{
	if (bytes_per_s > 0)
		return units_format_rate(out, size, bytes_per_s);
	return "none";
}

/* The decision and the rule that it follows. */
static void print_request(const struct circuit_request_record *request)
{
	char asked[32], bytes[32], least[32], before[32], after[32], delay[32];
	const char *decision = circuit_decision(request);
	printf("  collective %-4d at %-9s asks for '%s': V %s, now %s, then %s, ", request->collective,
	       units_format_time(asked, sizeof asked, request->asked_ps), request->state, units_format_bytes(bytes, sizeof bytes, request->bytes),
	       rate(before, sizeof before, request->before_bytes_per_s), rate(after, sizeof after, request->after_bytes_per_s));
	if (isinf(request->break_even_bytes))
		printf("nothing gained");
	else
		printf("%s pays above %s", units_format_time(delay, sizeof delay, request->delay_ps),
		       units_format_bytes(least, sizeof least, (int64_t)llround(request->break_even_bytes)));
	printf(": %s\n", decision);
}

void results_circuits_print(const struct circuits_totals *totals)
{
	char control[32], switching[32], relock[32];
	if (!totals)
		return;
	printf("\ncircuits\n  %llu moves of %llu ports, each %s control + %s switching + %s re-lock; sending ports carry for %.1f %% of the time, "
	       "are dark in moves for %.1f %%\n", (unsigned long long)totals->n_moves, (unsigned long long)totals->n_ports_moved,
	       units_format_time(control, sizeof control, totals->control_ps),
	       units_format_time(switching, sizeof switching, totals->switching_ps), units_format_time(relock, sizeof relock, totals->relock_ps),
	       100 * totals->lit_share, totals->lit_ps ? 100 * totals->lit_share * (double)totals->dark_ps / (double)totals->lit_ps : 0);
	for (uint32_t i = 0; i < totals->n_requests && i < MOST_REQUESTS; i++)
		print_request(&totals->requests[i]);
	if (totals->n_requests > MOST_REQUESTS)
		printf("  and %u more requests\n", totals->n_requests - MOST_REQUESTS);
}
