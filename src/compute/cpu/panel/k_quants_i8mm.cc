#include "compute/cpu/panel/k_quants_neon.h"

namespace hearth::compute::cpu {

PanelKernel k_quant_kernel_i8mm(quant::Type type) { return k_quant_kernel<MatrixProduct>(type); }

}  // namespace hearth::compute::cpu
