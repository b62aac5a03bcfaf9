/* Every key of a scenario. Adding one means: a line here, a field in scenario.h, and the code that uses it. */
#include <stddef.h>

#include "scenario/scenario.h"

const char *const entry_kind_names[ENTRY_KINDS] = {
	[ENTRY_COLLECTIVE] = "collective", [ENTRY_PIPELINE] = "pipeline", [ENTRY_TRACE] = "trace", [ENTRY_PROGRAM] = "program",
	[ENTRY_FLOWS] = "flows", [ENTRY_MESSAGES] = "messages",
};

#define AT(field) offsetof(struct scenario, field)
static const struct section_key root_keys[] = {
	{"weft", KEY_COUNT, NULL, "1..1", "format version of the scenario", AT(format)},
	{"name", KEY_TEXT, "", NULL, "a title, kept in the timeline file", AT(name)},
	{"seed", KEY_COUNT, "0", "0..", "of every random stream: same seed, same result", AT(seed)},
	{"topology", KEY_NODE, NULL, NULL, "the machine: `{module: NAME, PARAMETER: VALUE…}` or the short form `NAME:k=v,k=v`; "
		"`weft topology show NAME` lists a module's parameters", AT(topology_node)},
	{"ranks", KEY_COUNT, "", "1..1048576", "how many ranks there are; default: as many as the workload needs, or the machine has chips",
		AT(n_ranks)},
	{"placement", KEY_NODE, "linear", NULL, "rank → chip: `linear` (the module's natural order), `random` (by seed), or a list of chips",
		AT(placement_node)},
	{"network", KEY_NODE, "", NULL, "the network model, see section network", AT(network_node)},
	{"protocol", KEY_TEXT, "", NULL, "what a library adds to the wires (`none`, `simple`, `ll`, `ll128`); default: the machine's",
		AT(protocol)},
	{"algorithm", KEY_TEXT, "", NULL, "of collectives that name none (those of traces and programs); default: `auto`", AT(algorithm)},
	{"rendezvous", KEY_BYTES, "", "0 B..", "sends larger than this end only after the receiver posted; default: all are eager",
		AT(rendezvous_bytes)},
	{"workload", KEY_NODE, NULL, NULL, "list of entries, see section workload", AT(workload_node)},
	{"links", KEY_NODE, "", NULL, "list of changes of links at run time, see section links", AT(links_node)},
	{"failures", KEY_NODE, "", NULL, "what fails by chance, see section failures", AT(failures_node)},
	{"goodput", KEY_NODE, "", NULL, "training for days, see section goodput", AT(goodput_node)},
	{"circuits", KEY_NODE, "", NULL, "which circuits of topology `ocs` are lit, and when, see section circuits", AT(circuits_node)},
	{"components", KEY_NODE, "", NULL, "list of parts that carry links, beside those of the topology, see section components", AT(components_node)},
	{"power_states", KEY_NODE, "", NULL, "links that rest when nothing is sent over them, see section power_states", AT(power_node)},
	{"physics", KEY_NODE, "", NULL, "link budgets and bit errors, see section physics", AT(physics_node)},
	{"energy", KEY_NODE, "", NULL, "joules and money, see section energy", AT(energy_node)},
	{"output", KEY_NODE, "", NULL, "what is recorded, see section output", AT(output_node)},
	{0},
};
const struct section section_root = {"scenario", "The top level. Paths are relative to the scenario's folder.", root_keys};

#undef AT
#define AT(field) offsetof(struct scenario_entry, field)
static const struct section_key entry_keys[] = {
	{"name", KEY_TEXT, "", NULL, "for `after` of other entries, and in messages", AT(name)},
	{"after", KEY_TEXT, "", NULL, "name of an entry that must have ended first; entries run concurrently otherwise", AT(after)},
	{"ranks", KEY_NODE, "", NULL, "who takes part: `0-63`, `0-63/8` (every eighth), a list of such; collectives only; default: all", AT(ranks)},
	{"repeat", KEY_COUNT, "1", "1..1000000", "how many times, one after the other; collectives only", AT(repeat)},
	{"collective", KEY_NODE, "", NULL, "a collective, see section collective", AT(kind_nodes[ENTRY_COLLECTIVE])},
	{"pipeline", KEY_NODE, "", NULL, "a pipeline-parallel training step, see section pipeline", AT(kind_nodes[ENTRY_PIPELINE])},
	{"trace", KEY_NODE, "", NULL, "recorded files, their format found from their content; see section path", AT(kind_nodes[ENTRY_TRACE])},
	{"program", KEY_NODE, "", NULL, "a program in weft's own format (docs/program-format.md); see section path", AT(kind_nodes[ENTRY_PROGRAM])},
	{"flows", KEY_NODE, "", NULL, "a table `flow,src,dst,bytes,start_s`; see section path", AT(kind_nodes[ENTRY_FLOWS])},
	{"messages", KEY_NODE, "", NULL, "list of single messages, see section messages", AT(kind_nodes[ENTRY_MESSAGES])},
	{0},
};
const struct section section_entry = {"workload", "An entry of the list `workload`. It has exactly one of `collective`, `pipeline`, `trace`, "
	"`program`, `flows` and `messages`.", entry_keys};

#undef AT
#define AT(field) offsetof(struct scenario_collective, field)
static const struct section_key collective_keys[] = {
	{"kind", KEY_TEXT, NULL, NULL, "`allreduce`, `reduce_scatter`, `allgather`, `broadcast`, `reduce`, `alltoall`, `gather`, `scatter`, "
		"`barrier`, `sendrecv`", AT(kind_name)},
	{"size", KEY_BYTES, "", "0 B..1 PiB", "the whole buffer, as nccl-tests counts it; required except for `barrier`", AT(bytes)},
	{"algorithm", KEY_TEXT, "auto", NULL, "by name (`weft collective list`), or `auto`: the cheapest by what its rounds put on the links", AT(algorithm)},
	{"protocol", KEY_TEXT, "", NULL, "default: the scenario's, else the machine's", AT(protocol)},
	{"root", KEY_COUNT, "0", "0..1048575", "position in the group (broadcast, reduce, gather, scatter)", AT(root)},
	{"channels", KEY_COUNT, "0", "0..1024", "parallel rings or trees; 0: the protocol's or the algorithm's default", AT(channels)},
	{"bidirectional", KEY_BOOL, "false", NULL, "ring: half of the channels run the other way", AT(bidirectional)},
	{"chunk", KEY_BYTES, "0 B", "0 B..1 TiB", "piece size of pipelined algorithms; 0: the algorithm chooses", AT(chunk_bytes)},
	{"dims", KEY_COUNTS, "", "1..1048576", "hierarchical, torus: sizes from the innermost outwards", AT(dims)},
	{"levels", KEY_TEXTS, "", NULL, "hierarchical: the algorithm of each level", AT(levels)},
	{"file", KEY_PATH, "", NULL, "algorithm `msccl`: the schedule", AT(file)},
	{"circuits", KEY_TEXT, "", NULL, "the state of the circuit switches that it asks for before it begins (controller `request`)", AT(circuits)},
	{"group_size", KEY_COUNT, "0", "0..1048576", "cuts the ranks into groups of so many, each doing its own; 0: one group", AT(group_size)},
	{"group_stride", KEY_COUNT, "1", "1..1048576", "distance of neighbours in a group: 1 takes consecutive ranks", AT(group_stride)},
	{0},
};
const struct section section_collective = {"collective", "One collective, or the same one in several groups at once.", collective_keys};

#undef AT
#define AT(field) offsetof(struct scenario_pipeline, field)
static const struct section_key pipeline_keys[] = {
	{"schedule", KEY_CHOICE, "1f1b", "gpipe|1f1b|interleaved|zero-bubble", "the order of forward and backward passes", AT(schedule)},
	{"stages", KEY_COUNT, NULL, "1..65536", "p, parts of the model one after the other", AT(stages)},
	{"microbatches", KEY_COUNT, NULL, "1..1000000", "m, of each replica and step", AT(microbatches)},
	{"forward", KEY_TIME, NULL, "0 ps..", "one microbatch through one stage", AT(forward_ps)},
	{"backward", KEY_TIME, "", "0 ps..", "the same back, input and weight gradients; default: twice `forward`", AT(backward_ps)},
	{"activation", KEY_BYTES, "0 B", "0 B..1 PiB", "between two stages, per microbatch and rank, each way", AT(activation_bytes)},
	{"data_parallel", KEY_COUNT, "1", "1..65536", "replicas", AT(data_parallel)},
	{"tensor_parallel", KEY_COUNT, "1", "1..65536", "ranks that share a stage of one replica", AT(tensor_parallel)},
	{"gradient", KEY_BYTES, "0 B", "0 B..1 PiB", "all weights of one rank, all-reduced over the replicas", AT(gradient_bytes)},
	{"buckets", KEY_COUNT, "1", "1..100000", "the gradient is all-reduced in as many pieces", AT(buckets)},
	{"overlap", KEY_BOOL, "false", NULL, "a bucket starts when the last backward pass has made it, instead of after that pass", AT(overlap)},
	{"tensor_size", KEY_BYTES, "0 B", "0 B..1 PiB", "of one tensor-parallel all-reduce", AT(tensor_bytes)},
	{"tensor_calls", KEY_COUNT, "0", "0..100000", "tensor-parallel all-reduces of a microbatch in a stage, forward and as many backward",
		AT(tensor_calls)},
	{"recompute", KEY_BOOL, "false", NULL, "every backward pass runs its forward pass again first", AT(recompute)},
	{"optimizer", KEY_TIME, "0 ps", "0 ps..", "after the gradients are there", AT(optimizer_ps)},
	{"iterations", KEY_COUNT, "1", "1..100000", "training steps", AT(iterations)},
	{"chunks", KEY_COUNT, "", "1..1000", "v, parts of the model per stage; only interleaved, where it is 2 by default", AT(chunks)},
	{"weight", KEY_TIME, "", "0 ps..", "of `backward` the weight gradients; only zero-bubble, default: half", AT(weight_ps)},
	{"jitter", KEY_RATIO, "0", "0..1", "compute times are drawn evenly from 1 - jitter to 1 + jitter of what is given", AT(jitter)},
	{"algorithm", KEY_TEXT, "auto", NULL, "of all its collectives", AT(algorithm)},
	{"protocol", KEY_TEXT, "", NULL, "default: the scenario's, else the machine's", AT(protocol)},
	{"tensor_circuits", KEY_TEXT, "", NULL, "the state of the circuit switches that tensor-parallel all-reduces ask for", AT(tensor_circuits)},
	{"gradient_circuits", KEY_TEXT, "", NULL, "the same for all-reduces of gradients", AT(gradient_circuits)},
	{0},
};
const struct section section_pipeline = {"pipeline", "A training step on stages × data_parallel × tensor_parallel ranks. Rank of tensor "
	"position t, replica d, stage s: t + tensor_parallel · (d + data_parallel · s).", pipeline_keys};

#undef AT
#define AT(field) offsetof(struct scenario_path, field)
static const struct section_key path_keys[] = {
	{"path", KEY_TEXTS, NULL, NULL, "a file, a pattern, a template by {rank}, or a list of these (docs/traces.md)", AT(paths)},
	{"format", KEY_TEXT, "", NULL, "of a trace, where its content does not tell", AT(format)},
	{"groups", KEY_PATH, "", NULL, "of a trace whose process groups are in a file of their own", AT(groups)},
	{"replicate", KEY_COUNT, "0", "0..1048576", "run a trace on so many ranks, a multiple of its own: its ranks repeat; 0: as it is", AT(replicate)},
	{"step", KEY_COUNT, "", "0..", "one profiler step of a trace, by its number; default: everything", AT(step)},
	{"compute_scale", KEY_RATIO, "1", "0..1000000", "every recorded computation takes so many times as long: 0.5 for a chip twice as fast", AT(compute_scale)},
	{0},
};
const struct section section_path_kind = {"path", "The body of `trace`, `program` and `flows`.", path_keys};

#undef AT
#define AT(field) offsetof(struct scenario_message, field)
static const struct section_key message_keys[] = {
	{"from", KEY_COUNT, NULL, "0..1048575", "the rank that sends", AT(from)},
	{"to", KEY_COUNT, NULL, "0..1048575", "the rank that receives", AT(to)},
	{"size", KEY_BYTES, NULL, "0 B..1 PiB", "bytes", AT(bytes)},
	{"tag", KEY_COUNT, "0", "0..1000000", "messages of one pair and tag are matched in order", AT(tag)},
	{"send", KEY_BOOL, "true", NULL, "false leaves the send out", AT(send)},
	{"receive", KEY_BOOL, "true", NULL, "false leaves the receive out", AT(receive)},
	{0},
};
const struct section section_message = {"messages", "One message. Those of one sender leave concurrently.", message_keys};

#undef AT
#define AT(field) offsetof(struct scenario_change, field)
static const struct section_key change_keys[] = {
	{"link", KEY_TEXT, "", NULL, "pattern of link names (`*`, `?`), for example `npu3->*`; it must match a link", AT(pattern)},
	{"component", KEY_TEXT, "", NULL, "instead of `link`: pattern of names of components and switches; every link that they carry", AT(component)},
	{"at", KEY_TIME, NULL, NULL, "when", AT(at_ps)},
	{"state", KEY_CHOICE, "unchanged", "unchanged|up|down|degraded", "`down` stops what is on the link; `up` gives it its first rate again",
		AT(state)},
	{"rate", KEY_RATE, "", "1 B/s..1000 TB/s", "the new bandwidth", AT(bytes_per_s)},
	{"latency", KEY_TIME, "", NULL, "the new latency", AT(latency_ps)},
	{"detect", KEY_TIME, "", NULL, "how long after `down` the routes avoid the link; default: never, what crosses it waits", AT(detect_ps)},
	{"repair", KEY_TIME, "", NULL, "how long after `down` it is up again, unless something else that carries the link is still down; default: never",
		AT(repair_ps)},
	{0},
};
const struct section section_change = {"links", "An entry of the list `links`: something that happens to links while the run goes on.",
	change_keys};

#undef AT
#define AT(field) offsetof(struct scenario_failure, field)
static const struct section_key failure_keys[] = {
	{"name", KEY_TEXT, "", NULL, "in the results of `weft goodput`", AT(name)},
	{"component", KEY_TEXT, "", NULL, "what fails: pattern of names of components and switches, each with every link that it carries", AT(component)},
	{"link", KEY_TEXT, "", NULL, "or: pattern of link names; a cable fails as a whole, with the link the other way", AT(link)},
	{"chip", KEY_TEXT, "", NULL, "or: pattern of names of chips, each with its links and ranks", AT(chip)},
	{"effect", KEY_CHOICE, "", "down|flap|lane|contamination|crash|throttle", "what happens to it; default: `down`, of a chip `crash`. A `flap` is `down` for "
		"1 s to 60 s unless `repair` says otherwise; `lane`: one lane of each link is lost; `contamination`: dB on each link; `throttle`: the chip "
		"computes slowly", AT(effect)},
	{"rate", KEY_TEXT, "", NULL, "how often: `719 FIT` (failures of a unit in 10^9 hours)", AT(rate_text)},
	{"afr", KEY_RATIO, "", "0..1000", "or: failures of a unit per year, `0.63 %`", AT(afr)},
	{"mttf", KEY_TEXT, "", NULL, "or: mean time to failure of a unit, `600000 h`; default: the catalogue's rate of what it is", AT(mttf_text)},
	{"shape", KEY_RATIO, "1", "0.1..10", "of the Weibull distribution with that mean: 1 exponential, below 1 early deaths, above 1 wear", AT(shape)},
	{"infant", KEY_RATIO, "0", "0..1", "share of units that die of infant mortality, after `infant_mttf` in the mean", AT(infant)},
	{"infant_mttf", KEY_TEXT, "", NULL, "a time", AT(infant_text)},
	{"age", KEY_TEXT, "0 s", NULL, "of all units when the run begins; matters where `shape` is not 1", AT(age_text)},
	{"repair", KEY_TEXT, "", NULL, "how long until it works again: `4 h`, `1 s .. 60 s` (evenly), `0.5 h .. 4 h .. 24 h` (triangle with that peak); default: never",
		AT(repair_text)},
	{"repair_law", KEY_CHOICE, "range", "range|exponential", "`exponential`: with the mean of `repair`", AT(repair_law)},
	{"detect", KEY_TIME, "", NULL, "how long after the failure routes avoid its links; default: never, what crosses them waits", AT(detect_ps)},
	{"abort", KEY_TIME, "", NULL, "how long after a failure that is not over the library gives up and the run ends; default: never, what waits waits",
		AT(abort_ps)},
	{"lanes", KEY_COUNT, "0", "0..1024", "lane: lanes of a link; 0: the catalogue's", AT(lanes)},
	{"loss", KEY_TEXT, "", NULL, "contamination: dB, `3 dB` or `1 dB .. 6 dB`", AT(loss_text)},
	{"slow", KEY_RATIO, "1", "1..1000", "throttle: computations take so many times as long", AT(slow)},
	{"spares", KEY_COUNT, "0", "0..1000000", "down, crash: units in reserve, in each group of `spares_per`; one takes over after `switchover` and is free again "
		"when the unit is repaired", AT(spares)},
	{"spares_per", KEY_COUNT, "0", "0..1048576", "units, in their natural order, that share `spares`; 0: all of the entry", AT(spares_per)},
	{"together", KEY_COUNT, "1", "1..1048576", "crash: chips, rack by rack, that are swapped as a block, as circuit switches do (a cube of 64 of `tpu-torus`); "
		"units and spares are then such blocks", AT(together)},
	{"switchover", KEY_TIME, "0 s", NULL, "until a spare has taken over", AT(switchover_ps)},
	{"spare_latency", KEY_TIME, "0 s", NULL, "what a spare adds to the latency of each of its links: one hop more", AT(spare_latency_ps)},
	{0},
};
const struct section section_failure = {"failures", "An entry of the list `failures`: parts that fail at random times while the run goes on "
	"(docs/failures.md).", failure_keys};

#undef AT
#define AT(field) offsetof(struct scenario, goodput.field)
static const struct section_key goodput_keys[] = {
	{"days", KEY_COUNT, "30", "1..36500", "how long", AT(days)},
	{"steps", KEY_COUNT, "1", "1..1000000", "training steps that the workload is", AT(steps)},
	{"checkpoint", KEY_TEXT, "auto", NULL, "training time from one checkpoint to the next, `15 min`, or `auto`: the best that simulation finds", AT(checkpoint)},
	{"write", KEY_TIME, NULL, "0 s..", "for how long training stops to write a checkpoint", AT(write_ps)},
	{"restart", KEY_TEXT, NULL, NULL, "from the detection of what ended it to the first step of the restarted job: `3 min`, or a range as in `repair`",
		AT(restart_text)},
	{"detect", KEY_TIME, "10 min", "0 s..", "until a dead chip is noticed, or a link that stalls the job, where an entry of `failures` does not say `detect` or `abort`",
		AT(detect_ps)},
	{"representatives", KEY_COUNT, "2", "1..16", "units of each entry of `failures` whose loss is simulated; the others count as one of them", AT(representatives)},
	{0},
};
const struct section section_goodput = {"goodput", "Training for days, with `failures` at their real rates: what `weft goodput` simulates (docs/failures.md). The "
	"workload is one training step, or `steps` of them.", goodput_keys};

#undef AT
#define AT(field) offsetof(struct scenario_output, field)
static const struct section_key output_keys[] = {
	{"timeline", KEY_PATH, "", NULL, "HDF5 file to write (docs/timeline-format.md)", AT(timeline)},
	{"bin", KEY_NODE, "auto", NULL, "width of a time bin, or `auto`: fine at first, coarsened as the run grows", AT(bin)},
	{"detail", KEY_CHOICE, "bins", "bins|messages|intervals|all", "what is recorded besides totals and bins", AT(detail)},
	{"size_limit", KEY_BYTES, "4 GiB", "1 MiB..", "beyond it bins are coarsened, then intervals, then messages dropped; the file says so",
		AT(size_limit_bytes)},
	{0},
};
const struct section section_output = {"output", "What is recorded.", output_keys};

#undef AT
#define AT(field) offsetof(struct scenario, circuits.field)
static const struct section_key circuits_keys[] = {
	{"controller", KEY_CHOICE, NULL, "static|rotor|demand|bvn|request", "`static`: the list `states`; `rotor`: in slot k port p of chip i leads to chip "
		"i + 1 + (k · ports + p) mod (n - 1); `demand`: every slot the matching of maximum weight on what is waiting; `bvn`: what is waiting, "
		"decomposed into states (Birkhoff, von Neumann), one after the other; `request`: collectives ask (key `circuits`) for one of `states`",
		AT(controller)},
	{"slot", KEY_TIME, "200 us", "1 ps..", "rotor, demand: from one move to the next; bvn: for how long a state is lit at least", AT(slot_ps)},
	{"control", KEY_TIME, "", "0 ps..", "of a move: until the switch begins; default: of the catalogue's component, else 0", AT(control_ps)},
	{"switching", KEY_TIME, "", "0 ps..", "of a move: the switch itself; default: of the catalogue's component", AT(switching_ps)},
	{"relock", KEY_TIME, "", "0 ps..", "of a move: until the receivers have locked again; default: of the circuits' kind, else 0", AT(relock_ps)},
	{"moving", KEY_CHOICE, "drain", "drain|drop", "what is on a circuit that is taken away: `drain`: it arrives; `drop`: it is lost and sent "
		"again when the two chips are joined again (packet model)", AT(moving)},
	{"decide", KEY_CHOICE, "break-even", "break-even|always|never", "request: `break-even`: granted when the bytes V of the chip that sends most exceed "
		"delay / (1/b0 - 1/b1), b0 and b1 the rates that it would have now and then", AT(decide)},
	{"initial", KEY_TEXT, "", NULL, "request: the state at the start; default: the first", AT(initial)},
	{"states", KEY_NODE, "", NULL, "static, request: list of states of the switches, see section states", AT(states_node)},
	{0},
};
const struct section section_circuits = {"circuits", "The circuit switches of topology `ocs` (docs/circuits.md). Ports that move are dark for "
	"`control` + `switching` + `relock`; what waits for a dark circuit waits at its source.", circuits_keys};

#undef AT
#define AT(field) offsetof(struct circuits_state, field)
static const struct section_key circuit_state_keys[] = {
	{"name", KEY_TEXT, "", NULL, "request: by which collectives ask for it", AT(name)},
	{"at", KEY_TIME, "", "0 ps..", "static: when the move to it begins; the one at 0 ps is there from the start", AT(at_ps)},
	{"connect", KEY_NODE, "", NULL, "list of circuits, each `[chip that sends, chip that receives]`, or with the port of both: `[0, 1, 3]`", AT(connect)},
	{"shifts", KEY_COUNTS, "", "1..65535", "for each of these numbers s a circuit from every chip i to chip i + s", AT(shifts)},
	{0},
};
const struct section section_circuit_state = {"states", "One state of the circuit switches. Circuits that it shares with the one before stay lit.",
	circuit_state_keys};

#undef AT
#define AT(field) offsetof(struct scenario_component, field)
static const struct section_key component_keys[] = {
	{"name", KEY_TEXT, NULL, NULL, "of the component, or with a number behind it of each of several", AT(name)},
	{"kind", KEY_TEXT, NULL, NULL, "a component of the catalogue (`weft link list`): its power is always on, its price and failure rate count", AT(kind)},
	{"links", KEY_TEXT, NULL, NULL, "pattern of the names of the links that it carries", AT(pattern)},
	{"per", KEY_COUNT, "0", "0..1048576", "one component for so many of those links, by their ids; 0: one for all of them", AT(per)},
	{0},
};
const struct section section_component = {"components", "An entry of the list `components`: laser sources that feed several ports, fibre ribbons, … "
	"When one fails (`links`, `failures`), all links that it carries do.", component_keys};

#undef AT
#define AT(field) offsetof(struct scenario, power.field)
static const struct section_key power_keys[] = {
	{"rules", KEY_NODE, NULL, NULL, "list, see section rules; a link obeys the last rule that names it", AT(rules_node)},
	{"compare", KEY_BOOL, "true", NULL, "the same scenario without power states is simulated too, and what they cost and saved is told", AT(compare)},
	{0},
};
const struct section section_power = {"power_states", "Links that rest: asleep, squelched, on fewer lanes (docs/links.md). A message that is sent wakes "
	"all resting links of its route and waits for them.", power_keys};

#undef AT
#define AT(field) offsetof(struct power_rule, field)
static const struct section_key power_rule_keys[] = {
	{"links", KEY_TEXT, "*", NULL, "pattern of link names (`*`, `?`)", AT(pattern)},
	{"rest", KEY_CHOICE, NULL, "squelch|serdes|sleep|fold", "`squelch`: no modulation, laser on; `serdes`: the host's SerDes idle; `sleep`: modules and SerDes "
		"off; `fold`: fewer lanes while little is sent", AT(rest)},
	{"after", KEY_TEXT, "auto", NULL, "idle time until it rests; `auto`: that beyond which resting saves more than waking costs, for the link alone",
		AT(after_text)},
	{"wake", KEY_TIME, "", "0 ps..", "until it carries again; default: the catalogue's figure of its kind", AT(wake_ps)},
	{"share", KEY_RATIO, "", "0..1", "of its always-on power that stays; default: by the catalogue's figures of its kind", AT(share)},
	{"together", KEY_CHOICE, "auto", "auto|link|cable", "`link`: every direction rests for itself; `cable`: only all links of the rule that a module or cable "
		"carries, when all are idle; `auto`: modules that sleep do so whole, all else by link", AT(together)},
	{"lanes", KEY_COUNT, "0", "0..1024", "fold: how many lanes stay", AT(lanes)},
	{"window", KEY_TIME, "100 us", "1 ps..", "fold: over which sent bytes are counted", AT(window_ps)},
	{"below", KEY_RATIO, "0.5", "0..1", "fold: when they are less than this part of what the remaining lanes carry in it", AT(below)},
	{0},
};
const struct section section_power_rule = {"rules", "One rule of `power_states`.", power_rule_keys};

#undef AT
#define AT(field) offsetof(struct scenario, physics.field)
static const struct section_key physics_keys[] = {
	{"errors", KEY_BOOL, "true", NULL, "bit errors take part: lost codewords are sent again and hold their link", AT(errors)},
	{"draws", KEY_BOOL, "true", NULL, "every link draws its manufacturing, contamination and ageing in dB, by seed", AT(draws)},
	{"ranges", KEY_CHOICE, "typical", "typical|draw", "figures that are a range: their likely value, or drawn once per kind of link or component, by seed",
		AT(ranges)},
	{"latency", KEY_CHOICE, "fabric", "fabric|add", "`add`: propagation, modules, FEC and SerDes of the catalogue come on top of the fabric's latency, "
		"which then stands for the switch alone", AT(latency)},
	{"budget", KEY_CHOICE, "error", "error|warn|ignore", "what a link is whose budget does not close", AT(budget)},
	{"recovery", KEY_TIME, "1 ms", "1 ns..", "what a lost codeword costs on links without a retry of their own", AT(recovery_ps)},
	{"loss", KEY_NODE, "", NULL, "list of losses put on links: `[{link: 'npu0->*', add: 3 dB}]`", AT(loss)},
	{"kinds", KEY_NODE, "", NULL, "what the fabric's kinds of links are in the catalogue: `{ideal: 400g-dr4}`; default: by name", AT(kinds)},
	{"catalogue", KEY_NODE, "", NULL, "a catalogue file, or its sections `links`, `components`, `machines`, `tariffs`: added to what is shipped",
		AT(catalogue)},
	{0},
};
const struct section section_physics = {"physics", "From the dB budget of every link to what its errors cost (docs/links.md).", physics_keys};

#undef AT
#define AT(field) offsetof(struct scenario, energy.field)
static const struct section_key energy_keys[] = {
	{"pue", KEY_TEXT, "1", NULL, "power usage effectiveness of the building, at least 1", AT(pue)},
	{"price", KEY_TEXT, SCENARIO_PRICE, NULL, "a tariff of the catalogue or a price such as `0.091 $/kWh`", AT(price)},
	{"chips", KEY_NODE, "", NULL, "what nodes are, by role: `{npu: ascend-910c}`; default: the machine's own", AT(chips)},
	{0},
};
const struct section section_energy = {"energy", "Joules and money of the run (docs/links.md). Links count by the catalogue.", energy_keys};

static const struct section_key network_keys[] = {
	{"model", KEY_TEXT, "fluid", NULL, "`fluid`, `analytic`, `packet`, `loggops`", 0},
	{"routing", KEY_CHOICE, "default", "default|ecmp|spray|adaptive|valiant|ugal", "how paths are chosen", 0},
	{0},
};
const struct section section_network = {"network", "The network model; the model's own parameters stand beside these keys.", network_keys};

const struct section *const scenario_sections[] = {
	&section_root, &section_network, &section_entry, &section_collective, &section_pipeline, &section_path_kind, &section_message, &section_change, &section_failure, &section_goodput,
	&section_circuits, &section_circuit_state, &section_component, &section_power, &section_power_rule, &section_physics, &section_energy, &section_output, NULL,
};
