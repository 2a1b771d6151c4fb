// 3 queries times 32 positions are 12 accumulators; with 3 broadcast query values and one row of 8
// keys they fill the 16 registers, and 7 loads feed 12 multiply-adds.
#include "compute/cpu/attention/kernel.h"

#if defined(__x86_64__)

#include "compute/cpu/attention/floats8_avx2.h"
// Made of those.
#include "compute/cpu/attention/floats16_pair.h"
// Made of both.
#include "compute/cpu/attention/tiles.h"

namespace hearth::compute::cpu {
namespace {

constexpr int kTile = 3;
// Beyond this many queries, several tiles would each convert the block in registers.
constexpr int kDirect = 6;

}  // namespace

const AttentionKernels kAttentionAvx2 = attention_kernels<kTile, kDirect>();

}  // namespace hearth::compute::cpu

#endif
