// Blocks of 8 rows of i-quants and ternary types to panel blocks: one function a type.
#pragma once

#include <cstddef>
#include <cstdint>

#include "compute/cpu/panel/kernels.h"

namespace hearth::compute::cpu {

// One block of each row to the panel block that format.h and i_quants.h draw.
void pack_iq2_xxs(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq2_xs(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq2_s(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq3_xxs(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq3_s(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq1_s(const std::byte* const rows[kPanelRows], uint8_t* out);
void pack_iq1_m(const std::byte* const rows[kPanelRows], uint8_t* out);

}  // namespace hearth::compute::cpu
