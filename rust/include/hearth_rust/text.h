// Text that the Rust library hands out, and bytes that it is lent.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Owned by the Rust library; give back with hearth_text_free.
typedef struct HearthText {
  uint8_t* data;
  size_t size;
  size_t capacity;
} HearthText;

// Owned by the caller.
typedef struct HearthBytes {
  const uint8_t* data;
  size_t size;
} HearthBytes;

void hearth_text_free(HearthText* text);

#ifdef __cplusplus
}
#endif
