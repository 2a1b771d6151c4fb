#include "base/cpu_features.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include <cstdlib>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace hearth {

namespace {

#if defined(__x86_64__)
bool has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax >> 4 & 1) != 0;
}

std::vector<IsaLevel> find_levels() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vnni");
  std::vector<IsaLevel> levels = {IsaLevel::kScalar};
  if (avx2) levels.push_back(IsaLevel::kAvx2);
  if (avx2 && has_avx_vnni()) levels.push_back(IsaLevel::kAvxVnni);
  if (avx2 && avx512) levels.push_back(IsaLevel::kAvx512Vnni);
  return levels;
}
#elif defined(__aarch64__)
std::vector<IsaLevel> find_levels() {
  const bool dotprod = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  const bool i8mm = (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
  std::vector<IsaLevel> levels = {IsaLevel::kScalar, IsaLevel::kNeon};
  if (dotprod) levels.push_back(IsaLevel::kNeonDotprod);
  if (dotprod && i8mm) levels.push_back(IsaLevel::kNeonI8mm);
  return levels;
}
#else
std::vector<IsaLevel> find_levels() { return {IsaLevel::kScalar}; }
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
  static const std::vector<IsaLevel> levels = find_levels();
  return levels;
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
    case IsaLevel::kAvxVnni: return "avxvnni";
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
