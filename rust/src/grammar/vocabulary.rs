//! A model's tokens as llguidance walks them.

use std::collections::HashSet;
use std::sync::Arc;

use llguidance::api::ParserLimits;
use llguidance::toktrie::{ApproximateTokEnv, SimpleVob, TokEnv};
use llguidance::toktrie::{TokRxInfo, TokTrie};
use llguidance::ParserFactory;

use super::text_state::{may_go_on, may_hold, TextState};
use super::{Failure, Outcome};

/// Of tokens; the trie holds 24-bit numbers and 22-bit subtrees.
const MAX_TOKENS: usize = 2_000_000;
/// Of all tokens together.
const MAX_BYTES: usize = 16 << 20;
/// The deepest path of the trie; longer tokens are never drawn under a constraint.
const MAX_TOKEN_BYTES: usize = 1_000;

/// Immutable; any thread may use it. A token without bytes here is never in a mask: control
/// tokens, those that no UTF-8 text holds, and the second of two with the same bytes.
pub struct Vocabulary {
    factory: ParserFactory,
    n_tokens: usize,
    watched: Vec<u32>,        // may hold a whole unwanted spelling
    watched_inside: Vec<u32>, // may hold one, or the end of one
    begin_with_space: SimpleVob,
}

/// Bounds of one schema and one mask, in llguidance's units.
fn limits() -> ParserLimits {
    ParserLimits {
        max_items_in_row: 2_000,
        initial_lexer_fuel: 1_000_000,
        step_lexer_fuel: 200_000,
        step_max_items: 50_000,
        max_lexer_states: 50_000, // at 1 to 2 KB each
        max_grammar_size: 200_000,
        precompute_large_lexemes: false,
        verbose_errors: false,
    }
}

fn is_possible(bytes: &[u8]) -> bool {
    !bytes.contains(&0xff) && bytes.len() <= MAX_TOKEN_BYTES
}

impl Vocabulary {
    /// `tokens`: bytes by id; empty for those that are no text. Of equal ones the first stays.
    pub fn new(tokens: &[&[u8]]) -> Outcome<Self> {
        let n_bytes: usize = tokens.iter().map(|bytes| bytes.len()).sum();
        if tokens.len() > MAX_TOKENS || n_bytes > MAX_BYTES {
            return Err(Failure::Limit(format!(
                "a vocabulary of {} tokens and {n_bytes} bytes is too large for a constraint",
                tokens.len()
            )));
        }
        let mut seen = HashSet::new();
        let mut words: Vec<Vec<u8>> = tokens
            .iter()
            .map(|&bytes| match is_possible(bytes) && seen.insert(bytes) {
                true => bytes.to_vec(),
                false => Vec::new(),
            })
            .collect();
        words.push(Vec::new()); // the end of an answer
        let end_token = tokens.len() as u32;
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, end_token), &words);
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let mut factory = ParserFactory::new_simple(&env)
            .map_err(|error| Failure::Vocabulary(super::short(error)))?;
        factory.quiet();
        *factory.limits_mut() = limits();

        let (mut watched, mut watched_inside) = (Vec::new(), Vec::new());
        let mut begin_with_space = env.tok_trie().alloc_token_set();
        for (token, word) in words.iter().enumerate() {
            let token = token as u32;
            if may_hold(word) {
                watched.push(token);
            }
            if may_hold(word) || word.first().is_some_and(may_go_on) {
                watched_inside.push(token);
            }
            if matches!(word.first(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
                begin_with_space.allow_token(token);
            }
        }
        let n_tokens = tokens.len();
        Ok(Vocabulary { factory, n_tokens, watched, watched_inside, begin_with_space })
    }

    pub fn factory(&self) -> &ParserFactory {
        &self.factory
    }

    pub fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// Stands for every token that ends generation; its bit in a mask says that the answer may end.
    pub fn end_token(&self) -> u32 {
        self.n_tokens as u32
    }

    pub fn bytes(&self, token: u32) -> &[u8] {
        self.factory.tok_env().tok_trie().token(token)
    }

    /// Those that may complete an unwanted spelling.
    pub fn tokens_to_watch(&self, text: &TextState) -> &[u32] {
        match text.is_inside() {
            true => &self.watched_inside,
            false => &self.watched,
        }
    }

    pub fn begin_with_space(&self) -> &SimpleVob {
        &self.begin_with_space
    }
}
