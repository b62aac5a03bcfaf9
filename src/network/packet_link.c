/* The hot loop: which packet starts next on a link. */
#include "network/packet.h"

uint32_t packet_entry_take_slow(struct packet_network *net)
{
	uint32_t capacity = net->n_entries ? net->n_entries * 2 : 4096;
	net->entries = memory_resize(net->entries, capacity, sizeof *net->entries);
	for (uint32_t i = capacity; i-- > net->n_entries;) {
		net->entries[i].next = net->free_entry;
		net->free_entry = i;
	}
	net->n_entries = capacity;
	return packet_entry_take(net);
}

void packet_wake(struct packet_network *net, uint32_t index, int64_t time_ps)
{
	struct packet_link *link = &net->links[index];
	if (time_ps < link->free_ps)
		time_ps = link->free_ps;
	if (time_ps >= link->event_ps || !packet_link_up(net, index))
		return;
	link->event_ps = time_ps;
	engine_schedule(net->base.setup.engine, time_ps, net->link_handler, index);
}

/* Lengthens the queue's last entry instead of adding one, where they are one train. */
static bool join_tail(struct packet_network *net, struct packet_voq *voq, uint32_t entry)
{
	struct packet_entry *tail = &net->entries[voq->tail];
	const struct packet_entry *added = &net->entries[entry];
	if (!net->trains || tail->message != added->message || tail->hop != added->hop || tail->payload != added->payload ||
	    tail->hop & PACKET_HOPWISE)
		return false;
	int64_t gap_ps = added->avail_ps - (tail->avail_ps + (int64_t)(tail->count - 1) * tail->stride_ps);
	if (gap_ps < 0 || gap_ps > UINT32_MAX || (tail->count > 1 && gap_ps != tail->stride_ps) || (added->count > 1 && gap_ps != added->stride_ps))
		return false;
	tail->stride_ps = (uint32_t)gap_ps;
	tail->count += added->count;
	packet_entry_give(net, entry);
	return true;
}

static void set_head(struct packet_network *net, struct packet_voq *voq, uint32_t entry)
{
	const struct packet_entry *head = &net->entries[entry];
	voq->head = entry;
	net->avails_ps[voq - net->voqs] = head->avail_ps;
	voq->wire = head->payload + net->header;
	bool needs_none = packet_ends(net, voq->link, head) || !net->credits_on; /* the receiver always takes it */
	voq->credit = needs_none ? PACKET_NONE : voq->link * net->n_channels + packet_channel(net, head->hop);
	__builtin_prefetch(&net->entries[head->next]);
}

/* Appends to a queue of the link; returns whether the queue was empty. */
static bool append(struct packet_network *net, struct packet_link *link, struct packet_voq *voq, uint32_t input, uint32_t entry)
{
	struct packet_entry *added = &net->entries[entry];
	if (voq->head != PACKET_NONE) {
		if (join_tail(net, voq, entry))
			return false;
		added->next = PACKET_NONE;
		net->entries[voq->tail].next = entry;
		voq->tail = entry;
		return false;
	}
	added->next = PACKET_NONE;
	voq->tail = entry;
	set_head(net, voq, entry);
	net->active[link->first_word + input / 64] |= UINT64_C(1) << input % 64;
	link->n_active++;
	return true;
}

void packet_push(struct packet_network *net, uint32_t voq, uint32_t entry)
{
	uint32_t index = net->voqs[voq].link;
	struct packet_link *link = &net->links[index];
	int64_t avail_ps = net->entries[entry].avail_ps;
	if (link->train && voq - link->first_voq != link->last_input)
		packet_train_touch(net, index, avail_ps);
	if (append(net, link, &net->voqs[voq], voq - link->first_voq, entry))
		packet_wake(net, index, avail_ps);
}

void packet_append(struct packet_network *net, uint32_t voq, uint32_t entry)
{
	struct packet_link *link = &net->links[net->voqs[voq].link];
	append(net, link, &net->voqs[voq], voq - link->first_voq, entry);
}

/* Before all others of its queue. */
void packet_push_front(struct packet_network *net, uint32_t index, uint32_t entry)
{
	struct packet_voq *voq = &net->voqs[index];
	struct packet_link *link = &net->links[net->voqs[index].link];
	if (voq->head == PACKET_NONE) {
		append(net, link, voq, index - link->first_voq, entry);
		return;
	}
	net->entries[entry].next = voq->head;
	set_head(net, voq, entry);
}

void packet_input_empty(struct packet_network *net, struct packet_link *link, uint32_t input)
{
	net->active[link->first_word + input / 64] &= ~(UINT64_C(1) << input % 64);
	link->n_active = (link->n_active - 1) & UINT32_MAX >> 6;
}

static void pop_head(struct packet_network *net, struct packet_link *link, uint32_t input)
{
	struct packet_voq *voq = &net->voqs[link->first_voq + input];
	uint32_t next = net->entries[voq->head].next;
	if (next != PACKET_NONE) {
		set_head(net, voq, next);
		return;
	}
	voq->head = PACKET_NONE;
	packet_input_empty(net, link, input);
}

uint32_t packet_detach(struct packet_network *net, struct packet_link *link, uint32_t input, uint32_t count)
{
	struct packet_voq *voq = &net->voqs[link->first_voq + input];
	uint32_t head = voq->head;
	if (count == net->entries[head].count) {
		pop_head(net, link, input);
		return head;
	}
	uint32_t taken = packet_entry_take(net);
	struct packet_entry *rest = &net->entries[head];
	net->entries[taken] = *rest;
	net->entries[taken].count = count;
	rest->count -= count;
	if (rest->hop & PACKET_HOPWISE) { /* at their source */
		if (net->ugal)
			rest->hop = (rest->hop & ~PACKET_DRAW) | ((rest->hop + count) & PACKET_DRAW);
		return taken;
	}
	rest->avail_ps += (int64_t)count * rest->stride_ps;
	net->avails_ps[link->first_voq + input] = rest->avail_ps;
	return taken;
}

uint32_t packet_detach_own(struct packet_network *net, uint32_t link)
{
	return packet_detach(net, &net->links[link], net->links[link].n_inputs - 1u, 1);
}

/* How many packets of `wire` bytes the credit allows at time_ps. */
static int64_t allowed(struct packet_network *net, uint32_t credit, uint32_t wire, int64_t time_ps)
{
	if (credit == PACKET_NONE)
		return INT64_MAX;
	struct packet_credit *c = &net->credits[credit];
	if (c->free_bytes < wire && c->next_ps <= time_ps)
		packet_credit_drain(net, c, time_ps);
	return c->free_bytes >= wire ? c->free_bytes / wire : 0;
}

/* The same with all that has returned by now taken in: for trains, which use more than one. */
static int64_t all_allowed(struct packet_network *net, const struct packet_voq *voq, int64_t time_ps)
{
	struct packet_credit *credit = &net->credits[voq->credit];
	if (credit->next_ps <= time_ps)
		packet_credit_drain(net, credit, time_ps);
	return credit->free_bytes / voq->wire;
}

struct pick {
	uint32_t input;     /* PACKET_NONE: nothing can start by then */
	uint32_t lacking, lacking_wire; /* a packet of so many bytes is there but this credit is not */
	int64_t later_ps;   /* when it is worth to look again, as far as is known */
	int64_t n_allowed;
};

/* Whether the head of this input can start at time_ps. */
static bool can_start(struct packet_network *net, uint32_t index, int64_t time_ps, struct pick *pick)
{
	int64_t avail_ps = net->avails_ps[index];
	const struct packet_voq *voq = &net->voqs[index];
	if (avail_ps > time_ps) {
		if (avail_ps < pick->later_ps)
			pick->later_ps = avail_ps;
		return false;
	}
	if (voq->credit == pick->lacking && voq->wire >= pick->lacking_wire && pick->lacking_wire)
		return false;
	if (net->ugal && voq->returns == PACKET_NONE && packet_asks(net, voq->link, &net->entries[voq->head]))
		return false;
	pick->n_allowed = allowed(net, voq->credit, voq->wire, time_ps);
	if (pick->n_allowed > 0)
		return true;
	struct packet_credit *credit = &net->credits[voq->credit];
	credit->blocked = true;
	if (credit->next_ps < pick->later_ps)
		pick->later_ps = credit->next_ps;
	pick->lacking = voq->credit;
	pick->lacking_wire = voq->wire;
	return false;
}

/* Round robin: the first input after the last one served that can start. */
static void choose(struct packet_network *net, struct packet_link *link, int64_t time_ps, struct pick *pick)
{
	const uint64_t *words = net->active + link->first_word;
	uint32_t first = link->last_input + 1 == link->n_inputs ? 0 : link->last_input + 1;
	uint32_t word = first / 64, n_words = (link->n_inputs + 63u) / 64;
	uint64_t bits = words[word] & ~UINT64_C(0) << first % 64;
	*pick = (struct pick){.input = PACKET_NONE, .later_ps = TIME_NEVER};
	for (uint32_t left = n_words + 1; left > 0; left--) {
		while (bits) {
			uint32_t input = word * 64 + (uint32_t)__builtin_ctzll(bits);
			if (can_start(net, link->first_voq + input, time_ps, pick)) {
				pick->input = input;
				return;
			}
			bits &= bits - 1;
		}
		word = word + 1 == n_words ? 0 : word + 1;
		bits = words[word];
		if (left == 2 && word == first / 64)
			bits &= ~(~UINT64_C(0) << first % 64);
	}
}

/* How many packets of the only queue with packets for this link follow each other evenly from time_ps on, and how closely. */
static uint32_t train(struct packet_network *net, uint32_t index, uint32_t input, int64_t time_ps, int64_t n_allowed, int64_t *spacing_ps)
{
	struct packet_link *link = &net->links[index];
	const struct packet_entry *head = &net->entries[net->voqs[link->first_voq + input].head];
	struct packet_course course = {.link = index, .hop = head->hop, .wire = head->payload + net->header, .start_ps = time_ps};
	*spacing_ps = course.spacing_ps = course.each_ps = packet_unit_ps(net, link, course.wire);
	if (head->count == 1 || head->hop & PACKET_HOPWISE)
		return 1;
	if (link->wary) {
		link->wary = --net->trains_started[index].skip != 0;
		return 1;
	}
	int64_t n = packet_pace(&course, time_ps - head->avail_ps, head->stride_ps, head->count);
	*spacing_ps = course.spacing_ps;
	return (uint32_t)(n > n_allowed ? packet_foresee(net, &course, net->voqs[link->first_voq + input].credit, n_allowed, n) : n);
}

/* When a link that has packets is free and one of them is there. */
static int64_t next_chance(const struct packet_network *net, const struct packet_link *link)
{
	int64_t next_ps = TIME_NEVER;
	for (uint32_t word = 0; word < (link->n_inputs + 63u) / 64; word++)
		for (uint64_t bits = net->active[link->first_word + word]; bits; bits &= bits - 1) {
			int64_t avail_ps = net->avails_ps[link->first_voq + word * 64 + (uint32_t)__builtin_ctzll(bits)];
			if (avail_ps <= link->free_ps)
				return link->free_ps;
			next_ps = avail_ps < next_ps ? avail_ps : next_ps;
		}
	return next_ps;
}

void packet_plan(struct packet_network *net, uint32_t link) { packet_wake(net, link, next_chance(net, &net->links[link])); }

/* How many of the `count` packets at the head of an input go through. 0: the first one meets a lost codeword, and until the retry
 * has sent it again nothing starts on this link. */
static uint32_t pass_errors(struct packet_network *net, uint32_t index, uint32_t input, int64_t time_ps, uint32_t count)
{
	struct packet_link *link = &net->links[index];
	struct link_error *error = &net->base.setup.links->errors[index];
	uint32_t n = link_error_pass(error, net->entries[net->voqs[link->first_voq + input].head].payload + net->header, count);
	if (n)
		return n;
	link_error_draw(error);
	error->replays++;
	link->free_ps = time_ps + error->replay_ps;
	OBSERVE(net->base.setup.observers, link_replays, index, time_ps, 1);
	return 0;
}

/* Starts what the link, which is free and has packets, starts at time_ps. Returns when to look again: TIME_NEVER, when it will be woken. */
static int64_t serve(struct packet_network *net, uint32_t index, int64_t time_ps)
{
	struct packet_link *link = &net->links[index];
	int64_t spacing_ps = 0;
	struct pick pick;
	choose(net, link, time_ps, &pick);
	if (pick.input != PACKET_NONE) {
		bool alone = link->n_active == 1 && net->trains;
		if (alone && net->entries[net->voqs[link->first_voq + pick.input].head].count > pick.n_allowed)
			pick.n_allowed = all_allowed(net, &net->voqs[link->first_voq + pick.input], time_ps);
		uint32_t count = alone ? train(net, index, pick.input, time_ps, pick.n_allowed, &spacing_ps) : 1;
		if (__builtin_expect(net->base.setup.links->errors != NULL, 0))
			count = pass_errors(net, index, pick.input, time_ps, count);
		if (count)
			packet_start(net, index, pick.input, time_ps, spacing_ps, count, START_DUE);
		if (count > 1 && link->n_active)
			packet_start_tail(net, index, pick.input);
		return next_chance(net, link);
	}
	if (pick.lacking_wire && !link->stalled) {
		link->stalled = 1;
		net->links[index].stalled_since_ps = time_ps;
	}
	return pick.later_ps;
}

/* Whether what a link starts can be decided before it is due: not where a node's own message, which is there at once, could still come
 * before packets of others. */
static bool knows_its_inputs(const struct packet_network *net, const struct packet_link *link)
{
	uint32_t own = link->n_inputs - 1u;
	return !link->at_npu || net->active[link->first_word + own / 64] >> own % 64 & 1;
}

/* Nothing that an event at or after now decides reaches this link before now + horizon: what starts elsewhere arrives a latency later,
 * and credits come back a latency later. So all starts until then are decided here. */
void packet_link_due(void *context, uint32_t index)
{
	struct packet_network *net = context;
	if (net->looks_ahead)
		packet_look_ahead(net);
	struct packet_link *link = &net->links[index];
	int64_t time_ps = net->base.setup.engine->now_ps, until_ps;
	if (link->event_ps != time_ps)
		return;
	if (link->free_ps > time_ps) { /* packets were sent on ahead of time since it was planned */
		link->event_ps = TIME_NEVER;
		if (link->n_active)
			packet_plan(net, index);
		return;
	}
	until_ps = link->batches && net->links_fixed ? time_ps + net->links[index].horizon_ps : time_ps;
	for (;;) {
		link->event_ps = TIME_NEVER; /* what woke it meanwhile is looked at now */
		if (link->n_active == 0 || !packet_link_up(net, index))
			return;
		int64_t next_ps = serve(net, index, time_ps);
		if (next_ps >= until_ps || !knows_its_inputs(net, link)) {
			packet_wake(net, index, next_ps);
			return;
		}
		time_ps = next_ps < link->free_ps ? link->free_ps : next_ps;
	}
}
