#include "models/convert/vocabulary.h"

#include <fmt/format.h>

#include <utility>

namespace hearth::models {
namespace {

constexpr int64_t kMaxTokens = 1 << 24;
constexpr size_t kMaxTokenBytes = 64 << 10;

}  // namespace

Result<void> Vocabulary::set(int64_t id, std::string text, float score, TokenType type) {
  if (id < 0 || id >= kMaxTokens)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("token id {}, expected 0 to {}", id, kMaxTokens - 1));
  if (text.size() > kMaxTokenBytes)
    return fail(ErrorCode::kInvalidFile, fmt::format("token {} has {} bytes, expected at most {}",
                                                     id, text.size(), kMaxTokenBytes));
  const auto slot = static_cast<size_t>(id);
  if (slot >= tokens.size()) {
    tokens.resize(slot + 1);
    scores.resize(slot + 1, 0.0f);
    types.resize(slot + 1, TokenType::kUnused);
  }
  tokens[slot] = std::move(text);
  scores[slot] = score;
  types[slot] = type;
  return {};
}

}  // namespace hearth::models
