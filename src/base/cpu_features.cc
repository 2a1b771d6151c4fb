#include "base/cpu_features.h"

#include <cstdlib>
#include <fstream>
#include <string_view>

#include "base/log.h"

namespace hearth {

IsaLevel detected_isa_level() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vnni");
  if (avx2 && avx512) return IsaLevel::kAvx512Vnni;
  if (avx2) return IsaLevel::kAvx2;
#endif
  return IsaLevel::kScalar;
}

IsaLevel isa_level() {
  static const IsaLevel level = [] {
    const IsaLevel best = detected_isa_level();
    const char* asked = std::getenv("HEARTH_ISA");
    if (asked == nullptr || *asked == '\0') return best;
    for (const IsaLevel candidate : {IsaLevel::kScalar, IsaLevel::kAvx2, IsaLevel::kAvx512Vnni}) {
      if (std::string_view(asked) != isa_name(candidate)) continue;
      if (candidate <= best) return candidate;
      log_warning("HEARTH_ISA={} is beyond this CPU; using {}", asked, isa_name(best));
      return best;
    }
    log_warning("HEARTH_ISA={} is none of scalar, avx2, avx512; using {}", asked, isa_name(best));
    return best;
  }();
  return level;
}

const char* isa_name(IsaLevel level) {
  switch (level) {
    case IsaLevel::kScalar: return "scalar";
    case IsaLevel::kAvx2: return "avx2";
    case IsaLevel::kAvx512Vnni: return "avx512";
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
