#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/print.h"
#include "cli/command.h"
#include "cli/open_model.h"
#include "text/chat_template.h"

namespace hearth::cli {
namespace {

struct TemplateOptions {
  std::string source, messages;
};

constexpr uint64_t kMaxConversationBytes = 64u << 20;

// The model's bos and eos texts, where the conversation does not set them.
Result<std::string> with_special_tokens(std::string conversation, const gguf::File& file) {
  using Json = nlohmann::ordered_json;
  Json json = Json::parse(conversation, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return conversation;
  const auto tokens = file.metadata().get_strings("tokenizer.ggml.tokens");
  for (const char* name : {"bos", "eos"}) {
    const auto id =
        file.metadata().get_uint(fmt::format("tokenizer.ggml.{}_token_id", name), 0, UINT32_MAX);
    const std::string variable = fmt::format("{}_token", name);
    if (id && tokens && *id < tokens->size() && !json.contains(variable))
      json[variable] = std::string((*tokens)[*id]);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<void> run_template(const TemplateOptions& options) {
  std::string conversation = TRY(read_text_file(options.messages, kMaxConversationBytes));
  std::string source;
  if (options.source.ends_with(".jinja")) {
    source = TRY(read_template_file(options.source));
  } else {
    const auto file = TRY(open_model_file(options.source));
    auto found = file->metadata().get_string("tokenizer.chat_template");
    if (!found)
      return fail(found.error().code,
                  fmt::format("{}: the model has no chat template", options.source));
    source = *found;
    conversation = TRY(with_special_tokens(std::move(conversation), *file));
  }
  const auto chat_template = TRY(text::ChatTemplate::compile(source));
  const std::string text = TRY(chat_template.render(conversation));
  write_out(text);
  return {};
}

}  // namespace

void add_template(CLI::App& app, Command& selected) {
  auto* command = add_command(
      app, "template", "Render a conversation through a chat template and print the text exactly",
      "hearth template smollm2:135m --messages conversation.json");
  const auto options = std::make_shared<TemplateOptions>();
  command->add_option("MODEL|FILE.jinja", options->source, "a model, or a template file")
      ->required();
  command
      ->add_option("--messages", options->messages,
                   "JSON file: an object with messages, and optionally tools, "
                   "add_generation_prompt, bos_token, eos_token "
                   "and further variables")
      ->required();
  command->callback(
      [&selected, options] { selected = [options] { return run_template(*options); }; });
}

}  // namespace hearth::cli
