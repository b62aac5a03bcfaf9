#include "trace/chakra_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "trace/lines.h"
#include "base/wire.h"

/* A record holds one node; the metadata record may hold the whole text of the file it was converted from. */
#define LIMIT_RECORD (64u << 20)
#define CHECK_BYTES (1u << 20)
#define LIMIT_NODES 100000000u
#define LIMIT_DEPS 2000000000u

/* Field numbers of et_def.proto. */
enum { NODE_ID = 1, NODE_NAME, NODE_TYPE, NODE_CTRL_DEPS, NODE_DATA_DEPS, NODE_START, NODE_DURATION, NODE_ATTR = 10 };
enum { ATTR_NAME = 1, ATTR_DOUBLE = 3, ATTR_FLOAT = 5, ATTR_SINT32 = 15, ATTR_SINT64 = 17, ATTR_BOOL = 27, ATTR_BOOLS = 28,
       ATTR_STRING = 29 };

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

static const char *keep_text(struct chakra_file *file, struct wire bytes)
{
	size_t n = (size_t)(bytes.end - bytes.at);
	char *text = arena_alloc(&file->arena, n + 1);
	memcpy(text, bytes.at, n);
	text[n] = '\0';
	return text;
}

static bool is_named(struct wire name, const char *text)
{
	size_t n = strlen(text);
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

static void take_attribute(struct chakra_file *file, struct chakra_node *node, const struct attribute *a)
{
	static const struct {
		const char *name;
		size_t offset;
	} integers[] = {
		{"comm_type", offsetof(struct chakra_node, comm_type)}, {"comm_size", offsetof(struct chakra_node, comm_size)},
		{"comm_src", offsetof(struct chakra_node, comm_src)}, {"comm_dst", offsetof(struct chakra_node, comm_dst)},
		{"comm_tag", offsetof(struct chakra_node, comm_tag)}, {"comm_root", offsetof(struct chakra_node, comm_root)},
		{"weft_stream", offsetof(struct chakra_node, weft_stream)},
		{"weft_duration_ps", offsetof(struct chakra_node, weft_duration_ps)},
		{"weft_bytes", offsetof(struct chakra_node, weft_bytes)},
	};
	if (a->has_integer && is_named(a->name, "is_cpu_op"))
		node->host = a->integer != 0;
	if (a->has_string && is_named(a->name, "pg_name"))
		node->pg_name = keep_text(file, a->bytes);
	if (a->has_string && is_named(a->name, "weft_algorithm"))
		node->algorithm = keep_text(file, a->bytes);
	if (a->has_string && is_named(a->name, "weft_protocol"))
		node->protocol = keep_text(file, a->bytes);
	if (a->has_bools && is_named(a->name, "involved_dim"))
		node->partial_dims = has_false(a->bytes);
	if (a->has_integer && is_named(a->name, "pg_name"))
		node->pg_name = arena_format(&file->arena, "%lld", (long long)a->integer);
	for (size_t i = 0; a->has_integer && i < sizeof integers / sizeof *integers; i++)
		if (is_named(a->name, integers[i].name))
			*(int64_t *)((char *)node + integers[i].offset) = a->integer;
}

static bool add_dep(struct chakra_file *file, uint64_t id)
{
	if (file->n_deps >= LIMIT_DEPS)
		return false;
	ARRAY_RESERVE(file->deps, file->n_deps + 1, file->deps_capacity);
	file->deps[file->n_deps++] = id;
	return true;
}

/* Dependencies of one kind; packed or one at a time. They are appended as they come, so one kind's must not mix with the other's:
 * the caller reads the record once per kind. */
static bool read_deps(struct chakra_file *file, struct wire record, uint32_t number, uint32_t *first, uint32_t *count)
{
	struct wire_field field;
	*first = (uint32_t)file->n_deps;
	while (wire_next(&record, &field) == WIRE_FIELD) {
		uint64_t id;
		if (field.number != number)
			continue;
		if (field.type == WIRE_VARINT && !add_dep(file, field.value))
			return false;
		while (field.type == WIRE_BYTES && field.bytes.at < field.bytes.end)
			if (!wire_varint(&field.bytes, &id) || !add_dep(file, id))
				return false;
	}
	*count = (uint32_t)file->n_deps - *first;
	return true;
}

static int read_node(struct stream *s, struct chakra_file *file, struct wire record)
{
	struct chakra_node node = {.comm_type = -1, .comm_size = -1, .comm_src = -1, .comm_dst = -1, .comm_tag = 0, .comm_root = 0,
		.weft_stream = -2, .weft_duration_ps = -1, .weft_bytes = -1};
	struct wire all = record;
	struct wire_field field;
	struct attribute attribute;
	enum wire_result result;
	while ((result = wire_next(&record, &field)) == WIRE_FIELD) {
		if (field.number == NODE_ID && field.type == WIRE_VARINT)
			node.id = field.value;
		else if (field.number == NODE_NAME && field.type == WIRE_BYTES)
			node.name = keep_text(file, field.bytes);
		else if (field.number == NODE_TYPE && field.type == WIRE_VARINT && field.value >= CHAKRA_TYPES)
			return corrupt(s, "unknown type of node (known: 0 to 10)");
		else if (field.number == NODE_TYPE && field.type == WIRE_VARINT)
			node.type = (uint8_t)field.value;
		else if (field.number == NODE_START && field.type == WIRE_VARINT)
			node.start_us = field.value;
		else if (field.number == NODE_DURATION && field.type == WIRE_VARINT)
			node.duration_us = field.value;
		else if (field.number == NODE_ATTR && field.type == WIRE_BYTES) {
			if (!read_attribute(field.bytes, &attribute))
				return corrupt(s, "a node's attribute is malformed");
			take_attribute(file, &node, &attribute);
		}
	}
	if (result == WIRE_MALFORMED || !read_deps(file, all, NODE_DATA_DEPS, &node.first_data_dep, &node.n_data_deps) ||
	    !read_deps(file, all, NODE_CTRL_DEPS, &node.first_ctrl_dep, &node.n_ctrl_deps))
		return corrupt(s, "a node is malformed");
	if (file->n_nodes == LIMIT_NODES)
		return corrupt(s, "more than 100 million nodes");
	file->any_data_deps |= node.n_data_deps > 0;
	ARRAY_RESERVE(file->nodes, (size_t)file->n_nodes + 1, file->nodes_capacity);
	file->nodes[file->n_nodes++] = node;
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

int chakra_file_read(struct chakra_file *file, const char *path, struct error *err)
{
	struct stream s = {.path = path, .err = err};
	size_t length = 0;
	int got, result = 0;
	memset(file, 0, sizeof *file);
	s.gz = gzopen(path, "rb");
	if (!s.gz)
		return error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
	gzbuffer(s.gz, 1 << 16);
	for (uint32_t record = 0; !result && (got = next_record(&s, &length)) != 0; record++) {
		struct wire wire = {s.record, got < 0 ? s.record : s.record + length};
		if (got < 0)
			result = -1;
		else if (record > 0 || !is_metadata(wire))
			result = read_node(&s, file, wire);
	}
	if (!result && !file->n_nodes)
		result = corrupt(&s, "the file holds no node");
	gzclose(s.gz);
	free(s.record);
	if (result)
		chakra_file_release(file);
	return result;
}

void chakra_file_release(struct chakra_file *file)
{
	arena_release(&file->arena);
	free(file->nodes);
	free(file->deps);
	memset(file, 0, sizeof *file);
}
