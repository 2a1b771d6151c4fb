// A Hugging Face folder's tokenizer as GGUF keys.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "gguf/writer.h"

namespace hearth::models {

// From tokenizer.model (SentencePiece) or tokenizer.json (BPE), with special tokens and the chat
// template of the files beside it. The vocabulary is padded with unused tokens to n_rows, the rows
// of the embedding. Without either file: a warning and a model without tokenizer ("no_vocab").
// kUnsupported names a tokenizer or pre-tokenizer that has no GGUF counterpart.
Result<void> write_tokenizer(const std::string& dir, uint64_t n_rows, gguf::Writer& writer);

}  // namespace hearth::models
