#include "text/answer_parser.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "text/answer/call_reader.h"
#include "text/answer/json_scanner.h"

namespace hearth::text {
namespace {

constexpr size_t kMaxHeldSpaces = 256;
constexpr size_t kMaxHeaderBytes = 256;

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char byte) {
    return std::isalnum(static_cast<unsigned char>(byte)) || byte == '_' || byte == '.' ||
           byte == '-';
  });
}

std::unique_ptr<CallReader> reader_of(const CallMarks& marks, const ToolSet& tools,
                                      bool in_section) {
  switch (marks.style) {
    case CallStyle::kJson: return json_calls(marks, tools, false);
    case CallStyle::kNamedJson:
    case CallStyle::kTagged: return named_calls(marks, tools, in_section);
    default: return literal_calls(marks);
  }
}

}  // namespace

// Hands a reader's finds on as events.
struct AnswerParser::Sink : CallSink {
  explicit Sink(AnswerParser& parser) : parser_(parser) {}

  void begin(std::string_view name) override {
    parser_.call_is_open_ = true;
    parser_.emit(AnswerEvent::Kind::kCallBegin, name, parser_.n_calls_++);
  }
  void arguments(std::string_view text) override {
    parser_.emit(AnswerEvent::Kind::kArguments, text, parser_.n_calls_ - 1);
  }
  void end() override {
    parser_.call_is_open_ = false;
    parser_.emit(AnswerEvent::Kind::kCallEnd, {}, parser_.n_calls_ - 1);
    parser_.raw_.clear();
  }

  AnswerParser& parser_;
};

AnswerParser::AnswerParser(const AnswerFormat& format, const ToolSet& tools, bool in_reasoning)
    : format_(format), tools_(tools), sink_(std::make_unique<Sink>(*this)) {
  if (!format.headers.open.empty()) mode_ = Mode::kHeader;
  if (in_reasoning && !format.reasoning_close.empty()) {
    mode_ = Mode::kReasoning;
    drops_spaces_ = true;
  }
  update_marks();
}

AnswerParser::~AnswerParser() = default;

std::vector<AnswerEvent> AnswerParser::push(std::string_view piece) {
  for (const char byte : piece) push_byte(byte);
  return std::exchange(events_, {});
}

std::vector<AnswerEvent> AnswerParser::finish() {
  if (reader_ != nullptr) {
    if (reader_->finish(*sink_)) {
      end_call();
    } else {
      drop_call(0);
    }
  }
  if (mode_ == Mode::kHeader) give_up_header();
  add_text(std::exchange(held_, {}));
  if (mode_ == Mode::kContent) flush_spaces();
  spaces_.clear();
  return std::exchange(events_, {});
}

void AnswerParser::push_byte(char byte) {
  if (reader_ != nullptr) {
    push_call(byte);
  } else if (mode_ == Mode::kHeader) {
    push_header(byte);
  } else {
    push_text(byte);
  }
}

// ---- Text: content and reasoning, up to the next mark.

void AnswerParser::update_marks() {
  marks_.clear();
  const auto add = [&](const std::string& mark) {
    if (!mark.empty()) marks_.push_back(mark);
  };
  const CallMarks& calls = format_.calls;
  if (mode_ == Mode::kReasoning) {
    add(format_.reasoning_close);
  } else {
    add(format_.reasoning_open);
    add(calls.section_open);
    if (calls.section_open.empty() || calls.may_lack_section) add(calls.call_open);
    for (const std::string& mark : format_.ignored) add(mark);
  }
  for (const std::string& mark : format_.headers.open) add(mark);
  add(format_.headers.close);
  first_bytes_.clear();
  for (const std::string& mark : marks_) first_bytes_ += mark.front();
}

bool AnswerParser::may_take(std::string_view mark) const {
  return is_fresh_ || mode_ == Mode::kReasoning || mark != format_.reasoning_open;
}

void AnswerParser::push_text(char byte) {
  const bool is_bare_start =
      byte == '{' && format_.calls.may_be_bare && mode_ == Mode::kContent && !tools_.empty();
  if (held_.empty() && is_bare_start && is_fresh_) {
    begin_call(json_calls(format_.calls, tools_, true), {});
    push_call(byte);
    return;
  }
  if (held_.empty() && first_bytes_.find(byte) == std::string::npos) {
    add_text(byte);
    return;
  }
  held_ += byte;
  const std::string_view held = held_;
  const auto may_be = [&](const std::string& mark) {
    return may_take(mark) && mark.starts_with(held);
  };
  const auto found = std::ranges::find_if(marks_, may_be);
  if (found != marks_.end()) {
    if (found->size() > held.size()) return;
    const std::string mark = *found;
    held_.clear();
    take_mark(mark);
    return;
  }
  const std::string text = std::exchange(held_, {});
  add_text(text.front());
  for (const char next : text.substr(1)) push_byte(next);
}

void AnswerParser::take_mark(std::string_view mark) {
  const CallMarks& calls = format_.calls;
  if (mark == calls.section_open) {
    begin_call(reader_of(calls, tools_, true), mark);
    return;
  }
  if (mark == calls.call_open) {
    begin_call(reader_of(calls, tools_, false), mark);
    return;
  }
  if (mark == format_.reasoning_open) {
    mode_ = Mode::kReasoning;
  } else if (mark == format_.reasoning_close) {
    mode_ = Mode::kContent;
    is_fresh_ = true;
  } else if (std::ranges::find(format_.headers.open, mark) != format_.headers.open.end()) {
    mode_ = Mode::kHeader;
    header_start_ = spaces_ + std::string(mark);
  } else if (mark == format_.headers.close) {
    mode_ = Mode::kContent;
  }
  spaces_.clear();
  drops_spaces_ = true;
  update_marks();
}

void AnswerParser::add_text(char byte) { add_text(std::string_view(&byte, 1)); }

void AnswerParser::add_text(std::string_view text) {
  for (const char byte : text) {
    if (is_json_space(byte)) {
      if (drops_spaces_) continue;
      spaces_ += byte;
      if (spaces_.size() > kMaxHeldSpaces) flush_spaces();
      continue;
    }
    flush_spaces();
    drops_spaces_ = false;
    is_fresh_ = is_fresh_ && mode_ != Mode::kContent;
    emit(text_kind(), {&byte, 1});
  }
}

void AnswerParser::flush_spaces() {
  if (spaces_.empty()) return;
  emit(text_kind(), spaces_);
  spaces_.clear();
}

AnswerEvent::Kind AnswerParser::text_kind() const {
  return mode_ == Mode::kReasoning ? AnswerEvent::Kind::kReasoning : AnswerEvent::Kind::kContent;
}

void AnswerParser::emit(AnswerEvent::Kind kind, std::string_view text, int32_t call) {
  const bool is_delta = kind == AnswerEvent::Kind::kContent ||
                        kind == AnswerEvent::Kind::kReasoning ||
                        kind == AnswerEvent::Kind::kArguments;
  if (is_delta && text.empty()) return;
  if (is_delta && !events_.empty() && events_.back().kind == kind && events_.back().call == call) {
    events_.back().text += text;
  } else {
    events_.push_back({kind, call, std::string(text)});
  }
}

// ---- Headers of messages.

void AnswerParser::push_header(char byte) {
  held_ += byte;
  if (held_.ends_with(format_.headers.end)) {
    end_header();
  } else if (held_.size() > kMaxHeaderBytes) {
    give_up_header();
  }
}

// There is none: what was written is content.
void AnswerParser::give_up_header() {
  mode_ = Mode::kContent;
  update_marks();
  drops_spaces_ = false;
  add_text(std::exchange(header_start_, {}) + std::exchange(held_, {}));
}

void AnswerParser::end_header() {
  const HeaderMarks& headers = format_.headers;
  const std::string header = held_.substr(0, held_.size() - headers.end.size());
  mode_ = Mode::kContent;
  drops_spaces_ = true;
  std::string call;
  if (headers.calls_by_name) {
    if (header != headers.content) call = header;
  } else if (const size_t at = header.find(headers.call);
             !headers.call.empty() && at != std::string::npos) {
    const std::string rest = header.substr(at + headers.call.size());
    call = rest.substr(0, rest.find_first_of(" <\n"));
  } else if (!headers.reasoning.empty() && header.find(headers.reasoning) != header.npos) {
    mode_ = Mode::kReasoning;
  }
  const bool is_tool = tools_.empty() ? is_identifier(call) : tools_.contains(call);
  if (headers.calls_by_name && !call.empty() && !is_tool) return give_up_header();
  update_marks();
  const std::string written = std::exchange(header_start_, {}) + std::exchange(held_, {});
  if (!call.empty()) begin_call(headed_call(call), written);
}

// ---- Calls.

void AnswerParser::begin_call(std::unique_ptr<CallReader> reader, std::string_view mark) {
  reader_ = std::move(reader);
  raw_ = std::exchange(spaces_, {});
  raw_ += mark;
}

void AnswerParser::push_call(char byte) {
  raw_ += byte;
  switch (reader_->push(byte, *sink_)) {
    case CallReader::Step::kDone: end_call(); break;
    case CallReader::Step::kBroken: drop_call(reader_->n_unread()); break;
    case CallReader::Step::kMore:
      if (raw_.size() > kMaxCallBytes) drop_call(0);
      break;
  }
}

void AnswerParser::end_call() {
  reader_.reset();
  raw_.clear();
  drops_spaces_ = true;
  is_fresh_ = true;
}

// What was written since the last complete call is content; its last `n_unread` bytes are read
// again, as they may begin a mark.
void AnswerParser::drop_call(size_t n_unread) {
  reader_.reset();
  n_unread = std::min(n_unread, raw_.size());
  const std::string rest = raw_.substr(raw_.size() - n_unread);
  raw_.resize(raw_.size() - n_unread);
  const std::string written = std::exchange(raw_, {});
  if (!written.empty()) {
    is_fresh_ = false;
    drops_spaces_ = false;
  } else {
    drops_spaces_ = true;
    is_fresh_ = true;
  }
  if (call_is_open_) {
    emit(AnswerEvent::Kind::kCallDropped, written, n_calls_ - 1);
  } else {
    emit(AnswerEvent::Kind::kContent, written);
  }
  call_is_open_ = false;
  for (const char byte : rest) push_byte(byte);
}

}  // namespace hearth::text
