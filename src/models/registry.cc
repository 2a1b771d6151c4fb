#include "models/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "gguf/quote.h"
#include "models/families/families.h"

namespace hearth::models {
namespace {

constexpr const Family* kFamilies[] = {
    &kLlama, &kQwen2, &kQwen3, &kQwen3Moe, &kGemma2, &kGemma3, &kPhi2, &kPhi3,
};

}  // namespace

std::span<const Family* const> all_families() { return kFamilies; }

Result<const Family*> find_family(std::string_view architecture) {
  std::string known;
  for (const Family* family : kFamilies) {
    if (family->architecture == architecture) return family;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", family->architecture);
  }
  return fail(ErrorCode::kUnsupported, fmt::format("architecture {} is unknown; Hearth runs {}",
                                                   gguf::quote(architecture), known));
}

Result<const Family*> find_hf_family(std::string_view hf_class) {
  std::string known;
  for (const Family* family : kFamilies) {
    if (std::ranges::find(family->hf_classes, hf_class) != family->hf_classes.end()) return family;
    for (const std::string_view name : family->hf_classes)
      known += fmt::format("{}{}", known.empty() ? "" : ", ", name);
  }
  return fail(ErrorCode::kUnsupported,
              fmt::format("config.json: architecture {} is unknown; Hearth converts {}",
                          gguf::quote(hf_class), known));
}

}  // namespace hearth::models
