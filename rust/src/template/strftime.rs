//! `datetime.now().strftime(format)`

use std::ffi::{c_char, c_int, c_long, CString};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{raise, Outcome};

/// `struct tm` of glibc, musl and the BSDs.
#[repr(C)]
struct Tm {
    fields: [c_int; 9],
    offset: c_long,
    zone: *const c_char,
}

extern "C" {
    fn localtime_r(time: *const i64, result: *mut Tm) -> *mut Tm;
    fn strftime(out: *mut c_char, max: usize, format: *const c_char, time: *const Tm) -> usize;
}

const MAX_OUTPUT: usize = 4096;

/// `at`: seconds since 1970, or none for the clock.
pub fn now(at: Option<i64>, format: &str) -> Outcome<String> {
    let (seconds, micros) = match at {
        Some(seconds) => (seconds, 0),
        None => match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => (since.as_secs() as i64, since.subsec_micros()),
            Err(_) => (0, 0),
        },
    };
    if format.is_empty() {
        return Ok(String::new());
    }
    // A date of its own is naive: no zone. The mark at the end tells an empty result from a failure.
    let format = rewrite(format, micros) + "x";
    let Ok(format) = CString::new(format) else {
        return raise("embedded null character");
    };
    let mut tm = Tm { fields: [0; 9], offset: 0, zone: std::ptr::null() };
    let mut out = vec![0u8; MAX_OUTPUT];
    // SAFETY: `tm` has the platform's layout; `out` has the given size; `format` is terminated.
    let written = unsafe {
        if localtime_r(&seconds, &mut tm).is_null() {
            return raise("the clock's time is out of range");
        }
        strftime(out.as_mut_ptr().cast(), out.len(), format.as_ptr(), &tm)
    };
    if written == 0 {
        return raise(format!("strftime_now() gives more than {MAX_OUTPUT} bytes"));
    }
    out.truncate(written - 1);
    match String::from_utf8(out) {
        Ok(text) => Ok(text),
        Err(_) => raise("strftime_now() gives text that is not UTF-8"),
    }
}

/// Python's own: %f is microseconds; %z, %Z and %:z are empty for a naive time.
fn rewrite(format: &str, micros: u32) -> String {
    let mut result = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        result.push_str(&rest[..at]);
        let tail = &rest[at..];
        let (piece, len) = match tail.as_bytes() {
            [b'%', b'f', ..] => (format!("{micros:06}"), 2),
            [b'%', b'z' | b'Z', ..] => (String::new(), 2),
            [b'%', b'%', ..] => ("%%".to_owned(), 2),
            _ => ("%".to_owned(), 1),
        };
        result.push_str(&piece);
        rest = &tail[len..];
    }
    result + rest
}
