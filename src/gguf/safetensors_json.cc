#include "gguf/safetensors_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "gguf/limits.h"
#include "gguf/metadata_reader.h"
#include "gguf/quote.h"

namespace hearth::gguf {
namespace {

using Json = nlohmann::json;

// Events of a JSON text. Every event that a reader does not override is an error.
class Events : public Json::json_sax_t {
 public:
  Result<void> read(std::string_view json) {
    Json::json_sax_t* sax = this;
    if (Json::sax_parse(json.begin(), json.end(), sax)) return {};
    if (error_.message.empty()) error_ = {ErrorCode::kInvalidFile, "not valid JSON"};
    return std::unexpected(error_);
  }

 protected:
  virtual bool unexpected(const char* what) {
    return refuse(ErrorCode::kInvalidFile, fmt::format("{} where none belongs", what));
  }
  bool refuse(ErrorCode code, std::string message) {
    error_ = {code, std::move(message)};
    return false;
  }
  bool accept(Result<void> result) {
    if (!result) error_ = std::move(result).error();
    return error_.message.empty();
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_unsigned(number_unsigned_t) override { return unexpected("a number"); }
  bool number_float(number_float_t, const string_t&) override { return unexpected("a fraction"); }
  bool string(string_t&) override { return unexpected("a string"); }
  bool binary(binary_t&) override { return unexpected("binary"); }
  bool start_array(size_t) override { return unexpected("an array"); }
  bool end_array() override { return true; }

 private:
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse(ErrorCode::kInvalidFile, fmt::format("not valid JSON at byte {}", position));
  }

  Error error_{ErrorCode::kInvalidFile, ""};
};

// {"__metadata__": {text: text}, NAME: {"dtype": text, "shape": [n], "data_offsets": [n, n]}}
class HeaderEvents : public Events {
 public:
  std::vector<SafetensorHeaderRow> rows;

 private:
  enum class Field { kNone, kType, kShape, kRange };

  bool start_object(size_t) override {
    if (depth_ >= 2 || field_ != Field::kNone) return unexpected("an object");
    return ++depth_ > 0;
  }
  bool end_object() override {
    --depth_;
    if (depth_ != 1 || is_metadata_) return true;
    if (!has_type_ || !has_shape_ || n_range_ != 2) {
      return complain("needs dtype, shape and two data_offsets");
    }
    return true;
  }
  bool key(string_t& name) override { return depth_ == 1 ? start_row(name) : start_field(name); }

  bool start_row(std::string& name) {
    is_metadata_ = name == "__metadata__";
    if (is_metadata_) return true;
    if (!accept(check_name(name, kMaxCheckpointNameBytes, "tensor name"))) return false;
    if (rows.size() == kMaxTensors) {
      return refuse(ErrorCode::kLimitExceeded, fmt::format("more than {} tensors", kMaxTensors));
    }
    rows.push_back({std::move(name), {}, {}, {}});
    has_type_ = has_shape_ = false;
    n_range_ = -1;
    return true;
  }
  bool start_field(const std::string& name) {
    if (is_metadata_) return true;
    if (name == "dtype" && !has_type_) {
      field_ = Field::kType;
    } else if (name == "shape" && !has_shape_) {
      field_ = Field::kShape;
    } else if (name == "data_offsets" && n_range_ < 0) {
      field_ = Field::kRange;
    } else {
      return complain(fmt::format("unknown or repeated field {}", quote(name)));
    }
    return true;
  }

  bool string(string_t& text) override {
    if (depth_ == 2 && is_metadata_) return true;
    if (field_ != Field::kType) return unexpected("a string");
    rows.back().type = std::move(text);
    has_type_ = true;
    field_ = Field::kNone;
    return true;
  }
  bool start_array(size_t) override {
    if (in_array_ || (field_ != Field::kShape && field_ != Field::kRange)) {
      return unexpected("an array");
    }
    in_array_ = true;
    if (field_ == Field::kShape) has_shape_ = true;
    if (field_ == Field::kRange) n_range_ = 0;
    return true;
  }
  bool end_array() override {
    in_array_ = false;
    field_ = Field::kNone;
    return true;
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (!in_array_) return unexpected("a number");
    SafetensorHeaderRow& row = rows.back();
    if (field_ == Field::kShape) {
      if (row.shape.size() == kMaxCheckpointDims) return complain("has too many dimensions");
      row.shape.push_back(number);
      return true;
    }
    if (n_range_ == 2) return complain("has more than two data_offsets");
    row.range[static_cast<size_t>(n_range_++)] = number;
    return true;
  }

  bool unexpected(const char* what) override {
    return depth_ < 2 || is_metadata_ ? Events::unexpected(what)
                                      : complain(fmt::format("{} where none belongs", what));
  }
  bool complain(std::string_view why) {
    return refuse(ErrorCode::kInvalidFile,
                  fmt::format("tensor {}: {}", quote(rows.back().name), why));
  }

  int depth_ = 0;
  bool is_metadata_ = false;
  bool in_array_ = false;
  bool has_type_ = false;
  bool has_shape_ = false;
  int n_range_ = -1;  // offsets read; -1 before the field
  Field field_ = Field::kNone;
};

// {"metadata": anything, "weight_map": {tensor: file}}
class IndexEvents : public Events {
 public:
  std::map<std::string, std::string> files;
  bool has_map = false;

 private:
  static constexpr int kMaxDepth = 16;

  bool enter() {
    if (++depth_ <= kMaxDepth) return true;
    return refuse(ErrorCode::kLimitExceeded, fmt::format("nested deeper than {}", kMaxDepth));
  }
  bool in_map() const { return depth_ >= 2 && top_key_ == "weight_map"; }
  bool other(const char* what) {
    const bool is_skipped = depth_ >= 1 && top_key_ != "weight_map";
    return is_skipped || unexpected(what);
  }

  bool start_object(size_t) override {
    if (in_map()) return unexpected("an object");
    return enter();
  }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(size_t) override {
    if (depth_ == 0 || top_key_ == "weight_map") return unexpected("an array");
    return enter();
  }
  bool end_array() override { return --depth_ >= 0; }
  bool key(string_t& name) override {
    if (depth_ == 1) {
      if (name == "weight_map" && std::exchange(has_map, true)) {
        return refuse(ErrorCode::kInvalidFile, "weight_map is there twice");
      }
      top_key_ = std::move(name);
      return true;
    }
    if (!in_map()) return true;
    tensor_ = std::move(name);
    return accept(check_name(tensor_, kMaxCheckpointNameBytes, "tensor name"));
  }
  bool string(string_t& text) override {
    if (!in_map()) return other("a string");
    if (!is_plain(text)) {
      return refuse(ErrorCode::kInvalidFile,
                    fmt::format("tensor {} is in file {}, wanted a plain name that ends in "
                                ".safetensors",
                                quote(tensor_), quote(text)));
    }
    if (files.emplace(tensor_, std::move(text)).second) return true;
    return refuse(ErrorCode::kInvalidFile, fmt::format("tensor {} is there twice", quote(tensor_)));
  }
  bool null() override { return other("null"); }
  bool boolean(bool) override { return other("a boolean"); }
  bool number_integer(number_integer_t) override { return other("a number"); }
  bool number_unsigned(number_unsigned_t) override { return other("a number"); }
  bool number_float(number_float_t, const string_t&) override { return other("a number"); }

  static bool is_plain(std::string_view name) {
    return name.size() <= 255 && name.ends_with(".safetensors") && !name.starts_with('.') &&
           name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
  }

  int depth_ = 0;
  std::string top_key_;
  std::string tensor_;
};

}  // namespace

Result<std::vector<SafetensorHeaderRow>> parse_safetensors_header(std::string_view json) {
  HeaderEvents events;
  TRY(events.read(json));
  return std::move(events.rows);
}

Result<std::map<std::string, std::string>> parse_safetensors_index(std::string_view json) {
  IndexEvents events;
  TRY(events.read(json));
  if (!events.has_map) return fail(ErrorCode::kInvalidFile, "there is no weight_map");
  return std::move(events.files);
}

}  // namespace hearth::gguf
