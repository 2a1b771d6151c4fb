#include "text/tokenizer.h"

#include <fmt/format.h>

#include "text/byte_bpe.h"
#include "text/sentencepiece.h"

namespace hearth::text {

Result<std::unique_ptr<Tokenizer>> Tokenizer::from_gguf(const gguf::Metadata& metadata) {
  const std::string_view model = TRY(metadata.get_string("tokenizer.ggml.model"));
  if (model == "gpt2") return ByteBpeTokenizer::from_gguf(metadata);
  if (model == "llama") return SentencePieceTokenizer::from_gguf(metadata);
  if (model == "none" || model == "no_vocab") {
    return fail(ErrorCode::kUnsupported,
                "the file has no tokenizer (tokenizer.ggml.model is 'none'), so it cannot read or "
                "write text; it can be timed, with hearth bench");
  }
  return fail(ErrorCode::kUnsupported,
              fmt::format("tokenizer.ggml.model: unknown tokenizer '{}'; known: gpt2, llama",
                          model.substr(0, 64)));
}

}  // namespace hearth::text
