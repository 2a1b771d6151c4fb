#include "compute/cpu/panel/legacy_neon.h"

namespace hearth::compute::cpu {

PanelKernel legacy_kernel_neon(quant::Type type) { return legacy_kernel<PlainDot>(type); }

}  // namespace hearth::compute::cpu
