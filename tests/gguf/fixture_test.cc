// Files that the gguf Python package wrote (tests/make_gguf_fixtures.py), against what it says that
// they hold.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "gguf/file.h"
#include "gguf/writer.h"
#include "tests/support/scratch_folder.h"

namespace hearth::gguf {
namespace {

std::string fixture(std::string_view name) {
  return fmt::format("{}/data/gguf/{}", HEARTH_TEST_DIR, name);
}

std::string read_text(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

class Fnv {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) hash_ = (hash_ ^ static_cast<uint64_t>(b)) * 0x100000001b3;
  }
  void add_text(std::string_view text) {
    add(std::as_bytes(std::span(text)));
    add(std::as_bytes(std::span("", 1)));
  }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325;
};

// The low bytes of a number as a file has it.
template <class T>
void add_number(Fnv& fnv, const Value& value, T number) {
  if (value.type == ValueType::kFloat32) {
    const float narrow = static_cast<float>(number);
    fnv.add(std::as_bytes(std::span(&narrow, 1)));
  } else {
    fnv.add(std::as_bytes(std::span(&number, 1)).first(value_type_bytes(value.type)));
  }
}

std::string list_entry(const Metadata::Entry& entry) {
  Fnv fnv;
  const Value& value = entry.value;
  std::string type = value_type_name(value.type);
  uint64_t size = 1;
  if (const auto* array = std::get_if<Array>(&value.data)) {
    size = array->size;
    type += fmt::format("/{}", value_type_name(array->element_type));
    fnv.add(array->elements);
    for (const std::string_view text : array->strings) fnv.add_text(text);
  } else if (const auto* text = std::get_if<std::string_view>(&value.data)) {
    fnv.add_text(*text);
  } else {
    std::visit(
        [&](const auto& number) {
          if constexpr (std::is_arithmetic_v<std::decay_t<decltype(number)>>) {
            add_number(fnv, value, number);
          }
        },
        value.data);
  }
  return fmt::format("key {} {} {} {:016x}\n", entry.key, type, size, fnv.hash());
}

std::string listing(const File& file) {
  std::string out;
  for (const auto& entry : file.metadata().entries()) out += list_entry(entry);
  for (const Tensor& tensor : file.tensors()) {
    Fnv fnv;
    fnv.add(tensor.data);
    const auto dims = std::span(tensor.dims).first(static_cast<size_t>(tensor.n_dims));
    out +=
        fmt::format("tensor {} {} {} {} {:016x}\n", tensor.name, quant::type_info(tensor.type).name,
                    fmt::join(dims, ","), tensor.data.size(), fnv.hash());
  }
  return out;
}

TEST(Fixture, files_of_the_python_package_read_as_it_reads_them) {
  for (const char* name : {"v3.gguf", "v2.gguf"}) {
    const auto file = File::open(fixture(name));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(listing(*file), read_text(fixture("v3.txt"))) << name;
  }
}

TEST(Fixture, a_copy_is_byte_for_byte_what_the_python_package_wrote) {
  const ScratchFolder folder;
  const auto file = File::open(fixture("v3.gguf"));
  ASSERT_TRUE(file) << file.error().message;
  auto writer = Writer::create(folder / "copy.gguf");
  ASSERT_TRUE(writer) << writer.error().message;
  for (const auto& [key, value] : file->metadata().entries()) writer->set_value(key, value);
  for (const Tensor& t : file->tensors()) {
    const auto dims = std::span(t.dims).first(static_cast<size_t>(t.n_dims));
    ASSERT_TRUE(writer->declare(t.name, t.type, dims));
  }
  ASSERT_TRUE(writer->begin_data());
  for (const Tensor& t : file->tensors()) ASSERT_TRUE(writer->write_bytes(t.data));
  ASSERT_TRUE(writer->finish());
  EXPECT_TRUE(read_text(folder / "copy.gguf") == read_text(fixture("v3.gguf")));
}

TEST(Fixture, a_split_of_the_python_package_opens_whole) {
  const auto file = File::open(fixture("split-00001-of-00002.gguf"));
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(*file->metadata().get_string("general.architecture"), "llama");
  for (int i = 0; i < 3; ++i) {
    const Tensor* tensor = file->find_tensor(fmt::format("t{}", i));
    ASSERT_NE(tensor, nullptr);
    const std::vector<float> wanted(4, static_cast<float>(i));
    EXPECT_TRUE(std::ranges::equal(tensor->data, std::as_bytes(std::span(wanted))));
  }
}

}  // namespace
}  // namespace hearth::gguf
