// What this CPU can execute, asked once. Kernels are picked by it at run time from one binary.
#pragma once

#include <string>

namespace hearth {

// Ordered: a level includes those before it.
enum class IsaLevel { kScalar, kAvx2, kAvx512Vnni };

// The best level of this CPU (and that the operating system saves the registers of).
IsaLevel detected_isa_level();

// The level in use: the detected one, or a lower one asked for by HEARTH_ISA (scalar|avx2|avx512),
// which exists so that every path can be tested and measured on one machine.
IsaLevel isa_level();

const char* isa_name(IsaLevel level);

// The processor's marketing name, as the system gives it; "unknown CPU" if it doesn't.
std::string cpu_model_name();

}  // namespace hearth
