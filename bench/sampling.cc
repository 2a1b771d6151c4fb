// Times a draw: bench_sampling [SPREAD]
//
// Logits are normal with that standard deviation (default 3; a small one is a flat distribution),
// 200 draws a line, each from the same logits. Prints the median in microseconds.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/sampling/chain.h"

namespace {

using namespace hearth::engine;
using Settings = std::map<std::string, double>;

double median_draw_us(const Settings& settings, const std::vector<float>& logits) {
  SamplingOptions options;
  for (const auto& [name, value] : settings) {
    if (!options.set(name, value)) std::abort();
  }
  auto chain = SamplerChain::create(options, {static_cast<int32_t>(logits.size()), 4096, {}});
  if (!chain) std::abort();
  std::vector<double> times;
  for (int draw = 0; draw < 200; ++draw) {
    std::vector<float> scratch = logits;
    const auto start = std::chrono::steady_clock::now();
    if (!chain->sample(scratch)) std::abort();
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    times.push_back(time.count());
  }
  std::ranges::nth_element(times, times.begin() + 100);
  return times[100];
}

}  // namespace

int main(int argc, char** argv) {
  const float spread = argc > 1 ? std::strtof(argv[1], nullptr) : 3.0f;
  const std::pair<const char*, Settings> chains[] = {
      {"greedy", {{"temperature", 0}}},
      {"default (top_k 40)", {{"seed", 1}}},
      {"top_p 0.9", {{"seed", 1}, {"top_k", 0}, {"top_p", 0.9}}},
      {"top_p 0.99", {{"seed", 1}, {"top_k", 0}, {"top_p", 0.99}}},
      {"min_p 0.05", {{"seed", 1}, {"top_k", 0}, {"top_p", 1}, {"min_p", 0.05}}},
      {"temperature alone", {{"seed", 1}, {"top_k", 0}, {"top_p", 1}}},
  };
  for (const size_t n_vocab : {49152u, 262144u}) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> logits(n_vocab);
    for (float& logit : logits) logit = normal(random);
    for (const auto& [name, settings] : chains) {
      fmt::print("{:>7} tokens  {:<20} {:>8.0f} us\n", n_vocab, name,
                 median_draw_us(settings, logits));
    }
  }
}
