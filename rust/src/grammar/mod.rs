//! Answers held to a JSON schema: llguidance over the tokens of a model's vocabulary.
//!
//! A schema is hostile input. `check` refuses what would take much time or memory, or what
//! llguidance would read otherwise than the specification does; llguidance's own limits bound the
//! rest; it runs on a thread whose stack is larger than the deepest schema that `check` lets pass.
//! `vocabulary` -> `check` -> `Grammar` (compiled) -> `Answer` (the state of one answer).

mod check;
mod ffi;
mod text_state;
mod vocabulary;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

use llguidance::api::TopLevelGrammar;
use llguidance::toktrie::SimpleVob;
use llguidance::Matcher;
use serde_json::Value;

use text_state::TextState;
pub use vocabulary::Vocabulary;

/// Why there is no grammar, mask or next state.
#[derive(Debug)]
pub enum Failure {
    /// The schema is not JSON, or breaks a rule of JSON Schema.
    Schema(String),
    /// Understood, but not done.
    Unsupported(String),
    /// A bound on work, size or depth.
    Limit(String),
    /// The vocabulary cannot hold an answer.
    Vocabulary(String),
    /// No token continues the answer, or a token was committed that the mask does not have.
    Stuck(String),
    /// A defect of the library.
    Internal(String),
}

pub type Outcome<T> = Result<T, Failure>;

/// Whitespace between the parts of an answer, at most: a model that repeats line breaks goes on.
const MAX_SPACES: usize = 64;

/// For 20,000 levels of recursion in llguidance, which takes some 5 KiB a level.
const COMPILE_STACK: usize = 256 << 20;

/// A compiled schema. Any thread may begin answers.
pub struct Grammar {
    vocabulary: Arc<Vocabulary>,
    begin: Mutex<Matcher>,
}

/// The state of one answer.
pub struct Answer {
    vocabulary: Arc<Vocabulary>,
    matcher: Matcher,
    text: TextState,
}

/// The last message of an error of llguidance, without the state that it dumps.
fn short(error: impl std::fmt::Display) -> String {
    let text = format!("{error:#}");
    let text = text.split("\n<").next().unwrap_or_default();
    let has_words = |line: &&str| line.contains(|c: char| !matches!(c, '^' | ' '));
    let text = text.lines().map(str::trim).filter(has_words).collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(500) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn failure_of(message: String) -> Failure {
    let has = |part: &str| message.contains(part);
    if message.starts_with("panic: ") {
        Failure::Internal(message)
    } else if has("oneOf constraints are not supported") {
        Failure::Unsupported("oneOf with options that may overlap; use anyOf".into())
    } else if has("too big") || has("too large") || has("too complex") || has("exceeded") {
        Failure::Limit(message)
    } else if has("nimplemented") || has("not supported") || has("Unknown format") {
        Failure::Unsupported(message)
    } else {
        Failure::Schema(message)
    }
}

/// What `work` gives, or `Internal` where it panics.
fn guarded<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Failure::Internal("the grammar engine failed".into())))
}

impl Grammar {
    pub fn compile(vocabulary: &Arc<Vocabulary>, schema: &[u8]) -> Outcome<Self> {
        std::thread::scope(|scope| {
            let work = || guarded(|| Self::compile_here(vocabulary, schema));
            std::thread::Builder::new()
                .stack_size(COMPILE_STACK)
                .spawn_scoped(scope, work)
                .map_err(|error| Failure::Internal(format!("no thread to compile on: {error}")))?
                .join()
                .unwrap_or_else(|_| Err(Failure::Internal("the grammar engine failed".into())))
        })
    }

    fn compile_here(vocabulary: &Arc<Vocabulary>, schema: &[u8]) -> Outcome<Self> {
        let schema: Value = check::parse(schema)?;
        let parser = vocabulary.factory().create_parser(TopLevelGrammar::from_json_schema(schema));
        let mut matcher = Matcher::new(parser);
        if let Some(error) = matcher.get_error() {
            return Err(failure_of(short(error)));
        }
        if let Some(warning) = matcher.grammar_warnings().first() {
            return Err(Failure::Unsupported(warning.clone()));
        }
        let grammar = Grammar { vocabulary: vocabulary.clone(), begin: Mutex::new(matcher) };
        match grammar.begin()?.mask() {
            Err(Failure::Stuck(_)) => Err(Failure::Schema("no text meets the schema".into())),
            first => first.map(|_| grammar),
        }
    }

    pub fn begin(&self) -> Outcome<Answer> {
        let begin = self.begin.lock().map_err(|_| Failure::Internal("a lock is broken".into()))?;
        Ok(Answer {
            vocabulary: self.vocabulary.clone(),
            matcher: begin.deep_clone(),
            text: TextState::default(),
        })
    }
}

impl Answer {
    /// The tokens that may come next, and whether the answer may end here. Tokens after the
    /// vocabulary's last are not in the set.
    pub fn mask(&mut self) -> Outcome<(SimpleVob, bool)> {
        if self.matcher.is_stopped() && !self.matcher.is_error() {
            return Ok((SimpleVob::alloc(self.vocabulary.n_tokens()), true));
        }
        let mut mask = self.matcher.compute_mask().map_err(|error| {
            let message = short(error);
            match message.as_str() {
                "NoExtensionBias" => Failure::Stuck("no token continues the answer".into()),
                _ => failure_of(message),
            }
        })?;
        let end = self.vocabulary.end_token();
        let may_end = mask.is_allowed(end);
        mask.disallow_token(end);
        let narrow = self.narrowed(&mask);
        if may_end || !narrow.is_zero() {
            mask = narrow;
        }
        Ok((mask, may_end))
    }

    /// Without spellings that JSON has and an answer does not need: see `text_state`; and without
    /// more whitespace where there is much.
    fn narrowed(&self, mask: &SimpleVob) -> SimpleVob {
        let mut narrow = mask.clone();
        for &token in self.vocabulary.tokens_to_watch(&self.text) {
            if narrow.is_allowed(token) && !self.text.accepts(self.vocabulary.bytes(token)) {
                narrow.disallow_token(token);
            }
        }
        if self.text.n_spaces() >= MAX_SPACES {
            narrow.sub(self.vocabulary.begin_with_space());
        }
        narrow
    }

    /// True once nothing more may follow.
    pub fn commit(&mut self, token: u32) -> Outcome<bool> {
        if token as usize >= self.vocabulary.n_tokens() || self.vocabulary.bytes(token).is_empty() {
            return Err(Failure::Stuck(format!("token {token} is no text")));
        }
        if self.matcher.is_stopped() && !self.matcher.is_error() {
            return Err(Failure::Stuck(format!("token {token} comes after the end")));
        }
        self.matcher.consume_token(token).map_err(|error| Failure::Stuck(short(error)))?;
        for &byte in self.vocabulary.bytes(token) {
            self.text.push(byte);
        }
        Ok(self.matcher.is_stopped())
    }
}
