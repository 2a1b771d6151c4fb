// The models on this machine that have a name: blobs by their SHA-256, and a manifest a name.
//
//   HOME/blobs/sha256-<hex>                             a GGUF, read-only
//   HOME/manifests/<host>/<namespace>/<model>/<tag>     what the name stands for
//
// A name becomes visible by one rename, after its blob is complete and synced. Writers hold
// HOME/lock, so any number of processes may share a library; what a killed one left unfinished, the
// next one removes. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "library/digest.h"
#include "library/manifest.h"
#include "library/model_name.h"

namespace hearth::library {

struct Entry {
  ModelName name;
  Manifest manifest;
  std::string path;         // of the GGUF
  int64_t modified_unix_s;  // when the name was given
};

class Library {
 public:
  // HEARTH_HOME, else $XDG_DATA_HOME/hearth, else ~/.local/share/hearth.
  static Result<std::string> default_home();
  // Opens the library in `home`; the folders are made when something is first imported.
  explicit Library(std::string home) : home_(std::move(home)) {}

  const std::string& home() const { return home_; }
  Result<std::vector<Entry>> list()
      const;  // by name; a manifest that cannot be read is an error naming it
  Result<Entry> find(const ModelName& name) const;  // kNotFound

  // Copies the GGUF at `path` in under `name`, replacing what the name stood for. `expected`: the
  // copy must have this digest. progress(bytes copied) may be empty.
  Result<Entry> import_file(const std::string& path, const ModelName& name,
                            const std::optional<Digest>& expected,
                            const std::function<void(uint64_t)>& progress);
  Result<void> copy(const ModelName& from, const ModelName& to);
  // Takes the name away, and the blob if no other name stands for it.
  Result<void> remove(const ModelName& name);

 private:
  std::string manifest_path(const ModelName& name) const;
  std::string blob_path(const Digest& digest) const;
  Result<void> write_manifest_file(const ModelName& name, const Manifest& manifest) const;

  std::string home_;
};

}  // namespace hearth::library
