#include "engine/speculation/lookup.h"

#include <algorithm>
#include <array>

namespace hearth::engine {
namespace {

// The longer the text has been repeating itself, the surer it is to go on.
int32_t sureness_of(int32_t n_repeated) {
  constexpr std::array<int32_t, kSurenesses - 1> kLeastRepeated = {3, 4, 6, 9, 13, 20, 32};
  return static_cast<int32_t>(std::ranges::upper_bound(kLeastRepeated, n_repeated) -
                              kLeastRepeated.begin());
}

}  // namespace

bool Lookup::propose_next(std::span<const text::TokenId> text, std::vector<Proposal>& proposals) {
  if (proposals.empty()) match_ = index_.read(text);
  if (!match_) return false;
  // Where the earlier occurrence reaches the end of the text, its period is taken to go on.
  const size_t at = static_cast<size_t>(match_->next) + proposals.size();
  const text::TokenId token = at < text.size() ? text[at] : proposals[at - text.size()].token;
  const auto n_proposed = static_cast<int32_t>(proposals.size());
  proposals.push_back({token, sureness_of(match_->length + n_proposed)});
  return true;
}

}  // namespace hearth::engine
