#include "engine/observer.h"

#include <assert.h>
#include <stddef.h>

const char *const traffic_kind_names[TRAFFIC_N] = {
	[TRAFFIC_POINT_TO_POINT] = "point_to_point", [TRAFFIC_ALL_REDUCE] = "allreduce", [TRAFFIC_REDUCE_SCATTER] = "reduce_scatter",
	[TRAFFIC_ALL_GATHER] = "allgather", [TRAFFIC_BROADCAST] = "broadcast", [TRAFFIC_REDUCE] = "reduce",
	[TRAFFIC_ALL_TO_ALL] = "alltoall", [TRAFFIC_GATHER] = "gather", [TRAFFIC_SCATTER] = "scatter", [TRAFFIC_BARRIER] = "barrier",
};

const char *const link_state_names[LINK_STATE_N] = {
	[LINK_UP] = "up", [LINK_DOWN] = "down", [LINK_DEGRADED] = "degraded", [LINK_ASLEEP] = "asleep", [LINK_WAKING] = "waking",
	[LINK_DARK] = "dark", [LINK_REPLAYING] = "replaying",
	[LINK_FOLDED] = "folded",
};

const char *const outage_effect_names[OUTAGE_EFFECTS] = {
	[OUTAGE_DOWN] = "down", [OUTAGE_FLAP] = "flap", [OUTAGE_LANE] = "lane", [OUTAGE_CONTAMINATION] = "contamination",
	[OUTAGE_CRASH] = "crash", [OUTAGE_THROTTLE] = "throttle",
};

const char *const link_cause_names[LINK_CAUSE_N] = {
	[LINK_CAUSE_SCHEDULE] = "schedule", [LINK_CAUSE_BIT_ERRORS] = "bit_errors", [LINK_CAUSE_CIRCUIT] = "circuit",
	[LINK_CAUSE_FAILURE] = "failure", [LINK_CAUSE_FLAP] = "flap", [LINK_CAUSE_LANE_LOSS] = "lane_loss",
	[LINK_CAUSE_CONTAMINATION] = "contamination", [LINK_CAUSE_CRASH] = "crash", [LINK_CAUSE_DETECTION] = "detection",
	[LINK_CAUSE_POWER] = "power",
};

void observers_add(struct observers *observers, const struct observer *observer, bool by_kind)
{
	assert(observers->n < OBSERVERS_MAX);
	observers->list[observers->n++] = *observer;
	observers->wants_bytes |= observer->link_bytes != NULL;
	observers->wants_busy |= observer->link_busy != NULL;
	observers->wants_intervals |= observer->link_interval != NULL;
	observers->wants_queue |= observer->link_queue != NULL;
	observers->wants_messages |= observer->message != NULL;
	observers->wants_releases |= observer->release != NULL;
	observers->wants_ops |= observer->op != NULL;
	observers->wants_kinds |= by_kind;
}

void observe_path(const struct observers *observers, const uint32_t *links, uint32_t n_links, int64_t start_ps, int64_t end_ps,
		  int64_t payload, int64_t overhead, uint8_t kind)
{
	for (uint32_t i = 0; i < observers->n; i++) {
		const struct observer *o = &observers->list[i];
		if (o->path_carried)
			o->path_carried(o->context, links, n_links, start_ps, end_ps, payload, overhead, kind);
		for (uint32_t k = 0; !o->path_carried && o->link_bytes && k < n_links; k++)
			o->link_bytes(o->context, links[k], start_ps, end_ps, payload, overhead, kind);
		for (uint32_t k = 0; !o->path_carried && o->link_busy && k < n_links; k++)
			o->link_busy(o->context, links[k], start_ps, end_ps);
	}
}
