// Takes tokens out of a draw before the samplers see it.
#pragma once

#include <cstdint>
#include <span>

namespace hearth::engine {

// Logits of tokens that are not in the set become -infinity. `allowed`: bit i % 32 of word i / 32
// is token i; tokens beyond its last word are not in it.
void keep_only(std::span<const uint32_t> allowed, std::span<float> logits);

}  // namespace hearth::engine
