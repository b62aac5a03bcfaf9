/* Topology `file`: tables, routes by flow, graphs in YAML, and what is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "fabric/fabric.h"
#include "fabric/route.h"

static char folder[] = "/tmp/weft-file-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static const char *const names[] = {"links.csv", "nodes.csv", "routes.csv", "flows.csv", "graph.yaml"};

static int remove_folder(void **state)
{
	char path[256];
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void write_file(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int build(struct fabric *fabric, const char *spec, struct error *err)
{
	struct topology_request request;
	struct arena arena = ARENA_INIT;
	int status = topology_request_parse(&request, spec, &arena, err);
	request.base_directory = folder;
	if (!status)
		status = fabric_build(fabric, &request, err);
	arena_release(&arena);
	return status;
}

static void expect_error(const char *spec, const char *message)
{
	struct fabric fabric;
	struct error err = {0};
	if (!build(&fabric, spec, &err))
		fail_msg("%s is accepted", spec);
	if (!strstr(err.message, message))
		fail_msg("\"%s\" does not say \"%s\"", err.message, message);
	assert_int_equal(err.code, ERROR_INPUT);
}

#define LINKS "link,bandwidth_Bps,latency_s\na_up,28000000000,1.5e-7\nb_down,28000000000,0\nb_up,28000000000,0\na_down,3,0\n"

static void routes_by_flow_give_the_shape(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	write_file("links.csv", LINKS);
	write_file("routes.csv", "flow,hop,link\n1,1,a_down\n0,0,a_up\n0,1,b_down\n1,0,b_up\n");
	write_file("flows.csv", "flow,src,dst,bytes,start_s\n0,2,0,7,0\n1,0,2,9,0\n");
	if (build(&fabric, "file:links=links.csv,routes=routes.csv,flows=flows.csv", &err))
		fail_msg("%s", err.message);
	assert_int_equal(fabric_verify(&fabric, &err), 0);
	assert_int_equal(fabric.n_npus, 3); /* NPU 1 is there, with no link */
	assert_int_equal(fabric.n_nodes, 5); /* where a_up leads is not known to be where b_up begins to lead */
	assert_string_equal(fabric.node_name[fabric.link_source[0]], "npu2");
	assert_string_equal(fabric.node_name[fabric.link_target[1]], "npu0");
	assert_int_equal(fabric.link_latency_ps[0], 150000);
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 0);
	uint32_t id = routes_find(&routes, 2, 0, 0, &err);
	assert_int_equal(routes.routes[id].n_links, 2);
	assert_int_equal(routes.hop_link[routes.paths[routes.routes[id].first_path].first_hop], 0);
	assert_int_equal(routes_find(&routes, 2, 0, 7, &err), ROUTE_NONE);
	assert_non_null(strstr(err.message, "flow 7 has no route"));
	routes_release(&routes);
	fabric_release(&fabric);
}

static void links_used_both_ways_have_no_place(void **state)
{
	(void)state;
	struct fabric fabric;
	struct error err = {0};
	write_file("links.csv", "link,bandwidth_Bps,latency_s\nx,5,0\ny,5,0\n");
	write_file("routes.csv", "flow,hop,link\n0,0,x\n0,1,y\n1,0,y\n1,1,x\n");
	write_file("flows.csv", "flow,src,dst,bytes,start_s\n0,0,1,7,0\n1,1,0,9,0\n");
	if (build(&fabric, "file:links=links.csv,routes=routes.csv,flows=flows.csv", &err))
		fail_msg("%s", err.message);
	assert_int_equal(fabric.n_npus, 2);
	assert_string_equal(fabric.node_role[fabric.link_source[0]], "unplaced");
	fabric_release(&fabric);
}

static void tables_with_nodes_are_a_graph(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	write_file("nodes.csv", "node,kind,rack\na,npu,3\nb,npu,\ns,switch,4\n");
	write_file("links.csv", "link,bandwidth_Bps,latency_s,source,target,kind\n1,5,0,a,s,copper\n2,5,0,s,b,copper\n");
	if (build(&fabric, "file:links=links.csv,nodes=nodes.csv", &err))
		fail_msg("%s", err.message);
	assert_int_equal(fabric.node_rack[0], 3);
	assert_int_equal(fabric.node_rack[1], -1);
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 0);
	assert_int_not_equal(routes_find(&routes, 0, 1, 0, &err), ROUTE_NONE);
	assert_int_equal(routes_find(&routes, 1, 0, 0, &err), ROUTE_NONE);
	assert_int_equal(err.code, ERROR_SIMULATION);
	assert_string_equal(err.message, "topology 'file' is disconnected: there is no way from 'b' to 'a'");
	routes_release(&routes);
	fabric_release(&fabric);
}

static void a_graph_in_yaml_is_built(void **state)
{
	(void)state;
	struct fabric fabric;
	struct error err = {0};
	write_file("graph.yaml", "nodes:\n  - {name: npu, count: 5}\n  - {name: x, kind: switch, role: crossbar}\nlinks:\n"
		   "  - {from: 'npu*', to: x, bandwidth: 224 Gb/s, latency: 30 ns, kind: copper, count: 2}\n"
		   "  - {from: npu0, to: npu1, bandwidth: 1 GB/s, latency: 0 ns, both: false}\n");
	if (build(&fabric, "file:graph=graph.yaml", &err))
		fail_msg("%s", err.message);
	assert_int_equal(fabric.n_npus, 5);
	assert_int_equal(fabric.n_links, 21);
	assert_int_equal(fabric.link_bandwidth[0], 28000000000);
	assert_int_equal(fabric_verify(&fabric, &err), 0);
	fabric_release(&fabric);
}

static void wrong_tables_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *links, *routes, *message;
	} cases[] = {
		{"link,bandwidth_Bps\nx,5\n", "flow,hop,link\n0,0,x\n", "links.csv:1:1: the table has no column 'latency_s'"},
		{"link,bandwidth_Bps,latency_s\nx,0,0\n", "flow,hop,link\n0,0,x\n", "links.csv:2: link 'x' has bandwidth '0'"},
		{"link,bandwidth_Bps,latency_s\nx,abc,0\n", "flow,hop,link\n0,0,x\n", "'abc' in column 'bandwidth_Bps'"},
		{"link,bandwidth_Bps,latency_s\nx,5,0\nx,5,0\n", "flow,hop,link\n0,0,x\n", "links.csv:3: link 'x' is there twice"},
		{"link,bandwidth_Bps,latency_s\nx,5\n", "flow,hop,link\n0,0,x\n", "links.csv:2: the row has no column 'latency_s'"},
		{"link,bandwidth_Bps,latency_s\n", "flow,hop,link\n0,0,x\n", "the table has no rows"},
		{LINKS, "flow,hop,link\n0,0,nowhere\n", "routes.csv:2: flow 0 takes link 'nowhere'"},
		{LINKS, "flow,hop,link\n0,0,a_up\n0,2,b_down\n", "the 2 hops of flow 0 are not numbered 0..1, each once"},
		{LINKS, "flow,hop,link\n-1,0,a_up\n", "'-1' in column 'flow' is not a whole number"},
		{LINKS, "flow,hop,link\n1000000000000,0,a_up\n", "(range: 0..100000000)"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		write_file("links.csv", cases[i].links);
		write_file("routes.csv", cases[i].routes);
		expect_error("file:links=links.csv,routes=routes.csv", cases[i].message);
	}
	write_file("links.csv", LINKS);
	expect_error("file:links=links.csv", "need 'routes'");
	expect_error("file:links=absent.csv", "absent.csv: cannot open");
	expect_error("file", "either 'links' or 'graph' must be given");
}

static void wrong_graphs_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *graph, *message;
	} cases[] = {
		{"nodes: 3\n", "the graph needs a list 'nodes'"},
		{"nodes: [{name: a, knd: npu}]\n", "graph.yaml:1:19: a node has no key 'knd' (did you mean 'kind'?)"},
		{"nodes: [{name: a, kind: gpu}]\n", "unknown kind of node 'gpu'"},
		{"nodes: [{name: a, count: 1000000000}]\n", "(range: 1..1048576)"},
		{"nodes: [{name: a}, {name: a}]\n", "two nodes are called 'a'"},
		{"nodes: [{name: a}]\nlinks: [{from: a, to: z, bandwidth: 1 GB/s, latency: 0 ns}]\n", "graph.yaml:2:23: no node is called 'z'"},
		{"nodes: [{name: a}, {name: b}]\nlinks: [{from: a, to: b, bandwidth: 1, latency: 0 ns}]\n", "'bandwidth'"},
		{"nodes: [{name: a}, {name: b}]\nlinks: [{from: a, to: b, latency: 0 ns}]\n", "a link has no 'bandwidth'"},
		{"nodes: [{name: s, kind: switch}, {name: t, kind: switch}]\nlinks: [{from: s, to: t, bandwidth: 1 GB/s, latency: 0 ns}]\n",
			"has no NPU"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		write_file("graph.yaml", cases[i].graph);
		expect_error("file:graph=graph.yaml", cases[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routes_by_flow_give_the_shape),
		cmocka_unit_test(links_used_both_ways_have_no_place),
		cmocka_unit_test(tables_with_nodes_are_a_graph),
		cmocka_unit_test(a_graph_in_yaml_is_built),
		cmocka_unit_test(wrong_tables_are_named),
		cmocka_unit_test(wrong_graphs_are_named),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
