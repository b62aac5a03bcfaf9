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
	observers->wants_stretches |= observer->link_stretch || observer->link_bytes || observer->link_busy || observer->link_queue ||
				      observer->link_stall;
	observers->wants_intervals |= observer->link_interval != NULL;
	observers->wants_queue |= observer->link_queue != NULL;
	observers->wants_messages |= observer->message != NULL;
	observers->wants_releases |= observer->release != NULL;
	observers->wants_ops |= observer->op != NULL;
	observers->wants_kinds |= by_kind;
}

int64_t observe_border(const struct observers *observers, int64_t time_ps)
{
	int64_t border_ps = INT64_MAX;
	for (uint32_t i = 0; i < observers->n; i++) {
		const struct observer *o = &observers->list[i];
		bool listens = o->link_stretch || o->link_bytes || o->link_busy || o->link_queue || o->link_stall;
		int64_t own_ps = !listens ? INT64_MAX : o->border ? o->border(o->context, time_ps) : time_ps;
		border_ps = own_ps < border_ps ? own_ps : border_ps;
	}
	return border_ps;
}

/* Without borders a stretch is one packet, one wait or one stall. */
static void observe_parts(const struct observer *o, uint32_t link, const struct link_stretch *s)
{
	if (o->link_bytes && s->busy_ps)
		o->link_bytes(o->context, link, s->start_ps, s->end_ps, s->payload, s->overhead, s->kind);
	if (o->link_busy && s->busy_ps)
		o->link_busy(o->context, link, s->start_ps, s->end_ps);
	if (o->link_queue && s->queue_max)
		o->link_queue(o->context, link, s->start_ps, s->end_ps, s->queue_max, s->queue_byte_ps);
	if (o->link_stall && s->stall_ps)
		o->link_stall(o->context, link, s->start_ps, s->end_ps);
}

void observe_stretch(const struct observers *observers, uint32_t link, const struct link_stretch *stretch)
{
	for (uint32_t i = 0; i < observers->n; i++) {
		const struct observer *o = &observers->list[i];
		if (o->link_stretch)
			o->link_stretch(o->context, link, stretch);
		else
			observe_parts(o, link, stretch);
	}
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
