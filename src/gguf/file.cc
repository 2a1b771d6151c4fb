#include "gguf/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <limits>

#include "gguf/limits.h"
#include "gguf/metadata_reader.h"
#include "gguf/quote.h"
#include "gguf/split_name.h"
#include "gguf/tensor_table.h"

namespace hearth::gguf {
namespace {

using Bytes = std::span<const std::byte>;

constexpr uint64_t kMaxUint = std::numeric_limits<uint64_t>::max();

struct Part {
  Metadata metadata;
  std::vector<Tensor> tensors;
};

Result<void> check_magic(Bytes bytes) {
  constexpr size_t kHeaderBytes = 24;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min<size_t>(bytes.size(), 4));
  if (bytes.empty()) return fail(ErrorCode::kInvalidFile, "the file is empty, not a GGUF file");
  if (text != std::string_view("GGUF").substr(0, text.size())) {
    const bool is_old = text == "lmgg" || text == "tjgg" || text == "fmgg" || text == "algg";
    return fail(ErrorCode::kInvalidFile,
                fmt::format("not a GGUF file: it starts with {}{}", quote(text),
                            is_old ? ", an older GGML format; get the model as GGUF" : ""));
  }
  if (bytes.size() < kHeaderBytes) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("the file ends after {} bytes, inside the {} of a GGUF header: it is "
                            "incomplete, get it again",
                            bytes.size(), kHeaderBytes));
  }
  return {};
}

Result<void> check_version(uint32_t version) {
  if (version == 2 || version == 3) return {};
  if (version == 1) {
    return fail(ErrorCode::kUnsupported,
                "GGUF version 1, out of use since August 2023; get or convert the model anew, as "
                "version 3");
  }
  const uint32_t swapped = std::byteswap(version);
  if (swapped >= 1 && swapped <= 3) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("a big-endian GGUF file (version {}); convert it to little-endian with "
                            "gguf_convert_endian.py of the gguf Python package",
                            swapped));
  }
  if (version == 0) return fail(ErrorCode::kInvalidFile, "GGUF version 0 does not exist");
  return fail(ErrorCode::kUnsupported,
              fmt::format("GGUF version {}, but Hearth reads 2 and 3; a newer Hearth may read it",
                          version));
}

Result<uint32_t> read_alignment(const Metadata& metadata) {
  const Value* value = metadata.find("general.alignment");
  if (value == nullptr) return kDefaultAlignment;
  if (value->type != ValueType::kUint32) {
    return fail(ErrorCode::kInvalidFile, fmt::format("general.alignment is {}, wanted uint32",
                                                     value_type_name(value->type)));
  }
  const auto alignment = std::get<uint64_t>(value->data);
  if (!std::has_single_bit(alignment) || alignment < kMinAlignment || alignment > kMaxAlignment) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("general.alignment is {}, wanted a power of two from {} to {}",
                            alignment, kMinAlignment, kMaxAlignment));
  }
  return static_cast<uint32_t>(alignment);
}

Result<Part> parse_part(Bytes bytes) {
  TRY(check_magic(bytes));
  ByteReader reader(bytes);
  TRY(reader.take(4, "magic"));
  const uint32_t version = TRY(reader.read<uint32_t>("version"));
  TRY(check_version(version));
  const uint64_t n_tensors =
      TRY(reader.read_count(kLeastTensorInfoBytes, kMaxTensors, "the number of tensors"));
  const uint64_t n_entries =
      TRY(reader.read_count(kLeastEntryBytes, kMaxEntries, "the number of metadata keys"));
  Part part;
  part.metadata = TRY(read_metadata(reader, n_entries));
  const uint32_t alignment = TRY(read_alignment(part.metadata));
  part.tensors = TRY(read_tensors(reader, bytes, n_tensors, alignment));
  return part;
}

Result<uint64_t> read_part_count(const Metadata& metadata) {
  return metadata.get_uint_or("split.count", 0, kMaxParts, 1);
}

// That `part` is the one at `index` of the model that `first` begins.
Result<void> check_part(const Metadata& first, const Metadata& part, size_t index) {
  const uint64_t n_parts = TRY(read_part_count(first));
  if (!part.has("split.no") || !part.has("split.count")) {
    return fail(
        ErrorCode::kInvalidFile,
        fmt::format("is no part of a split model, wanted part {} of {}", index + 1, n_parts));
  }
  const uint64_t number = TRY(part.get_uint("split.no", 0, kMaxUint));
  const uint64_t count = TRY(part.get_uint("split.count", 0, kMaxUint));
  if (number != index || count != n_parts) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("is part {} of {} by its metadata, wanted part {} of {}: the parts do "
                            "not belong together",
                            number + 1, count, index + 1, n_parts));
  }
  for (const char* key : {"general.architecture", "general.name"}) {
    if (!part.has(key)) continue;
    const auto found = TRY(part.get_string(key));
    const auto wanted = TRY(first.get_string_or(key, ""));
    if (found == wanted) continue;
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{} is {}, in the first part {}: the parts do not belong together", key,
                            quote(found), quote(wanted)));
  }
  return {};
}

Result<void> check_tensor_count(const Metadata& metadata, size_t n_tensors) {
  const uint64_t wanted = TRY(metadata.get_uint_or("split.tensors.count", 0, kMaxUint, n_tensors));
  if (wanted == n_tensors) return {};
  return fail(
      ErrorCode::kInvalidFile,
      fmt::format("the parts hold {} tensors, split.tensors.count says {}", n_tensors, wanted));
}

// Paths of the parts after the first; none where the model is in one file.
Result<std::vector<std::string>> paths_of_others(const std::string& path, const Metadata& first) {
  std::vector<std::string> paths;
  const auto n_parts = static_cast<uint32_t>(TRY(read_part_count(first)));
  if (n_parts <= 1) return paths;
  const auto number = static_cast<uint32_t>(TRY(first.get_uint("split.no", 0, kMaxParts)) + 1);
  const auto name = parse_split_name(path);
  if (!name || name->number != number || name->count != n_parts) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("is part {} of {} of a split model, so its name must end in {}", number,
                            n_parts, split_name("", number, n_parts)));
  }
  if (number != 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("is part {} of {}; open the first one, {}", number, n_parts,
                            split_name(name->prefix, 1, n_parts)));
  }
  for (uint32_t i = 2; i <= n_parts; ++i) paths.push_back(split_name(name->prefix, i, n_parts));
  return paths;
}

Result<MappedFile> open_part(const std::string& path, size_t number, size_t n_parts) {
  auto file = MappedFile::open(path);
  if (file || file.error().code != ErrorCode::kNotFound) return file;
  return fail(ErrorCode::kNotFound, fmt::format("{}: part {} of {} is missing; put it beside the "
                                                "first one",
                                                path, number, n_parts));
}

}  // namespace

Result<void> File::add_part(Bytes bytes) {
  Part part = TRY(parse_part(bytes));
  if (n_parts_ == 0) {
    metadata_ = std::move(part.metadata);
  } else {
    TRY(check_part(metadata_, part.metadata, n_parts_));
  }
  ++n_parts_;
  size_bytes_ += bytes.size();
  if (tensors_.size() + part.tensors.size() > kMaxTensors) {
    return fail(ErrorCode::kLimitExceeded, fmt::format("more than {} tensors", kMaxTensors));
  }
  std::ranges::move(part.tensors, std::back_inserter(tensors_));
  return {};
}

Result<void> File::finish() {
  TRY(check_tensor_count(metadata_, tensors_.size()));
  by_name_ = TRY(index_by_name(tensors_));
  return {};
}

Result<File> File::open(const std::string& path) {
  File file;
  file.parts_.push_back(TRY(MappedFile::open(path)));
  auto first = file.add_part(file.parts_[0].bytes());
  if (!first) return fail_at(path, std::move(first).error());
  auto others = paths_of_others(path, file.metadata_);
  if (!others) return fail_at(path, std::move(others).error());
  for (const std::string& name : *others) {
    file.parts_.push_back(TRY(open_part(name, file.n_parts_ + 1, others->size() + 1)));
    auto added = file.add_part(file.parts_.back().bytes());
    if (!added) return fail_at(name, std::move(added).error());
  }
  auto finished = file.finish();
  if (!finished) return fail_at(path, std::move(finished).error());
  return file;
}

Result<File> File::parse(std::span<const Bytes> parts) {
  File file;
  for (const Bytes part : parts) TRY(file.add_part(part));
  const uint64_t n_parts = TRY(read_part_count(file.metadata_));
  if (std::max<uint64_t>(n_parts, 1) != parts.size()) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{} parts given, split.count is {}", parts.size(), n_parts));
  }
  if (n_parts > 1) TRY(check_part(file.metadata_, file.metadata_, 0));
  TRY(file.finish());
  return file;
}

const Tensor* File::find_tensor(std::string_view name) const {
  const auto name_of = [&](uint32_t i) -> std::string_view { return tensors_[i].name; };
  const auto found = std::ranges::lower_bound(by_name_, name, {}, name_of);
  if (found == by_name_.end() || name_of(*found) != name) return nullptr;
  return &tensors_[*found];
}

const MappedFile* File::part_of(std::span<const std::byte> bytes) const {
  const auto holds = [&](const MappedFile& part) { return part.holds(bytes); };
  const auto found = std::ranges::find_if(parts_, holds);
  return found == parts_.end() ? nullptr : &*found;
}

}  // namespace hearth::gguf
