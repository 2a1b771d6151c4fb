// C interface of the Rust library's chat-template engine. Used by text/chat_template.cc only.
// Strings are UTF-8 with a length, not terminated. No function unwinds or aborts on any input.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hearth_rust/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct HearthTemplate HearthTemplate;  // compiled, immutable; any thread may render it

typedef enum HearthTemplateStatus {
  kHearthTemplateOk = 0,
  kHearthTemplateSyntax = 1,     // the source does not compile
  kHearthTemplateRaised = 2,     // rendering ended as Python would, with an exception
  kHearthTemplateLimit = 3,      // a bound on work, time, memory, output or depth was hit
  kHearthTemplateVariables = 4,  // the variables are not a JSON object
  kHearthTemplateInternal = 5,   // a defect of the engine, caught
} HearthTemplateStatus;

typedef struct HearthTemplateLimits {
  uint64_t time_ms;
  uint64_t output_bytes;
  uint64_t fuel;          // evaluation steps
  uint64_t memory_bytes;  // live values beside the variables given
  // What strftime_now sees: seconds since 1970 UTC, or INT64_MIN for the wall clock.
  int64_t now;
} HearthTemplateLimits;

// On kHearthTemplateOk sets *out (give back with hearth_template_free), else *message.
HearthTemplateStatus hearth_template_compile(const uint8_t* source, size_t size,
                                             HearthTemplate** out, HearthText* message);

// *text: the rendered prompt, or the message of the error.
HearthTemplateStatus hearth_template_render(const HearthTemplate* compiled,
                                            const uint8_t* variables, size_t size,
                                            const HearthTemplateLimits* limits, HearthText* text);

void hearth_template_free(HearthTemplate* compiled);

#ifdef __cplusplus
}
#endif
