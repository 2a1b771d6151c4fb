#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <memory>

#include "base/print.h"
#include "base/progress.h"
#include "cli/command.h"
#include "cli/json_output.h"
#include "library/library.h"

namespace hearth::cli {
namespace {

Result<void> run_list(bool as_json) {
  const library::Library models(TRY(library::Library::default_home()));
  const auto entries = TRY(models.list());
  if (as_json) {
    auto array = nlohmann::ordered_json::array();
    for (const library::Entry& entry : entries) {
      array.push_back({{"name", entry.name.text()},
                       {"digest", entry.manifest.model.text()},
                       {"size_bytes", entry.manifest.size_bytes},
                       {"modified_unix_s", entry.modified_unix_s},
                       {"path", entry.path}});
    }
    print_json({{"models", array}});
    return {};
  }
  size_t width = 4;
  for (const library::Entry& entry : entries) width = std::max(width, entry.name.text().size());
  print_out("{:<{}}  {:<12}  {:>10}  {}\n", "NAME", width, "ID", "SIZE", "MODIFIED");
  for (const library::Entry& entry : entries) {
    print_out("{:<{}}  {:<12}  {:>10}  {:%Y-%m-%d %H:%M}\n", entry.name.text(), width,
              entry.manifest.model.hex().substr(0, 12), format_bytes(entry.manifest.size_bytes),
              fmt::localtime(static_cast<std::time_t>(entry.modified_unix_s)));
  }
  return {};
}

}  // namespace

void add_list(CLI::App& app, Command& selected) {
  auto* command = add_command(app, "list", "List the models of the library", "hearth list --json");
  command->alias("ls");
  const auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "print JSON");
  command->callback([&selected, as_json] { selected = [as_json] { return run_list(*as_json); }; });
}

}  // namespace hearth::cli
