// Any tokenizer metadata loads or is refused, and any text encodes and decodes.
// Input: the first two bytes say how many of the rest are the key-value section of a GGUF file;
// what follows is text. Text also goes through fixed vocabularies, of which the byte-level one
// gives it back byte for byte.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "tests/text/tokenizer_file.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

using hearth::text::EncodeOptions;
using hearth::text::Tokenizer;
using hearth::text::TokenizerFile;

static std::unique_ptr<Tokenizer> byte_level() {
  TokenizerFile file = hearth::text::byte_level_file("llama-bpe");
  for (const char* text : {"ab", "aab", "\u0120a", "\u0120\u0120"}) file.add(text);
  file.add("<u>", hearth::text::kUserDefinedType);
  file.scores.clear();
  file.merges = {"a b", "a ab", "\u0120 a", "\u0120 \u0120"};
  file.flags = {{"add_bos_token", false}};
  return std::move(file.load().value());
}

static std::unique_ptr<Tokenizer> sentencepiece() {
  TokenizerFile file = hearth::text::sentencepiece_file();
  for (const char* text : {" ", "a", "b", " a", "ab", " ab", "aa"}) {
    hearth::text::add_word(file, text, -static_cast<float>(std::strlen(text)));
  }
  file.add("<u>", hearth::text::kUserDefinedType);
  return std::move(file.load().value());
}

static std::string decode_after_encode(const Tokenizer& tokenizer, std::string_view text) {
  std::string decoded;
  for (const bool special : {true, false}) {
    const auto ids = tokenizer.encode(text, {.parse_special = special, .add_special = special});
    if (!ids) std::abort();
    decoded = tokenizer.decode(*ids, special);
    hearth::text::StreamDecoder stream(tokenizer, {.special = special});
    std::string streamed;
    for (const auto id : *ids) streamed += stream.push(id);
    streamed += stream.flush();
    if (streamed != hearth::replace_invalid_utf8(decoded)) std::abort();
  }
  return decoded;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<Tokenizer> reversible = byte_level();
  static const std::unique_ptr<Tokenizer> pieces = sentencepiece();
  if (size < 3) return 0;
  const size_t n_metadata = std::min<size_t>(data[0] << 8 | data[1], size - 3);
  const char* rest = reinterpret_cast<const char*>(data) + 3;
  const std::string_view text(rest + n_metadata, size - 3 - n_metadata);
  if (decode_after_encode(*reversible, text) != text) std::abort();
  decode_after_encode(*pieces, text);
  hearth::gguf::GgufBytes bytes;
  bytes.header(0, data[2]).raw({rest, n_metadata});
  const auto file = bytes.parse();
  if (!file) return 0;
  const auto tokenizer = Tokenizer::from_gguf(file->metadata());
  if (tokenizer) decode_after_encode(**tokenizer, text);
  return 0;
}
