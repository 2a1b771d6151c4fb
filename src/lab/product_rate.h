// The rate at which this machine multiplies 8-bit activations with packed weights: the limit of
// prompts and large batches.
#pragma once

#include <optional>

#include "base/result.h"
#include "quant/type.h"

namespace hearth::lab {

// Multiply-adds per second that n_threads threads reach together in the CPU backend's own kernel
// for `type`: each thread multiplies a 256 KiB matrix of its own, which stays in its L2 cache, with
// 64 rows of activations; the best of all passes in about 200 ms. No row may reach more without
// another kernel. nullopt for a type whose products are not in 8-bit integers.
Result<std::optional<double>> measure_product_rate(quant::Type type, int n_threads);

}  // namespace hearth::lab
