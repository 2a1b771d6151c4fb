// The turns of a conversation, as a chat template sees them and as `/save` keeps them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::cli {

struct Message {
  std::string role;  // "user", "assistant"; a template may know more
  std::string content;
};

struct Conversation {
  std::string system;  // empty: none
  std::vector<Message> messages;

  // {"messages": [...]} with the system text as the first message where there is one.
  std::string to_json() const;
  // kInvalidFile says which entry is wrong. Unknown keys are ignored.
  static Result<Conversation> from_json(std::string_view json);

  // The file appears whole or not at all.
  Result<void> save(const std::string& path) const;
  static Result<Conversation> load(const std::string& path);
};

}  // namespace hearth::cli
