// Products of 8-row panels of Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, IQ4_NL and MXFP4 with rows of 8-bit
// activations.
//
// The same integers and the same float operations in the same order as legacy_avx2.cc, so the same
// bits. vpdpbusd takes codes of 8 bits whole and leaves 32-bit sums, so nothing can overflow; what
// an unsigned code has too much (8, 16 or 128 times the activations' sum) is taken off each sum.
//
// Measured with bench_panel_products on two cores of an EPYC (Zen 5), 32 rows, GMAC/s, and with
// legacy_avx2.cc there: Q4_0 339 (303), Q4_1 353 (282), Q5_0 344 (294), Q5_1 345 (279), Q8_0 356
// (159), IQ4_NL 345 (157), MXFP4 341 (275); one row at what the memory gives with either.
#include "compute/cpu/panel/blocks_of_32_avx2.h"
#include "compute/cpu/panel/vectors_avxvnni.h"
#include "quant/type.h"

namespace hearth::compute::cpu {
namespace {

// A format says where its scales are, how codes unpack and what the sums have too much.
struct Q4_0 {
  static constexpr int kBytes = 144, kScalesAt = 128;
  static void unpack(const uint8_t* block, __m256i w[8]) { unpack_nibbles(block, w); }
  static __m256i correct(__m256i sum, const BlockRows& rows, int64_t r) {
    return add_words<-1>(sum, rows.offsets_8 + r);
  }
};

struct Q4_1 {
  static constexpr int kBytes = 160, kScalesAt = 128, kMinsAt = 144;
  static void unpack(const uint8_t* block, __m256i w[8]) { unpack_nibbles(block, w); }
  static __m256i correct(__m256i sum, const BlockRows&, int64_t) { return sum; }
};

struct Q5_0 {
  static constexpr int kBytes = 176, kScalesAt = 160;
  static void unpack(const uint8_t* block, __m256i w[8]) {
    unpack_nibbles(block, w);
    add_plane_1<4>(block + 128, w);
  }
  static __m256i correct(__m256i sum, const BlockRows& rows, int64_t r) {
    return add_words<-1>(sum, rows.offsets_16 + r);
  }
};

struct Q5_1 {
  static constexpr int kBytes = 192, kScalesAt = 160, kMinsAt = 176;
  static void unpack(const uint8_t* block, __m256i w[8]) { Q5_0::unpack(block, w); }
  static __m256i correct(__m256i sum, const BlockRows&, int64_t) { return sum; }
};

struct Q8_0 {
  static constexpr int kBytes = 272, kScalesAt = 256;
  static void unpack(const uint8_t* block, __m256i w[8]) {
    for (int v = 0; v < 8; ++v) w[v] = load_bytes(block + 32 * v);
  }
  static __m256i correct(__m256i sum, const BlockRows& rows, int64_t r) {
    return add_words<-8>(sum, rows.offsets_16 + r);
  }
};

struct IQ4_NL {
  static constexpr int kBytes = 144, kScalesAt = 128;
  static void unpack(const uint8_t* block, __m256i w[8]) {
    unpack_nibbles(block, w);
    for (int v = 0; v < 8; ++v) w[v] = look_up(kIq4Plus128, w[v]);
  }
  static __m256i correct(__m256i sum, const BlockRows& rows, int64_t r) {
    return Q8_0::correct(sum, rows, r);
  }
};

struct MXFP4 {
  static constexpr int kBytes = 136, kExponentsAt = 128;
  static void unpack(const uint8_t* block, __m256i w[8]) {
    unpack_nibbles(block, w);
    for (int v = 0; v < 8; ++v) w[v] = look_up(kMxfp4Plus16, w[v]);
  }
  static __m256i correct(__m256i sum, const BlockRows& rows, int64_t r) {
    return Q5_0::correct(sum, rows, r);
  }
};

template <class Format>
concept HasMins = requires {
  Format::kMinsAt;
};
template <class Format>
concept HasExponents = requires {
  Format::kExponentsAt;
};

template <class Format>
struct Block {
  static constexpr int kBytes = Format::kBytes;
  explicit Block(const uint8_t* block) {
    Format::unpack(block, w);
    if constexpr (HasExponents<Format>) {
      d = load_exponents(block + Format::kExponentsAt);
    } else {
      d = load_halfs(block + Format::kScalesAt);
    }
    if constexpr (HasMins<Format>) m = load_halfs(block + Format::kMinsAt);
  }
  __m256 add(__m256 acc, const BlockRows& rows, int64_t r) const {
    const __m256i sum = Format::correct(fold(dot_lanes<4>(w, rows.codes + 32 * r)), rows, r);
    if constexpr (HasMins<Format>)
      acc = _mm256_fmadd_ps(m, _mm256_set1_ps(rows.scaled_sums[r]), acc);
    return add_scaled(acc, sum, d, rows.scales[r]);
  }
  __m256 d, m;
  __m256i w[8];
};

}  // namespace

PanelKernel legacy_kernel_avxvnni(quant::Type type) {
  switch (type) {
    case quant::Type::kQ4_0: return multiply<Block<Q4_0>>;
    case quant::Type::kQ4_1: return multiply<Block<Q4_1>>;
    case quant::Type::kQ5_0: return multiply<Block<Q5_0>>;
    case quant::Type::kQ5_1: return multiply<Block<Q5_1>>;
    case quant::Type::kQ8_0: return multiply<Block<Q8_0>>;
    case quant::Type::kIQ4_NL: return multiply<Block<IQ4_NL>>;
    case quant::Type::kMXFP4: return multiply<Block<MXFP4>>;
    default: return nullptr;
  }
}

}  // namespace hearth::compute::cpu
