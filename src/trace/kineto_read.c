#include "trace/kineto_read.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>
#include <zlib.h>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "trace/lines.h"

#define LIMIT_DEPTH 64
#define LIMIT_TEXT 4096      /* longer names and lists are cut: they only serve people */
#define LIMIT_EVENTS 500000000u

/* Where in the document the parser is. */
enum place { AT_DOCUMENT, AT_TOP, AT_DISTRIBUTED, AT_GROUPS, AT_GROUP, AT_MEMBERS, AT_EVENTS, AT_EVENT, AT_ARGS, AT_LIST,
	AT_OTHER };

enum key {
	KEY_OTHER, KEY_EVENTS, KEY_DISTRIBUTED, KEY_BASE, KEY_RANK, KEY_WORLD, KEY_PHASE, KEY_CATEGORY, KEY_NAME, KEY_THREAD, KEY_START,
	KEY_DURATION, KEY_ARGS, KEY_CORRELATION, KEY_STREAM, KEY_COLLECTIVE, KEY_IN, KEY_OUT, KEY_TYPE, KEY_GROUP_SIZE, KEY_GROUP,
	KEY_GROUP_RANKS, KEY_RANK_START, KEY_RANK_STRIDE, KEY_SOURCE, KEY_DESTINATION, KEY_DIMS, KEY_INPUT_TYPE, KEY_INPUTS,
	KEY_IN_SPLITS, KEY_GROUPS, KEY_GROUP_NAME, KEY_MEMBERS
};

static const struct {
	const char *name;
	enum place place;
	enum key key;
} known_keys[] = {
	{"traceEvents", AT_TOP, KEY_EVENTS}, {"distributedInfo", AT_TOP, KEY_DISTRIBUTED}, {"baseTimeNanoseconds", AT_TOP, KEY_BASE},
	{"rank", AT_DISTRIBUTED, KEY_RANK}, {"world_size", AT_DISTRIBUTED, KEY_WORLD}, {"ph", AT_EVENT, KEY_PHASE},
	{"cat", AT_EVENT, KEY_CATEGORY}, {"name", AT_EVENT, KEY_NAME}, {"tid", AT_EVENT, KEY_THREAD}, {"ts", AT_EVENT, KEY_START},
	{"dur", AT_EVENT, KEY_DURATION}, {"args", AT_EVENT, KEY_ARGS}, {"correlation", AT_ARGS, KEY_CORRELATION},
	{"stream", AT_ARGS, KEY_STREAM}, {"Collective name", AT_ARGS, KEY_COLLECTIVE}, {"In msg nelems", AT_ARGS, KEY_IN},
	{"Out msg nelems", AT_ARGS, KEY_OUT}, {"dtype", AT_ARGS, KEY_TYPE}, {"Group size", AT_ARGS, KEY_GROUP_SIZE},
	{"Process Group Name", AT_ARGS, KEY_GROUP}, {"Process Group Ranks", AT_ARGS, KEY_GROUP_RANKS},
	{"Global rank start", AT_ARGS, KEY_RANK_START}, {"Global rank stride", AT_ARGS, KEY_RANK_STRIDE},
	{"Src Rank", AT_ARGS, KEY_SOURCE}, {"Dst Rank", AT_ARGS, KEY_DESTINATION}, {"Input Dims", AT_ARGS, KEY_DIMS},
	{"Input type", AT_ARGS, KEY_INPUT_TYPE}, {"Concrete Inputs", AT_ARGS, KEY_INPUTS},
	{"In split size", AT_ARGS, KEY_IN_SPLITS}, {"pg_config", AT_DISTRIBUTED, KEY_GROUPS}, {"pg_name", AT_GROUP, KEY_GROUP_NAME},
	{"ranks", AT_GROUP, KEY_MEMBERS},
};

/* The event that streams by. */
struct event {
	char category[24], name[LIMIT_TEXT], phase;
	int64_t start_ns, duration_ns, thread, stream;
	uint64_t correlation;
	bool has_correlation, has_stream, has_comm;
	struct kineto_comm comm;
	int64_t dims_elements;    /* of the tensors in the first input, 0 when there are none */
	int64_t last_input;       /* the last of "Concrete Inputs" as a number, -1 */
};

struct reader {
	struct kineto_trace *trace;
	enum place places[LIMIT_DEPTH];
	enum key key;             /* of the value that comes next in an object */
	int depth;
	enum key list_key;        /* of the list that is open, AT_LIST */
	int list_depth;           /* brackets open inside it */
	uint32_t list_item;       /* index at its first level */
	int64_t product;          /* of the innermost list of numbers */
	bool has_product, any_array;
	struct event event;
	uint32_t group;           /* text: name of the group of pg_config that streams by, KINETO_NONE */
	struct text members;
	const char *wrong;
	uint32_t *slots;          /* interned texts, by hash: index + 1 */
	size_t n_slots;
};

/* --- interning ---------------------------------------------------------------------------------------------------------- */

static uint64_t hash_text(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return random_mix(hash);
}

static size_t text_slot(const struct reader *r, const char *text)
{
	size_t i = hash_text(text) & (r->n_slots - 1);
	while (r->slots[i] && strcmp(r->trace->texts[r->slots[i] - 1], text))
		i = (i + 1) & (r->n_slots - 1);
	return i;
}

static uint32_t intern(struct reader *r, const char *text)
{
	struct kineto_trace *t = r->trace;
	if (2 * t->n_texts >= r->n_slots) {
		free(r->slots);
	text_release(&r->members);
		r->n_slots = r->n_slots ? 2 * r->n_slots : 256;
		r->slots = memory_zero(r->n_slots, sizeof *r->slots);
		for (size_t i = 0; i < t->n_texts; i++)
			r->slots[text_slot(r, t->texts[i])] = (uint32_t)i + 1;
	}
	size_t slot = text_slot(r, text);
	if (!r->slots[slot]) {
		ARRAY_RESERVE(t->texts, t->n_texts + 1, t->texts_capacity);
		t->texts[t->n_texts++] = arena_text(&t->arena, text);
		r->slots[slot] = (uint32_t)t->n_texts;
	}
	return r->slots[slot] - 1;
}

/* --- values ------------------------------------------------------------------------------------------------------------- */

/* A decimal number of microseconds, exactly to the nanosecond. */
static int64_t microseconds_ns(const char *text, size_t n)
{
	int64_t value = 0, unit = 100;
	size_t i = 0;
	bool negative = n > 0 && text[0] == '-', fraction = false;
	for (i += negative; i < n; i++) {
		if (text[i] == '.') {
			value *= 1000;
			fraction = true;
		} else if (text[i] == 'e' || text[i] == 'E') {
			char copy[64];
			snprintf(copy, sizeof copy, "%.*s", n < 63 ? (int)n : 63, text);
			return (int64_t)(strtod(copy, NULL) * 1000);
		} else if (!fraction) {
			value = value < INT64_MAX / 10000 ? value * 10 + (text[i] - '0') : value;
		} else {
			value += (text[i] - '0') * unit;
			unit /= 10;
		}
	}
	value = fraction ? value : value * 1000;
	return negative ? -value : value;
}

static int64_t whole(const char *text, size_t n)
{
	char copy[40];
	snprintf(copy, sizeof copy, "%.*s", n < 39 ? (int)n : 39, text);
	return memchr(copy, '.', strlen(copy)) ? (int64_t)strtod(copy, NULL) : strtoll(copy, NULL, 10);
}

static int32_t narrow(int64_t value) { return value < INT32_MIN || value > INT32_MAX ? -1 : (int32_t)value; }

int32_t kineto_element_bytes(const char *type)
{
	static const struct {
		const char *name;
		int32_t bytes;
	} types[] = {{"Float8", 1}, {"BFloat16", 2}, {"Half", 2}, {"Float", 4}, {"float", 4}, {"Double", 8}, {"double", 8}, {"Long", 8},
		     {"long", 8}, {"Int", 4}, {"int", 4}, {"Short", 2}, {"short", 2}, {"Byte", 1}, {"Char", 1}, {"char", 1}, {"Bool", 1},
		     {"bool", 1}, {"signed char", 1}, {"unsigned char", 1}};
	const char *colons = strstr(type, "::");
	type = colons ? colons + 2 : type;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (!strncmp(type, types[i].name, strlen(types[i].name)))
			return types[i].bytes;
	return -1;
}

static void copy_text(char *out, size_t size, const unsigned char *text, size_t n)
{
	if (n >= size)
		n = size - 1;
	memcpy(out, text, n);
	out[n] = '\0';
}

static void comm_number(struct event *e, enum key key, int64_t value)
{
	switch (key) {
	case KEY_IN: e->comm.in_elements = value; e->has_comm = true; break;
	case KEY_OUT: e->comm.out_elements = value; e->has_comm = true; break;
	case KEY_GROUP_SIZE: e->comm.group_size = narrow(value); break;
	case KEY_RANK_START: e->comm.rank_start = narrow(value); break;
	case KEY_RANK_STRIDE: e->comm.rank_stride = narrow(value); break;
	case KEY_SOURCE: e->comm.source = narrow(value); break;
	case KEY_DESTINATION: e->comm.destination = narrow(value); break;
	default: break;
	}
}

static int on_number(void *context, const char *text, size_t n)
{
	struct reader *r = context;
	struct event *e = &r->event;
	enum place place = r->places[r->depth];
	if (place == AT_LIST && r->list_key == KEY_DIMS && r->list_item == 0) {
		int64_t value = whole(text, n);
		r->product = r->has_product ? r->product : 1;
		if (value < 0 || __builtin_mul_overflow(r->product, value, &r->product))
			r->product = 0;
		r->has_product = true;
	} else if (place == AT_MEMBERS) {
		text_printf(&r->members, "%lld,", (long long)whole(text, n));
	} else if (place == AT_GROUP && r->key == KEY_GROUP_NAME) {
		char name[40];
		copy_text(name, sizeof name, (const unsigned char *)text, n);
		r->group = intern(r, name);
	} else if (place == AT_TOP && r->key == KEY_BASE) {
		r->trace->base_ns = whole(text, n);
	} else if (place == AT_DISTRIBUTED) {
		if (r->key == KEY_RANK)
			r->trace->rank = whole(text, n);
		else if (r->key == KEY_WORLD)
			r->trace->world_size = whole(text, n);
	} else if (place == AT_EVENT) {
		if (r->key == KEY_START)
			e->start_ns = microseconds_ns(text, n);
		else if (r->key == KEY_DURATION)
			e->duration_ns = microseconds_ns(text, n);
		else if (r->key == KEY_THREAD)
			e->thread = whole(text, n);
	} else if (place == AT_ARGS) {
		if (r->key == KEY_CORRELATION) {
			e->correlation = (uint64_t)whole(text, n);
			e->has_correlation = true;
		} else if (r->key == KEY_STREAM) {
			e->stream = whole(text, n);
			e->has_stream = true;
		} else {
			comm_number(e, r->key, whole(text, n));
		}
	}
	return 1;
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
	struct reader *r = context;
	struct event *e = &r->event;
	enum place place = r->places[r->depth];
	char copy[LIMIT_TEXT];
	if (place == AT_EVENT) {
		if (r->key == KEY_CATEGORY)
			copy_text(e->category, sizeof e->category, text, n);
		else if (r->key == KEY_NAME)
			copy_text(e->name, sizeof e->name, text, n);
		else if (r->key == KEY_PHASE)
			e->phase = n ? (char)text[0] : 0;
		else if (r->key == KEY_START || r->key == KEY_DURATION || r->key == KEY_THREAD)
			return on_number(r, (const char *)text, n);
	} else if (place == AT_GROUP && r->key == KEY_GROUP_NAME) {
		copy_text(copy, sizeof copy, text, n);
		r->group = intern(r, copy);
	} else if (place == AT_LIST && r->list_depth == 1) {
		copy_text(copy, sizeof copy, text, n);
		if (r->list_key == KEY_INPUT_TYPE && r->list_item == 0)
			e->comm.element_bytes = kineto_element_bytes(copy);
		else if (r->list_key == KEY_INPUTS)
			e->last_input = *copy && strspn(copy, "0123456789") == strlen(copy) && strlen(copy) < 10 ? atoll(copy) : -1;
	} else if (place == AT_ARGS) {
		copy_text(copy, sizeof copy, text, n);
		if (r->key == KEY_COLLECTIVE) {
			e->comm.name = intern(r, copy);
			e->has_comm = true;
		} else if (r->key == KEY_TYPE) {
			e->comm.element_bytes = kineto_element_bytes(copy);
		} else if (r->key == KEY_GROUP) {
			e->comm.group = intern(r, copy);
		} else if (r->key == KEY_GROUP_RANKS) {
			e->comm.ranks = intern(r, copy);
		} else if (r->key == KEY_IN_SPLITS) {
			e->comm.in_splits = n < LIMIT_TEXT && strpbrk(copy, "0123456789") ? intern(r, copy) : KINETO_NONE;
		} else if (*copy && strspn(copy, "-0123456789") == strlen(copy)) {
			return on_number(r, copy, strlen(copy)); /* some writers quote numbers */
		}
	}
	if (place == AT_LIST && r->list_depth == 1)
		r->list_item++;
	return 1;
}

/* --- events ------------------------------------------------------------------------------------------------------------- */

static uint32_t add_comm(struct reader *r)
{
	struct kineto_trace *t = r->trace;
	ARRAY_RESERVE(t->comms, t->n_comms + 1, t->comms_capacity);
	t->comms[t->n_comms] = r->event.comm;
	return (uint32_t)t->n_comms++;
}

static void add_kernel(struct reader *r)
{
	struct kineto_trace *t = r->trace;
	const struct event *e = &r->event;
	ARRAY_RESERVE(t->kernels, t->n_kernels + 1, t->kernels_capacity);
	t->kernels[t->n_kernels++] = (struct kineto_kernel){
		.start_ns = e->start_ns, .end_ns = e->start_ns + e->duration_ns, .correlation = e->has_correlation ? e->correlation : 0,
		.name = intern(r, e->name), .comm = e->has_comm ? add_comm(r) : KINETO_NONE,
		.stream = narrow(e->has_stream ? e->stream : e->thread),
		/* ncclKernel_…, ncclDevKernel_…, before 2.12 ncclAllReduceRingLLKernel_… */
		.nccl = !strncmp(e->name, "nccl", 4) && strstr(e->name, "Kernel"),
	};
}

static void add_host(struct reader *r)
{
	struct kineto_trace *t = r->trace;
	struct event *e = &r->event;
	if (e->has_correlation && (strstr(e->name, "LaunchKernel") || strstr(e->name, "LaunchCooperative"))) {
		ARRAY_RESERVE(t->launches, t->n_launches + 1, t->launches_capacity);
		t->launches[t->n_launches++] = (struct kineto_launch){e->correlation, e->start_ns, e->thread};
	} else if (!strcmp(e->name, "record_param_comms")) {
		if (e->comm.in_elements < 0 && e->dims_elements > 0)
			e->comm.in_elements = e->dims_elements;
		if (e->comm.group_size < 0 && e->last_input > 0)
			e->comm.group_size = narrow(e->last_input);
		ARRAY_RESERVE(t->records, t->n_records + 1, t->records_capacity);
		t->records[t->n_records++] = (struct kineto_record){e->start_ns, e->start_ns + e->duration_ns, e->thread, add_comm(r)};
	} else if (!strcmp(e->category, "user_annotation") && !strncmp(e->name, "ProfilerStep#", 13)) {
		ARRAY_RESERVE(t->steps, t->n_steps + 1, t->steps_capacity);
		t->steps[t->n_steps++] =
			(struct kineto_step){strtoll(e->name + 13, NULL, 10), e->start_ns, e->start_ns + e->duration_ns};
	}
}

static int end_event(struct reader *r)
{
	const struct event *e = &r->event;
	if (e->phase != 'X')
		return 1;
	if (e->duration_ns < 0) {
		r->wrong = "an event has a negative duration";
		return 0;
	}
	if (!strcmp(e->category, "kernel") || !strcmp(e->category, "gpu_memcpy") || !strcmp(e->category, "gpu_memset") ||
	    !strcmp(e->category, "Kernel") || !strcmp(e->category, "Memcpy") || !strcmp(e->category, "Memset"))
		add_kernel(r);
	else
		add_host(r);
	if (r->trace->n_kernels >= LIMIT_EVENTS || r->trace->n_launches >= LIMIT_EVENTS) {
		r->wrong = "more than 500 million events";
		return 0;
	}
	return 1;
}

/* --- structure ---------------------------------------------------------------------------------------------------------- */

static int push(struct reader *r, enum place place)
{
	if (r->depth + 1 == LIMIT_DEPTH) {
		r->wrong = "brackets are nested too deeply";
		return 0;
	}
	r->places[++r->depth] = place;
	return 1;
}

static void begin_event(struct event *e)
{
	e->category[0] = e->name[0] = e->phase = '\0';
	e->start_ns = e->duration_ns = e->thread = e->stream = e->dims_elements = 0;
	e->has_correlation = e->has_stream = e->has_comm = false;
	e->last_input = -1;
	e->comm = (struct kineto_comm){.name = KINETO_NONE, .group = KINETO_NONE, .ranks = KINETO_NONE, .in_splits = KINETO_NONE,
		.in_elements = -1,
		.out_elements = -1, .element_bytes = -1, .group_size = -1, .rank_start = -1, .rank_stride = -1, .source = -1,
		.destination = -1};
}

static int on_start_map(void *context)
{
	struct reader *r = context;
	enum place place = r->places[r->depth];
	if (place == AT_DOCUMENT)
		return push(r, AT_TOP);
	if (place == AT_TOP && r->key == KEY_DISTRIBUTED)
		return push(r, AT_DISTRIBUTED);
	if (place == AT_GROUPS) {
		r->group = KINETO_NONE;
		r->members.length = 0;
		return push(r, AT_GROUP);
	}
	if (place == AT_EVENTS) {
		begin_event(&r->event);
		return push(r, AT_EVENT);
	}
	return push(r, place == AT_EVENT && r->key == KEY_ARGS ? AT_ARGS : AT_OTHER);
}

static void end_group(struct reader *r)
{
	struct kineto_trace *t = r->trace;
	if (r->group == KINETO_NONE || !r->members.length)
		return;
	ARRAY_RESERVE(t->groups, t->n_groups + 1, t->groups_capacity);
	uint32_t members = intern(r, text_string(&r->members));
	t->groups[t->n_groups++] = (struct kineto_group){r->group, members};
}

static int on_end_map(void *context)
{
	struct reader *r = context;
	enum place place = r->places[r->depth--];
	if (place == AT_GROUP)
		end_group(r);
	return place == AT_EVENT ? end_event(r) : 1;
}

static int on_key(void *context, const unsigned char *text, size_t n)
{
	struct reader *r = context;
	enum place place = r->places[r->depth];
	r->key = KEY_OTHER;
	if (place == AT_OTHER)
		return 1;
	for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++)
		if (known_keys[i].place == place && known_keys[i].name[0] == (char)(n ? text[0] : 0) &&
		    strlen(known_keys[i].name) == n && !memcmp(known_keys[i].name, text, n)) {
			r->key = known_keys[i].key;
			break;
		}
	return 1;
}

static int on_start_array(void *context)
{
	struct reader *r = context;
	enum place place = r->places[r->depth];
	if (place == AT_DOCUMENT || (place == AT_TOP && r->key == KEY_EVENTS)) {
		r->any_array = true;
		return push(r, AT_EVENTS);
	}
	if (place == AT_DISTRIBUTED && r->key == KEY_GROUPS)
		return push(r, AT_GROUPS);
	if (place == AT_GROUP && r->key == KEY_MEMBERS)
		return push(r, AT_MEMBERS);
	if (place == AT_LIST) {
		r->list_depth++;
		r->has_product = false;
		return push(r, AT_LIST);
	}
	if (place == AT_ARGS && (r->key == KEY_DIMS || r->key == KEY_INPUT_TYPE || r->key == KEY_INPUTS)) {
		r->list_key = r->key;
		r->list_depth = 1;
		r->list_item = 0;
		r->has_product = false;
		return push(r, AT_LIST);
	}
	return push(r, AT_OTHER);
}

static int on_end_array(void *context)
{
	struct reader *r = context;
	if (r->places[r->depth] == AT_LIST) {
		if (r->has_product && r->product > 0 && r->product < INT64_MAX - r->event.dims_elements)
			r->event.dims_elements += r->product;
		r->has_product = false;
		if (--r->list_depth == 1)
			r->list_item++;
	}
	r->depth--;
	return 1;
}

static int on_null(void *context) { (void)context; return 1; }
static int on_boolean(void *context, int value) { (void)context; (void)value; return 1; }

static const yajl_callbacks callbacks = {on_null, on_boolean, NULL, NULL, on_number, on_string, on_start_map, on_key, on_end_map,
	on_start_array, on_end_array};

static int fail(const struct reader *r, yajl_handle handle, const char *path, uint64_t offset, const unsigned char *block, size_t n,
		struct error *err)
{
	unsigned char *text = NULL;
	char first_line[160] = "";
	const char *what = r->wrong;
	offset += yajl_get_bytes_consumed(handle);
	if (!what) {
		text = yajl_get_error(handle, 0, block, n);
		snprintf(first_line, sizeof first_line, "%s", text ? (const char *)text : "not JSON");
		first_line[strcspn(first_line, "\n")] = '\0';
		what = first_line;
	}
	error_set(err, ERROR_INPUT, "%s: offset %llu: %s", path, (unsigned long long)offset, what);
	if (text)
		yajl_free_error(handle, text);
	return -1;
}

/* Profilers write bandwidths of events without duration as inf and nan, which are no JSON: they become 0, and nothing here reads them.
 * One that a block's end cuts in two is not found, and refused. */
static void replace_not_numbers(char *text, size_t n)
{
	static const char *const words[] = {"Infinity", "inf", "nan", "NaN"};
	for (char *at = text; (at = memchr(at, ':', (size_t)(text + n - at))); at++) {
		char *value = at + 1, *end = text + n;
		while (value < end && *value == ' ')
			value++;
		char *word = value + (value < end && *value == '-');
		if (word >= end || (*word != 'I' && *word != 'i' && *word != 'n' && *word != 'N'))
			continue;
		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			size_t length = strlen(words[i]);
			if ((size_t)(end - word) <= length || memcmp(word, words[i], length) || !strchr(",} \n\r", word[length]))
				continue;
			memset(value, ' ', (size_t)(word - value) + length);
			*value = '0';
		}
	}
}

static int parse_stream(struct reader *r, yajl_handle handle, gzFile gz, const char *path, struct error *err)
{
	static const size_t size = 1 << 16;
	unsigned char *block = memory_alloc(size);
	uint64_t offset = 0;
	int result = 0, code, got;
	while ((got = gzread(gz, block, (unsigned)size)) > 0 && !result) {
		size_t mark = offset ? 0 : lines_mark((char *)block, (size_t)got);
		replace_not_numbers((char *)block + mark, (size_t)got - mark);
		if (yajl_parse(handle, block + mark, (size_t)got - mark) != yajl_status_ok)
			result = fail(r, handle, path, offset + mark, block + mark, (size_t)got - mark, err);
		offset += (uint64_t)got;
		if (!result && lines_explode(gz))
			result = error_set(err, ERROR_INPUT, "%s: more than 200 times as long as it is compressed: this is no trace", path);
	}
	gzerror(gz, &code);
	if (!result && (got < 0 || code == Z_BUF_ERROR))
		result = error_set(err, ERROR_INPUT, "%s: offset %llu: the compressed file is broken or cut short", path,
				   (unsigned long long)offset);
	if (!result && yajl_complete_parse(handle) != yajl_status_ok)
		result = error_set(err, ERROR_INPUT, "%s: offset %llu: the file ends inside the JSON document", path,
				   (unsigned long long)offset);
	if (!result && !r->any_array)
		result = error_set(err, ERROR_INPUT, "%s: no 'traceEvents' in this document", path);
	free(block);
	return result;
}

int kineto_read(struct kineto_trace *trace, const char *path, struct error *err)
{
	struct reader *r = memory_zero(1, sizeof *r);
	memset(trace, 0, sizeof *trace);
	trace->rank = trace->world_size = -1;
	r->trace = trace;
	gzFile gz = gzopen(path, "rb");
	if (!gz) {
		free(r);
		return error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
	}
	gzbuffer(gz, 1 << 17);
	yajl_handle handle = yajl_alloc(&callbacks, NULL, r);
	int result = parse_stream(r, handle, gz, path, err);
	yajl_free(handle);
	gzclose(gz);
	free(r->slots);
	free(r);
	if (result)
		kineto_release(trace);
	return result;
}

void kineto_release(struct kineto_trace *trace)
{
	arena_release(&trace->arena);
	free(trace->texts);
	free(trace->kernels);
	free(trace->comms);
	free(trace->launches);
	free(trace->records);
	free(trace->steps);
	free(trace->groups);
	memset(trace, 0, sizeof *trace);
}
