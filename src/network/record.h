/* What links carry, as observers see it: runs of whole bytes while a link's total rate is constant, exact in sum. A link's record
 * is open while shared flows cross it. Between, bytes follow the integral of the rate, held back by what rounding may have
 * added; when the last flow leaves, the rest comes out, so that the sum is what the flows' paths carry, to the byte. With
 * several kinds of traffic on a link at once, the bytes of a run are told apart in proportion to what is still to come of each
 * kind; the sums per kind are exact. */
#ifndef WEFT_NETWORK_RECORD_H
#define WEFT_NETWORK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

struct observers;

struct link_record {
	double bytes, rate;    /* carried since it was opened, until since_ps; bytes per ps from then on */
	double slack;          /* bytes that rounding may have added */
	int64_t since_ps, busy_ps; /* busy_ps: since when it carries anything, -1 when it does not */
	int64_t promised, due, emitted; /* bytes of all flows while open, of those that ended, told to observers */
	uint8_t kind;
	bool open, mixed;
};

struct records {
	const struct observers *observers;
	struct link_record *links;
	int64_t *by_kind;      /* [link * TRAFFIC_N + kind] still to be told, where mixed; NULL until needed */
	uint32_t n_links;
	int64_t payload, header; /* overhead bytes = payload bytes × header / payload */
};

void records_init(struct records *records, const struct observers *observers, uint32_t n_links, int64_t payload, int64_t header);
void records_release(struct records *records);
/* A flow will carry `bytes` of `kind` over the link; opens the record at since_ps with `rate` when it is the first. */
void record_join(struct records *records, uint32_t link, int64_t bytes, uint8_t kind, int64_t since_ps, double rate);
/* It ended after `bytes` of the promised ones. `slack`: by how much they may differ from the integral of its rate. */
void record_leave(struct records *records, uint32_t link, int64_t promised, int64_t bytes, uint8_t kind, double slack);
void record_rate(struct records *records, uint32_t link, int64_t now_ps, double rate);
void record_close(struct records *records, uint32_t link, int64_t now_ps);
/* A cut run: tells what was carried until now. */
void record_cut(struct records *records, uint32_t link, int64_t now_ps);
int64_t record_overhead(const struct records *records, int64_t payload_bytes);

#endif
