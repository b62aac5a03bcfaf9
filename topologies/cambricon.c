/* Cambricon MLU servers: cards in a full mesh of MLU-Link.
 *
 *   mlu370   4 cards bridged, 200 GB/s both ways per card (MLU370 product page): 100 per direction over 3 links
 *   mlu590   8 cards, 318 GB/s both ways per card (general knowledge, weak; 372 is said too): 159 per direction over 7 links
 *
 * How a card's MLU-Link bandwidth is divided over its neighbours is not published: equal parts are assumed, for n other than the number
 * above too. `bandwidth` (per card and direction) replaces the figure. Latency is not published: 500 ns is assumed. */
#include <string.h>
#include <weft/shape.h>

static const struct weft_param cambricon_params[] = {
	{"card", WEFT_PARAM_CHOICE, "mlu590", "mlu370|mlu590", "which card"},
	{"n", WEFT_PARAM_INTEGER, "0", "0..8", "cards; 0: 4 of mlu370, 8 of mlu590"},
	{"bandwidth", WEFT_PARAM_BANDWIDTH, "0 B/s", "0 B/s..1000 TB/s", "per card and direction; 0: the card's"},
	{"latency", WEFT_PARAM_TIME, "500 ns", "0 ps..1 s", "per link (assumed)"},
	{0},
};

static int cambricon_build(struct weft_builder *b)
{
	uint32_t n = (uint32_t)b->integer(b, "n");
	struct weft_link link = {.latency_ps = b->integer(b, "latency"), .length_m = 0.5};
	int older = !strcmp(b->text(b, "card"), "mlu370");
	int64_t per_card = b->integer(b, "bandwidth");
	if (n == 0)
		n = older ? 4 : 8;
	if (per_card == 0)
		per_card = older ? INT64_C(100000000000) : INT64_C(159000000000);
	link.bandwidth_bytes_per_s = n > 1 && per_card >= n ? per_card / (n - 1) : per_card;
	link.kind = "mlu-link";
	return weft_mesh_server(b, link, n);
}

const struct weft_topology weft_topology_module = {
	.size = sizeof(struct weft_topology),
	.abi = WEFT_TOPOLOGY_ABI,
	.name = "cambricon",
	.summary = "server of Cambricon MLU cards in a full mesh of MLU-Link",
	.params = cambricon_params,
	.build = cambricon_build,
	.next_links = weft_mesh_server_next,
	.claims = WEFT_CLAIM_SYMMETRIC | WEFT_CLAIM_UNIFORM | WEFT_CLAIM_MINIMAL | WEFT_CLAIM_BY_NODE,
};
