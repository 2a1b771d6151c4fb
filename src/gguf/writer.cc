#include "gguf/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/new_file.h"
#include "gguf/limits.h"
#include "gguf/metadata_reader.h"
#include "gguf/quote.h"
#include "gguf/tensor_table.h"

namespace hearth::gguf {
namespace {

using Bytes = std::vector<std::byte>;

template <class T>
void put(Bytes& out, T value) {
  static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), begin, begin + sizeof value);
}

void put_text(Bytes& out, std::string_view text) {
  put<uint64_t>(out, text.size());
  const auto bytes = std::as_bytes(std::span(text));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// The type of a value, then the value.
template <class T>
Bytes encode(ValueType type, T value) {
  Bytes out;
  put(out, type);
  put(out, value);
  return out;
}

Bytes encode_array_head(ValueType element_type, uint64_t size) {
  Bytes out;
  put(out, ValueType::kArray);
  put(out, element_type);
  put(out, size);
  return out;
}

template <class T>
Bytes encode_array(ValueType element_type, std::span<const T> values) {
  Bytes out = encode_array_head(element_type, values.size());
  const auto bytes = std::as_bytes(values);
  out.insert(out.end(), bytes.begin(), bytes.end());
  return out;
}

template <class Text>
Bytes encode_texts(std::span<const Text> texts) {
  Bytes out = encode_array_head(ValueType::kString, texts.size());
  for (const Text& text : texts) put_text(out, text);
  return out;
}

Bytes encode_string(std::string_view text) {
  Bytes out;
  put(out, ValueType::kString);
  put_text(out, text);
  return out;
}

// A number of a type narrower than the one that Value keeps it in.
template <class Wide>
Bytes encode_number(ValueType type, Wide value) {
  switch (type) {
    case ValueType::kUint8: return encode(type, static_cast<uint8_t>(value));
    case ValueType::kInt8: return encode(type, static_cast<int8_t>(value));
    case ValueType::kUint16: return encode(type, static_cast<uint16_t>(value));
    case ValueType::kInt16: return encode(type, static_cast<int16_t>(value));
    case ValueType::kUint32: return encode(type, static_cast<uint32_t>(value));
    case ValueType::kInt32: return encode(type, static_cast<int32_t>(value));
    case ValueType::kFloat32: return encode(type, static_cast<float>(value));
    default: return encode(type, value);
  }
}

Bytes encode_value(const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value.data)) return encode_string(*text);
  if (const auto* truth = std::get_if<bool>(&value.data)) {
    return encode(ValueType::kBool, static_cast<uint8_t>(*truth));
  }
  if (const auto* array = std::get_if<Array>(&value.data)) {
    if (array->element_type == ValueType::kString) {
      return encode_texts(std::span<const std::string_view>(array->strings));
    }
    Bytes out = encode_array_head(array->element_type, array->size);
    out.insert(out.end(), array->elements.begin(), array->elements.end());
    return out;
  }
  if (const auto* number = std::get_if<uint64_t>(&value.data)) {
    return encode_number(value.type, *number);
  }
  if (const auto* number = std::get_if<int64_t>(&value.data)) {
    return encode_number(value.type, *number);
  }
  return encode_number(value.type, std::get<double>(value.data));
}

Result<void> check_texts(std::string_view key, std::span<const std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (text.size() <= kMaxArrayTextBytes) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("metadata key {} holds a text of {} bytes, the limit is {}", quote(key),
                            text.size(), kMaxArrayTextBytes));
  }
  return {};
}

std::unexpected<Error> as_argument_error(Error error) {
  return fail(ErrorCode::kInvalidArgument, std::move(error.message));
}

}  // namespace

struct Writer::State {
  struct Declared {
    std::string name;
    quant::Type type;
    std::vector<uint64_t> dims;
    uint64_t n_bytes;
    uint64_t offset;
  };

  explicit State(NewFile new_file) : file(std::move(new_file)) {}

  void set(std::string_view key, Bytes value);
  Bytes encode_head() const;
  Result<Declared*> unfinished(uint64_t n_bytes);
  Result<void> append(std::span<const std::byte> bytes);

  NewFile file;
  std::vector<std::pair<std::string, Bytes>> entries;
  std::vector<Declared> tensors;
  std::unordered_set<std::string> names;
  uint64_t data_bytes = 0;  // of the declared tensors, each padded
  std::optional<Error> error;
  bool in_data = false;
  size_t current = 0;  // tensor being written
  uint64_t n_written_of_current = 0;
};

void Writer::State::set(std::string_view key, Bytes value) {
  CHECK(!in_data);
  if (key == "general.alignment" || key.starts_with("split.")) return;
  auto is_good = check_name(key, kMaxKeyBytes, "metadata key");
  if (!is_good && !error) error = std::move(is_good).error();
  const auto same = std::ranges::find(entries, key, &std::pair<std::string, Bytes>::first);
  if (same != entries.end()) {
    same->second = std::move(value);
  } else {
    entries.emplace_back(key, std::move(value));
  }
}

Bytes Writer::State::encode_head() const {
  Bytes out;
  for (const char c : {'G', 'G', 'U', 'F'}) put(out, c);
  put<uint32_t>(out, 3);
  put<uint64_t>(out, tensors.size());
  put<uint64_t>(out, entries.size());
  for (const auto& [key, value] : entries) {
    put_text(out, key);
    out.insert(out.end(), value.begin(), value.end());
  }
  for (const Declared& tensor : tensors) {
    put_text(out, tensor.name);
    put(out, static_cast<uint32_t>(tensor.dims.size()));
    for (const uint64_t dim : tensor.dims) put(out, dim);
    put(out, tensor.type);
    put(out, tensor.offset);
  }
  out.resize(*checked_round_up<size_t>(out.size(), kDefaultAlignment));
  return out;
}

// The tensor being written, if n_bytes more of it are wanted.
Result<Writer::State::Declared*> Writer::State::unfinished(uint64_t n_bytes) {
  CHECK(in_data);
  if (current == tensors.size()) {
    return fail(ErrorCode::kInvalidArgument, "every declared tensor is already written");
  }
  Declared& tensor = tensors[current];
  const uint64_t n_left = tensor.n_bytes - n_written_of_current;
  if (n_bytes > n_left) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("tensor {} takes {} bytes more, given {}",
                                                         quote(tensor.name), n_left, n_bytes));
  }
  return &tensor;
}

Result<void> Writer::State::append(std::span<const std::byte> bytes) {
  const Declared* tensor = TRY(unfinished(bytes.size()));
  TRY(file.append(bytes));
  n_written_of_current += bytes.size();
  if (n_written_of_current < tensor->n_bytes) return {};
  ++current;
  n_written_of_current = 0;
  return file.append_zeros(*checked_round_up<uint64_t>(file.size(), kDefaultAlignment) -
                           file.size());
}

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

Result<Writer> Writer::create(const std::string& path) {
  return Writer(std::make_unique<State>(TRY(NewFile::create(path))));
}

void Writer::set_uint32(std::string_view key, uint32_t value) {
  state_->set(key, encode(ValueType::kUint32, value));
}
void Writer::set_uint64(std::string_view key, uint64_t value) {
  state_->set(key, encode(ValueType::kUint64, value));
}
void Writer::set_int32(std::string_view key, int32_t value) {
  state_->set(key, encode(ValueType::kInt32, value));
}
void Writer::set_float32(std::string_view key, float value) {
  state_->set(key, encode(ValueType::kFloat32, value));
}
void Writer::set_bool(std::string_view key, bool value) {
  state_->set(key, encode(ValueType::kBool, static_cast<uint8_t>(value)));
}
void Writer::set_string(std::string_view key, std::string_view value) {
  state_->set(key, encode_string(value));
}
void Writer::set_strings(std::string_view key, std::span<const std::string> values) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  auto is_good = check_texts(key, views);
  if (!is_good && !state_->error) state_->error = std::move(is_good).error();
  state_->set(key, encode_texts(values));
}
void Writer::set_floats(std::string_view key, std::span<const float> values) {
  state_->set(key, encode_array(ValueType::kFloat32, values));
}
void Writer::set_ints(std::string_view key, std::span<const int32_t> values) {
  state_->set(key, encode_array(ValueType::kInt32, values));
}
void Writer::set_bools(std::string_view key, const std::vector<bool>& values) {
  const std::vector<uint8_t> bytes(values.begin(), values.end());
  state_->set(key, encode_array(ValueType::kBool, std::span<const uint8_t>(bytes)));
}
void Writer::set_value(std::string_view key, const Value& value) {
  state_->set(key, encode_value(value));
}

Result<void> Writer::declare(std::string_view name, quant::Type type,
                             std::span<const uint64_t> dims) {
  CHECK(!state_->in_data);
  auto is_good = check_name(name, kMaxTensorNameBytes, "tensor name");
  if (!is_good) return as_argument_error(std::move(is_good).error());
  const std::string where = "tensor " + quote(name);
  auto n_bytes = checked_tensor_bytes(type, dims);
  if (!n_bytes) return fail_at(where, as_argument_error(std::move(n_bytes).error()).error());
  const auto padded = checked_round_up<uint64_t>(*n_bytes, kDefaultAlignment);
  const auto end = padded ? checked_add(state_->data_bytes, *padded) : std::nullopt;
  // Files are no longer than a signed 64-bit offset says.
  if (!end || *end > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / 2) {
    return fail(ErrorCode::kInvalidArgument, where + ": the file would be too long");
  }
  if (!state_->names.emplace(name).second) {
    return fail(ErrorCode::kInvalidArgument, where + " is declared twice");
  }
  state_->tensors.push_back(
      {std::string(name), type, {dims.begin(), dims.end()}, *n_bytes, state_->data_bytes});
  state_->data_bytes = *end;
  return {};
}

Result<void> Writer::begin_data() {
  CHECK(!state_->in_data);
  if (state_->error) return as_argument_error(*state_->error);
  const Bytes head = state_->encode_head();
  TRY(state_->file.reserve(head.size() + state_->data_bytes));
  state_->in_data = true;
  return state_->file.append(head);
}

Result<void> Writer::write_floats(std::span<const float> rows) {
  State& state = *state_;
  const State::Declared* tensor = TRY(state.unfinished(0));
  const quant::TypeInfo& type = quant::type_info(tensor->type);
  const std::string where = "tensor " + quote(tensor->name);
  if (type.encode == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: encoding to {} is not there yet", where, type.name));
  }
  if (rows.size() % tensor->dims[0] != 0) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {} values are no whole rows of {}",
                                                         where, rows.size(), tensor->dims[0]));
  }
  const uint64_t n_blocks = rows.size() / type.block_size;
  TRY(state.unfinished(n_blocks * type.block_bytes));
  constexpr uint64_t kBlocksAtOnce = 4096;
  Bytes encoded(std::min(n_blocks, kBlocksAtOnce) * type.block_bytes);
  for (uint64_t i = 0; i < n_blocks; i += kBlocksAtOnce) {
    const uint64_t n = std::min(kBlocksAtOnce, n_blocks - i);
    type.encode(rows.data() + i * type.block_size, n, encoded.data());
    TRY(state.append(std::span(encoded).first(n * type.block_bytes)));
  }
  return {};
}

Result<void> Writer::write_bytes(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  return state_->append(bytes);
}

Result<void> Writer::finish() {
  CHECK(state_->in_data);
  if (state_->current != state_->tensors.size()) {
    const State::Declared& tensor = state_->tensors[state_->current];
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("tensor {} has {} of its {} bytes", quote(tensor.name),
                            state_->n_written_of_current, tensor.n_bytes));
  }
  return state_->file.commit();
}

}  // namespace hearth::gguf
