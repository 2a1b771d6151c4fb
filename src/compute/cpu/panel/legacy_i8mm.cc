#include "compute/cpu/panel/legacy_neon.h"

namespace hearth::compute::cpu {

PanelKernel legacy_kernel_i8mm(quant::Type type) { return legacy_kernel<MatrixProduct>(type); }

}  // namespace hearth::compute::cpu
