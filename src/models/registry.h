// The table of architecture families.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "models/family.h"

namespace hearth::models {

std::span<const Family* const> all_families();

// kUnsupported names the architecture and lists the known ones.
Result<const Family*> find_family(std::string_view architecture);
Result<const Family*> find_hf_family(std::string_view hf_class);

}  // namespace hearth::models
