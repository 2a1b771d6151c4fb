#include "compute/cpu/panel/k_quants_neon.h"

namespace hearth::compute::cpu {

PanelKernel k_quant_kernel_neon(quant::Type type) { return k_quant_kernel<PlainDot>(type); }

}  // namespace hearth::compute::cpu
