// SHA-256 digests and the hashing of bytes as they stream by.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::library {

// Exactly "sha256:" and 64 lower-case hex digits; nothing else can become a Digest, so a digest can
// name a file without a second look.
class Digest {
 public:
  static Result<Digest> parse(std::string_view text);

  const std::string& text() const { return text_; }            // "sha256:b179..."
  std::string hex() const { return text_.substr(7); }          // "b179..."
  std::string file_name() const { return "sha256-" + hex(); }  // in the blob folder
  bool operator==(const Digest&) const = default;

 private:
  friend class Sha256;
  explicit Digest(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// One thread at a time.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void add(std::span<const std::byte> bytes);
  Digest finish();  // once

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace hearth::library
