/* The parts of a timeline file that are known before the first event: nodes, links, components, groups. */
#ifndef WEFT_TIMELINE_DESCRIBE_H
#define WEFT_TIMELINE_DESCRIBE_H

#include "timeline/file.h"

struct fabric;
struct recorder_options;

void describe_nodes(struct timeline_file *file, const struct fabric *fabric);
/* Into the open group /links, over its dimension. */
void describe_links(struct timeline_file *file, hid_t group, const struct dimension *links, const struct fabric *fabric);
void describe_components(struct timeline_file *file, const struct fabric *fabric);
void describe_groups(struct timeline_file *file, const struct recorder_options *options);

#endif
