// Calls whose name stands between marks; their arguments are a JSON object, or tags one by one.
#include <utility>

#include "text/answer/arguments_object.h"
#include "text/answer/call_reader.h"
#include "text/answer/json_scanner.h"
#include "text/answer/literal.h"

namespace hearth::text {
namespace {

constexpr size_t kMaxNameBytes = 512;  // with attributes

// A mark, or one of several, after whitespace.
class MarkMatcher {
 public:
  enum class Match { kMore, kFirst, kSecond, kNone };

  Match push(char byte, std::string_view first, std::string_view second) {
    if (held_.empty() && is_json_space(byte)) return Match::kMore;
    held_ += byte;
    for (const auto& [mark, match] : {std::pair(first, Match::kFirst), {second, Match::kSecond}}) {
      if (!mark.empty() && mark == held_) {
        held_.clear();
        return match;
      }
    }
    return first.starts_with(held_) || second.starts_with(held_) ? Match::kMore : Match::kNone;
  }

  size_t n_held() const { return held_.size(); }

 private:
  std::string held_;
};

std::string cut_at(std::string_view text, std::string_view mark) {
  return std::string(mark.empty() ? text : text.substr(0, text.find(mark)));
}

std::string tool_name(std::string_view written, std::string_view cut) {
  constexpr std::string_view kNamespace = "functions.";
  const std::string whole = cut_at(written, cut);
  std::string_view name = trimmed(whole);
  if (name.starts_with(kNamespace)) name.remove_prefix(kNamespace.size());
  return std::string(name);
}

std::string quoted(std::string_view text) {
  std::string json = "\"";
  append_json_text(json, text);
  return json + '"';
}

// string="true", type="string": what the model itself says of a value.
ArgumentType stated_type(std::string_view attributes, ArgumentType otherwise) {
  const auto has = [&](std::string_view text) { return attributes.find(text) != attributes.npos; };
  if (has("string=\"true\"") || has("type=\"string\"")) return ArgumentType::kText;
  if (has("string=\"false\"") || has("type=\"")) return ArgumentType::kValue;
  return otherwise;
}

class NamedCalls : public CallReader {
 public:
  NamedCalls(const CallMarks& marks, const ToolSet& tools, bool in_section)
      : marks_(marks),
        tools_(tools),
        in_section_(in_section),
        at_(in_section && !marks.call_open.empty() ? At::kBetween : At::kName) {}

  Step push(char byte, CallSink& sink) override {
    switch (at_) {
      case At::kBetween: return between(byte);
      case At::kName: return in_name(byte, sink);
      case At::kObject: return in_object(byte, sink);
      case At::kArguments: return before_argument(byte, sink);
      case At::kKey: return in_key(byte, sink);
      case At::kValueStart: return before_value(byte, sink);
      case At::kValue: return in_value(byte, sink);
      default: return before_close(byte, sink);
    }
  }

  bool finish(CallSink& sink) override {
    if (at_ == At::kClose || (at_ == At::kArguments && n_arguments_ > 0)) {
      end(sink);
      return true;
    }
    return at_ == At::kBetween && n_calls_ > 0;
  }

  size_t n_unread() const override { return std::max<size_t>(1, matcher_.n_held()); }

 private:
  enum class At { kBetween, kName, kObject, kArguments, kKey, kValueStart, kValue, kClose };
  using Match = MarkMatcher::Match;

  Step between(char byte) {
    switch (matcher_.push(byte, marks_.call_open, marks_.section_close)) {
      case Match::kFirst: at_ = At::kName; return Step::kMore;
      case Match::kSecond: return Step::kDone;
      case Match::kMore: return Step::kMore;
      default: return Step::kBroken;
    }
  }

  Step in_name(char byte, CallSink& sink) {
    if (!marks_.name_end.empty()) {
      name_ += byte;
      if (!name_.ends_with(marks_.name_end)) {
        return name_.size() > kMaxNameBytes ? Step::kBroken : Step::kMore;
      }
      name_.resize(name_.size() - marks_.name_end.size());
      return begin(sink);
    }
    const bool is_over = byte == '<' || is_json_space(byte);
    if (!is_over) {
      name_ += byte;
      return name_.size() > kMaxNameBytes ? Step::kBroken : Step::kMore;
    }
    if (name_.empty()) return byte == '<' ? Step::kBroken : Step::kMore;
    const Step step = begin(sink);
    return step == Step::kMore && byte == '<' ? push(byte, sink) : step;
  }

  Step begin(CallSink& sink) {
    const std::string name = tool_name(name_, marks_.name_cut);
    name_.clear();
    if (name.empty() || name.find_first_of("\n<>{}\"") != std::string::npos) return Step::kBroken;
    tool_ = name;
    n_arguments_ = 0;
    sink.begin(name);
    if (marks_.style == CallStyle::kNamedJson) {
      at_ = At::kObject;
      object_ = ArgumentsObject();
    } else {
      at_ = At::kArguments;
      sink.arguments("{");
    }
    return Step::kMore;
  }

  Step in_object(char byte, CallSink& sink) {
    const Step step = object_.push(byte, sink);
    if (step != Step::kDone) return step;
    if (!marks_.call_close.empty()) {
      at_ = At::kClose;
      return Step::kMore;
    }
    end(sink);
    return is_section_open() ? Step::kMore : Step::kDone;
  }

  Step before_argument(char byte, CallSink& sink) {
    switch (matcher_.push(byte, marks_.key_open, marks_.call_close)) {
      case Match::kFirst: at_ = At::kKey; return Step::kMore;
      case Match::kSecond: end(sink); return is_section_open() ? Step::kMore : Step::kDone;
      case Match::kMore: return Step::kMore;
      default: return Step::kBroken;
    }
  }

  Step in_key(char byte, CallSink& sink) {
    name_ += byte;
    if (name_.size() > kMaxNameBytes) return Step::kBroken;
    if (!name_.ends_with(marks_.value_open)) return Step::kMore;
    name_.resize(name_.size() - marks_.value_open.size());
    const std::string key = cut_at(name_, marks_.key_cut);
    type_ = stated_type(std::string_view(name_).substr(key.size()), tools_.type(tool_, key));
    name_.clear();
    sink.arguments((n_arguments_++ > 0 ? ", " : "") + quoted(key) + ": ");
    if (type_ == ArgumentType::kText) sink.arguments("\"");
    skips_break_ = marks_.pads_values;
    value_.clear();
    held_.clear();
    close_ = marks_.value_close;
    at_ = marks_.text_open.empty() ? At::kValue : At::kValueStart;
    return Step::kMore;
  }

  Step before_value(char byte, CallSink& sink) {
    held_ += byte;
    if (marks_.text_open.starts_with(held_) && held_ != marks_.text_open) return Step::kMore;
    at_ = At::kValue;
    const std::string start = std::exchange(held_, {});
    if (start == marks_.text_open) {
      close_ = marks_.text_close + marks_.value_close;
      return Step::kMore;
    }
    for (const char begun : start) {
      if (const Step step = push(begun, sink); step != Step::kMore) return step;
    }
    return Step::kMore;
  }

  // Text is given as it comes, but for what may be the closing mark and a line break before it.
  Step in_value(char byte, CallSink& sink) {
    if (std::exchange(skips_break_, false) && byte == '\n') return Step::kMore;
    held_ += byte;
    if (held_.ends_with(close_)) {
      held_.resize(held_.size() - close_.size());
      if (marks_.pads_values && held_.ends_with('\n')) held_.pop_back();
      add_value(held_, sink);
      held_.clear();
      end_value(sink);
      at_ = At::kArguments;
      return Step::kMore;
    }
    size_t n = 0;
    while (n < held_.size() && !may_close(std::string_view(held_).substr(n))) ++n;
    add_value(std::string_view(held_).substr(0, n), sink);
    held_.erase(0, n);
    return Step::kMore;
  }

  bool may_close(std::string_view text) const {
    if (close_.starts_with(text)) return true;
    return marks_.pads_values && text.front() == '\n' && close_.starts_with(text.substr(1));
  }

  void add_value(std::string_view text, CallSink& sink) {
    if (type_ != ArgumentType::kText) {
      value_ += text;
      return;
    }
    std::string json;
    append_json_text(json, text);
    if (!json.empty()) sink.arguments(json);
  }

  void end_value(CallSink& sink) {
    if (type_ == ArgumentType::kText) {
      sink.arguments("\"");
      return;
    }
    const bool is_null = value_ == "null" || value_ == "None";
    const bool is_value = type_ == ArgumentType::kValue || is_null;
    const auto json = is_value ? literal_to_json(value_) : std::nullopt;
    sink.arguments(json ? *json : quoted(value_));
  }

  Step before_close(char byte, CallSink& sink) {
    switch (matcher_.push(byte, marks_.call_close, {})) {
      case Match::kFirst: end(sink); return is_section_open() ? Step::kMore : Step::kDone;
      case Match::kMore: return Step::kMore;
      default: return Step::kBroken;
    }
  }

  void end(CallSink& sink) {
    if (marks_.style == CallStyle::kTagged) sink.arguments("}");
    sink.end();
    ++n_calls_;
    at_ = At::kBetween;
  }

  // A section whose opening mark the model left out may still be closed.
  bool is_section_open() const { return in_section_ || marks_.may_lack_section; }

  const CallMarks& marks_;
  const ToolSet& tools_;
  const bool in_section_;
  At at_;
  MarkMatcher matcher_;
  ArgumentsObject object_;
  int n_calls_ = 0;
  std::string tool_;
  std::string name_;  // of the tool or an argument, so far
  int n_arguments_ = 0;
  ArgumentType type_ = ArgumentType::kText;
  std::string value_;  // of an argument that is not text
  std::string close_;  // of the value
  std::string held_;   // may be this mark, or text_open
  bool skips_break_ = false;
};

// Calls that are read in one go once they are complete.
class LiteralCalls : public CallReader {
 public:
  explicit LiteralCalls(const CallMarks& marks) : marks_(marks) {}

  Step push(char byte, CallSink& sink) override {
    text_ += byte;
    if (!text_.ends_with(marks_.section_close)) return Step::kMore;
    text_.resize(text_.size() - marks_.section_close.size());
    return read(sink) ? Step::kDone : Step::kBroken;
  }

  bool finish(CallSink& sink) override { return read(sink); }

 private:
  bool read(CallSink& sink) {
    const auto calls =
        marks_.style == CallStyle::kGemma ? read_gemma_calls(text_) : read_python_calls(text_);
    if (!calls) return false;
    for (const LiteralCall& call : *calls) {
      sink.begin(call.name);
      sink.arguments(call.arguments);
      sink.end();
    }
    return true;
  }

  const CallMarks& marks_;
  std::string text_;
};

}  // namespace

std::unique_ptr<CallReader> named_calls(const CallMarks& marks, const ToolSet& tools,
                                        bool in_section) {
  return std::make_unique<NamedCalls>(marks, tools, in_section);
}

std::unique_ptr<CallReader> literal_calls(const CallMarks& marks) {
  return std::make_unique<LiteralCalls>(marks);
}

}  // namespace hearth::text
