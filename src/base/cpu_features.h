// What this CPU can execute, asked once. Kernels are picked by it at run time from one binary.
#pragma once

#include <span>
#include <string>

namespace hearth {

// A level includes those before it of the same architecture: kScalar, then x86's, or 64-bit Arm's.
// Only kAvxVnni, which servers with AVX-512 may lack, is in no other.
enum class IsaLevel { kScalar, kAvx2, kAvxVnni, kAvx512Vnni, kNeon, kNeonDotprod, kNeonI8mm };

// The levels of this CPU (that the operating system saves the registers of), kScalar first.
std::span<const IsaLevel> usable_isa_levels();

// The last, best one of those.
IsaLevel detected_isa_level();

// The level in use: the detected one, or a lower one asked for by HEARTH_ISA (scalar, avx2,
// avxvnni, avx512; neon, dotprod, i8mm), which exists so that every path can be tested and measured
// on one machine.
IsaLevel isa_level();

const char* isa_name(IsaLevel level);

// The processor's marketing name, as the system gives it; "unknown CPU" if it doesn't.
std::string cpu_model_name();

}  // namespace hearth
