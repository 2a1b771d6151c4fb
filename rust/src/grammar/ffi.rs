//! The C functions of `hearth_rust/grammar.h`.

use std::sync::Arc;

use super::{guarded, Answer, Failure, Grammar, Outcome, Vocabulary};
use crate::text::HearthText;

const OK: i32 = 0;

#[repr(C)]
pub struct HearthBytes {
    data: *const u8,
    size: usize,
}

impl HearthBytes {
    unsafe fn get<'a>(&self) -> &'a [u8] {
        match self.size {
            0 => &[],
            size => std::slice::from_raw_parts(self.data, size),
        }
    }
}

fn status_and_message(failure: Failure) -> (i32, String) {
    match failure {
        Failure::Schema(message) => (1, message),
        Failure::Unsupported(message) => (2, message),
        Failure::Limit(message) => (3, message),
        Failure::Vocabulary(message) => (4, message),
        Failure::Stuck(message) => (5, message),
        Failure::Internal(message) => (6, message),
    }
}

/// The status; the message of a failure goes to `message`.
unsafe fn status(result: Outcome<()>, message: *mut HearthText) -> i32 {
    let Err(failure) = result else { return OK };
    let (status, text) = status_and_message(failure);
    *message = HearthText::new(text);
    status
}

/// # Safety
/// `tokens` has `n` elements whose bytes can be read; `out` and `message` can be written.
#[no_mangle]
pub unsafe extern "C" fn hearth_vocabulary_new(
    tokens: *const HearthBytes,
    n: usize,
    out: *mut *mut Arc<Vocabulary>,
    message: *mut HearthText,
) -> i32 {
    let tokens = if n == 0 { &[] } else { std::slice::from_raw_parts(tokens, n) };
    let made = guarded(|| {
        let tokens: Vec<&[u8]> = tokens.iter().map(|token| token.get()).collect();
        Vocabulary::new(&tokens)
    });
    status(made.map(|made| *out = Box::into_raw(Box::new(Arc::new(made)))), message)
}

/// # Safety
/// `vocabulary` comes from `hearth_vocabulary_new`; `out` and `message` can be written.
#[no_mangle]
pub unsafe extern "C" fn hearth_grammar_compile(
    vocabulary: *const Arc<Vocabulary>,
    schema: HearthBytes,
    out: *mut *mut Grammar,
    message: *mut HearthText,
) -> i32 {
    let made = guarded(|| Grammar::compile(&*vocabulary, schema.get()));
    status(made.map(|made| *out = Box::into_raw(Box::new(made))), message)
}

/// # Safety
/// `grammar` comes from `hearth_grammar_compile`; `out` and `message` can be written.
#[no_mangle]
pub unsafe extern "C" fn hearth_answer_begin(
    grammar: *const Grammar,
    out: *mut *mut Answer,
    message: *mut HearthText,
) -> i32 {
    let begun = guarded(|| (*grammar).begin());
    status(begun.map(|begun| *out = Box::into_raw(Box::new(begun))), message)
}

/// # Safety
/// `answer` comes from `hearth_answer_begin`; `mask` has `n_words` words, the others can be written.
#[no_mangle]
pub unsafe extern "C" fn hearth_answer_mask(
    answer: *mut Answer,
    mask: *mut u32,
    n_words: usize,
    may_end: *mut bool,
    message: *mut HearthText,
) -> i32 {
    let words = if n_words == 0 { &mut [] } else { std::slice::from_raw_parts_mut(mask, n_words) };
    let result = guarded(|| (*answer).mask());
    let copied = result.map(|(set, ends)| {
        let from = set.as_slice();
        let n = words.len().min(from.len());
        words[..n].copy_from_slice(&from[..n]);
        words[n..].fill(0);
        *may_end = ends;
    });
    status(copied, message)
}

/// # Safety
/// `answer` comes from `hearth_answer_begin`; `is_complete` and `message` can be written.
#[no_mangle]
pub unsafe extern "C" fn hearth_answer_commit(
    answer: *mut Answer,
    token: u32,
    is_complete: *mut bool,
    message: *mut HearthText,
) -> i32 {
    let committed = guarded(|| (*answer).commit(token));
    status(committed.map(|complete| *is_complete = complete), message)
}

unsafe fn free<T>(object: *mut T) {
    if !object.is_null() {
        drop(Box::from_raw(object));
    }
}

/// # Safety
/// `vocabulary` is null or comes from `hearth_vocabulary_new` and is not used again.
#[no_mangle]
pub unsafe extern "C" fn hearth_vocabulary_free(vocabulary: *mut Arc<Vocabulary>) {
    free(vocabulary);
}

/// # Safety
/// `grammar` is null or comes from `hearth_grammar_compile` and is not used again.
#[no_mangle]
pub unsafe extern "C" fn hearth_grammar_free(grammar: *mut Grammar) {
    free(grammar);
}

/// # Safety
/// `answer` is null or comes from `hearth_answer_begin` and is not used again.
#[no_mangle]
pub unsafe extern "C" fn hearth_answer_free(answer: *mut Answer) {
    free(answer);
}
