#include "trace/chakra_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "trace/lines.h"

/* A record holds one node; the metadata record may hold the whole text of the file it was converted from. */
#define LIMIT_RECORD (64u << 20)
#define CHECK_BYTES (1u << 20)
#define LIMIT_NODES 100000000u

/* Field numbers of et_def.proto. */
enum { NODE_ID = 1, NODE_NAME, NODE_TYPE, NODE_CTRL_DEPS, NODE_DATA_DEPS, NODE_START, NODE_DURATION, NODE_INPUTS, NODE_ATTR = 10 };
enum { ATTR_NAME = 1, ATTR_DOUBLE = 3, ATTR_FLOAT = 5, ATTR_SINT32 = 15, ATTR_SINT64 = 17, ATTR_BOOL = 27, ATTR_BOOLS = 28,
       ATTR_STRING = 29 };

enum { IO_VALUES = 1 }; /* of IOInfo */

struct stream {
	const char *path;
	gzFile gz;
	uint8_t *record;
	size_t capacity;
	uint64_t offset; /* of the record, in the unpacked stream */
	uint64_t next_check; /* offset at which to look at the compression again */
	struct error *err;
};

static int corrupt(const struct stream *s, const char *what)
{
	return error_set(s->err, ERROR_INPUT, "%s: offset %llu: %s", s->path, (unsigned long long)s->offset, what);
}

/* 1: a record was read, 0: end of file, -1: error. */
static int next_record(struct stream *s, size_t *length)
{
	uint64_t value = 0;
	s->offset = (uint64_t)gztell(s->gz);
	if (s->offset >= s->next_check) {
		s->next_check = s->offset + CHECK_BYTES;
		if (lines_explode(s->gz))
			return corrupt(s, "more than 200 times as long as it is compressed: this is no trace");
	}
	for (unsigned shift = 0;; shift += 7) {
		int byte = gzgetc(s->gz);
		if (byte < 0) {
			int code;
			const char *text = gzerror(s->gz, &code);
			if (code != Z_OK && code != Z_STREAM_END)
				return corrupt(s, code == Z_BUF_ERROR ? "the compressed file is cut short" : text);
			return shift ? corrupt(s, "the file ends inside a record's length") : 0;
		}
		if (shift > 28)
			return corrupt(s, "this is no record: its length takes more than five bytes (a Chakra .et file is a sequence of "
				       "length-prefixed protobuf messages)");
		value |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128))
			break;
	}
	if (value > LIMIT_RECORD)
		return corrupt(s, "a record is longer than 64 MiB");
	if (!value)
		return corrupt(s, "a record is empty");
	ARRAY_RESERVE(s->record, (size_t)value + 1, s->capacity);
	if (value && gzread(s->gz, s->record, (unsigned)value) != (int)value)
		return corrupt(s, "the file ends inside a record");
	*length = (size_t)value;
	return 1;
}

#define IS(name, text) is_named(name, text, sizeof(text) - 1)
static bool is_named(struct wire name, const char *text, size_t n)
{
	return (size_t)(name.end - name.at) == n && !memcmp(name.at, text, n);
}

struct attribute {
	struct wire name, bytes;
	int64_t integer;
	bool has_integer, has_string, has_bools;
};

static bool read_attribute(struct wire wire, struct attribute *a)
{
	struct wire_field field;
	enum wire_result result;
	memset(a, 0, sizeof *a);
	while ((result = wire_next(&wire, &field)) == WIRE_FIELD) {
		if (field.number == ATTR_NAME && field.type == WIRE_BYTES) {
			a->name = field.bytes;
		} else if (field.number == ATTR_STRING && field.type == WIRE_BYTES) {
			a->bytes = field.bytes;
			a->has_string = true;
		} else if (field.number == ATTR_BOOLS && field.type == WIRE_BYTES) {
			a->bytes = field.bytes;
			a->has_bools = true;
		} else if (field.number == ATTR_DOUBLE && field.type == WIRE_FIXED64) {
			double value = wire_double(field.value);
			a->integer = value > -9e18 && value < 9e18 ? (int64_t)value : -1;
			a->has_integer = true;
		} else if (field.number == ATTR_FLOAT && field.type == WIRE_FIXED32) {
			float value = wire_float(field.value);
			a->integer = value > -9e18f && value < 9e18f ? (int64_t)value : -1;
			a->has_integer = true;
		} else if (field.number >= 7 && field.number <= ATTR_BOOL && field.type != WIRE_BYTES) {
			a->integer = field.number == ATTR_SINT32 || field.number == ATTR_SINT64 ? wire_zigzag(field.value)
											        : (int64_t)field.value;
			a->has_integer = true;
		}
	}
	return result == WIRE_END;
}

/* A BoolList with a zero in it, packed or not. */
static bool has_false(struct wire list)
{
	struct wire_field field;
	while (wire_next(&list, &field) == WIRE_FIELD) {
		if (field.type == WIRE_VARINT && !field.value)
			return true;
		for (; field.type == WIRE_BYTES && field.bytes.at < field.bytes.end; field.bytes.at++)
			if (!*field.bytes.at)
				return true;
	}
	return false;
}

/* Where an integer attribute goes; NULL for those that say nothing here. */
static int64_t *integer_of(struct chakra_node *node, struct wire name)
{
	static const struct {
		const char *name;
		size_t length, offset;
	} integers[] = {
#define INTEGER(field) {#field, sizeof #field - 1, offsetof(struct chakra_node, field)}
		INTEGER(comm_type), INTEGER(comm_size), INTEGER(comm_src), INTEGER(comm_dst), INTEGER(comm_tag), INTEGER(comm_root),
		INTEGER(weft_stream), INTEGER(weft_duration_ps), INTEGER(weft_bytes),
#undef INTEGER
	};
	if (name.at == name.end || (*name.at != 'c' && *name.at != 'w'))
		return NULL;
	for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
		if (is_named(name, integers[i].name, integers[i].length))
			return (int64_t *)((char *)node + integers[i].offset);
	return NULL;
}

static void take_attribute(struct chakra_node *node, const struct attribute *a)
{
	int64_t *integer = a->has_integer ? integer_of(node, a->name) : NULL;
	if (integer) {
		*integer = a->integer;
	} else if (a->has_integer && IS(a->name, "is_cpu_op")) {
		node->host = a->integer != 0;
	} else if (a->has_integer && IS(a->name, "pg_name")) {
		int n = snprintf(node->number, sizeof node->number, "%lld", (long long)a->integer);
		node->pg_name = (struct wire){(const uint8_t *)node->number, (const uint8_t *)node->number + n};
	} else if (a->has_bools && IS(a->name, "involved_dim")) {
		node->partial_dims = has_false(a->bytes);
	} else if (a->has_string && IS(a->name, "pg_name")) {
		node->pg_name = a->bytes;
	} else if (a->has_string && IS(a->name, "in_split_size")) {
		node->in_splits = a->bytes;
	} else if (a->has_string && IS(a->name, "weft_algorithm")) {
		node->algorithm = a->bytes;
	} else if (a->has_string && IS(a->name, "weft_protocol")) {
		node->protocol = a->bytes;
	}
}

/* Growable list of dependencies; a record is at most 64 MiB long, so it stays bounded. */
struct ids {
	uint64_t *list;
	size_t n, capacity;
};

/* Packed or one at a time. */
static bool take_deps(struct ids *ids, struct wire_field *field)
{
	ARRAY_RESERVE(ids->list, ids->n + 1 + (field->type == WIRE_BYTES ? (size_t)(field->bytes.end - field->bytes.at) : 0),
		      ids->capacity);
	if (field->type == WIRE_VARINT)
		ids->list[ids->n++] = field->value;
	while (field->type == WIRE_BYTES && field->bytes.at < field->bytes.end)
		if (!wire_varint(&field->bytes, &ids->list[ids->n++]))
			return false;
	return true;
}

struct decoder {
	struct stream stream;
	struct ids data, ctrl;
};

static int read_field(struct decoder *d, struct chakra_node *node, struct wire_field *field)
{
	struct attribute attribute;
	struct wire_field part;
	switch ((uint64_t)field->number << 3 | field->type) {
	case NODE_ID << 3 | WIRE_VARINT: node->id = field->value; return 0;
	case NODE_NAME << 3 | WIRE_BYTES: node->name = field->bytes; return 0;
	case NODE_TYPE << 3 | WIRE_VARINT:
		if (field->value >= CHAKRA_TYPES)
			return corrupt(&d->stream, "unknown type of node (known: 0 to 10)");
		node->type = (uint8_t)field->value;
		return 0;
	case NODE_START << 3 | WIRE_VARINT: node->start_us = field->value; return 0;
	case NODE_DURATION << 3 | WIRE_VARINT: node->duration_us = field->value; return 0;
	case NODE_DATA_DEPS << 3 | WIRE_VARINT:
	case NODE_DATA_DEPS << 3 | WIRE_BYTES: return take_deps(&d->data, field) ? 0 : corrupt(&d->stream, "a node is malformed");
	case NODE_CTRL_DEPS << 3 | WIRE_VARINT:
	case NODE_CTRL_DEPS << 3 | WIRE_BYTES: return take_deps(&d->ctrl, field) ? 0 : corrupt(&d->stream, "a node is malformed");
	case NODE_INPUTS << 3 | WIRE_BYTES:
		while (wire_next(&field->bytes, &part) == WIRE_FIELD)
			if (part.number == IO_VALUES && part.type == WIRE_BYTES)
				node->inputs = part.bytes;
		return 0;
	case NODE_ATTR << 3 | WIRE_BYTES:
		if (!read_attribute(field->bytes, &attribute))
			return corrupt(&d->stream, "a node's attribute is malformed");
		take_attribute(node, &attribute);
		return 0;
	default: return 0;
	}
}

static int read_node(struct decoder *d, struct wire record, struct chakra_node *node)
{
	struct wire_field field;
	enum wire_result result;
	*node = (struct chakra_node){.comm_type = -1, .comm_size = -1, .comm_src = -1, .comm_dst = -1, .weft_stream = -2,
		.weft_duration_ps = -1, .weft_bytes = -1};
	d->data.n = d->ctrl.n = 0;
	while ((result = wire_next(&record, &field)) == WIRE_FIELD)
		if (read_field(d, node, &field))
			return -1;
	if (result == WIRE_MALFORMED)
		return corrupt(&d->stream, "a node is malformed");
	if (node->id == UINT64_MAX)
		return corrupt(&d->stream, "a node's id is out of range");
	node->data_deps = d->data.list;
	node->ctrl_deps = d->ctrl.list;
	node->n_data_deps = (uint32_t)d->data.n;
	node->n_ctrl_deps = (uint32_t)d->ctrl.n;
	return 0;
}

/* Record 0 is metadata unless it has field 1 as a varint, or any field number of 3 or more. */
static bool is_metadata(struct wire record)
{
	struct wire_field field;
	while (wire_next(&record, &field) == WIRE_FIELD)
		if (field.number >= 3 || (field.number == 1 && field.type == WIRE_VARINT))
			return false;
	return true;
}

static int read_records(struct decoder *d, int (*take)(void *user, const struct chakra_node *node), void *user)
{
	struct chakra_node node;
	size_t length = 0;
	uint32_t n_nodes = 0;
	int got;
	for (uint64_t record = 0; (got = next_record(&d->stream, &length)) > 0; record++) {
		struct wire wire = {d->stream.record, d->stream.record + length};
		if (!record && is_metadata(wire))
			continue;
		if (n_nodes++ == LIMIT_NODES)
			return corrupt(&d->stream, "more than 100 million nodes");
		if (read_node(d, wire, &node) || take(user, &node))
			return -1;
	}
	return got < 0 || n_nodes ? got : corrupt(&d->stream, "the file holds no node");
}

int chakra_file_read(const char *path, int (*take)(void *user, const struct chakra_node *node), void *user, struct error *err)
{
	struct decoder d = {.stream = {.path = path, .err = err}};
	d.stream.gz = gzopen(path, "rb");
	if (!d.stream.gz)
		return error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
	gzbuffer(d.stream.gz, 1 << 17);
	int result = read_records(&d, take, user);
	gzclose(d.stream.gz);
	free(d.stream.record);
	free(d.data.list);
	free(d.ctrl.list);
	return result;
}
