/* A graph in YAML, for topology `file`:
 *
 *     nodes:
 *       - {name: npu, count: 8}                       # npu0 … npu7; kind: npu unless given
 *       - {name: crossbar, kind: switch}
 *     links:
 *       - {from: npu*, to: crossbar, bandwidth: 50 GB/s, latency: 500 ns}
 *
 * nodes: name, count, kind, role, rack, tray, slot, plane. links: from, to (names; '*' and '?' stand for any: every pair that matches, no
 * node with itself), bandwidth, latency, kind, length, count (parallel ones), both (true: a way back too). */
#ifndef WEFT_FABRIC_GRAPH_H
#define WEFT_FABRIC_GRAPH_H

#include "weft/topology.h"

struct error;

int graph_build(struct weft_builder *b, const char *path, struct error *err);

/* enum weft_node_kind by name; "" is an NPU; -1: unknown. */
int graph_node_kind(const char *name);
extern const char graph_node_kinds[]; /* for messages */

#endif
