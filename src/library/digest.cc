#include "library/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"

namespace hearth::library {
namespace {
constexpr std::string_view kPrefix = "sha256:";
constexpr size_t kHexDigits = 64;
}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  const bool fits = text.size() == kPrefix.size() + kHexDigits && text.starts_with(kPrefix) &&
                    std::ranges::all_of(text.substr(kPrefix.size()), [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                    });
  if (!fits) {
    return fail(ErrorCode::kInvalidArgument, "a digest is 'sha256:' and 64 lower-case hex digits");
  }
  return Digest(std::string(text));
}

struct Sha256::Context {
  EVP_MD_CTX* evp;
};

Sha256::Sha256() : context_(std::make_unique<Context>(EVP_MD_CTX_new())) {
  CHECK(context_->evp != nullptr);
  CHECK(EVP_DigestInit_ex(context_->evp, EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() { EVP_MD_CTX_free(context_->evp); }

void Sha256::add(std::span<const std::byte> bytes) {
  CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

Digest Sha256::finish() {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(context_->evp, raw, &size) == 1);
  std::string text(kPrefix);
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", raw[i]);
  return Digest(std::move(text));
}

}  // namespace hearth::library
