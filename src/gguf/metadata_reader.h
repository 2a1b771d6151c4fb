// Reads the key-value section of a GGUF file.
#pragma once

#include "gguf/byte_reader.h"
#include "gguf/metadata.h"

namespace hearth::gguf {

// The next n_entries keys and values. Strings and arrays borrow from the reader's bytes.
Result<Metadata> read_metadata(ByteReader& reader, uint64_t n_entries);

// Fewest bytes of an entry: key length, one byte of key, value type, one byte of value.
inline constexpr uint64_t kLeastEntryBytes = 8 + 1 + 4 + 1;

// The name of a key or tensor: 1 to most_bytes bytes of UTF-8 without NUL.
Result<std::string> read_name(ByteReader& reader, uint64_t most_bytes, std::string_view what);
Result<void> check_name(std::string_view name, uint64_t most_bytes, std::string_view what);

}  // namespace hearth::gguf
