#include "compute/cpu/panel/k_quants_neon.h"

namespace hearth::compute::cpu {

PanelKernel k_quant_kernel_dotprod(quant::Type type) { return k_quant_kernel<DotProduct>(type); }

}  // namespace hearth::compute::cpu
