// Blocks of i-quants on their way to panel blocks: one function a type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "compute/cpu/panel/kernels.h"

namespace hearth::compute::cpu {

// One block of each row to the panel block that format.h and i_quants.h draw.
void pack_iq2_xxs(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq2_xs(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq2_s(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq1_s(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq1_m(const std::byte* const rows[kPanelRows], uint8_t* out);

constexpr int kNibbleBlockBytes = 136;

// One row's block to kNibbleBlockBytes laid out as a block of IQ4_XS (quant/iq4_xs.cc), whose
// nibbles and scales are those that format.h gives these types.
void recode_iq3_xxs(const std::byte* block, std::byte* out);
void recode_iq3_s(const std::byte* block, std::byte* out);

}  // namespace hearth::compute::cpu
