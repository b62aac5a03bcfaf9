// The peer of bench_queue.c: std::priority_queue of the same 16-byte entries in the same hold model.
#include <cstdint>
#include <ctime>
#include <queue>
#include <vector>

#include "hold.h"

struct Event {
	int64_t time_ps;
	uint32_t argument;
	uint8_t handler;
};
struct Later {
	bool operator()(const Event &a, const Event &b) const { return a.time_ps > b.time_ps; }
};

extern "C" double hold_std(enum hold_delay kind, uint32_t n, uint64_t holds)
{
	uint64_t state = 88172645463325252u;
	std::priority_queue<Event, std::vector<Event>, Later> queue;
	for (uint32_t i = 0; i < n; i++)
		queue.push(Event{hold_start(kind, i, &state), i, 0});
	clock_t start = 0;
	for (uint64_t i = 0; i < n + holds; i++) {
		if (i == n)
			start = clock();
		Event event = queue.top();
		queue.pop();
		event.time_ps += hold_delay(kind, &state);
		queue.push(event);
	}
	return double(clock() - start) / CLOCKS_PER_SEC * 1e9 / double(holds);
}
