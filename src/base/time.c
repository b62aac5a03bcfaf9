#include "base/time.h"

int64_t serialization_ps_wide(int64_t bytes, int64_t bytes_per_s)
{
	__extension__ typedef unsigned __int128 wide;
	if (bytes <= 0)
		return 0;
	if (bytes_per_s <= 0)
		return TIME_NEVER;
	wide rate = (uint64_t)bytes_per_s;
	wide time = ((wide)(uint64_t)bytes * (uint64_t)PS_PER_S + rate - 1) / rate;
	return time >= (wide)TIME_NEVER ? TIME_NEVER : (int64_t)time;
}
