#include "library/library.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/check.h"
#include "base/log.h"
#include "base/new_file.h"
#include "gguf/file.h"

namespace hearth::library {
namespace {

namespace fs = std::filesystem;

Error io_error(const std::string& path, std::string_view doing) {
  return {ErrorCode::kIo, fmt::format("{}: cannot {}: {}", path, doing, std::strerror(errno))};
}

// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<void> make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error)
    return fail(ErrorCode::kIo,
                fmt::format("{}: cannot make the folder: {}", path, error.message()));
  return {};
}

// Files are written only under the lock, so whoever holds it finds only those of processes that
// were killed.
void remove_unfinished(const std::string& folder) {
  std::error_code ignored;
  std::vector<fs::path> unfinished;
  for (fs::recursive_directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    if (it->is_regular_file(ignored) && it->path().extension() == ".part") {
      unfinished.push_back(it->path());
    }
  }
  for (const fs::path& path : unfinished) fs::remove(path, ignored);
}

// Held by whoever changes the library; waits for another writer, and says so.
Result<std::unique_ptr<Descriptor>> lock_home(const std::string& home) {
  TRY(make_folder(home));
  const std::string path = home + "/lock";
  auto lock = std::make_unique<Descriptor>(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock->get() < 0) return std::unexpected(io_error(path, "open"));
  if (flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return std::unexpected(io_error(path, "lock"));
    log_warning("{}: waiting for another process that writes to the library", home);
    if (flock(lock->get(), LOCK_EX) != 0) return std::unexpected(io_error(path, "lock"));
  }
  remove_unfinished(home + "/blobs");
  remove_unfinished(home + "/manifests");
  return lock;
}

constexpr size_t kPieceBytes = 4u << 20;

// Calls use(piece) over `bytes`, front to back.
template <class Use>
Result<void> in_pieces(std::span<const std::byte> bytes, const Use& use) {
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(kPieceBytes, bytes.size()));
    TRY(use(piece));
    bytes = bytes.subspan(piece.size());
  }
  return {};
}

Digest digest_of(std::span<const std::byte> bytes) {
  Sha256 hash;
  const auto hashed = in_pieces(bytes, [&hash](std::span<const std::byte> piece) -> Result<void> {
    hash.add(piece);
    return {};
  });
  CHECK(hashed.has_value());
  return hash.finish();
}

// The bytes as a read-only file at `path`; a file of that name and size is already this blob.
Result<void> store_blob(const std::string& path, std::span<const std::byte> bytes,
                        const std::function<void(uint64_t)>& progress) {
  std::error_code error;
  if (fs::file_size(path, error) == bytes.size() && !error) return {};
  TRY(make_folder(fs::path(path).parent_path()));
  NewFile file = TRY(NewFile::create(path));
  TRY(file.reserve(bytes.size()));
  const auto copied = in_pieces(bytes, [&](std::span<const std::byte> piece) {
    auto appended = file.append(piece);
    if (appended && progress) progress(file.size());
    return appended;
  });
  if (!copied) return copied;
  TRY(file.commit());
  if (chmod(path.c_str(), 0444) != 0) return std::unexpected(io_error(path, "make read-only"));
  return {};
}

}  // namespace

Result<std::string> Library::default_home() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const std::string home = variable("HEARTH_HOME"); !home.empty()) return home;
  if (const std::string data = variable("XDG_DATA_HOME"); !data.empty()) return data + "/hearth";
  if (const std::string home = variable("HOME"); !home.empty())
    return home + "/.local/share/hearth";
  return fail(ErrorCode::kNotFound, "no place for the library: set HEARTH_HOME to a folder");
}

std::string Library::manifest_path(const ModelName& name) const {
  return home_ + "/manifests/" + name.folder() + "/" + name.tag();
}

std::string Library::blob_path(const Digest& digest) const {
  return home_ + "/blobs/" + digest.file_name();
}

Result<Entry> Library::find(const ModelName& name) const {
  const std::string path = manifest_path(name);
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return fail(ErrorCode::kNotFound,
                fmt::format("no model '{}' in the library ({}); `hearth list` shows what there is",
                            name.text(), home_));
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  auto manifest = parse_manifest(text);
  if (!manifest) return fail_at(path, std::move(manifest).error());
  std::string blob = blob_path(manifest->model);
  return Entry{name, *std::move(manifest), std::move(blob), info.st_mtime};
}

Result<std::vector<Entry>> Library::list() const {
  std::vector<Entry> entries;
  const fs::path root = home_ + "/manifests";
  std::error_code error;
  for (fs::recursive_directory_iterator it(root, error), end; !error && it != end;
       it.increment(error)) {
    if (!it->is_regular_file() || it->path().extension() == ".part") continue;
    const fs::path relative = fs::relative(it->path(), root);
    auto name =
        ModelName::parse(relative.parent_path().string() + ":" + relative.filename().string());
    if (!name) continue;
    entries.push_back(TRY(find(*name)));
  }
  std::ranges::sort(entries, {}, &Entry::name);
  return entries;
}

Result<void> Library::write_manifest_file(const ModelName& name, const Manifest& manifest) const {
  const std::string target = manifest_path(name);
  TRY(make_folder(fs::path(target).parent_path()));
  NewFile file = TRY(NewFile::create(target));
  const std::string text = write_manifest(manifest);
  TRY(file.append(std::as_bytes(std::span(text))));
  return file.commit();
}

Result<Entry> Library::import_file(const std::string& path, const ModelName& name,
                                   const std::optional<Digest>& expected,
                                   const std::function<void(uint64_t)>& progress) {
  const gguf::File file = TRY(gguf::File::open(path));
  if (file.parts().size() != 1) {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format("{}: a split file cannot be imported yet; it runs in place by its path", path));
  }
  const auto bytes = file.parts()[0].bytes();
  const Digest digest = digest_of(bytes);
  if (expected && digest != *expected) {
    return fail(ErrorCode::kInvalidFile,
                fmt::format("{}: its digest is {}, expected {}; nothing was imported", path,
                            digest.text(), expected->text()));
  }
  const auto lock = TRY(lock_home(home_));
  TRY(store_blob(blob_path(digest), bytes, progress));
  TRY(write_manifest_file(name, {digest, file.size_bytes(), fs::path(path).filename().string()}));
  return find(name);
}

Result<void> Library::copy(const ModelName& from, const ModelName& to) {
  const auto lock = TRY(lock_home(home_));
  const Entry entry = TRY(find(from));
  return write_manifest_file(to, entry.manifest);
}

Result<void> Library::remove(const ModelName& name) {
  const auto lock = TRY(lock_home(home_));
  const Entry entry = TRY(find(name));
  const std::string path = manifest_path(name);
  if (unlink(path.c_str()) != 0) return std::unexpected(io_error(path, "remove"));
  std::error_code ignored;
  fs::remove(fs::path(path).parent_path(), ignored);
  const std::vector<Entry> left = TRY(list());
  const bool is_shared = std::ranges::any_of(
      left, [&](const Entry& e) { return e.manifest.model == entry.manifest.model; });
  if (!is_shared && unlink(entry.path.c_str()) != 0 && errno != ENOENT)
    return std::unexpected(io_error(entry.path, "remove"));
  return {};
}

}  // namespace hearth::library
