// A fixture's GGUF file with keys and tensors changed: what a damaged or foreign file looks like.
#pragma once

#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "gguf/writer.h"
#include "tests/models/fixture.h"

namespace hearth::models {

struct EditableTensor {
  std::string name;
  quant::Type type;
  std::vector<uint64_t> dims;
  std::vector<std::byte> bytes;

  // Zeros of another type or shape (slowest dimension last, as in the file).
  void become(quant::Type new_type, std::vector<uint64_t> new_dims) {
    type = new_type;
    dims = std::move(new_dims);
    uint64_t n_values = 1;
    for (const uint64_t dim : dims) n_values *= dim;
    bytes.assign(quant::row_bytes(type, n_values).value(), std::byte{0});
  }
};

struct Edits {
  std::set<std::string> without_keys = {};
  std::function<void(gguf::Writer&)> set = {};                        // keys, after the file's own
  std::function<void(std::vector<EditableTensor>&)> on_tensors = {};  // any change
};

inline EditableTensor& tensor_named(std::vector<EditableTensor>& tensors, std::string_view name) {
  for (EditableTensor& tensor : tensors)
    if (tensor.name == name) return tensor;
  ADD_FAILURE() << "no tensor " << name;
  std::abort();
}

// Writes it beside the fixture's own and returns its path.
inline std::string write_edited(const Fixture& fixture, const Edits& edits) {
  const gguf::File file = value_or_fail(gguf::File::open(fixture.path()));
  std::vector<EditableTensor> tensors;
  for (const gguf::Tensor& t : file.tensors())
    tensors.push_back({t.name,
                       t.type,
                       {t.dims.begin(), t.dims.begin() + t.n_dims},
                       {t.data.begin(), t.data.end()}});
  if (edits.on_tensors) edits.on_tensors(tensors);
  const std::string path = fixture.folder() / "edited.gguf";
  gguf::Writer writer = value_or_fail(gguf::Writer::create(path));
  for (const auto& entry : file.metadata().entries())
    if (!edits.without_keys.contains(entry.key)) writer.set_value(entry.key, entry.value);
  if (edits.set) edits.set(writer);
  for (const EditableTensor& t : tensors) EXPECT_TRUE(writer.declare(t.name, t.type, t.dims));
  EXPECT_TRUE(writer.begin_data());
  for (const EditableTensor& t : tensors) EXPECT_TRUE(writer.write_bytes(t.bytes));
  EXPECT_TRUE(writer.finish());
  return path;
}

}  // namespace hearth::models
