/* Topology `nccl-xml`: the figures that NCCL derives from the same attributes, files as it dumps them, and wrong ones. */
#include <unistd.h>

#include "check.h"
#include "base/error.h"
#include "fabric/fabric.h"
#include "fabric/route.h"

static char xml[] = "/tmp/weft-nccl-XXXXXX";

static int make_file(void **state)
{
	(void)state;
	int file = mkstemp(xml);
	return file < 0 ? -1 : close(file);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(xml);
}

static int build(struct fabric *fabric, const char *path, const char *more, struct error *err)
{
	struct topology_request request;
	struct arena arena = ARENA_INIT;
	char spec[512];
	snprintf(spec, sizeof spec, "nccl-xml:file=%s%s", path, more);
	int status = topology_request_parse(&request, spec, &arena, err);
	if (!status)
		status = fabric_build(fabric, &request, err);
	arena_release(&arena);
	return status;
}

static int build_text(struct fabric *fabric, const char *text, const char *more, struct error *err)
{
	FILE *file = fopen(xml, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	return build(fabric, xml, more, err);
}

static void build_ok(struct fabric *fabric, const char *text, const char *more)
{
	struct error err = {0};
	if (build_text(fabric, text, more, &err) || fabric_verify(fabric, &err))
		fail_msg("%s", err.message);
}

/* The link's rate in units of 0.1 GB/s, 0 where there is none: every figure of NCCL's tables is whole in them. */
static int64_t rate(const struct fabric *fabric, const char *name)
{
	char own[256];
	for (uint32_t link = 0; link < fabric->n_links; link++)
		if (!strcmp(fabric_link_name(fabric, link, own, sizeof own), name)) {
			assert_int_equal(fabric->link_bandwidth[link] % 100000000, 0);
			return fabric->link_bandwidth[link] / 100000000;
		}
	return 0;
}

#define GPU_PCI(bus, inside)                                                                              \
	"<pci busid='" bus "' class='0x030200' link_speed='16.0 GT/s PCIe' link_width='16'>" inside "</pci>"

static void two_gpus_with_nvlinks_of_every_generation(void **state)
{
	(void)state;
	static const struct { const char *sm; int64_t four_links; } rows[] = {
		{"60", 720}, {"70", 800}, {"80", 800}, {"86", 480}, {"90", 824}, {"100", 1604},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fabric fabric;
		char text[2048];
		snprintf(text, sizeof text, "<system version='1'><cpu numaid='0' vendor='GenuineIntel' familyid='6' modelid='106'>"
			 GPU_PCI("0000:01:00.0", "<gpu dev='0' sm='%s' rank='1'><nvlink target='0000:02:00.0' count='3' tclass='0x030200'/>"
				 "<nvlink target='0000:02:00.0' count='1' tclass='0x030200'/></gpu>")
			 GPU_PCI("0000:02:00.0", "<gpu dev='1' sm='%s' rank='0'>"
				 "<nvlink target='0000:01:00.0' count='4' tclass='0x030200'/></gpu>")
			 "</cpu></system>", rows[i].sm, rows[i].sm);
		build_ok(&fabric, text, "");
		assert_int_equal(fabric.n_npus, 2);
		assert_int_equal(rate(&fabric, "gpu0->gpu1"), rows[i].four_links);
		assert_int_equal(rate(&fabric, "gpu1->gpu0"), rows[i].four_links); /* two elements of one pair add up */
		assert_int_equal(rate(&fabric, "gpu0->cpu0"), 240);
		assert_string_equal(fabric.node_name[fabric.npu_node[0]], "gpu0"); /* rank 0, though second in the file */
		fabric_release(&fabric);
	}
}

static void pcie_rates_as_nccl_counts_them(void **state)
{
	(void)state;
	static const struct { const char *attributes; int64_t rate; } rows[] = {
		{"link_speed='2.5 GT/s PCIe' link_width='16'", 30}, {"link_speed='5 GT/s' link_width='8'", 30},
		{"link_speed='8 GT/s' link_width='16'", 120},       {"link_speed='16 GT/s' link_width='16'", 240},
		{"link_speed='32 GT/s PCIe/s' link_width='16'", 480}, {"link_speed='64.0 GT/s PCIe' link_width='4'", 240},
		{"link_speed='' link_width='0'", 120},              {"", 120},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fabric fabric;
		char text[1024];
		snprintf(text, sizeof text, "<system version='1'><cpu numaid='0'><pci busid='0000:01:00.0' class='0x030200' %s>"
			 "<gpu dev='0' sm='80' rank='0'/></pci></cpu></system>", rows[i].attributes);
		build_ok(&fabric, text, "");
		assert_int_equal(rate(&fabric, "gpu0->cpu0"), rows[i].rate);
		assert_int_equal(rate(&fabric, "cpu0->gpu0"), rows[i].rate);
		fabric_release(&fabric);
	}
}

static void nvswitches_are_one(void **state)
{
	(void)state;
	struct fabric fabric;
	struct routes routes;
	struct error err = {0};
	build_ok(&fabric, "<system version='1'><cpu numaid='0'>"
		 GPU_PCI("0000:01:00.0", "<gpu dev='0' sm='90' rank='0'><nvlink target='0000:c3:00.0' count='10' tclass='0x068000'/>"
			 "<nvlink target='0000:c4:00.0' count='8' tclass='0x068000'/></gpu>")
		 GPU_PCI("0000:02:00.0", "<gpu dev='1' sm='90' rank='1'>"
			 "<nvlink target='fffffff:ff:ff.0' count='18' tclass='0x000000'/></gpu>")
		 "</cpu></system>", ",link_latency=70 ns");
	assert_int_equal(rate(&fabric, "gpu0->nvswitch"), 3708);
	assert_int_equal(rate(&fabric, "nvswitch->gpu1"), 3708);
	routes_init(&routes, &fabric, ROUTING_DEFAULT, 0);
	uint32_t id = routes_find(&routes, 0, 1, 0, &err);
	assert_int_equal(routes.paths[routes.routes[id].first_path].latency_ps, 140000); /* not over PCIe */
	routes_release(&routes);
	fabric_release(&fabric);
}

static void amd_by_generation(void **state)
{
	(void)state;
	static const struct { const char *gcn; int64_t rate; } rows[] = {
		{"906", 480}, {"gfx908", 480}, {"gfx90a", 720}, {"gfx942", 960},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fabric fabric;
		char text[1024];
		snprintf(text, sizeof text, "<system version='2'><cpu numaid='0' vendor='AuthenticAMD' familyid='175' modelid='49'>"
			 "<pci busid='0:1:0.0' class='0x038000'><gpu dev='0' gcn='%s' sm='120' rank='0'>"
			 "<xgmi target='0:2:0.0' count='2' tclass='0x038000'/></gpu></pci>"
			 "<pci busid='0:2:0.0' class='0x038000'><gpu dev='1' gcn='%s' sm='120' rank='1'/></pci></cpu>"
			 "<cpu numaid='1' vendor='AuthenticAMD' familyid='175' modelid='49'/></system>", rows[i].gcn, rows[i].gcn);
		build_ok(&fabric, text, "");
		assert_int_equal(rate(&fabric, "gpu0->gpu1"), rows[i].rate);
		assert_int_equal(rate(&fabric, "cpu0->cpu1"), 320);
		fabric_release(&fabric);
	}
}

static void bad_files_are_named(void **state)
{
	(void)state;
	static const struct { const char *text, *message; } rows[] = {
		{"", ":1:1: no element found"},
		{"<system version='1'><cpu numaid='0'>", ":1:37: no element found"},
		{"<graphs version='1'/>", ":1:1: the document begins with 'graphs'"},
		{"<system version='1'>\n <gpu dev='0'/></system>", ":2:2: 'gpu' stands outside a cpu"},
		{"<system version='1'><cpu numaid='0'/></system>", "no GPU in this file"},
		{"<system version='1'><cpu numaid='0'>\n" 
		 GPU_PCI("0:1:0.0", "<gpu dev='0' sm='80'><nvlink target='0:9:0.0' count='1' tclass='0x030200'/></gpu>")
		 "</cpu></system>", ":2: a link of '0:1:0.0' leads to '0:9:0.0', which is not in this file"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fabric fabric;
		struct error err = {0};
		if (!build_text(&fabric, rows[i].text, "", &err))
			fail_msg("row %zu is accepted", i);
		if (!strstr(err.message, rows[i].message))
			fail_msg("\"%s\" does not say \"%s\"", err.message, rows[i].message);
		assert_int_equal(err.code, ERROR_INPUT);
	}
	struct fabric fabric;
	struct error err = {0};
	assert_int_equal(build(&fabric, "/nowhere/topo.xml", "", &err), -1);
	assert_non_null(strstr(err.message, "/nowhere/topo.xml: cannot open"));
}

/* Dumps of real machines: their GPUs, links out of the first one, its rate in units of 0.1 GB/s over NVLink or xGMI. */
static void dumps_of_machines(void **state)
{
	(void)state;
	static const struct { const char *file; uint32_t npus; const char *link; int64_t rate; } rows[] = {
		{"nccl-topo-simccl/topo_8A100_4CX6.xml", 8, "gpu7->nvswitch", 2400},
		{"nccl-topo-simccl/topo_2A100_1CX6.xml", 2, "nvswitch->gpu1", 2400},
		{"nccl-topo-rccl/topo_8p_940.xml", 8, "gpu0->gpu7", 480},
		{"nccl-topo-rccl/topo_4p_940.xml", 4, "gpu3->gpu0", 480},
		{"nccl-topo-rccl/topo_8p6l.xml", 8, "gpu0->gpu1", 240},
		{"nccl-topo-rccl/topo_16p1h.xml", 16, "gpu0->gpu1", 1440},
		{"nccl-topo-azure/ndv4-topo.xml", 8, "gpu0->gpu1", 0},
		{"nccl-topo-aws/p4d-24xl-topo.xml", 8, "gpu0->gpu1", 0},
	};
	const char *folder = check_data_folder();
	if (!folder)
		skip();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fabric fabric;
		struct error err = {0};
		char path[512];
		snprintf(path, sizeof path, "%s/%s", folder, rows[i].file);
		if (build(&fabric, path, "", &err) || fabric_verify(&fabric, &err))
			fail_msg("%s", err.message);
		assert_int_equal(fabric.n_npus, rows[i].npus);
		assert_int_equal(rate(&fabric, rows[i].link), rows[i].rate);
		struct routes routes;
		routes_init(&routes, &fabric, ROUTING_DEFAULT, 0);
		for (uint32_t a = 0; a < fabric.n_npus; a++)
			for (uint32_t b = 0; b < fabric.n_npus; b++)
				if (a != b)
					assert_int_not_equal(routes_find(&routes, a, b, 0, &err), ROUTE_NONE);
		routes_release(&routes);
		fabric_release(&fabric);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_gpus_with_nvlinks_of_every_generation),
		cmocka_unit_test(pcie_rates_as_nccl_counts_them),
		cmocka_unit_test(nvswitches_are_one),
		cmocka_unit_test(amd_by_generation),
		cmocka_unit_test(bad_files_are_named),
		cmocka_unit_test(dumps_of_machines),
	};
	return cmocka_run_group_tests_name("nccl-xml", tests, make_file, remove_file);
}
