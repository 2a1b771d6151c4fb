#include "compute/cpu/panel/legacy_neon.h"

namespace hearth::compute::cpu {

PanelKernel legacy_kernel_dotprod(quant::Type type) { return legacy_kernel<DotProduct>(type); }

}  // namespace hearth::compute::cpu
