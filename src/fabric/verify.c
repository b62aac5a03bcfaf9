#include "base/error.h"
#include "fabric/build.h"

static int bad(struct error *err, const char *what, uint32_t id)
{
	return error_set(err, ERROR_INPUT, "fabric is inconsistent: %s (%u)", what, id);
}

static int verify_nodes(const struct fabric *fabric, struct error *err)
{
	uint32_t npus = 0;
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		if (fabric->node_kind[node] >= WEFT_NODE_KINDS || !fabric->node_name[node] || !fabric->node_role[node])
			return bad(err, "a node lacks its kind, name or role", node);
		if ((fabric->node_kind[node] == WEFT_NODE_NPU) != (fabric->node_npu[node] != FABRIC_NONE))
			return bad(err, "a node and its NPU index differ", node);
		if (fabric->node_npu[node] == FABRIC_NONE)
			continue;
		if (fabric->node_npu[node] != npus || fabric->npu_node[npus] != node)
			return bad(err, "NPU indices are not in the order of their nodes", node);
		npus++;
	}
	return npus == fabric->n_npus ? 0 : bad(err, "NPUs are miscounted", npus);
}

static int verify_links(const struct fabric *fabric, struct error *err)
{
	for (uint32_t link = 0; link < fabric->n_links; link++) {
		if (fabric->link_source[link] >= fabric->n_nodes || fabric->link_target[link] >= fabric->n_nodes)
			return bad(err, "a link joins a node that is not there", link);
		if (fabric->link_bandwidth[link] <= 0 || fabric->link_latency_ps[link] < 0 || fabric->link_kind[link] >= fabric->n_kinds)
			return bad(err, "a link has a wrong bandwidth, latency or kind", link);
	}
	uint32_t counted = 0;
	for (uint32_t node = 0; node < fabric->n_nodes; node++) {
		for (uint32_t i = fabric->out_first[node]; i < fabric->out_first[node + 1]; i++, counted++) {
			if (fabric->link_source[fabric->out_links[i]] != node)
				return bad(err, "a link is listed at a node that it does not leave", fabric->out_links[i]);
			if (i > fabric->out_first[node] && fabric->out_links[i] <= fabric->out_links[i - 1])
				return bad(err, "the links of a node are not in order", node);
		}
	}
	return counted == fabric->n_links ? 0 : bad(err, "links that leave nodes are miscounted", counted);
}

static int verify_components(const struct fabric *fabric, struct error *err)
{
	for (uint32_t c = 0; c < fabric->n_components; c++) {
		if (fabric->component_place[c] != FABRIC_NONE && fabric->component_place[c] >= fabric->n_nodes)
			return bad(err, "a component is at a node that is not there", c);
		if (fabric->carried_first[c] > fabric->carried_first[c + 1])
			return bad(err, "the links of components are not in order", c);
		for (uint32_t i = fabric->carried_first[c]; i < fabric->carried_first[c + 1]; i++)
			if (fabric->carried[i] >= fabric->n_links)
				return bad(err, "a component carries a link that is not there", c);
	}
	return 0;
}

static int verify_includes(const struct fabric *fabric, struct error *err)
{
	for (uint32_t i = 0; i < fabric->n_includes; i++) {
		const struct fabric_include *include = &fabric->includes[i];
		if (include->first_node + include->n_nodes > fabric->n_nodes || include->first_link + include->n_links > fabric->n_links)
			return bad(err, "an included module reaches beyond the fabric", i);
		for (uint32_t link = include->first_link; link < include->first_link + include->n_links; link++)
			if (fabric->link_source[link] - include->first_node >= include->n_nodes ||
			    fabric->link_target[link] - include->first_node >= include->n_nodes)
				return bad(err, "a link of an included module leaves it", link);
	}
	return 0;
}

int fabric_verify(const struct fabric *fabric, struct error *err)
{
	return verify_nodes(fabric, err) || verify_links(fabric, err) || verify_components(fabric, err) || verify_includes(fabric, err)
	     ? -1 : 0;
}
