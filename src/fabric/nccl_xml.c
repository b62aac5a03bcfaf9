/* Topology `nccl-xml`: one server as NCCL describes it (NCCL_TOPO_DUMP_FILE), with GPUs, NVLinks or xGMI, NVSwitch, PCIe, NICs and
 * CPUs. Bandwidths are those that NCCL derives from the same attributes (NVIDIA/nccl, src/graph/topo.h and topo.cc): usable
 * bytes, not wire rates.
 *
 * All NVSwitches count as one, and parallel NVLinks of one pair as one link of their sum: NCCL does not tell them apart. Files that
 * list PCI devices only (hints for NCCL, which finds the rest itself) know GPUs and NICs by their class, and no NVLinks. */
#include <expat.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fabric/build.h"

#define LIMIT_FILE ((size_t)64 << 20)
#define LIMIT_DEPTH 64
#define NONE UINT32_MAX

static const struct weft_param params[] = {
	{"file", WEFT_PARAM_TEXT, NULL, NULL, "the XML file"},
	{"link_latency", WEFT_PARAM_TIME, "150 ns", "0 ps..", "of an NVLink or xGMI link"},
	{"pcie_latency", WEFT_PARAM_TIME, "200 ns", "0 ps..", "of a PCIe link, switch included"},
	{"cpu_bandwidth", WEFT_PARAM_BANDWIDTH, "0 B/s", "0 B/s..", "between CPUs, per direction; 0: by vendor and model"},
	{0},
};

enum kind { PCI, CPU, GPU, NET };

struct device {
	enum kind kind;
	uint32_t parent;         /* device index, NONE for CPUs */
	char name[64], bus[32];
	double pcie_GBps;        /* to the parent */
	int32_t order;           /* rank or number of a GPU */
	bool amd;
	char vendor[32];
	int family, model, sm;
	bool known_gpu;          /* from a gpu element, not from the class alone */
	bool has_child;
	uint32_t node;
};

struct nvlink {
	uint32_t device;
	char target[32], type[16];
	double GBps;
	int line;
};

struct reader {
	struct weft_builder *b;
	struct error *err;
	const char *path;
	XML_Parser parser;
	struct device *devices;
	struct nvlink *links;
	uint32_t n_devices, n_links;
	size_t devices_capacity, links_capacity;
	uint32_t stack[LIMIT_DEPTH]; /* device that encloses, per open element */
	int depth;
	bool any_gpu_element, any_system;
};

static int fail_at(struct reader *r, const char *format, const char *subject)
{
	char message[512];
	snprintf(message, sizeof message, format, subject);
	error_at(r->err, r->path, (int)XML_GetCurrentLineNumber(r->parser), (int)XML_GetCurrentColumnNumber(r->parser) + 1, "%s", message);
	XML_StopParser(r->parser, XML_FALSE);
	return -1;
}

static const char *attribute(const char **attributes, const char *name)
{
	for (; attributes[0]; attributes += 2)
		if (!strcmp(attributes[0], name))
			return attributes[1];
	return "";
}

/* GB/s per direction: width × speed per lane, 80 to NCCL's unit (topo.cc, ncclTopoAddPci). */
static double pcie_GBps(const char *speed, const char *width)
{
	static const struct { double gt; int per_lane; } speeds[] = {{2.5, 15}, {5, 30}, {8, 60}, {16, 120}, {32, 240}, {64, 480}};
	double gt = strtod(speed, NULL);
	int lanes = atoi(width), per_lane = 60;
	for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++)
		if (fabs(gt - speeds[i].gt) < 0.01)
			per_lane = speeds[i].per_lane;
	return (lanes > 0 ? lanes : 16) * per_lane / 80.0;
}

/* Usable GB/s of one NVLink by compute capability, or of one xGMI link by AMD's generation. */
static double link_GBps(const struct device *gpu, const char *gcn)
{
	if (gpu->amd)
		return strstr(gcn, "94") ? 48 : strstr(gcn, "gfx90a") || !strcmp(gcn, "910") ? 36 : 24;
	if (gpu->sm >= 100)
		return 40.1;
	if (gpu->sm >= 90)
		return 20.6;
	if (gpu->sm == 86)
		return 12;
	return gpu->sm >= 70 ? 20 : 18;
}

static struct device *add_device(struct reader *r, enum kind kind, uint32_t parent)
{
	ARRAY_RESERVE(r->devices, (size_t)r->n_devices + 1, r->devices_capacity);
	struct device *device = &r->devices[r->n_devices++];
	memset(device, 0, sizeof *device);
	device->kind = kind;
	device->parent = parent;
	device->order = -1;
	device->node = NONE;
	return device;
}

static void safe_name(char *out, size_t size, const char *prefix, const char *text)
{
	snprintf(out, size, "%s%s", prefix, text);
	for (char *c = out; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c))
			*c = '.';
}

static bool class_begins(const char *class, const char *prefix) { return !strncmp(class, prefix, strlen(prefix)); }

static void start_pci(struct reader *r, const char **a, uint32_t parent)
{
	const char *class = attribute(a, "class");
	enum kind kind = class_begins(class, "0x0302") || class_begins(class, "0x0300") || class_begins(class, "0x1200") ||
			 class_begins(class, "0x0380") ? GPU : class_begins(class, "0x0200") || class_begins(class, "0x0207") ? NET : PCI;
	struct device *device = add_device(r, kind, parent);
	snprintf(device->bus, sizeof device->bus, "%s", attribute(a, "busid"));
	safe_name(device->name, sizeof device->name, "pci.", device->bus);
	device->pcie_GBps = pcie_GBps(attribute(a, "link_speed"), attribute(a, "link_width"));
	device->amd = class_begins(class, "0x1200") || class_begins(class, "0x0380");
}

static void start_gpu(struct reader *r, const char **a, uint32_t parent)
{
	struct device *device = &r->devices[parent];
	device->kind = GPU; /* whatever the class of its PCI function says */
	device->known_gpu = r->any_gpu_element = true;
	device->sm = atoi(attribute(a, "sm"));
	device->amd |= *attribute(a, "gcn") != '\0';
	device->order = *attribute(a, "rank") ? atoi(attribute(a, "rank")) : atoi(attribute(a, "dev"));
	snprintf(device->vendor, sizeof device->vendor, "%s", attribute(a, "gcn")); /* the AMD generation, for its links */
}

static void start_link(struct reader *r, const char **a, uint32_t parent)
{
	ARRAY_RESERVE(r->links, (size_t)r->n_links + 1, r->links_capacity);
	struct nvlink *link = &r->links[r->n_links++];
	int count = atoi(attribute(a, "count"));
	*link = (struct nvlink){.device = parent, .line = (int)XML_GetCurrentLineNumber(r->parser),
		.GBps = (count > 0 ? count : 1) * link_GBps(&r->devices[parent], r->devices[parent].vendor)};
	snprintf(link->target, sizeof link->target, "%s", attribute(a, "target"));
	snprintf(link->type, sizeof link->type, "%s", attribute(a, "tclass"));
}

static void start_net(struct reader *r, const char **a, uint32_t parent)
{
	struct device *device = &r->devices[parent];
	device->kind = NET; /* its speed is that of the wire beyond, which is not in this file */
	safe_name(device->name, sizeof device->name, "", *attribute(a, "name") ? attribute(a, "name") : device->name);
}

static void XMLCALL on_start(void *context, const char *name, const char **a)
{
	struct reader *r = context;
	uint32_t parent = r->depth ? r->stack[r->depth - 1] : NONE, own = parent;
	if (r->err->code)
		return;
	if (r->depth == LIMIT_DEPTH) {
		fail_at(r, "elements are nested deeper than '%s'", "64");
		return;
	}
	bool in_device = parent != NONE;
	if (!strcmp(name, "system")) {
		r->any_system = true;
	} else if (!r->any_system) {
		fail_at(r, "the document begins with '%s' (expected a 'system' element: an NCCL topology)", name);
		return;
	} else if (!strcmp(name, "cpu")) {
		struct device *cpu = add_device(r, CPU, NONE);
		own = r->n_devices - 1;
		safe_name(cpu->name, sizeof cpu->name, "cpu", attribute(a, "numaid"));
		snprintf(cpu->vendor, sizeof cpu->vendor, "%s", attribute(a, "vendor"));
		cpu->family = atoi(attribute(a, "familyid"));
		cpu->model = atoi(attribute(a, "modelid"));
	} else if (!strcmp(name, "pci") && in_device) {
		r->devices[parent].has_child = true;
		start_pci(r, a, parent);
		own = r->n_devices - 1;
	} else if (in_device && !strcmp(name, "gpu")) {
		start_gpu(r, a, parent);
	} else if (in_device && (!strcmp(name, "nvlink") || !strcmp(name, "xgmi"))) {
		start_link(r, a, parent);
	} else if (in_device && !strcmp(name, "nic") && r->devices[parent].kind == CPU) { /* without a PCI function of its own */
		struct device *nic = add_device(r, NET, parent);
		own = r->n_devices - 1;
		snprintf(nic->name, sizeof nic->name, "nic");
		nic->pcie_GBps = pcie_GBps("", "");
	} else if (in_device && !strcmp(name, "net")) {
		start_net(r, a, parent);
	} else if (!in_device && strcmp(name, "nic")) {
		fail_at(r, "'%s' stands outside a cpu", name);
		return;
	}
	r->stack[r->depth++] = own;
}

static void XMLCALL on_end(void *context, const char *name)
{
	struct reader *r = context;
	(void)name;
	if (r->depth)
		r->depth--;
}

/* --- from devices to nodes and links ----------------------------------------------------------------------------------- */

/* Files that join several servers repeat bus ids and names: the second is NAME-2. */
static uint32_t add_node(struct reader *r, enum weft_node_kind kind, const char *wanted, const char *role)
{
	char name[96];
	snprintf(name, sizeof name, "%s", wanted);
	for (unsigned k = 2; build_find_node((struct build *)r->b, name) != WEFT_NONE; k++)
		snprintf(name, sizeof name, "%s-%u", wanted, k);
	return r->b->add_node(r->b, &(struct weft_node){.kind = kind, .name = name, .role = role, .rack = -1, .tray = -1, .slot = -1,
		.plane = -1});
}

static int by_order(const void *a, const void *b)
{
	const struct device *const *x = a, *const *y = b;
	if ((*x)->order != (*y)->order)
		return (*x)->order < (*y)->order ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/* GPUs first, in the order of their ranks: that is the order in which ranks are placed. */
static int add_gpus(struct reader *r)
{
	struct device **gpus = memory_zero((size_t)r->n_devices + 1, sizeof *gpus);
	uint32_t n = 0;
	for (uint32_t i = 0; i < r->n_devices; i++) {
		struct device *device = &r->devices[i];
		if (device->kind == GPU && (device->known_gpu || !r->any_gpu_element) && !device->has_child)
			gpus[n++] = device;
		else if (device->kind == GPU)
			device->kind = PCI;
	}
	qsort(gpus, n, sizeof *gpus, by_order);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(gpus[i]->name, sizeof gpus[i]->name, "gpu%u", i);
		gpus[i]->node = add_node(r, WEFT_NODE_NPU, gpus[i]->name, "gpu");
	}
	free(gpus);
	return n ? 0 : error_set(r->err, ERROR_INPUT, "%s: no GPU in this file, neither as an element nor by PCI class", r->path);
}

static void add_cable(struct reader *r, uint32_t source, uint32_t target, double GBps, const char *kind, const char *latency)
{
	r->b->add_cable(r->b, &(struct weft_link){.source = source, .target = target, .bandwidth_bytes_per_s = llround(GBps * 1e9),
		.latency_ps = r->b->integer(r->b, latency), .kind = kind});
}

static void add_pcie(struct reader *r)
{
	for (uint32_t i = 0; i < r->n_devices; i++) {
		struct device *device = &r->devices[i];
		if (device->node == NONE)
			device->node = add_node(r, device->kind == CPU ? WEFT_NODE_CPU : device->kind == NET ? WEFT_NODE_NIC : WEFT_NODE_SWITCH,
						device->name, device->kind == PCI ? "pcie" : NULL);
		if (device->parent != NONE)
			add_cable(r, device->node, r->devices[device->parent].node, device->pcie_GBps, "pcie", "pcie_latency");
	}
}

/* Between sockets, GB/s per direction, after NCCL's table by vendor and generation. */
static double cpu_GBps(struct reader *r, const struct device *cpu)
{
	int64_t given = r->b->integer(r->b, "cpu_bandwidth");
	if (given)
		return (double)given / 1e9;
	if (!strcmp(cpu->vendor, "AuthenticAMD"))
		return cpu->family >= 175 || cpu->family == 25 ? 32 : 16;
	if (!strcmp(cpu->vendor, "GenuineIntel"))
		return cpu->family == 6 && cpu->model >= 207 ? 40 : cpu->model >= 143 ? 22 : 10;
	return 6;
}

static void add_cpu_mesh(struct reader *r)
{
	for (uint32_t i = 0; i < r->n_devices; i++)
		for (uint32_t j = i + 1; j < r->n_devices && r->devices[i].kind == CPU; j++)
			if (r->devices[j].kind == CPU)
				add_cable(r, r->devices[i].node, r->devices[j].node, cpu_GBps(r, &r->devices[i]), "cpu", "pcie_latency");
}

/* The GPU with this bus id that stands nearest in the file: in one of several servers, its own. */
static uint32_t find_bus(const struct reader *r, const char *bus, uint32_t from)
{
	uint32_t best = NONE, best_distance = NONE;
	for (uint32_t i = 0; i < r->n_devices; i++) {
		uint32_t distance = i > from ? i - from : from - i;
		if (r->devices[i].kind == GPU && !strcmp(r->devices[i].bus, bus) && distance < best_distance) {
			best = i;
			best_distance = distance;
		}
	}
	return best;
}

/* The node at the other end; *is_switch: the NVSwitch (created at the first link to it). NONE after an error. */
static uint32_t link_end(struct reader *r, const struct nvlink *link, uint32_t *nvswitch, bool *is_switch)
{
	uint32_t device = find_bus(r, link->target, link->device);
	*is_switch = false;
	if (device != NONE)
		return r->devices[device].node;
	if (!strncmp(link->type, "0x068001", 8)) {
		for (device = link->device; r->devices[device].parent != NONE;)
			device = r->devices[device].parent;
		return r->devices[device].node;
	}
	if (strncmp(link->type, "0x0680", 6) && strncmp(link->target, "fffffff", 7)) {
		error_at(r->err, r->path, link->line, 0, "a link of '%s' leads to '%s', which is not in this file",
			 r->devices[link->device].bus, link->target);
		return NONE;
	}
	*is_switch = true;
	if (*nvswitch == NONE)
		*nvswitch = add_node(r, WEFT_NODE_SWITCH, "nvswitch", "nvswitch");
	return *nvswitch;
}

static void add_direction(struct reader *r, uint32_t source, uint32_t target, double GBps)
{
	r->b->add_link(r->b, &(struct weft_link){.source = source, .target = target, .bandwidth_bytes_per_s = llround(GBps * 1e9),
		.latency_ps = r->b->integer(r->b, "link_latency"), .kind = "nvlink"});
}

/* Each GPU lists its own ends: a GPU's links to one target are one link of their sum; a switch does not list, so its direction is
 * added with the GPU's. */
static int add_links(struct reader *r)
{
	uint32_t nvswitch = NONE;
	for (uint32_t i = 0; i < r->n_links; i++) {
		bool is_switch, other_switch;
		uint32_t target = link_end(r, &r->links[i], &nvswitch, &is_switch), source = r->devices[r->links[i].device].node;
		double GBps = r->links[i].GBps;
		if (target == NONE)
			return -1;
		if (GBps < 0 || target == source)
			continue; /* counted with an earlier one; or a virtual machine's link whose peer it hides */
		for (uint32_t j = i + 1; j < r->n_links; j++) {
			if (r->links[j].device != r->links[i].device || link_end(r, &r->links[j], &nvswitch, &other_switch) != target)
				continue;
			GBps += r->links[j].GBps;
			r->links[j].GBps = -1;
		}
		add_direction(r, source, target, GBps);
		if (is_switch || !strncmp(r->links[i].type, "0x068001", 8))
			add_direction(r, target, source, GBps);
	}
	return 0;
}

static int parse(struct reader *r, const char *data, size_t length)
{
	r->parser = XML_ParserCreate(NULL);
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	if (XML_Parse(r->parser, data, (int)length, 1) != XML_STATUS_OK && !r->err->code)
		error_at(r->err, r->path, (int)XML_GetCurrentLineNumber(r->parser), (int)XML_GetCurrentColumnNumber(r->parser) + 1, "%s",
			 XML_ErrorString(XML_GetErrorCode(r->parser)));
	XML_ParserFree(r->parser);
	return r->err->code ? -1 : 0;
}

static int build(struct weft_builder *b)
{
	struct build *build_state = (struct build *)b;
	struct reader r = {.b = b, .err = &build_state->shared->error, .path = file_path(b, "file")};
	size_t length;
	char *data = text_read_file(r.path, LIMIT_FILE, &length, r.err);
	int result = data ? parse(&r, data, length) : -1;
	free(data);
	if (!result)
		result = add_gpus(&r);
	if (!result) {
		add_pcie(&r);
		add_cpu_mesh(&r);
		result = add_links(&r);
	}
	free(r.devices);
	free(r.links);
	return result || build_state->shared->error.code ? -1 : 0;
}

const struct weft_topology topology_nccl_xml = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "nccl-xml",
	.summary = "one server from NCCL's topology XML: GPUs, NVLinks, PCIe, NICs",
	.params = params,
	.build = build,
};
