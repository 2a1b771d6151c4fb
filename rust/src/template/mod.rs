//! Chat templates: Jinja as Python's jinja2 runs it with transformers' settings.
//!
//! minijinja reads the source (lexer, grammar, whitespace control); its own evaluator is not used,
//! because values must print, compare, convert and fail as Python's do, and because a hostile
//! template must not be able to allocate: every value here is charged to a budget first.
//!
//! `source` -> minijinja's tree -> `lower` -> `tree` (owned, shareable) -> `eval`.

// A text's cached length is no part of its equality or hash.
#![allow(clippy::mutable_key_type)]

mod access;
mod budget;
mod calls;
mod chars;
mod dict;
mod eval;
mod ffi;
mod filters;
mod filters_seq;
mod filters_text;
mod format_spec;
mod functions;
mod json_read;
mod json_write;
mod loops;
mod lower;
mod markup;
mod methods;
mod methods_text;
mod ops;
mod percent;
mod render;
mod repr;
mod scope;
mod source;
mod strftime;
mod tests;
mod tree;
mod value;

pub use render::{compile, render, Template};

/// Why a template did not compile or render.
#[derive(Debug)]
pub enum Failure {
    /// The source breaks the grammar.
    Syntax(String),
    /// Python would raise an exception with this message.
    Raised(String),
    /// A bound on work, time, memory, output or depth.
    Limit(String),
    /// The variables are not what they must be.
    Variables(String),
    /// A defect of the engine.
    Internal(String),
}

pub type Outcome<T> = Result<T, Box<Failure>>;

pub fn raise<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Box::new(Failure::Raised(message.into())))
}

pub fn limit<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Box::new(Failure::Limit(message.into())))
}

/// Bounds of one rendering. `now`: seconds since 1970 for `strftime_now`, or none for the clock.
#[derive(Clone, Copy)]
pub struct Limits {
    pub time_ms: u64,
    pub output_bytes: u64,
    pub fuel: u64,
    pub memory_bytes: u64,
    pub now: Option<i64>,
}
