/* Tables of a timeline for other programs: CSV, and traces for ui.perfetto.dev. */
#ifndef WEFT_REPORT_EXPORT_H
#define WEFT_REPORT_EXPORT_H

#include <stdio.h>

#include "timeline/reader.h"

struct error;

enum export_table { EXPORT_MESSAGES, EXPORT_OPS, EXPORT_LINKS, EXPORT_COLLECTIVES, EXPORT_TABLES };
extern const char *const export_table_names[EXPORT_TABLES];

/* What every file of that sort begins with. */
const char *export_beginning(bool csv, enum export_table table);
/* Messages: `message,source,target,bytes,start_ps,end_ps` by message; end_ps is empty for one that was not delivered. */
int export_csv(struct timeline *timeline, enum export_table table, FILE *out, struct error *err);
/* Perfetto's protobuf (protos/perfetto/trace/trace.proto): ops as slices per rank and stream, messages as slices per sending
 * chip, collectives on a track of their own, links as counters of their rate. Times are whole nanoseconds. */
int export_perfetto(struct timeline *timeline, enum export_table table, FILE *out, struct error *err);

#endif
