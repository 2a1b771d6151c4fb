// Writes a GGUF v3 file: metadata first, then tensors streamed one by one, never all in memory.
//
//   auto writer = TRY(Writer::create(path));
//   writer.set_string("general.architecture", "llama");
//   TRY(writer.declare("token_embd.weight", quant::Type::kF16, dims));  // every tensor, in order
//   TRY(writer.begin_data());             // the disk space is claimed here
//   TRY(writer.write_floats(rows));       // the tensors' rows, in the order declared
//   TRY(writer.finish());                 // the file appears under its name only now
//
// Tensors start at multiples of 32. Keys that describe a file's own layout (general.alignment,
// split.*) are the writer's business: setting one does nothing, so that all of another file's
// entries can be copied.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/metadata.h"
#include "quant/type.h"

namespace hearth::gguf {

class Writer {
 public:
  // Writes beside `path` under a temporary name. A Writer destroyed before finish() leaves nothing.
  static Result<Writer> create(const std::string& path);
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  // Setting a key twice replaces it. CHECKs that begin_data() has not been called. What no reader
  // would take (a bad key, a text of over 64 KiB in an array) is begin_data()'s error.
  void set_uint32(std::string_view key, uint32_t value);
  void set_uint64(std::string_view key, uint64_t value);
  void set_int32(std::string_view key, int32_t value);
  void set_float32(std::string_view key, float value);
  void set_bool(std::string_view key, bool value);
  void set_string(std::string_view key, std::string_view value);
  void set_strings(std::string_view key, std::span<const std::string> values);
  void set_floats(std::string_view key, std::span<const float> values);
  void set_ints(std::string_view key, std::span<const int32_t> values);
  void set_bools(std::string_view key, const std::vector<bool>& values);
  void set_value(std::string_view key, const Value& value);  // a copy from another file

  // dims[0] is the row length. kInvalidArgument: a duplicate or over-long name, a row that the
  // type's block size does not divide, an empty shape.
  Result<void> declare(std::string_view name, quant::Type type, std::span<const uint64_t> dims);

  // kIo, with the numbers, where the disk cannot hold the file.
  Result<void> begin_data();
  // Whole rows of the current tensor as floats, encoded to its type here; or its bytes as they are.
  // Any number of pieces a tensor, no piece across two. kInvalidArgument: more than is left of it.
  Result<void> write_floats(std::span<const float> rows);
  Result<void> write_bytes(std::span<const std::byte> bytes);
  // Checks that every declared tensor is complete, syncs, renames into place.
  Result<void> finish();

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace hearth::gguf
