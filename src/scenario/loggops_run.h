/* The loggops model inside a simulation: in the place of executor and network. */
#ifndef WEFT_SCENARIO_LOGGOPS_RUN_H
#define WEFT_SCENARIO_LOGGOPS_RUN_H

#include "scenario/simulation.h"
#include "workload/loggops.h"

/* Makes simulation->loggops when the scenario asks for the model; its workloads are loaded. 0, or -1 with an error. */
int loggops_build(struct simulation *simulation, struct error *err);

#endif
