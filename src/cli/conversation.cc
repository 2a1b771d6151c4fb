#include "cli/conversation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>

#include "base/mapped_file.h"
#include "base/new_file.h"

namespace hearth::cli {
namespace {

using Json = nlohmann::json;
constexpr size_t kMaxBytes = 64u << 20;

std::unexpected<Error> broken(const std::string& what) {
  return fail(ErrorCode::kInvalidFile, "not a conversation: " + what);
}

}  // namespace

std::string Conversation::to_json() const {
  Json list = Json::array();
  if (!system.empty()) list.push_back({{"role", "system"}, {"content", system}});
  for (const Message& message : messages) {
    list.push_back({{"role", message.role}, {"content", message.content}});
  }
  return Json{{"messages", list}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Conversation> Conversation::from_json(std::string_view json) {
  const Json root = Json::parse(json, nullptr, false);
  if (!root.is_object()) return broken("not a JSON object");
  const auto list = root.find("messages");
  if (list == root.end() || !list->is_array()) return broken("no array \"messages\"");
  Conversation conversation;
  for (size_t i = 0; i < list->size(); ++i) {
    const Json& entry = (*list)[i];
    const auto is_text = [&](const char* key) {
      return entry.is_object() && entry.contains(key) && entry[key].is_string();
    };
    if (!is_text("role") || !is_text("content")) {
      return broken(fmt::format("messages[{}] needs texts \"role\" and \"content\"", i));
    }
    Message message = {entry["role"].get<std::string>(), entry["content"].get<std::string>()};
    if (i == 0 && message.role == "system") {
      conversation.system = std::move(message.content);
    } else {
      conversation.messages.push_back(std::move(message));
    }
  }
  return conversation;
}

Result<void> Conversation::save(const std::string& path) const {
  const std::string json = to_json();
  NewFile file = TRY(NewFile::create(path));
  TRY(file.append(std::as_bytes(std::span(json.data(), json.size()))));
  return file.commit();
}

Result<Conversation> Conversation::load(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  const auto bytes = file.bytes();
  if (bytes.size() > kMaxBytes) {
    return fail(
        ErrorCode::kLimitExceeded,
        fmt::format("{}: {} bytes, a conversation has at most {}", path, bytes.size(), kMaxBytes));
  }
  auto conversation = from_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!conversation) return fail_at(path, std::move(conversation).error());
  return conversation;
}

}  // namespace hearth::cli
