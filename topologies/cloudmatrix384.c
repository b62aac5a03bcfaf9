/* CloudMatrix 384: 384 Ascend 910C NPUs (two dies each) in 48 nodes behind two tiers of UB switches in 7 sub-planes.
 * Source unless marked: arXiv 2506.12708 v2, sections 3.2 and 3.3, figures 2 to 5. All bandwidths are per direction.
 *
 * - node: 8 NPUs, 4 CPUs, 7 L1 chips, one per sub-plane. A die has 7 UB links of 28 GB/s (224 Gb/s), one to each L1 chip: 196 GB/s
 *   per die, 392 GB/s and 14 links per NPU.
 * - L1 chip: 16 uplinks of 28 GB/s, one to each L2 chip of its sub-plane; 16 × 28 = 448 GB/s = what its 8 NPUs send it: no
 *   oversubscription for NPU traffic. CPUs (4 × 160 GB/s per node) are not covered by that.
 * - sub-plane: 16 L2 chips of 48 ports, one per node. 48 × 7 × 16 = 5,376 links between L1 and L2.
 * - optics (second hand: published wiring summaries): 2,688 scale-up cables, each from an L1 chip to one logical L2 switch (two chips,
 *   table 10 of the paper), a 400G module at both ends: 5,376 modules; a pair of modules carries two UB links in both directions.
 *   Components "moduleA/B" and "cable" carry those links.
 * - 28 GB/s: whether 224 Gb/s is the line rate or payload is not published. It is taken as what a link can carry (fluid: payload).
 * - die to die in one package: 270 GB/s (540 both ways). Its latency is not published: 50 ns is assumed.
 * - a UB hop takes 200 ns (Atlas 900 A3 SuperPoD product page; the 0.18 to 0.2 µs per extra crossing in table 1 of the paper agree).
 *   A hop is the crossing of a switch; half of it is charged to the link into the switch and half to the link out of it, so one
 *   switch costs 200 ns and three cost 600.
 * - CPU sockets: about 160 GB/s each; how many links that is is not published: one of 160/7 GB/s per sub-plane is assumed.
 * - racks: 12 compute and 4 communication racks (lengths of fibres follow from them); 4 nodes per compute rack, 28 L2 chips per communication rack (calculated).
 * - fewer nodes: logical L2 switches 56 for 384 NPUs, 42 for 288, 28 for 192 (table 10): l2_chips = 16, 12, 8 per sub-plane. Uplink u
 *   of node n leads to chip (u + 16 n) mod l2_chips, which fills every chip evenly.
 *
 * - `scale_out: true` adds the RDMA plane: RoCE, 400 Gb/s per NPU and direction (200 Gb/s per die), NPUs only; 1,536 modules of 400G
 *   (second hand). How its switches are wired is not published: 384 NPUs × 2 links × 2 modules = 1,536 is exactly a fat tree of two tiers
 *   without oversubscription, which is assumed: a leaf in every compute rack for its 32 NICs with as many links up, eight spines in
 *   the communication racks (calculated: 32 / 8 = 4 links from each leaf to each spine, 48 ports used of a spine). NPU to NIC 500 ns,
 *   250 ns per link of the plane (both assumed, as in `cluster`). Components "nicmoduleA/B" and "spinemoduleA/B" carry its
 *   links. No route between NPUs uses it: it is what leads out of the supernode; here it counts, costs and draws power.
 *
 * Ranks are NPUs or dies, in the order node, NPU, die. Routing: a message is split evenly over the links of its source (`rank: npu`
 * 14, `rank: die` 7); inside a sub-plane the destination chooses: its 16 ports per node and the 16 L2 chips match one to one
 * (D-mod-k), so that no two messages to different dies of a node share a link of it on the way down. Between the dies of one
 * package messages use the die link; the UB links are legal too. Up/down routing needs one virtual channel.
 *
 * merge_planes joins the 7 equal sub-planes into one of 7 × 28 GB/s links, for very large studies: with even splitting the times are
 * the same; single chips, cables and modules are then not there to look at or to fail. */
#include <string.h>
#include <weft/shape.h>

#define NPUS 8        /* per node */
#define PORTS 16      /* per node and sub-plane: 8 NPUs × 2 dies, and as many uplinks */
#define CPUS 4        /* per node */
#define CHIP_PORTS 48 /* of an L2 chip */
#define RACK_NODES 4
#define SPINES 8      /* of the RDMA plane */
#define NIC_LATENCY_PS INT64_C(500000)
#define RDMA_LATENCY_PS INT64_C(250000)

static const struct weft_param cloudmatrix_params[] = {
	{"nodes", WEFT_PARAM_INTEGER, "48", "1..48", "nodes of 8 NPUs: 2, 4, 8, 16, 32, 48 are the logical supernodes on offer"},
	{"rank", WEFT_PARAM_CHOICE, "npu", "npu|die", "what a rank runs on: the package with 14 links or each die with 7"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "28 GB/s", "1 B/s..1000 TB/s", "per UB link and direction"},
	{"latency", WEFT_PARAM_TIME, "200 ns", "0 ps..1 s", "per UB hop: crossing one switch"},
	{"die_bandwidth", WEFT_PARAM_BANDWIDTH, "270 GB/s", "1 B/s..1000 TB/s", "between the dies of a package, per direction"},
	{"die_latency", WEFT_PARAM_TIME, "50 ns", "0 ps..1 s", "between the dies of a package (assumed)"},
	{"l2_chips", WEFT_PARAM_INTEGER, "16", "1..16", "L2 chips per sub-plane"},
	{"optics", WEFT_PARAM_TEXT, "ub-optical-sr8", NULL, "link kind of L1 to L2 and its modules: ub-optical-sr8, -lpo, …"},
	{"fibre", WEFT_PARAM_LENGTH, "0 m", "0 m..2 km", "length of cables between L1 and L2 (delay is in `latency`); 0: by their racks"},
	{"cpus", WEFT_PARAM_BOOL, "false", NULL, "the 4 CPU sockets of each node too"},
	{"scale_out", WEFT_PARAM_BOOL, "false", NULL, "the RDMA plane too: NICs, switches and modules; no route between NPUs uses it"},
	{"scale_out_bandwidth", WEFT_PARAM_BANDWIDTH, "400 Gb/s", "1 B/s..1000 TB/s", "of the RDMA plane, per NPU and direction"},
	{"scale_out_optics", WEFT_PARAM_TEXT, "400g-sr8", NULL, "link kind of the RDMA plane and its modules"},
	{"merge_planes", WEFT_PARAM_BOOL, "false", NULL, "one sub-plane of 7-fold bandwidth instead of 7 equal ones"},
	{0},
};

/* Node ids: ranks, then L1 chips (node × planes + plane), then L2 chips (plane × l2_chips + chip), then CPUs, then the RDMA plane. Cables in
 * this order, link up 2 × cable, down the next: access (node, port, plane), L1-L2 (node, plane, uplink), die to die, CPUs, RDMA plane. */
struct cloudmatrix {
	uint32_t nodes, planes, chips, dies; /* dies: per rank's package as ranks, 1 or 2 */
	uint32_t n_ranks, first_l1, first_l2;
	uint32_t first_uplink, first_die;    /* link ids */
};

static uint32_t ranks_per_node(const struct cloudmatrix *cm) { return NPUS * cm->dies; }
static uint32_t access_cable(const struct cloudmatrix *cm, uint32_t node, uint32_t port, uint32_t plane)
{
	return 2 * ((node * PORTS + port) * cm->planes + plane);
}
static uint32_t uplink_cable(const struct cloudmatrix *cm, uint32_t node, uint32_t plane, uint32_t uplink)
{
	return cm->first_uplink + 2 * ((node * cm->planes + plane) * PORTS + uplink);
}
/* 16 uplinks over the chips of a sub-plane, turned by 16 from node to node. */
static uint32_t chip_of(const struct cloudmatrix *cm, uint32_t node, uint32_t uplink)
{
	return (uplink + PORTS * node) % cm->chips;
}

static int add_nodes(struct weft_builder *b, struct cloudmatrix *cm)
{
	for (uint32_t r = 0; r < cm->n_ranks; r++) {
		uint32_t node = r / ranks_per_node(cm), npu = r / cm->dies;
		struct weft_node like = {.kind = WEFT_NODE_NPU, .role = cm->dies == 2 ? "die" : "npu", .rack = (int32_t)(node / 4),
			.tray = (int32_t)(node % 4), .slot = (int32_t)(npu % NPUS), .plane = -1};
		if ((cm->dies == 2 ? weft_add(b, like, "npu%u.die%u", npu, r % 2) : weft_add(b, like, "npu%u", npu)) == WEFT_NONE)
			return -1;
	}
	cm->first_l1 = cm->n_ranks;
	for (uint32_t node = 0; node < cm->nodes; node++)
		for (uint32_t plane = 0; plane < cm->planes; plane++)
			weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = "L1", .rack = (int32_t)(node / 4),
				.tray = (int32_t)(node % 4), .slot = -1, .plane = (int32_t)plane}, "node%u.l1.%u", node, plane);
	cm->first_l2 = cm->first_l1 + cm->nodes * cm->planes;
	for (uint32_t plane = 0; plane < cm->planes; plane++)
		for (uint32_t chip = 0; chip < cm->chips; chip++)
			weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = "L2",
				.rack = (int32_t)(12 + (plane * cm->chips + chip) * 4 / (cm->planes * cm->chips)), .tray = -1,
				.slot = (int32_t)chip, .plane = (int32_t)plane}, "l2.%u.%u", plane, chip);
	return 0;
}

static int add_access(struct weft_builder *b, const struct cloudmatrix *cm, struct weft_link link)
{
	link.kind = "ub-copper";
	link.latency_ps /= 2;
	link.length_m = 0.5;
	for (uint32_t node = 0; node < cm->nodes; node++) {
		for (uint32_t port = 0; port < PORTS; port++) {
			link.source = node * ranks_per_node(cm) + port * cm->dies / 2;
			for (uint32_t plane = 0; plane < cm->planes; plane++) {
				link.target = cm->first_l1 + node * cm->planes + plane;
				if (b->add_cable(b, &link) == WEFT_NONE)
					return -1;
			}
		}
	}
	return 0;
}

/* Metres between the racks of a node and of an L2 chip. Assumed: one row, the 4 communication racks in the middle of the 12 compute
 * racks, 0.6 m from rack to rack, 5 m for the ways up, down and the slack. */
static double fibre_m(const struct cloudmatrix *cm, uint32_t node, uint32_t plane, uint32_t chip)
{
	uint32_t compute = node / 4, place = compute < 6 ? compute : compute + 4;
	uint32_t communication = 6 + (plane * cm->chips + chip) * 4 / (cm->planes * cm->chips);
	return 5 + 0.6 * (place > communication ? place - communication : communication - place);
}

static int add_uplinks(struct weft_builder *b, struct cloudmatrix *cm, struct weft_link link)
{
	uint32_t id = WEFT_NONE;
	link.kind = b->text(b, "optics");
	for (uint32_t node = 0; node < cm->nodes; node++) {
		for (uint32_t plane = 0; plane < cm->planes; plane++) {
			link.source = cm->first_l1 + node * cm->planes + plane;
			for (uint32_t u = 0; u < PORTS; u++) {
				link.target = cm->first_l2 + plane * cm->chips + chip_of(cm, node, u);
				link.length_m = b->real(b, "fibre") > 0 ? b->real(b, "fibre") : fibre_m(cm, node, plane, chip_of(cm, node, u));
				if ((id = b->add_cable(b, &link)) == WEFT_NONE)
					return -1;
				if (!node && !plane && !u)
					cm->first_uplink = id;
			}
		}
	}
	return 0;
}

/* A cable with a module at both ends carries the uplinks 2 j and 2 j + 1 of an L1 chip. */
static void add_optics(struct weft_builder *b, const struct cloudmatrix *cm)
{
	const char *kind = b->text(b, "optics");
	for (uint32_t node = 0; node < cm->nodes; node++) {
		for (uint32_t plane = 0; plane < cm->planes; plane++) {
			for (uint32_t pair = 0; pair < PORTS / 2; pair++) {
				static const char *const part[] = {"cable", "moduleA", "moduleB"};
				uint32_t first = uplink_cable(cm, node, plane, 2 * pair);
				for (int i = 0; i < 3; i++) {
					char name[64];
					snprintf(name, sizeof name, "%s.%u.%u.%u", part[i], node, plane, pair);
					uint32_t place = i == 1 ? cm->first_l1 + node * cm->planes + plane
						       : i == 2 ? cm->first_l2 + plane * cm->chips + chip_of(cm, node, 2 * pair) : WEFT_NONE;
					uint32_t id = b->add_component(b, i ? kind : "fibre-cable", name, place);
					for (uint32_t k = 0; k < 4; k++)
						b->carries(b, id, first + k);
				}
			}
		}
	}
}

static int add_die_links(struct weft_builder *b, struct cloudmatrix *cm)
{
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "die_bandwidth"), .latency_ps = b->integer(b, "die_latency"),
		.kind = "die-to-die"};
	for (uint32_t npu = 0; cm->dies == 2 && npu < cm->nodes * NPUS; npu++) {
		link.source = 2 * npu;
		link.target = 2 * npu + 1;
		uint32_t id = b->add_cable(b, &link);
		if (id == WEFT_NONE)
			return -1;
		if (npu == 0)
			cm->first_die = id;
	}
	return 0;
}

static int add_cpus(struct weft_builder *b, const struct cloudmatrix *cm, int64_t latency)
{
	struct weft_link link = {.bandwidth_bytes_per_s = INT64_C(160000000000) / cm->planes, .latency_ps = latency / 2,
		.kind = "ub-copper", .length_m = 0.5};
	for (uint32_t node = 0; b->integer(b, "cpus") && node < cm->nodes; node++) {
		for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
			link.source = weft_add(b, (struct weft_node){.kind = WEFT_NODE_CPU, .rack = (int32_t)(node / 4),
				.tray = (int32_t)(node % 4), .slot = (int32_t)cpu, .plane = -1}, "node%u.cpu%u", node, cpu);
			for (uint32_t plane = 0; plane < cm->planes; plane++) {
				link.target = cm->first_l1 + node * cm->planes + plane;
				if (b->add_cable(b, &link) == WEFT_NONE)
					return -1;
			}
		}
	}
	return 0;
}

/* A link with a module at each end. */
static int add_rdma_link(struct weft_builder *b, const struct weft_link *link, const char *what, uint32_t index)
{
	uint32_t id = b->add_cable(b, link);
	char name[64];
	for (int end = 0; end < 2 && id != WEFT_NONE; end++) {
		snprintf(name, sizeof name, "%smodule%c.%u", what, "AB"[end], index);
		uint32_t module = b->add_component(b, link->kind, name, end ? link->target : link->source);
		b->carries(b, module, id);
		b->carries(b, module, id + 1);
	}
	return id == WEFT_NONE ? -1 : 0;
}

static int add_nic(struct weft_builder *b, const struct cloudmatrix *cm, uint32_t npu, uint32_t nic)
{
	struct weft_link link = {.target = nic, .bandwidth_bytes_per_s = b->integer(b, "scale_out_bandwidth") / cm->dies,
		.latency_ps = NIC_LATENCY_PS, .kind = "die-to-die"};
	for (uint32_t die = 0; die < cm->dies; die++) {
		link.source = npu * cm->dies + die;
		if (b->add_cable(b, &link) == WEFT_NONE)
			return -1;
	}
	return 0;
}

/* Uplink u of a leaf leads to spine u mod 8. */
static int add_scale_out(struct weft_builder *b, const struct cloudmatrix *cm)
{
	uint32_t npus = cm->nodes * NPUS, leaves = (cm->nodes + RACK_NODES - 1) / RACK_NODES, nic = 0, leaf = 0, spine = 0;
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "scale_out_bandwidth"), .latency_ps = RDMA_LATENCY_PS,
		.kind = b->text(b, "scale_out_optics")};
	for (uint32_t i = 0; i < npus; i++) {
		uint32_t id = weft_add(b, (struct weft_node){.kind = WEFT_NODE_NIC, .rack = (int32_t)(i / NPUS / RACK_NODES),
			.tray = (int32_t)(i / NPUS % RACK_NODES), .slot = (int32_t)(i % NPUS), .plane = -1}, "nic%u", i);
		nic = i ? nic : id;
	}
	for (uint32_t i = 0; i < leaves; i++) {
		uint32_t id = weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = "leaf", .rack = (int32_t)i,
			.tray = -1, .slot = -1, .plane = -1}, "rdma.leaf%u", i);
		leaf = i ? leaf : id;
	}
	for (uint32_t i = 0; i < SPINES; i++) {
		uint32_t id = weft_add(b, (struct weft_node){.kind = WEFT_NODE_SWITCH, .role = "spine",
			.rack = (int32_t)(12 + i * 4 / SPINES), .tray = -1, .slot = -1, .plane = -1}, "rdma.spine%u", i);
		spine = i ? spine : id;
	}
	for (uint32_t i = 0; i < npus; i++) {
		uint32_t rack = i / (NPUS * RACK_NODES), u = i % (NPUS * RACK_NODES);
		link.source = nic + i;
		link.target = leaf + rack;
		link.length_m = 3; /* inside the rack (assumed) */
		if (add_nic(b, cm, i, nic + i) || add_rdma_link(b, &link, "nic", i))
			return -1;
		link.source = leaf + rack;
		link.target = spine + u % SPINES;
		link.length_m = fibre_m(cm, rack * RACK_NODES, 0, u % SPINES * cm->chips / SPINES);
		if (add_rdma_link(b, &link, "spine", i))
			return -1;
	}
	return 0;
}

static int cloudmatrix_build(struct weft_builder *b)
{
	struct cloudmatrix *cm = b->alloc(b, sizeof *cm);
	int merged = b->integer(b, "merge_planes") != 0;
	struct weft_link link = {.bandwidth_bytes_per_s = b->integer(b, "bandwidth") * (merged ? 7 : 1),
		.latency_ps = b->integer(b, "latency")};
	cm->nodes = (uint32_t)b->integer(b, "nodes");
	cm->chips = (uint32_t)b->integer(b, "l2_chips");
	cm->planes = merged ? 1 : 7;
	cm->dies = strcmp(b->text(b, "rank"), "die") ? 1 : 2;
	cm->n_ranks = cm->nodes * ranks_per_node(cm);
	if (cm->nodes * PORTS > cm->chips * CHIP_PORTS)
		return b->fail(b, "l2_chips", "%u L2 chips of %d ports per sub-plane are too few for %u nodes of %d uplinks (at least %u)",
			       cm->chips, CHIP_PORTS, cm->nodes, PORTS, (cm->nodes * PORTS + CHIP_PORTS - 1) / CHIP_PORTS);
	if (add_nodes(b, cm) || add_access(b, cm, link) || add_uplinks(b, cm, link) || add_die_links(b, cm) ||
	    add_cpus(b, cm, link.latency_ps))
		return -1;
	if (!merged)
		add_optics(b, cm);
	if (b->integer(b, "scale_out") && add_scale_out(b, cm))
		return -1;
	b->set_data(b, cm);
	return 0;
}

/* ---- routes ------------------------------------------------------------------------------------------------------------ */

static uint32_t from_rank(const struct cloudmatrix *cm, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	uint32_t node = hop->node / ranks_per_node(cm), local = hop->node % ranks_per_node(cm), n = 0;
	uint32_t other_die = cm->dies == 2 && hop->node / 2 == hop->destination / 2;
	for (uint32_t port = local * 2 / cm->dies; port < (local + 1) * 2 / cm->dies; port++)
		for (uint32_t plane = 0; plane < cm->planes; plane++)
			n = weft_choose(choices, capacity, n, access_cable(cm, node, port, plane), !other_die, 0);
	if (other_die)
		n = weft_choose(choices, capacity, n, cm->first_die + 2 * (hop->node / 2) + hop->node % 2, 1, 0);
	return n;
}

/* The port of its node by which a destination is entered; `lane` breaks the tie between an NPU's two dies. */
static uint32_t port_of(const struct cloudmatrix *cm, uint32_t rank, uint32_t lane)
{
	uint32_t local = rank % ranks_per_node(cm);
	return cm->dies == 2 ? local : local * 2 + lane % 2;
}

/* Which port or uplink of this L1 chip the packet came by. */
static uint32_t lane_of(const struct cloudmatrix *cm, const struct weft_hop *hop)
{
	if (hop->in_link < cm->first_uplink)
		return hop->in_link / 2 / cm->planes % PORTS;
	return (hop->in_link - cm->first_uplink) / 2 % PORTS;
}

static uint32_t from_l1(const struct cloudmatrix *cm, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	uint32_t node = (hop->node - cm->first_l1) / cm->planes, plane = (hop->node - cm->first_l1) % cm->planes, n = 0;
	uint32_t target = hop->destination / ranks_per_node(cm), lane = lane_of(cm, hop), port = port_of(cm, hop->destination, lane);
	if (node == target) { /* down; the other die's link of an NPU is legal too */
		n = weft_choose(choices, capacity, n, access_cable(cm, node, port, plane) + 1, 1, 0);
		if (cm->dies == 1)
			n = weft_choose(choices, capacity, n, access_cable(cm, node, port ^ 1, plane) + 1, 0, 0);
		return n;
	}
	uint32_t chip = chip_of(cm, target, port), chosen = (chip + cm->chips - chip_of(cm, node, 0)) % cm->chips;
	if (chosen + port / cm->chips * cm->chips < PORTS)
		chosen += port / cm->chips * cm->chips;
	for (uint32_t u = 0; u < PORTS; u++)
		n = weft_choose(choices, capacity, n, uplink_cable(cm, node, plane, u), u == chosen, 0);
	return n;
}

static uint32_t from_l2(const struct cloudmatrix *cm, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	uint32_t plane = (hop->node - cm->first_l2) / cm->chips, chip = (hop->node - cm->first_l2) % cm->chips, n = 0, chosen = WEFT_NONE;
	uint32_t target = hop->destination / ranks_per_node(cm);
	for (uint32_t u = 0; u < PORTS; u++)
		if (chip_of(cm, target, u) == chip && (chosen == WEFT_NONE || u == port_of(cm, hop->destination, u)))
			chosen = u;
	for (uint32_t u = 0; u < PORTS; u++)
		if (chip_of(cm, target, u) == chip)
			n = weft_choose(choices, capacity, n, uplink_cable(cm, target, plane, u) + 1, u == chosen, 0);
	return n;
}

static uint32_t cloudmatrix_next_links(const void *data, const struct weft_hop *hop, struct weft_choice *choices, uint32_t capacity)
{
	const struct cloudmatrix *cm = data;
	if (hop->node < cm->n_ranks)
		return from_rank(cm, hop, choices, capacity);
	if (hop->node >= cm->first_l2 + cm->planes * cm->chips)
		return 0; /* a CPU or the RDMA plane: no way between NPUs leads through it */
	return hop->node < cm->first_l2 ? from_l1(cm, hop, choices, capacity) : from_l2(cm, hop, choices, capacity);
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "cloudmatrix384",
	.summary = "Huawei CloudMatrix 384: 48 nodes of 8 Ascend 910C, two tiers of UB switches in 7 sub-planes",
	.params = cloudmatrix_params,
	.build = cloudmatrix_build,
	.next_links = cloudmatrix_next_links,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
