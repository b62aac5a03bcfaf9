#include "collective/msccl_file.h"

#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"

enum { MAX_GPUS = 65536, MAX_BLOCKS = 4096, MAX_CHUNKS = 1 << 24, MAX_STEPS = 1 << 24, MAX_FILE_BYTES = 1 << 28, MAX_DEPTH = 4 };

static const char *const type_names[MSCCL_TYPES] = {"s", "r", "rcs", "rrc", "rrs", "rrcs", "cpy", "re", "nop"};

struct reader {
	struct msccl_file *file;
	XML_Parser parser;
	struct error *err;
	int depth;
	bool seen_algo, failed;
};

static int line_of(const struct reader *reader) { return (int)XML_GetCurrentLineNumber(reader->parser); }

#define FAIL(reader, ...) \
	((reader)->failed = true, \
	 error_at((reader)->err, (reader)->file->path, line_of(reader), (int)XML_GetCurrentColumnNumber((reader)->parser) + 1, __VA_ARGS__))

static const char *attribute(const char **attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (!strcmp(attributes[0], name))
			return attributes[1];
	return NULL;
}

/* A whole number within [least, most]; `otherwise` when the attribute is missing, which is an error if that is below least. */
static int32_t whole(struct reader *reader, const char **attributes, const char *name, int32_t least, int32_t most, int32_t otherwise)
{
	const char *text = attribute(attributes, name);
	char *end;
	if (!text) {
		if (otherwise < least)
			FAIL(reader, "attribute '%s' is missing", name);
		return otherwise;
	}
	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < least || value > most) {
		FAIL(reader, "%s=\"%s\" is not a whole number from %d to %d", name, text, least, most);
		return least;
	}
	return (int32_t)value;
}

static void read_algo(struct reader *reader, const char **attributes)
{
	struct msccl_file *file = reader->file;
	const char *kind = attribute(attributes, "coll"), *protocol = attribute(attributes, "proto");
	struct error unknown = {0};
	if (reader->seen_algo) {
		FAIL(reader, "a second <algo>");
		return;
	}
	reader->seen_algo = true;
	file->n_gpus = whole(reader, attributes, "ngpus", 1, MAX_GPUS, -1);
	file->n_chunks = whole(reader, attributes, "nchunksperloop", 1, MAX_CHUNKS, -1);
	strncpy(file->protocol, protocol ? protocol : "Simple", sizeof file->protocol - 1);
	if (!kind)
		FAIL(reader, "attribute 'coll' is missing");
	else if (!strcmp(kind, "custom"))
		FAIL(reader, "a 'custom' collective has no definition that could be checked or simulated");
	else if (collective_kind_find(kind, &file->kind, &unknown))
		FAIL(reader, "%s", unknown.message);
}

static void read_gpu(struct reader *reader, const char **attributes)
{
	struct msccl_file *file = reader->file;
	struct msccl_gpu gpu = {.line = line_of(reader), .first_block = (uint32_t)file->n_blocks};
	gpu.id = whole(reader, attributes, "id", 0, file->n_gpus - 1, -1);
	gpu.input_chunks = whole(reader, attributes, "i_chunks", -1, MAX_CHUNKS, 0);
	gpu.output_chunks = whole(reader, attributes, "o_chunks", -1, MAX_CHUNKS, 0);
	gpu.scratch_chunks = whole(reader, attributes, "s_chunks", -1, MAX_CHUNKS, 0);
	for (size_t i = 0; i < file->n_gpus_read; i++)
		if (file->gpus[i].id == gpu.id) {
			FAIL(reader, "a second <gpu id=\"%d\"> (the first is in line %d)", gpu.id, file->gpus[i].line);
			return;
		}
	ARRAY_RESERVE(file->gpus, file->n_gpus_read + 1, file->gpus_capacity);
	file->gpus[file->n_gpus_read++] = gpu;
}

static void read_block(struct reader *reader, const char **attributes)
{
	struct msccl_file *file = reader->file;
	struct msccl_gpu *gpu = &file->gpus[file->n_gpus_read - 1];
	struct msccl_block block = {.line = line_of(reader), .first_step = (uint32_t)file->n_steps};
	block.id = whole(reader, attributes, "id", 0, MAX_BLOCKS - 1, -1);
	block.send = whole(reader, attributes, "send", -1, file->n_gpus - 1, -1);
	block.receive = whole(reader, attributes, "recv", -1, file->n_gpus - 1, -1);
	block.channel = whole(reader, attributes, "chan", 0, MAX_BLOCKS, 0);
	if (block.id != (int32_t)gpu->n_blocks)
		FAIL(reader, "thread block %d of gpu %d where %u was expected: they count from 0 in order", block.id, gpu->id,
		     gpu->n_blocks);
	if (block.send == gpu->id || block.receive == gpu->id)
		FAIL(reader, "thread block %d of gpu %d has that gpu itself as a peer", block.id, gpu->id);
	ARRAY_RESERVE(file->blocks, file->n_blocks + 1, file->blocks_capacity);
	file->blocks[file->n_blocks++] = block;
	gpu->n_blocks++;
}

static struct msccl_place read_place(struct reader *reader, const char **attributes, const char *buffer_name, const char *offset_name,
				     bool used)
{
	const char *buffer = attribute(attributes, buffer_name);
	struct msccl_place place = {'i', 0};
	place.chunk = whole(reader, attributes, offset_name, used ? 0 : -1, MAX_CHUNKS, used ? -1 : 0);
	if (buffer && (!strcmp(buffer, "i") || !strcmp(buffer, "o") || !strcmp(buffer, "s")))
		place.buffer = *buffer;
	else if (used)
		FAIL(reader, "%s=\"%s\" is no buffer (known: i, o, s)", buffer_name, buffer ? buffer : "");
	return place;
}

static void check_step(struct reader *reader, const struct msccl_step *step)
{
	const struct msccl_file *file = reader->file;
	const struct msccl_block *block = &file->blocks[file->n_blocks - 1];
	if (msccl_sends(step->type) && block->send < 0)
		FAIL(reader, "step type '%s' sends, but its thread block has send=\"-1\"", type_names[step->type]);
	if (msccl_receives(step->type) && block->receive < 0)
		FAIL(reader, "step type '%s' receives, but its thread block has recv=\"-1\"", type_names[step->type]);
	if ((step->wait_block < 0) != (step->wait_step < 0))
		FAIL(reader, "depid=\"%d\" and deps=\"%d\" do not go together", step->wait_block, step->wait_step);
}

static void read_step(struct reader *reader, const char **attributes)
{
	struct msccl_file *file = reader->file;
	struct msccl_block *block = &file->blocks[file->n_blocks - 1];
	struct msccl_step step = {.line = line_of(reader), .type = MSCCL_TYPES};
	const char *type = attribute(attributes, "type");
	for (int t = 0; type && t < MSCCL_TYPES; t++)
		if (!strcmp(type, type_names[t]))
			step.type = (enum msccl_type)t;
	if (step.type == MSCCL_TYPES) {
		FAIL(reader, "unknown step type '%s' (known: s, r, rcs, rrc, rrs, rrcs, cpy, re, nop)", type ? type : "");
		return;
	}
	bool adds = step.type == MSCCL_RRC || step.type == MSCCL_RRS || step.type == MSCCL_RRCS, moves = step.type != MSCCL_NOP;
	step.source = read_place(reader, attributes, "srcbuf", "srcoff",
				 moves && (adds || step.type == MSCCL_S || step.type == MSCCL_CPY || step.type == MSCCL_RE));
	step.target = read_place(reader, attributes, "dstbuf", "dstoff", moves && step.type != MSCCL_S && step.type != MSCCL_RRS);
	step.count = whole(reader, attributes, "cnt", moves ? 1 : -1, MAX_CHUNKS, moves ? 1 : 0);
	step.wait_block = whole(reader, attributes, "depid", -1, MAX_BLOCKS, -1);
	step.wait_step = whole(reader, attributes, "deps", -1, MAX_STEPS, -1);
	if (whole(reader, attributes, "s", 0, MAX_STEPS, (int32_t)block->n_steps) != (int32_t)block->n_steps)
		FAIL(reader, "step s=\"%s\" where %u was expected: they count from 0 in order", attribute(attributes, "s"), block->n_steps);
	check_step(reader, &step);
	if (file->n_steps >= MAX_STEPS) {
		FAIL(reader, "more than %d steps", MAX_STEPS);
		return;
	}
	ARRAY_RESERVE(file->steps, file->n_steps + 1, file->steps_capacity);
	file->steps[file->n_steps++] = step;
	block->n_steps++;
}

static void on_start(void *data, const char *element, const char **attributes)
{
	static const struct { const char *name; void (*read)(struct reader *, const char **); } elements[MAX_DEPTH] = {
		{"algo", read_algo}, {"gpu", read_gpu}, {"tb", read_block}, {"step", read_step},
	};
	struct reader *reader = data;
	if (reader->failed)
		return;
	if (reader->depth >= MAX_DEPTH)
		FAIL(reader, "element <%s> inside a <step>", element);
	else if (strcmp(element, elements[reader->depth].name))
		FAIL(reader, "element <%s> where <%s> was expected", element, elements[reader->depth].name);
	else
		elements[reader->depth].read(reader, attributes);
	reader->depth++;
}

static void on_end(void *data, const char *element)
{
	struct reader *reader = data;
	(void)element;
	reader->depth--;
}

static int by_id(const void *a, const void *b)
{
	const struct msccl_gpu *x = a, *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

static int32_t chunks_of(const struct msccl_file *file, const struct msccl_gpu *gpu, char buffer)
{
	if (buffer == 's')
		return gpu->scratch_chunks;
	/* In place, the smaller of input and output is a share of the other. */
	if (buffer == 'i' && file->kind == COLLECTIVE_ALL_GATHER)
		return gpu->input_chunks > 0 ? gpu->input_chunks : file->n_chunks / file->n_gpus;
	if (buffer == 'o' && file->kind == COLLECTIVE_REDUCE_SCATTER)
		return gpu->output_chunks > 0 ? gpu->output_chunks : file->n_chunks / file->n_gpus;
	return file->n_chunks;
}

static int check_place(const struct msccl_file *file, const struct msccl_gpu *gpu, const struct msccl_step *step, struct msccl_place place,
		       const char *which, struct error *err)
{
	int32_t chunks = chunks_of(file, gpu, place.buffer);
	if (place.chunk + step->count <= chunks)
		return 0;
	return error_at(err, file->path, step->line, 0, "%s chunks %d to %d are outside buffer '%c' of gpu %d, which has %d", which,
			place.chunk, place.chunk + step->count - 1, place.buffer, gpu->id, chunks);
}

static int check_gpu(const struct msccl_file *file, const struct msccl_gpu *gpu, struct error *err)
{
	for (uint32_t b = 0; b < gpu->n_blocks; b++)
		for (uint32_t s = 0; s < file->blocks[gpu->first_block + b].n_steps; s++) {
			const struct msccl_step *step = &file->steps[file->blocks[gpu->first_block + b].first_step + s];
			bool receives = msccl_receives(step->type), target = step->type != MSCCL_S && step->type != MSCCL_RRS;
			bool source = !(receives && (step->type == MSCCL_R || step->type == MSCCL_RCS));
			if (step->type == MSCCL_NOP)
				source = target = false;
			if ((source && check_place(file, gpu, step, step->source, "source", err)) ||
			    (target && check_place(file, gpu, step, step->target, "target", err)))
				return -1;
			if (step->wait_block >= 0 &&
			    (step->wait_block >= (int32_t)gpu->n_blocks ||
			     step->wait_step >= (int32_t)file->blocks[gpu->first_block + (uint32_t)step->wait_block].n_steps))
				return error_at(err, file->path, step->line, 0,
						"depends on step %d of thread block %d, which gpu %d does not have", step->wait_step,
						step->wait_block, gpu->id);
		}
	return 0;
}

static int check_file(struct msccl_file *file, struct error *err)
{
	if (file->n_gpus_read != (size_t)file->n_gpus)
		return error_at(err, file->path, 0, 0, "holds %zu gpus where ngpus=\"%d\"", file->n_gpus_read, file->n_gpus);
	if ((file->kind == COLLECTIVE_ALL_TO_ALL || file->kind == COLLECTIVE_ALL_GATHER || file->kind == COLLECTIVE_REDUCE_SCATTER) &&
	    file->n_chunks % file->n_gpus)
		return error_at(err, file->path, 0, 0, "nchunksperloop=\"%d\" does not divide among %d gpus", file->n_chunks, file->n_gpus);
	qsort(file->gpus, file->n_gpus_read, sizeof *file->gpus, by_id);
	for (size_t g = 0; g < file->n_gpus_read; g++)
		if (check_gpu(file, &file->gpus[g], err))
			return -1;
	return 0;
}

static int parse(struct reader *reader, gzFile in)
{
	struct msccl_file *file = reader->file;
	size_t total = 0;
	char block[1 << 15];
	for (int got = 1; got > 0;) {
		got = gzread(in, block, sizeof block);
		if (got < 0)
			return error_at(reader->err, file->path, 0, 0, "cannot decompress");
		total += (size_t)got;
		if (total > MAX_FILE_BYTES)
			return error_at(reader->err, file->path, 0, 0, "larger than the limit of %d bytes", MAX_FILE_BYTES);
		if (XML_Parse(reader->parser, block, got, got == 0) == XML_STATUS_ERROR && !reader->failed)
			FAIL(reader, "not well-formed XML: %s", XML_ErrorString(XML_GetErrorCode(reader->parser)));
		if (reader->failed)
			return -1;
	}
	return check_file(file, reader->err);
}

int msccl_read(struct msccl_file *file, const char *path, struct error *err)
{
	struct reader reader = {.file = file, .err = err};
	gzFile in;
	int status;
	memset(file, 0, sizeof *file);
	file->path = path;
	in = gzopen(path, "rb");
	if (!in)
		return error_set(err, ERROR_INPUT, "%s: cannot open: %s", path, strerror(errno));
	reader.parser = XML_ParserCreate(NULL);
	if (!reader.parser)
		memory_failed(1);
	XML_SetUserData(reader.parser, &reader);
	XML_SetElementHandler(reader.parser, on_start, on_end);
	status = parse(&reader, in);
	XML_ParserFree(reader.parser);
	gzclose(in);
	return status;
}

void msccl_release(struct msccl_file *file)
{
	free(file->gpus);
	free(file->blocks);
	free(file->steps);
	memset(file, 0, sizeof *file);
}
