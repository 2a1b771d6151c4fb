// What Gemma 2 and 3 share: norms before and after each block, GELU gates, embeddings scaled by
// sqrt(n_embd), a tied head.
#pragma once

#include "models/convert/decoder_keys.h"
#include "models/families/decoder.h"

namespace hearth::models {

// n_layers_27b: of the one size whose scores are scaled by n_embd / n_heads, not the head size.
Result<Recipe> read_gemma(const HyperParameters& keys, size_t n_layers_27b);

Result<void> convert_gemma(Conversion& conversion, const HfDefaults& defaults);

}  // namespace hearth::models
