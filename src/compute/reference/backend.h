// The definition: every operation in the plainest scalar code, double sums, no threads.
// Slow on purpose; tests hold the fast backends against it.
#pragma once

#include <memory>

#include "compute/backend.h"

namespace hearth::compute {

struct ReferenceOptions {
  // Quantize activations as each weight type's fast kernels do (compute/activation.h), so that a
  // fast backend differs by rounding alone. Off: pure f32 activations.
  bool quantize_activations = false;
};

std::unique_ptr<Backend> make_reference_backend(const ReferenceOptions& options = {});

}  // namespace hearth::compute
