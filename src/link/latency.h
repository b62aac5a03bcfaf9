/* How long light and current take, and the parts of one hop. */
#ifndef WEFT_LINK_LATENCY_H
#define WEFT_LINK_LATENCY_H

#define FIBRE_GROUP_INDEX 1.468      /* silica, ITU-T G.652 class */
#define HOLLOW_CORE_INDEX 1.0003

/* ns per metre from the group index, or from a cable's velocity of propagation (fraction of c). */
double propagation_index_ns_per_m(double group_index);
double propagation_velocity_ns_per_m(double velocity_of_propagation);

/* One hop, all in ns: propagation, both modules, FEC, switch, serialization of one unit. */
struct hop_latency {
	double propagation_ns, module_ns, fec_ns, switch_ns, unit_ns;
};
double hop_latency_ns(const struct hop_latency *hop);
/* Time to put `bytes` on the wire, ns. */
double unit_time_ns(double bytes, double line_rate_bits_per_s);

#endif
