// Calls as JSON objects: one, several, or an array of them.
#include <nlohmann/json.hpp>

#include "text/answer/arguments_object.h"
#include "text/answer/call_reader.h"
#include "text/answer/json_scanner.h"

namespace hearth::text {
namespace {

constexpr size_t kMaxNameBytes = 256;

bool is_name_key(std::string_view key) {
  return key == "name" || key == "tool_name" || key == "function";
}
bool is_arguments_key(std::string_view key) { return key == "arguments" || key == "parameters"; }
bool is_other_key(std::string_view key) {
  return key == "type" || key == "id" || key == "tool_call_id";
}

// A JSON string with its quotes, decoded; empty where it is none.
std::string decoded(std::string_view json) {
  const auto value = nlohmann::json::parse(json, nullptr, false);
  return value.is_string() ? value.get<std::string>() : std::string();
}

class JsonCalls : public CallReader {
 public:
  JsonCalls(const CallMarks& marks, const ToolSet& tools, bool is_bare)
      : close_(is_bare ? std::string() : marks.section_close),
        name_is_key_(marks.name_is_key),
        tools_(is_bare ? &tools : nullptr) {}

  Step push(char byte, CallSink& sink) override {
    if (in_object_) return in_object(byte, sink);
    if (!closing_.empty() || (!is_json_space(byte) && close_.starts_with(byte) && may_close())) {
      closing_ += byte;
      if (!close_.starts_with(closing_)) return Step::kBroken;
      return closing_ == close_ ? Step::kDone : Step::kMore;
    }
    if (is_json_space(byte)) return Step::kMore;
    switch (byte) {
      case '[':
        if (list_ != List::kNone || n_calls_ > 0) return Step::kBroken;
        list_ = List::kFirst;
        return Step::kMore;
      case ',':
        if (list_ != List::kAfterItem) return Step::kBroken;
        list_ = List::kItem;
        return Step::kMore;
      case ']':
        if (list_ != List::kAfterItem && list_ != List::kFirst) return Step::kBroken;
        list_ = List::kOver;
        return close_.empty() ? Step::kDone : Step::kMore;
      case '{':
        if (list_ == List::kAfterItem || list_ == List::kOver) return Step::kBroken;
        begin_object();
        return Step::kMore;
      default: return Step::kBroken;
    }
  }

  bool finish(CallSink&) override { return !in_object_ && n_calls_ > 0 && list_ != List::kItem; }

  size_t n_unread() const override { return std::max<size_t>(1, closing_.size()); }

 private:
  enum class List { kNone, kFirst, kItem, kAfterItem, kOver };
  enum class Part { kNone, kName, kArguments, kTextArguments, kOther };

  bool may_close() const { return list_ == List::kOver || (list_ == List::kNone && n_calls_ > 0); }

  void begin_object() {
    in_object_ = true;
    scanner_ = JsonScanner();
    scanner_.push('{');
    key_.clear();
    name_.clear();
    held_.clear();
    part_ = Part::kNone;
    has_begun_ = has_arguments_ = false;
  }

  Step in_object(char byte, CallSink& sink) {
    const bool was_in_key = scanner_.in_key();
    const size_t depth = scanner_.depth();
    const bool was_in_string = scanner_.in_string();
    if (!scanner_.push(byte)) return Step::kBroken;
    const bool is_key = depth == 1 && (was_in_key || scanner_.in_key());
    if (is_key) return in_key(byte, !scanner_.in_key());
    if (part_ == Part::kNone && depth == 1 && begins_value(byte) && !begin_part(byte, sink)) {
      return Step::kBroken;
    }
    const bool is_value_over = scanner_.depth() <= 1 && part_ != Part::kNone &&
                               (byte == ',' || (depth == 2 && scanner_.depth() == 1) ||
                                (was_in_string && !scanner_.in_string()) || scanner_.depth() == 0);
    if (!add(byte, was_in_string, sink)) return Step::kBroken;
    if (is_value_over && !end_part(sink)) return Step::kBroken;
    return scanner_.is_done() ? end_object(sink) : Step::kMore;
  }

  Step in_key(char byte, bool is_over) {
    if (key_is_over_) {
      key_.clear();
      key_is_over_ = false;
    }
    key_ += byte;
    if (key_.size() > kMaxNameBytes) return Step::kBroken;
    key_is_over_ = is_over;
    if (!is_over) return Step::kMore;
    key_ = decoded(key_);
    const bool is_known = is_name_key(key_) || is_arguments_key(key_) || is_other_key(key_);
    return tools_ == nullptr || is_known ? Step::kMore : Step::kBroken;
  }

  static bool begins_value(char byte) {
    return !is_json_space(byte) && byte != ':' && byte != ',' && byte != '}';
  }

  // The value of key_ begins with this byte.
  bool begin_part(char byte, CallSink& sink) {
    part_ = Part::kOther;
    if (name_is_key_) {
      if (byte != '{' || has_arguments_) return false;
      name_ = key_;
      part_ = Part::kArguments;
    } else if (is_name_key(key_) && byte == '"' && name_.empty()) {
      part_ = Part::kName;
    } else if (is_arguments_key(key_)) {
      if (has_arguments_) return false;
      if (byte == '{') part_ = Part::kArguments;
      if (byte == '"') part_ = Part::kTextArguments;
      if (part_ == Part::kOther) return byte == 'n';  // null: none
    }
    if (part_ != Part::kArguments) return true;
    has_arguments_ = true;
    return name_.empty() || begin(sink);
  }

  bool begin(CallSink& sink) {
    if (tools_ != nullptr && !tools_->contains(name_)) return false;
    has_begun_ = true;
    sink.begin(name_);
    return true;
  }

  bool add(char byte, bool in_string, CallSink& sink) {
    if (part_ == Part::kArguments) {
      std::string text;
      append_json_byte(text, byte, in_string);
      if (has_begun_) {
        sink.arguments(text);
      } else {
        held_ += text;
      }
    } else if (part_ == Part::kName || part_ == Part::kTextArguments) {
      append_json_byte(value_, byte, in_string);
      if (part_ == Part::kName && value_.size() > kMaxNameBytes) return false;
    }
    return true;
  }

  bool end_part(CallSink& sink) {
    const Part part = part_;
    part_ = Part::kNone;
    const std::string value = std::move(value_);
    value_.clear();
    if (part == Part::kName) {
      name_ = decoded(value);
      if (name_.empty()) return false;
    } else if (part == Part::kTextArguments) {
      held_ = decoded(value);
      const auto object = nlohmann::json::parse(held_, nullptr, false);
      if (!object.is_object()) return false;
      has_arguments_ = true;
    } else {
      return true;
    }
    if (name_.empty() || !has_arguments_) return true;
    if (!begin(sink)) return false;
    sink.arguments(held_);
    return true;
  }

  Step end_object(CallSink& sink) {
    in_object_ = false;
    if (name_.empty()) return Step::kBroken;
    if (!has_begun_) {
      if (tools_ != nullptr || !begin(sink)) return Step::kBroken;
      sink.arguments("{}");
    }
    sink.end();
    ++n_calls_;
    if (list_ != List::kNone) {
      list_ = List::kAfterItem;
    } else if (close_.empty()) {
      return Step::kDone;
    }
    return Step::kMore;
  }

  const std::string close_;
  const bool name_is_key_;
  const ToolSet* tools_;  // bare calls are of one of these
  List list_ = List::kNone;
  std::string closing_;  // of the closing mark, so far
  int n_calls_ = 0;

  bool in_object_ = false;
  JsonScanner scanner_;
  std::string key_;
  bool key_is_over_ = true;
  Part part_ = Part::kNone;
  std::string value_;  // of a name, or of arguments in a string
  std::string name_;
  std::string held_;  // arguments that came before the name
  bool has_begun_ = false;
  bool has_arguments_ = false;
};

// The text is one JSON object.
class HeadedCall : public CallReader {
 public:
  explicit HeadedCall(std::string_view name) : name_(name) {}

  Step push(char byte, CallSink& sink) override {
    if (!object_.has_begun() && byte == '{') sink.begin(name_);
    const Step step = object_.push(byte, sink);
    if (step == Step::kDone) sink.end();
    return step;
  }

  bool finish(CallSink&) override { return false; }

 private:
  std::string name_;
  ArgumentsObject object_;
};

}  // namespace

std::unique_ptr<CallReader> json_calls(const CallMarks& marks, const ToolSet& tools, bool is_bare) {
  return std::make_unique<JsonCalls>(marks, tools, is_bare);
}

std::unique_ptr<CallReader> headed_call(std::string_view name) {
  return std::make_unique<HeadedCall>(name);
}

}  // namespace hearth::text
