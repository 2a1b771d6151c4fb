#include "cli/prompt.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/utf8.h"

namespace hearth::cli {
namespace {

using Json = nlohmann::json;

// A noncharacter (U+FDD0..U+FDEF) that no message contains: marks where a control token's spelling
// is broken, through the template.
Result<std::string> unused_mark(const Conversation& conversation) {
  for (char32_t code_point = 0xFDD0; code_point <= 0xFDEF; ++code_point) {
    std::string mark;
    append_utf8(mark, code_point);
    bool is_used = conversation.system.find(mark) != std::string::npos;
    for (const Message& message : conversation.messages) {
      is_used = is_used || message.content.find(mark) != std::string::npos;
    }
    if (!is_used) return mark;
  }
  return fail(ErrorCode::kInvalidArgument, "the messages contain every noncharacter of Unicode");
}

Result<void> check_utf8(const std::string& text, const std::string& role) {
  const size_t bad = find_invalid_utf8(text);
  if (bad == std::string::npos) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the {} message is not UTF-8 text: byte {} is 0x{:02x}", role, bad,
                          static_cast<unsigned char>(text[bad])));
}

}  // namespace

PromptMaker::PromptMaker(const text::Tokenizer& tokenizer,
                         std::optional<text::ChatTemplate> chat_template)
    : tokenizer_(tokenizer), template_(std::move(chat_template)) {
  std::set<size_t> lengths;
  for (text::TokenId id = 0; id < tokenizer.n_tokens(); ++id) {
    if (tokenizer.kind(id) != text::TokenKind::kControl) continue;
    const std::string_view spelling = tokenizer.token_text(id);
    if (spelling.size() < 2) continue;
    control_texts_.insert(spelling);
    lengths.insert(spelling.size());
  }
  control_lengths_.assign(lengths.begin(), lengths.end());
}

// Puts the mark after the first character of each control token's spelling.
std::string PromptMaker::disarm(std::string_view content, std::string_view mark) const {
  std::string safe;
  for (size_t at = 0; at < content.size();) {
    const size_t n = decode_utf8(content.substr(at)).n_bytes;
    safe.append(content, at, n);
    for (const size_t length : control_lengths_) {
      if (length > content.size() - at) break;
      if (!control_texts_.contains(content.substr(at, length))) continue;
      safe += mark;
      break;
    }
    at += n;
  }
  return safe;
}

Result<std::vector<text::TokenId>> PromptMaker::chat(const Conversation& conversation) const {
  const std::string mark = TRY(unused_mark(conversation));
  Json messages = Json::array();
  const auto add = [&](const std::string& role, const std::string& content) -> Result<void> {
    TRY(check_utf8(content, role));
    messages.push_back({{"role", role}, {"content", disarm(content, mark)}});
    return {};
  };
  if (!conversation.system.empty()) TRY(add("system", conversation.system));
  for (const Message& message : conversation.messages) TRY(add(message.role, message.content));

  const auto spelling = [&](std::optional<text::TokenId> id) {
    return id ? std::string(tokenizer_.token_text(*id)) : std::string();
  };
  const Json variables = {{"messages", std::move(messages)},
                          {"add_generation_prompt", true},
                          {"bos_token", spelling(tokenizer_.bos())},
                          {"eos_token", spelling(tokenizer_.eos())}};
  const std::string text =
      TRY(template_->render(variables.dump(-1, ' ', false, Json::error_handler_t::replace)));

  std::vector<text::TokenId> tokens;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(mark, at), text.size());
    const auto part = TRY(tokenizer_.encode(std::string_view(text).substr(at, end - at),
                                            {.parse_special = true, .add_special = false}));
    tokens.insert(tokens.end(), part.begin(), part.end());
    at = end + mark.size();
  }
  // A template may leave the beginning token to the tokenizer.
  const auto bos = tokenizer_.bos();
  if (tokenizer_.adds_bos() && bos && (tokens.empty() || tokens.front() != *bos)) {
    tokens.insert(tokens.begin(), *bos);
  }
  return tokens;
}

Result<std::vector<text::TokenId>> PromptMaker::raw(std::string_view text) const {
  return tokenizer_.encode(text, {.parse_special = true, .add_special = true});
}

}  // namespace hearth::cli
