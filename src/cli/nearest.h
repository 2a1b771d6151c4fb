// What a mistyped word may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hearth::cli {

// " (did you mean 'list' or 'ls'?)": of the known words, the three nearest that a slip or two of
// the fingers, or stopping early, turns into `word`. Empty where none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace hearth::cli
