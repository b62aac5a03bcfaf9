/* /circuits and /circuit_requests: which ports of circuit switches were joined when, and what collectives asked of them. */
#include "base/time.h"
#include "timeline/recorder_internal.h"

void circuits_open(struct recorder *recorder)
{
	static const struct variable circuits[] = {
		{.name = "link", .type = VALUE_U32, .text = "that the circuit lights, row of /links"},
		{.name = "port", .type = VALUE_U32, .text = "fibre port of both ends"},
		{.name = "component", .type = VALUE_I32, .text = "the circuit switch, row of /components; -1: not known"},
		{.name = "start_ps", .type = VALUE_I64, .units = "ps", .text = "its ports began to move: dark"},
		{.name = "lit_ps", .type = VALUE_I64, .units = "ps", .text = "it carries from here on; 2^63-1: never"},
		{.name = "end_ps", .type = VALUE_I64, .units = "ps", .text = "its ports moved on; 2^63-1: not before the run ended"},
	};
	static const struct variable requests[] = {
		{.name = "collective", .type = VALUE_I32, .text = "id of /collectives"},
		{.name = "state", .type = VALUE_TEXT, .text = "that it asked for"},
		{.name = "asked_ps", .type = VALUE_I64, .units = "ps", .text = "all its ranks were there"},
		{.name = "decided_ps", .type = VALUE_I64, .units = "ps", .text = "2^63-1: not before the run ended"},
		{.name = "begun_ps", .type = VALUE_I64, .units = "ps", .text = "the circuits were lit, or it ran on what there was"},
		{.name = "bytes", .type = VALUE_I64, .units = "B", .text = "V, of the chip that sends most"},
		{.name = "delay_ps", .type = VALUE_I64, .units = "ps", .text = "of a move"},
		{.name = "before", .type = VALUE_F64, .units = "B/s", .text = "b0, its rate on the circuits that there were"},
		{.name = "after", .type = VALUE_F64, .units = "B/s", .text = "b1, its rate on those that it asked for"},
		{.name = "break_even", .type = VALUE_F64, .units = "B", .text = "delay / (1/b0 - 1/b1); infinite: nothing gained"},
		{.name = "had", .type = VALUE_U8, .text = "1: the switches had the state"},
		{.name = "moved", .type = VALUE_U8, .text = "1: they took it"},
	};
	if (!recorder->fabric->link_ports)
		return; /* no circuit can be */
	table_open(&recorder->circuits, &recorder->file, "/circuits", "circuits of circuit switches, in order of their end", "circuit",
		   TABLE_CHUNK_SMALL, circuits, sizeof circuits / sizeof *circuits);
	table_open(&recorder->requests, &recorder->file, "/circuit_requests", "collectives that asked for circuits", "request",
		   TABLE_CHUNK_SMALL, requests, sizeof requests / sizeof *requests);
}

void circuits_on_circuit(void *context, const struct circuit_record *record)
{
	struct table *table = &((struct recorder *)context)->circuits;
	TABLE_SET(table, 0, uint32_t, record->link);
	TABLE_SET(table, 1, uint32_t, record->port);
	TABLE_SET(table, 2, int32_t, record->component == UINT32_MAX ? -1 : (int32_t)record->component);
	TABLE_SET(table, 3, int64_t, record->start_ps);
	TABLE_SET(table, 4, int64_t, record->lit_ps);
	TABLE_SET(table, 5, int64_t, record->end_ps);
	table_commit(table);
}

void circuits_on_request(void *context, const struct circuit_request_record *record)
{
	struct table *table = &((struct recorder *)context)->requests;
	TABLE_SET(table, 0, int32_t, record->collective);
	TABLE_SET(table, 1, const char *, record->state);
	TABLE_SET(table, 2, int64_t, record->asked_ps);
	TABLE_SET(table, 3, int64_t, record->decided_ps);
	TABLE_SET(table, 4, int64_t, record->begun_ps);
	TABLE_SET(table, 5, int64_t, record->bytes);
	TABLE_SET(table, 6, int64_t, record->delay_ps);
	TABLE_SET(table, 7, double, record->before_bytes_per_s);
	TABLE_SET(table, 8, double, record->after_bytes_per_s);
	TABLE_SET(table, 9, double, record->break_even_bytes);
	TABLE_SET(table, 10, uint8_t, record->had);
	TABLE_SET(table, 11, uint8_t, record->moved);
	table_commit(table);
}
