// C interface of the Rust library's constrained answers (llguidance). Used by text/constraint.cc
// only. No function unwinds or aborts on any input. Each sets *message (give back with
// hearth_text_free) where its status is not kHearthGrammarOk, else what it makes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hearth_rust/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct HearthVocabulary HearthVocabulary;  // immutable; any thread
typedef struct HearthGrammar HearthGrammar;        // a compiled schema; any thread
typedef struct HearthAnswer HearthAnswer;          // the state of one answer; one thread at a time

typedef enum HearthGrammarStatus {
  kHearthGrammarOk = 0,
  kHearthGrammarSchema = 1,       // no JSON, or against JSON Schema's rules; or nothing meets it
  kHearthGrammarUnsupported = 2,  // the message names what
  kHearthGrammarLimit = 3,        // a bound on work, size or depth was hit
  kHearthGrammarVocabulary = 4,   // no grammar can be made for these tokens
  kHearthGrammarStuck = 5,        // no token continues the answer, or one was not in the mask
  kHearthGrammarInternal = 6,     // a defect of the library, caught
} HearthGrammarStatus;

// tokens: bytes by id, empty for what is no text. Of tokens with equal bytes the first is used.
HearthGrammarStatus hearth_vocabulary_new(const HearthBytes* tokens, size_t n,
                                          HearthVocabulary** out, HearthText* message);

// schema: JSON text, or `json` for any object. May outlive the vocabulary's handle.
HearthGrammarStatus hearth_grammar_compile(const HearthVocabulary* vocabulary, HearthBytes schema,
                                           HearthGrammar** out, HearthText* message);

// May outlive the grammar's handle.
HearthGrammarStatus hearth_answer_begin(const HearthGrammar* grammar, HearthAnswer** out,
                                        HearthText* message);

// Bit i of mask word i / 32: token i may come next. *may_end: the answer may end here.
HearthGrammarStatus hearth_answer_mask(HearthAnswer* answer, uint32_t* mask, size_t n_words,
                                       bool* may_end, HearthText* message);

// Adds a token of the mask. *is_complete: nothing may follow.
HearthGrammarStatus hearth_answer_commit(HearthAnswer* answer, uint32_t token, bool* is_complete,
                                         HearthText* message);

void hearth_vocabulary_free(HearthVocabulary* vocabulary);
void hearth_grammar_free(HearthGrammar* grammar);
void hearth_answer_free(HearthAnswer* answer);

#ifdef __cplusplus
}
#endif
