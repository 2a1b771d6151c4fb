// Times a tokenizer on one core: bench_tokenizing MODEL.gguf TEXT [REPEATS]
//
// The text, repeated, is encoded whole. Prints megabytes a second at best.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "best_time.h"
#include "gguf/file.h"
#include "text/tokenizer.h"

int main(int argc, char** argv) {
  using namespace hearth;
  if (argc < 3) {
    fmt::print(stderr, "usage: bench_tokenizing MODEL.gguf TEXT [REPEATS]\n");
    return 2;
  }
  std::ifstream stream(argv[2], std::ios::binary);
  const std::string once{std::istreambuf_iterator<char>(stream), {}};
  std::string text;
  for (int i = 0; i < (argc > 3 ? std::atoi(argv[3]) : 1); ++i) text += once;
  if (text.empty()) {
    fmt::print(stderr, "bench_tokenizing: {}: empty or unreadable\n", argv[2]);
    return 1;
  }
  auto file = gguf::File::open(argv[1]);
  if (!file) {
    fmt::print(stderr, "bench_tokenizing: {}\n", file.error().message);
    return 1;
  }
  auto tokenizer = text::Tokenizer::from_gguf(file->metadata());
  if (!tokenizer) {
    fmt::print(stderr, "bench_tokenizing: {}\n", tokenizer.error().message);
    return 1;
  }
  size_t n_tokens = 0;
  const double seconds = best_time([&] { n_tokens = (*tokenizer)->encode(text, {})->size(); });
  fmt::print("{:.1f} MB, {} tokens: {:.1f} MB/s\n", static_cast<double>(text.size()) / 1e6,
             n_tokens, static_cast<double>(text.size()) / 1e6 / seconds);
}
