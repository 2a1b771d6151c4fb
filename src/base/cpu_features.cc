#include "base/cpu_features.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include <cstdlib>
#include <fstream>
#include <string_view>

#include "base/log.h"

namespace hearth {

namespace {

#if defined(__x86_64__)
constexpr IsaLevel kLevels[] = {IsaLevel::kScalar, IsaLevel::kAvx2, IsaLevel::kAvx512Vnni};

size_t count_levels() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vnni");
  return avx2 && avx512 ? 3 : avx2 ? 2 : 1;
}
#elif defined(__aarch64__)
constexpr IsaLevel kLevels[] = {IsaLevel::kScalar, IsaLevel::kNeon, IsaLevel::kNeonDotprod,
                                IsaLevel::kNeonI8mm};

size_t count_levels() {
  const bool dotprod = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  const bool i8mm = (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
  return dotprod && i8mm ? 4 : dotprod ? 3 : 2;
}
#else
constexpr IsaLevel kLevels[] = {IsaLevel::kScalar};

size_t count_levels() { return 1; }
#endif

std::string names(std::span<const IsaLevel> levels) {
  std::string list;
  for (const IsaLevel level : levels) {
    if (!list.empty()) list += ", ";
    list += isa_name(level);
  }
  return list;
}

}  // namespace

std::span<const IsaLevel> usable_isa_levels() {
  static const size_t n_levels = count_levels();
  return std::span(kLevels).first(n_levels);
}

IsaLevel detected_isa_level() { return usable_isa_levels().back(); }

IsaLevel isa_level() {
  static const IsaLevel level = [] {
    const IsaLevel best = detected_isa_level();
    const char* asked = std::getenv("HEARTH_ISA");
    if (asked == nullptr || *asked == '\0') return best;
    for (const IsaLevel candidate : usable_isa_levels()) {
      if (std::string_view(asked) == isa_name(candidate)) return candidate;
    }
    log_warning("HEARTH_ISA={} is none of this CPU's levels: {}; using {}", asked,
                names(usable_isa_levels()), isa_name(best));
    return best;
  }();
  return level;
}

const char* isa_name(IsaLevel level) {
  switch (level) {
    case IsaLevel::kScalar: return "scalar";
    case IsaLevel::kAvx2: return "avx2";
    case IsaLevel::kAvx512Vnni: return "avx512";
    case IsaLevel::kNeon: return "neon";
    case IsaLevel::kNeonDotprod: return "dotprod";
    case IsaLevel::kNeonI8mm: return "i8mm";
  }
  return "unknown";
}

std::string cpu_model_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown CPU";
}

}  // namespace hearth
