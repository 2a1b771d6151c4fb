// Text on its way to and from the Rust library.
#pragma once

#include <string>
#include <string_view>

#include "hearth_rust/text.h"

namespace hearth::text {

// Text that the Rust library owns.
class RustText {
 public:
  RustText() = default;
  RustText(const RustText&) = delete;
  RustText& operator=(const RustText&) = delete;
  ~RustText() { hearth_text_free(&text_); }

  HearthText* out() { return &text_; }
  std::string str() const { return {reinterpret_cast<const char*>(text_.data), text_.size}; }

 private:
  HearthText text_{nullptr, 0, 0};
};

inline HearthBytes rust_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace hearth::text
