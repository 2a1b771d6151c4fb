// The commands that change the library: import, cp and rm.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/print.h"
#include "base/progress.h"
#include "cli/command.h"
#include "gguf/file.h"
#include "library/library.h"

namespace hearth::cli {
namespace {

struct ImportOptions {
  std::string file, name, sha256;
};

Result<void> run_import(const ImportOptions& options) {
  const auto name = TRY(library::ModelName::parse(options.name));
  std::optional<library::Digest> expected;
  if (!options.sha256.empty()) expected = TRY(library::Digest::parse("sha256:" + options.sha256));
  library::Library models(TRY(library::Library::default_home()));
  const uint64_t total = TRY(gguf::File::open(options.file))
  .size_bytes();
  Progress progress("import " + name.text(), total, "B");
  const auto entry = TRY(models.import_file(options.file, name, expected,
                                            [&](uint64_t done) { progress.update(done); }));
  print_err("{}: {} ({})\n", name.text(), format_bytes(entry.manifest.size_bytes),
            entry.manifest.model.text());
  return {};
}

Result<void> run_rm(const std::vector<std::string>& names) {
  library::Library models(TRY(library::Library::default_home()));
  for (const std::string& text : names) {
    const auto name = TRY(library::ModelName::parse(text));
    TRY(models.remove(name));
    print_err("removed {}\n", name.text());
  }
  return {};
}

Result<void> run_cp(const std::string& from, const std::string& to) {
  library::Library models(TRY(library::Library::default_home()));
  const auto source = TRY(library::ModelName::parse(from));
  return models.copy(source, TRY(library::ModelName::parse(to)));
}

}  // namespace

void add_import(CLI::App& app, Command& selected) {
  auto* command = add_command(app, "import", "Copy a GGUF file into the library under a name",
                              "hearth import model.gguf mymodel:q4");
  const auto options = std::make_shared<ImportOptions>();
  command->add_option("FILE", options->file, "the GGUF file")->required();
  command->add_option("NAME", options->name, "[[host/]namespace/]model[:tag]")->required();
  command->add_option("--sha256", options->sha256,
                      "refuse the file unless its SHA-256 is this (64 hex digits)");
  command->callback(
      [&selected, options] { selected = [options] { return run_import(*options); }; });
}

void add_rm(CLI::App& app, Command& selected) {
  auto* command = add_command(app, "rm", "Remove models from the library", "hearth rm mymodel:q4");
  const auto names = std::make_shared<std::vector<std::string>>();
  command->add_option("NAME", *names, "names in the library")->required();
  command->callback([&selected, names] { selected = [names] { return run_rm(*names); }; });
}

void add_cp(CLI::App& app, Command& selected) {
  auto* command = add_command(app, "cp", "Give a model of the library another name",
                              "hearth cp smollm2:135m small");
  struct Names {
    std::string from, to;
  };
  const auto names = std::make_shared<Names>();
  command->add_option("FROM", names->from, "a name in the library")->required();
  command->add_option("TO", names->to, "the new name")->required();
  command->callback(
      [&selected, names] { selected = [names] { return run_cp(names->from, names->to); }; });
}

}  // namespace hearth::cli
