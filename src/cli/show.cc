#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>

#include "base/print.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/json_output.h"
#include "cli/open_model.h"

namespace hearth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ShowOptions {
  std::string model;
  bool as_json = false, tensors = false, chat_template = false;
};

constexpr size_t kShownElements = 8;
constexpr size_t kShownTextBytes = 200;

Json scalar_json(const gguf::Value& value) {
  return std::visit(
      [](const auto& data) -> Json {
        using T = std::decay_t<decltype(data)>;
        if constexpr (std::is_same_v<T, gguf::Array>) {
          return fmt::format("{} values of {}", data.size,
                             gguf::value_type_name(data.element_type));
        } else if constexpr (std::is_same_v<T, std::string_view>) {
          return std::string(data);
        } else {
          return data;
        }
      },
      value.data);
}

// On one line: long texts and arrays are cut, and say so.
std::string value_line(const gguf::Value& value) {
  if (const auto* array = std::get_if<gguf::Array>(&value.data)) {
    std::string line =
        fmt::format("[{} x {}]", array->size, gguf::value_type_name(array->element_type));
    for (size_t i = 0; i < array->strings.size() && i < kShownElements; ++i) {
      line += " " + Json(std::string(array->strings[i].substr(0, 40)))
                        .dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    return line;
  }
  std::string line = scalar_json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  if (line.size() <= kShownTextBytes) return line;
  return fmt::format("{}... ({} bytes)",
                     line.substr(0, complete_utf8_prefix(line.substr(0, kShownTextBytes))),
                     line.size());
}

struct TypeTotal {
  uint64_t n_tensors = 0, n_bytes = 0;
};

Result<void> run_show(const ShowOptions& options) {
  const auto file = TRY(open_model_file(options.model));
  const gguf::Metadata& keys = file->metadata();
  if (options.chat_template) {
    print_out("{}", TRY(keys.get_string("tokenizer.chat_template")));
    return {};
  }
  uint64_t n_parameters = 0;
  std::map<std::string, TypeTotal> types;
  for (const gguf::Tensor& tensor : file->tensors()) {
    n_parameters += tensor.n_values();
    TypeTotal& total = types[quant::type_info(tensor.type).name];
    total.n_tensors += 1;
    total.n_bytes += tensor.data.size();
  }
  if (options.as_json) {
    Json metadata = Json::object(), tensors = Json::array(), by_type = Json::object();
    for (const auto& entry : keys.entries()) metadata[entry.key] = scalar_json(entry.value);
    for (const auto& [name, total] : types)
      by_type[name] = {{"tensors", total.n_tensors}, {"bytes", total.n_bytes}};
    for (const gguf::Tensor& tensor : file->tensors()) {
      const std::vector<uint64_t> shape(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims);
      tensors.push_back(
          {{"name", tensor.name}, {"type", quant::type_info(tensor.type).name}, {"dims", shape}});
    }
    Json json = {{"size_bytes", file->size_bytes()},
                 {"parameters", n_parameters},
                 {"types", by_type},
                 {"metadata", metadata}};
    if (options.tensors) json["tensors"] = tensors;
    print_json(json);
    return {};
  }
  print_out("size        {}\nparameters  {:.1f} M\ntensors     {}\n",
            format_bytes(file->size_bytes()), static_cast<double>(n_parameters) / 1e6,
            file->tensors().size());
  for (const auto& [name, total] : types)
    print_out("  {:<8}  {:>5} tensors, {}\n", name, total.n_tensors, format_bytes(total.n_bytes));
  print_out("metadata\n");
  for (const auto& entry : keys.entries())
    print_out("  {} = {}\n", entry.key, value_line(entry.value));
  if (!options.tensors) return {};
  print_out("tensors\n");
  for (const gguf::Tensor& tensor : file->tensors()) {
    print_out("  {:<40} {:<8} [{}]\n", tensor.name, quant::type_info(tensor.type).name,
              fmt::join(tensor.dims.begin(), tensor.dims.begin() + tensor.n_dims, ", "));
  }
  return {};
}

}  // namespace

void add_show(CLI::App& app, Command& selected) {
  auto* command =
      add_command(app, "show", "Show what a model file holds", "hearth show smollm2:135m --json");
  const auto options = std::make_shared<ShowOptions>();
  command->add_option("MODEL", options->model, "a GGUF file, or a name in the library")->required();
  command->add_flag("--tensors", options->tensors, "list the tensors too");
  command->add_flag("--template", options->chat_template,
                    "print the chat template and nothing else");
  command->add_flag("--json", options->as_json, "print JSON");
  command->callback([&selected, options] { selected = [options] { return run_show(*options); }; });
}

}  // namespace hearth::cli
