// tokenizer.model: google/sentencepiece src/sentencepiece_model.proto, read by hand.
//   ModelProto      1: SentencePiece*, 2: TrainerSpec, 3: NormalizerSpec
//   SentencePiece   1: text, 2: score (float), 3: type
//   TrainerSpec     3: model type (2: BPE)
//   NormalizerSpec  3: add_dummy_prefix (default true)
#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <span>

#include "base/mapped_file.h"
#include "models/convert/vocabulary.h"

namespace hearth::models {
namespace {

constexpr uint64_t kBpe = 2;

// Fields of one protobuf message; sub-messages are read by a reader of their own bytes.
class ProtoReader {
 public:
  explicit ProtoReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  struct Field {
    uint64_t number;
    uint64_t value = 0;                // varint, 32 or 64 bits
    std::span<const std::byte> bytes;  // length-delimited
  };

  // nullopt at the end; kInvalidFile for what is no protobuf.
  Result<std::optional<Field>> next() {
    if (bytes_.empty()) return std::optional<Field>();
    const uint64_t tag = TRY(varint());
    Field field{tag >> 3, 0, {}};
    switch (tag & 7) {
      case 0: field.value = TRY(varint()); break;
      case 1: field.value = TRY(fixed(8)); break;
      case 2: {
        const uint64_t size = TRY(varint());
        field.bytes = TRY(take(size));
        break;
      }
      case 5: field.value = TRY(fixed(4)); break;
      default: return broken();
    }
    return std::optional(field);
  }

 private:
  static std::unexpected<Error> broken() {
    return fail(ErrorCode::kInvalidFile, "tokenizer.model: expected a SentencePiece model");
  }

  Result<std::span<const std::byte>> take(uint64_t size) {
    if (size > bytes_.size()) return broken();
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }

  Result<uint64_t> varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = std::to_integer<uint64_t>(TRY(take(1))[0]);
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    return broken();
  }

  Result<uint64_t> fixed(size_t size) {
    const auto bytes = TRY(take(size));
    uint64_t value = 0;
    std::memcpy(&value, bytes.data(), size);
    return value;
  }

  std::span<const std::byte> bytes_;
};

Result<void> add_piece(std::span<const std::byte> bytes, Vocabulary& vocabulary) {
  ProtoReader reader(bytes);
  std::string text;
  float score = 0;
  uint64_t type = 1;
  while (const auto field = TRY(reader.next())) {
    if (field->number == 1)
      text.assign(reinterpret_cast<const char*>(field->bytes.data()), field->bytes.size());
    if (field->number == 2) {
      const auto bits = static_cast<uint32_t>(field->value);
      std::memcpy(&score, &bits, sizeof score);
    }
    if (field->number == 3) type = field->value;
  }
  if (type < 1 || type > 6)
    return fail(ErrorCode::kInvalidFile,
                fmt::format("tokenizer.model: piece of type {}, expected 1 to 6", type));
  return vocabulary.set(static_cast<int64_t>(vocabulary.tokens.size()), std::move(text), score,
                        static_cast<TokenType>(type));
}

// The value of field `number` of a message, the last one as protobuf wants it.
Result<uint64_t> read_value(std::span<const std::byte> bytes, uint64_t number, uint64_t fallback) {
  ProtoReader reader(bytes);
  while (const auto field = TRY(reader.next()))
    if (field->number == number) fallback = field->value;
  return fallback;
}

}  // namespace

Result<Vocabulary> read_sentencepiece_model(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  Vocabulary vocabulary;
  vocabulary.model = "llama";
  vocabulary.adds_space_prefix = true;
  uint64_t model_type = 1;
  ProtoReader reader(file.bytes());
  while (const auto field = TRY(reader.next())) {
    if (field->number == 1) TRY(add_piece(field->bytes, vocabulary));
    if (field->number == 2) model_type = TRY(read_value(field->bytes, 3, model_type));
    if (field->number == 3) vocabulary.adds_space_prefix = TRY(read_value(field->bytes, 3, 1))
    != 0;
  }
  if (model_type != kBpe)
    return fail(ErrorCode::kUnsupported,
                fmt::format("tokenizer.model: model type {}, expected {} (BPE)", model_type, kBpe));
  return vocabulary;
}

}  // namespace hearth::models
