// The rate at which this machine reads memory: the limit of token generation.
#pragma once

#include "base/result.h"

namespace hearth::lab {

// Bytes per second that n_threads threads read together: each streams its own half (third, ...) of
// 256 MiB once a pass, in 32-byte loads in eight chains with the line 8 KiB ahead prefetched, from
// huge pages where the system grants them; the time is that of the slowest thread. The best of ten
// passes, since other programs on the machine only ever make one slower; about 200 ms in all.
// kOutOfMemory without room for it.
//
// Without AVX2 the loads are the compiler's own and one core may stay below what memory gives.
Result<double> measure_read_bandwidth(int n_threads);

}  // namespace hearth::lab
