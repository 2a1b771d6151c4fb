// 3 queries times 32 positions are 24 accumulators; with 3 broadcast query values and a register of
// 4 keys they leave 4 of the 32, and 11 loads feed 24 multiply-adds.
#include "compute/cpu/attention/kernel.h"

#include "compute/cpu/attention/floats8_neon.h"
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

const AttentionKernels kAttentionNeon = attention_kernels<kTile, kDirect>();

}  // namespace hearth::compute::cpu
