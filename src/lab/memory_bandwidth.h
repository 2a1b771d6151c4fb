// The rate at which this machine reads memory: the limit of token generation.
#pragma once

#include "base/result.h"

namespace hearth::lab {

// Bytes per second that n_threads threads read together from a buffer far larger than the caches:
// the best of several passes of 64 bytes a load, about 100 ms in all. kOutOfMemory without room for
// it.
Result<double> measure_read_bandwidth(int n_threads);

}  // namespace hearth::lab
