// 12 queries times 32 positions are 24 accumulators; with two vectors of keys and a broadcast query
// value they leave 5 of the 32 registers.
#include "compute/cpu/attention/kernel.h"

#if defined(__x86_64__)

#include "compute/cpu/attention/floats16_avx512.h"
// Made of those.
#include "compute/cpu/attention/tiles.h"

namespace hearth::compute::cpu {
namespace {

constexpr int kTile = 12;
// Beyond this many queries, several tiles would each convert the block in registers.
constexpr int kDirect = 12;

}  // namespace

const AttentionKernels kAttentionAvx512 = attention_kernels<kTile, kDirect>();

}  // namespace hearth::compute::cpu

#endif
