#include "text/normalizer.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/utf8.h"

namespace hearth::text {
namespace {

#include "text/unicode_normal_forms.inc"

// Hangul syllables compose by arithmetic: Unicode Standard, section 3.12.
constexpr char32_t kSyllables = 0xAC00;
constexpr char32_t kLeads = 0x1100;
constexpr char32_t kVowels = 0x1161;
constexpr char32_t kTrails = 0x11A7;  // one before the first
constexpr char32_t kLeadCount = 19;
constexpr char32_t kVowelCount = 21;
constexpr char32_t kTrailCount = 28;

bool is_in(char32_t c, char32_t first, char32_t count) { return c - first < count; }

struct Pair {
  uint64_t key;  // first << 32 | second
  char32_t composed;
};

struct Decomposition {
  char32_t composed;
  std::span<const char32_t> parts;
};

// The tables unpacked, each sorted by its first member.
class NormalForms {
 public:
  static const NormalForms& tables() {
    static const NormalForms forms;
    return forms;
  }

  uint8_t combining_class(char32_t c) const {
    const auto* at = std::lower_bound(std::begin(kCombiningClasses), std::end(kCombiningClasses),
                                      static_cast<uint32_t>(c) << 8);
    const bool found = at != std::end(kCombiningClasses) && *at >> 8 == c;
    return found ? static_cast<uint8_t>(*at) : 0;
  }
  // Whether c may change, or change what lies before it: anything else starts a piece of text that
  // can be normalized alone.
  bool is_active(char32_t c) const { return c < active_.size() ? active_[c] : c > 0x10FFFF; }
  void append_decomposed(char32_t c, std::u32string& out) const;
  char32_t compose(char32_t first, char32_t second) const;  // 0 if the two do not compose

 private:
  NormalForms();

  std::vector<Decomposition> decompositions_;
  std::vector<Pair> pairs_;
  std::vector<bool> active_;  // by code point
};

NormalForms::NormalForms() {
  active_.resize(0x110000);
  for (const uint32_t entry : kCombiningClasses) active_[entry >> 8] = true;
  for (size_t i = 0; i < std::size(kDecompositions); i += 2 + kDecompositions[i + 1]) {
    decompositions_.push_back(
        {kDecompositions[i], {&kDecompositions[i + 2], kDecompositions[i + 1]}});
    active_[kDecompositions[i]] = true;
  }
  for (size_t i = 0; i < std::size(kComposites); i += 3) {
    const char32_t second = kComposites[i + 1];
    const char32_t composed = kComposites[i + 2];
    pairs_.push_back({static_cast<uint64_t>(kComposites[i]) << 32 | second, composed});
    active_[second] = true;
    active_[composed] = false;  // stays as it is, unless it is itself a second
  }
  for (const Pair& pair : pairs_) active_[static_cast<char32_t>(pair.key)] = true;
  for (char32_t c = 0; c < kVowelCount; ++c) active_[kVowels + c] = true;
  for (char32_t c = 1; c < kTrailCount; ++c) active_[kTrails + c] = true;
}

void NormalForms::append_decomposed(char32_t c, std::u32string& out) const {
  if (is_in(c, kSyllables, kLeadCount * kVowelCount * kTrailCount)) {
    const char32_t index = c - kSyllables;
    out += kLeads + index / (kVowelCount * kTrailCount);
    out += kVowels + index / kTrailCount % kVowelCount;
    if (index % kTrailCount > 0) out += kTrails + index % kTrailCount;
    return;
  }
  const auto at =
      std::lower_bound(decompositions_.begin(), decompositions_.end(), c,
                       [](const Decomposition& d, char32_t wanted) { return d.composed < wanted; });
  if (at != decompositions_.end() && at->composed == c) {
    out.append(at->parts.begin(), at->parts.end());
  } else {
    out += c;
  }
}

char32_t NormalForms::compose(char32_t first, char32_t second) const {
  if (is_in(first, kLeads, kLeadCount) && is_in(second, kVowels, kVowelCount)) {
    return kSyllables + ((first - kLeads) * kVowelCount + (second - kVowels)) * kTrailCount;
  }
  const bool is_open_syllable = is_in(first, kSyllables, kLeadCount * kVowelCount * kTrailCount) &&
                                (first - kSyllables) % kTrailCount == 0;
  if (is_open_syllable && is_in(second, kTrails + 1, kTrailCount - 1)) {
    return first + (second - kTrails);
  }
  const uint64_t key = static_cast<uint64_t>(first) << 32 | second;
  const auto at = std::lower_bound(pairs_.begin(), pairs_.end(), key,
                                   [](const Pair& p, uint64_t wanted) { return p.key < wanted; });
  return at != pairs_.end() && at->key == key ? at->composed : 0;
}

// Marks between two characters of class 0 in the order of their classes.
void reorder(const NormalForms& forms, std::u32string& text) {
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && forms.combining_class(text[end]) > 0) ++end;
    if (end - i > 1) {
      std::stable_sort(text.begin() + i, text.begin() + end, [&forms](char32_t a, char32_t b) {
        return forms.combining_class(a) < forms.combining_class(b);
      });
    }
    i = end + 1;
  }
}

// Unicode Standard, D117: each character joins the last starter unless something of its own class
// or higher, or another starter, stands between.
void compose(const NormalForms& forms, std::u32string& text) {
  constexpr size_t kNone = static_cast<size_t>(-1);
  size_t starter = kNone;
  size_t n = 0;
  int last_class = 0;
  for (const char32_t c : text) {
    const int own_class = forms.combining_class(c);
    const bool is_next = starter != kNone && n == starter + 1;
    if (starter != kNone && (is_next || last_class < own_class)) {
      if (const char32_t composed = forms.compose(text[starter], c)) {
        text[starter] = composed;
        continue;
      }
    }
    if (own_class == 0) starter = n;
    last_class = own_class;
    text[n++] = c;
  }
  text.resize(n);
}

}  // namespace

bool is_surely_nfc(std::string_view text) {
  // U+0300 is the first character that composes or reorders; it begins with the byte 0xCC.
  if (std::all_of(text.begin(), text.end(),
                  [](char c) { return static_cast<uint8_t>(c) < 0xCC; })) {
    return true;
  }
  const NormalForms& forms = NormalForms::tables();
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text.substr(i));
    if (c.is_valid && forms.is_active(c.code_point)) return false;
    i += c.n_bytes;
  }
  return true;
}

std::string normalize_nfc(std::string_view text) {
  const NormalForms& forms = NormalForms::tables();
  std::string out;
  out.reserve(text.size());
  std::u32string piece;  // from a character that nothing before can change, on
  bool is_changed = false;
  const auto end_piece = [&] {
    if (is_changed) {
      std::u32string decomposed;
      for (const char32_t c : piece) forms.append_decomposed(c, decomposed);
      reorder(forms, decomposed);
      compose(forms, decomposed);
      piece = std::move(decomposed);
    }
    for (const char32_t c : piece) append_utf8(out, c);
    piece.clear();
    is_changed = false;
  };
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text.substr(i));
    const bool is_active = c.is_valid && forms.is_active(c.code_point);
    if (!is_active) end_piece();
    if (c.is_valid) {
      piece += c.code_point;
    } else {
      out += text[i];
    }
    is_changed |= is_active;
    i += c.n_bytes;
  }
  end_piece();
  return out;
}

}  // namespace hearth::text
