//! The C functions of `hearth_rust/template.h`.

use std::panic::{catch_unwind, AssertUnwindSafe};

use super::{compile, render, Failure, Limits, Template};
use crate::text::HearthText;

const OK: i32 = 0;

#[repr(C)]
pub struct HearthTemplateLimits {
    time_ms: u64,
    output_bytes: u64,
    fuel: u64,
    memory_bytes: u64,
    now: i64,
}

fn status_and_message(failure: Failure) -> (i32, String) {
    match failure {
        Failure::Syntax(message) => (1, message),
        Failure::Raised(message) => (2, message),
        Failure::Limit(message) => (3, message),
        Failure::Variables(message) => (4, message),
        Failure::Internal(message) => (5, message),
    }
}

unsafe fn slice<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 {
        return &[];
    }
    std::slice::from_raw_parts(data, size)
}

fn guarded<T>(work: impl FnOnce() -> Result<T, Box<Failure>>) -> Result<T, (i32, String)> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => Err(status_and_message(*failure)),
        Err(_) => Err(status_and_message(Failure::Internal("the template engine failed".into()))),
    }
}

/// # Safety
/// `source` has `size` bytes; `out` and `message` can be written.
#[no_mangle]
pub unsafe extern "C" fn hearth_template_compile(
    source: *const u8,
    size: usize,
    out: *mut *mut Template,
    message: *mut HearthText,
) -> i32 {
    match guarded(|| compile(slice(source, size))) {
        Ok(template) => {
            *out = Box::into_raw(Box::new(template));
            OK
        }
        Err((status, text)) => {
            *message = HearthText::new(text);
            status
        }
    }
}

/// # Safety
/// `template` comes from `hearth_template_compile`; `variables` has `size` bytes; `limits` can be
/// read and `text` written.
#[no_mangle]
pub unsafe extern "C" fn hearth_template_render(
    template: *const Template,
    variables: *const u8,
    size: usize,
    limits: *const HearthTemplateLimits,
    text: *mut HearthText,
) -> i32 {
    let given = &*limits;
    let limits = Limits {
        time_ms: given.time_ms,
        output_bytes: given.output_bytes,
        fuel: given.fuel,
        memory_bytes: given.memory_bytes,
        now: (given.now != i64::MIN).then_some(given.now),
    };
    let (status, result) = match guarded(|| render(&*template, slice(variables, size), &limits)) {
        Ok(rendered) => (OK, rendered),
        Err((status, message)) => (status, message),
    };
    *text = HearthText::new(result);
    status
}

/// # Safety
/// `template` is null or comes from `hearth_template_compile` and is not used again.
#[no_mangle]
pub unsafe extern "C" fn hearth_template_free(template: *mut Template) {
    if !template.is_null() {
        drop(Box::from_raw(template));
    }
}
