// Encodes strings for tests/compare_tokenizers.py: tokenize_lines MODEL.gguf [--special] [--time]
// Reads strings from stdin, each a little-endian uint32 length and its bytes; writes for each a
// uint32 count and that many int32 ids. With --time all of stdin is one text, encoded five times;
// prints the best speed in MB/s and the number of tokens.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>

#include "gguf/file.h"
#include "text/tokenizer.h"

namespace {

using hearth::text::EncodeOptions;
using hearth::text::TokenId;
using hearth::text::Tokenizer;

int report(const hearth::Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  return 1;
}

std::string read_stdin() {
  std::string input;
  char buffer[1 << 16];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, stdin)) > 0;) input.append(buffer, n);
  return input;
}

int encode_strings(const Tokenizer& tokenizer, const EncodeOptions& options,
                   const std::string& input) {
  for (size_t at = 0; at + sizeof(uint32_t) <= input.size();) {
    uint32_t n_bytes;
    std::memcpy(&n_bytes, input.data() + at, sizeof n_bytes);
    at += sizeof n_bytes;
    const auto ids = tokenizer.encode(std::string_view(input).substr(at, n_bytes), options);
    if (!ids) return report(ids.error());
    at += n_bytes;
    const auto n_ids = static_cast<uint32_t>(ids->size());
    std::fwrite(&n_ids, sizeof n_ids, 1, stdout);
    std::fwrite(ids->data(), sizeof(TokenId), n_ids, stdout);
  }
  return 0;
}

int time_text(const Tokenizer& tokenizer, const EncodeOptions& options, const std::string& input) {
  double best_s = 1e30;
  size_t n_ids = 0;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto ids = tokenizer.encode(input, options);
    if (!ids) return report(ids.error());
    n_ids = ids->size();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best_s = std::min(best_s, took.count());
  }
  fmt::print("{:.1f} MB/s, {} bytes, {} tokens, {:.3f} s\n",
             static_cast<double>(input.size()) / 1e6 / best_s, input.size(), n_ids, best_s);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  EncodeOptions options;
  bool times = false;
  for (int i = 2; i < argc; ++i) {
    options.parse_special |= std::strcmp(argv[i], "--special") == 0;
    times |= std::strcmp(argv[i], "--time") == 0;
  }
  if (argc < 2) return report({hearth::ErrorCode::kInvalidArgument, "usage: tokenize_lines MODEL"});
  const auto file = hearth::gguf::File::open(argv[1]);
  if (!file) return report(file.error());
  const auto start = std::chrono::steady_clock::now();
  const auto tokenizer = Tokenizer::from_gguf(file->metadata());
  if (!tokenizer) return report(tokenizer.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (times) fmt::print("loaded in {:.3f} s\n", took.count());
  const std::string input = read_stdin();
  return times ? time_text(**tokenizer, options, input)
               : encode_strings(**tokenizer, options, input);
}
