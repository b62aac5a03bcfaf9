/* A run on one screen, from its timeline: time, collectives, busiest links, where the ranks' time went. */
#ifndef WEFT_REPORT_SUMMARY_H
#define WEFT_REPORT_SUMMARY_H

#include "base/json.h"
#include "base/text.h"
#include "timeline/reader.h"

struct error;

int summary_print(struct timeline *timeline, struct text *out, struct error *err);
/* Adds its keys to the open object (docs/timeline-format.md). */
int summary_json(struct timeline *timeline, struct json *json, struct error *err);

#endif
