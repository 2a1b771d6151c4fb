// Unicode's form C (composed characters), which some families' references apply before anything
// else. The tables are the reference's own, which may be older than the newest Unicode.
#pragma once

#include <string>
#include <string_view>

namespace hearth::text {

// True if no character of the text can take part in a change: then normalize_nfc(text) == text.
bool is_surely_nfc(std::string_view text);

// n log n in the longest run of combining marks, else linear. Bytes that are not UTF-8 stay.
std::string normalize_nfc(std::string_view text);

}  // namespace hearth::text
