#include "engine/generation.h"

namespace hearth::engine {

const char* done_reason_name(DoneReason reason) {
  switch (reason) {
    case DoneReason::kStop: return "stop";
    case DoneReason::kLength: return "length";
    case DoneReason::kCancelled: return "cancelled";
  }
  return "";
}

double GenerateStats::prompt_tokens_per_s() const {
  return prompt_s > 0 ? (n_prompt - n_cached) / prompt_s : 0;
}

double GenerateStats::generation_tokens_per_s() const {
  return generation_s > 0 && n_generated > 1 ? (n_generated - 1) / generation_s : 0;
}

double GenerateStats::generation_steps_per_s() const {
  return generation_s > 0 ? speculation.n_steps / generation_s : 0;
}

}  // namespace hearth::engine
