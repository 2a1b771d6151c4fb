//! The Rust libraries that Hearth uses, behind the C headers in `include/`. One module a library.

mod text;

pub mod grammar;
pub mod template;
