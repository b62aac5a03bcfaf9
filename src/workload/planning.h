/* Which plan and protocol a collective call gets, and what the protocol costs. */
#ifndef WEFT_WORKLOAD_PLANNING_H
#define WEFT_WORKLOAD_PLANNING_H

#include "workload/run.h"

/* The plan and protocol of this call on this group, made once for all calls that ask for the same; NULL after executor_fail. */
const struct planned *planning_find(struct executor *x, uint32_t entry, uint32_t group, const struct collective_call *call);
/* Whether a message between these NPUs leaves its machine (a module included by `cluster`). */
bool planning_between_machines(struct executor *x, uint32_t source, uint32_t target);
/* A protocol's overhead of one step from NPU to NPU, without the wire's idle latency that the network adds itself. */
int64_t planning_step_ps(struct executor *x, const struct protocol *protocol, uint32_t source, uint32_t target);
int64_t planning_wire_bytes(struct executor *x, const struct protocol *protocol, uint32_t source, uint32_t target, int64_t bytes);

#endif
