/* How far a train can go when the links behind carry it on at once. A link with nothing on it and nothing waiting for it will start what
 * arrives when it arrives; so its starts are made ahead of their time, in the event that starts the packets on the first link, and their
 * credits are known then. If something else comes meanwhile they are recalled like those of any train (packet_train.c).
 *
 * Here only the count is found, before anything is started: each link of the path in turn starts as many as its credits, and those that
 * the next one will return in time, allow. packet_start.c then starts them, link by link, and finds the same counts. */
#include "network/packet.h"

/* Nothing that the link has started may still be recalled. */
static bool is_settled(const struct packet_network *net, uint32_t index)
{
	return !net->links[index].train || packet_train_last_ps(&net->trains_started[index]) <= net->base.setup.engine->now_ps;
}

bool packet_runs_ahead(const struct packet_network *net, uint32_t index)
{
	const struct packet_link *link = &net->links[index];
	return net->trains && link->n_active == 0 && !link->wary && !net->fifos && packet_link_up(net, index) &&
	       !net->base.setup.links->errors && is_settled(net, index);
}

int64_t packet_pace(struct packet_course *course, int64_t late_ps, int64_t stride_ps, int64_t n)
{
	course->spacing_ps = course->each_ps;
	if (stride_ps > course->each_ps && late_ps == 0) {
		course->spacing_ps = stride_ps;
	} else if (stride_ps > course->each_ps) { /* back to back until it has caught up */
		int64_t catching_up = late_ps / (stride_ps - course->each_ps) + 1;
		n = catching_up < n ? catching_up : n;
	}
	return course->spacing_ps > UINT32_MAX || course->spacing_ps == 0 ? 1 : n;
}

int64_t packet_foresee_ahead(struct packet_network *net, struct packet_course *course, int64_t avail_ps, int64_t stride_ps, int64_t n)
{
	struct packet_link *link = &net->links[course->link];
	int64_t now_ps = net->base.setup.engine->now_ps;
	course->each_ps = packet_unit_ps(net, link, course->wire);
	course->start_ps = avail_ps > link->free_ps ? avail_ps : link->free_ps;
	n = packet_pace(course, course->start_ps - avail_ps, stride_ps, n);
	if (net->hops[course->hop].next_voq == PACKET_LAST || !net->credits_on)
		return n;
	struct packet_credit *credit = &net->credits[course->link * net->n_channels + net->hops[course->hop].channel];
	if (credit->next_ps <= now_ps)
		packet_credit_drain(net, credit, now_ps);
	int64_t now = credit->free_bytes > 0 ? credit->free_bytes / course->wire : 0;
	return packet_foresee(net, course, (uint32_t)(credit - net->credits), now, n);
}

/* The same for the link after `before`, of what starts there. */
static int64_t foresee_next(struct packet_network *net, const struct packet_course *before, int64_t want, struct packet_course *course)
{
	uint32_t voq = net->hops[before->hop].next_voq;
	*course = (struct packet_course){.link = net->voqs[voq].link, .hop = before->hop + 1, .wire = before->wire};
	if (!packet_runs_ahead(net, course->link))
		return 0;
	int64_t avail_ps = packet_available(net, &net->links[before->link], voq, before->wire, before->start_ps, before->each_ps);
	return packet_foresee_ahead(net, course, avail_ps, before->spacing_ps, want);
}

int64_t packet_foresee(struct packet_network *net, const struct packet_course *course, uint32_t credit, int64_t now, int64_t want)
{
	struct packet_course next;
	if (want <= now || now == 0)
		return want < now ? want : now;
	int64_t known = packet_credit_reach(net, credit, now, course->start_ps, course->spacing_ps, want);
	int64_t n = known < want && net->hops[course->hop].next_voq != PACKET_LAST ? foresee_next(net, course, want, &next) : 0;
	if (n == 0)
		return known;
	int64_t back_ps = next.start_ps + next.each_ps + net->credits[credit].back_ps;
	int64_t slack_ps = course->start_ps + now * course->spacing_ps - back_ps;
	if (slack_ps < 0)
		return known;
	if (next.spacing_ps > course->spacing_ps) {
		int64_t in_time = slack_ps / (next.spacing_ps - course->spacing_ps) + 1;
		n = in_time < n ? in_time : n;
	}
	n = now + n < want ? now + n : want;
	return n > known ? n : known;
}
