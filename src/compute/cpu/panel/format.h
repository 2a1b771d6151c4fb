// The panel layout of each weight type: how blocks of 8 rows are woven into one block of a panel.
//
// A panel block takes the bytes of its 8 row blocks, no more, but for types whose file's codes
// would cost every product more than the memory: TQ1_0 takes those of TQ2_0, 66 for 54 of base-3
// digits; IQ3_S and IQ3_XXS those of IQ4_XS, 136 for 110 and 98 of code book entries. Codes are
// unsigned (a signed type's have its offset added) and come in eight vectors of 32 bytes:
// vectors 2 q and 2 q + 1 have columns 8 q to 8 q + 7, of the rows
//
//   byte           0      8     16     24
//   vector 2 q     row 0  row 1  row 4  row 5
//   vector 2 q + 1 row 2  row 3  row 6  row 7
//
//   nibbles  4 x 32 bytes: vector j in the low nibbles, vector j + 4 in the high ones
//   plane 1  32 bytes: bit v of byte b is bit 4 of byte b of vector v
//   plane 2  2 x 32 bytes: bits 2 i, 2 i + 1 of byte b of the first (second) are bits 4 and 5 of
//            byte b of vector i (i + 4)
//   bytes    8 x 32 bytes: the vectors
// Scales are those of the file, of 8 rows side by side.
//
//   Q4_0  nibbles, 8 halfs d                     Q4_1  nibbles, 8 halfs d, 8 halfs m
//   Q5_0  nibbles, plane 1, 8 halfs d            Q5_1  nibbles, plane 1, 8 halfs d, 8 halfs m
//   Q8_0  bytes, 8 halfs d
//   IQ4_NL  nibbles, 8 halfs d                   MXFP4  nibbles, 8 bytes exponent
//   Q4_K  8 halfs d, 8 halfs dmin, scales, 8 x nibbles
//   Q5_K  8 halfs d, 8 halfs dmin, scales, 8 x (nibbles, plane 1)
//   Q6_K  8 halfs d, 16 x 8 int8 scales, 8 x (nibbles, plane 2)
//   Q2_K  8 halfs d, 8 halfs dmin, 16 x 8 bytes (scale in the low nibble, min in the high one),
//         8 x plane 2, with the whole code
//   Q3_K  8 halfs d, the file's 12 bytes of scales x 8, 8 x (plane 2, plane 1), with bits 0 and 1,
//         and bit 2, of the code
//   IQ4_XS  8 halfs d, the file's 4 bytes of low scales x 8, its 2 bytes of high scales x 8,
//         8 x nibbles
//   TQ1_0, TQ2_0  8 halfs d, 8 x plane 2, with the whole code
//   IQ3_S, IQ3_XXS  as IQ4_XS; a nibble is 8 + p for magnitude p of the type's list of eight, and
//         7 - p for less that magnitude; a scale is the odd number that the values are multiples of
//   IQ1_S to IQ2_S  8 halfs d, 8 sub-blocks drawn in i_quants.h: code book entries stay indices,
//         since their values would take 3 to 4 bits a weight for the file's 1.6 to 2.6
// where the scales of Q4_K and Q5_K are 64 bytes, byte 8 j + r with the low four bits of the scale
// of sub-block j of row r in its low nibble and of its min in the high one; then 32 bytes, byte
// 8 i + r with the high two bits of: scale i, scale i + 4, min i, min i + 4, from bit 0 up.
//
// Where a level has a kernel for two panels at once, panels 2 i and 2 i + 1 of a slice are stored
// as one, blocks of the first and of the second in turns, so that a kernel reads one stream.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu_features.h"
#include "compute/cpu/panel/kernels.h"
#include "quant/type.h"

namespace hearth::compute::cpu {

constexpr int kMaxPanelBlockBytes = 8 * 256;

#if defined(__x86_64__)
constexpr bool kIsX86 = true;
#else
constexpr bool kIsX86 = false;
#endif

struct PanelFormat {
  using Pack = void (*)(const std::byte* const rows[kPanelRows], uint8_t* out);

  // Keeps null for the kernels of x86 where their files aren't compiled.
  constexpr PanelFormat(quant::Type type_, Pack pack_, PanelKernel scalar_, PanelKernel avx2_,
                        PanelKernel avx512_pair_, uint16_t row_bytes_ = 0)
      : type(type_),
        pack(pack_),
        scalar(scalar_),
        avx2(kIsX86 ? avx2_ : nullptr),
        avx512_pair(kIsX86 ? avx512_pair_ : nullptr),
        row_bytes(row_bytes_) {}

  quant::Type type;
  // One block of each of 8 rows to one panel block of 8 * panel_row_bytes() bytes.
  Pack pack;
  PanelKernel scalar;
  PanelKernel avx2;
  PanelKernel avx512_pair;
  uint16_t row_bytes;  // of a row's block in a panel; 0: those of the file
};

// Null if the type has no panel kernels.
const PanelFormat* find_panel_format(quant::Type type);

// Bytes that one row's block takes in a panel.
int panel_row_bytes(const PanelFormat& format);

PanelKernel panel_kernel(const PanelFormat& format, IsaLevel level);

// For two panels at once; null where the level has none.
PanelKernel panel_pair_kernel(const PanelFormat& format, IsaLevel level);

}  // namespace hearth::compute::cpu
