//! From bytes to minijinja's tree: bounds that keep its recursive parser and destructors safe, and
//! the few spellings that Jinja has and minijinja's grammar has not.

use minijinja::machinery::{ast, parse, tokenize, Token};
use minijinja::syntax::SyntaxConfig;

use super::{limit, Failure, Outcome};

const MAX_SOURCE: usize = 1 << 20;
/// A left-deep chain of operators is a tree as deep as its tokens are many.
const MAX_TOKENS_PER_TAG: usize = 8192;
/// minijinja's parser recurses on each.
const MAX_ELIFS: usize = 2000;

/// What `{% generation %}` is rewritten to call.
pub const GENERATION: &str = "__hearth_generation";

pub fn syntax<T>(line: usize, message: impl std::fmt::Display) -> Outcome<T> {
    Err(Box::new(Failure::Syntax(format!("line {line}: {message}"))))
}

fn config() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .expect("the default delimiters are valid")
}

fn syntax_error<T>(error: &minijinja::Error) -> Outcome<T> {
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    let message = match message.strip_prefix("unknown statement ") {
        Some(name) => format!("Encountered unknown tag '{name}'."),
        None => message,
    };
    syntax(error.line().unwrap_or(1), message)
}

/// Checked and rewritten source, ready for `parse_tree`.
pub fn prepare(bytes: &[u8]) -> Outcome<String> {
    if bytes.len() > MAX_SOURCE {
        return limit(format!("the source has {} bytes, more than {MAX_SOURCE}", bytes.len()));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return syntax(1, "the source is not UTF-8");
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let edits = scan(&text)?;
    Ok(apply(text, edits))
}

pub fn parse_tree(source: &str) -> Outcome<ast::Stmt<'_>> {
    match parse(source, "template", config()) {
        Ok(tree) => Ok(tree),
        Err(error) => syntax_error(&error),
    }
}

/// Replacement of a byte range of the source.
struct Edit {
    start: usize,
    end: usize,
    text: String,
}

fn insert(at: usize, text: &str) -> Edit {
    Edit { start: at, end: at, text: text.into() }
}

fn apply(mut text: String, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| edit.start);
    let mut result = String::with_capacity(text.len() + 32 * edits.len());
    let mut from = 0;
    for edit in &edits {
        result.push_str(&text[from..edit.start]);
        result.push_str(&edit.text);
        from = edit.end;
    }
    if edits.is_empty() {
        return std::mem::take(&mut text);
    }
    result.push_str(&text[from..]);
    result
}

/// One tag while it is scanned.
#[derive(Default)]
struct Tag {
    tokens: usize,
    depth: usize,
    block: bool,
    first: Option<String>,
    /// Where a tuple without parentheses may start: after `{{`, or after `in` of a `for`.
    tuple_start: Option<usize>,
    tuple_end: Option<usize>,
    has_comma: bool,
}

impl Tag {
    fn finish(self, end: usize, edits: &mut Vec<Edit>) {
        if let (Some(start), true) = (self.tuple_start, self.has_comma) {
            edits.push(insert(start, "("));
            edits.push(insert(self.tuple_end.unwrap_or(end), ")"));
        }
    }

    fn ident(&mut self, name: &str, range: std::ops::Range<usize>, edits: &mut Vec<Edit>) {
        if self.first.is_none() {
            self.first = Some(name.to_owned());
            if !self.block {
                return;
            }
            let replacement = match name {
                "generation" => format!("call {GENERATION}()"),
                "endgeneration" => "endcall".to_owned(),
                _ => return,
            };
            edits.push(Edit { start: range.start, end: range.end, text: replacement });
            return;
        }
        if self.depth > 0 || self.first.as_deref() != Some("for") || !self.block {
            return;
        }
        match name {
            "in" if self.tuple_start.is_none() => {
                self.tuple_start = Some(range.end);
                self.has_comma = false;
            }
            "if" | "recursive" if self.tuple_start.is_some() && self.tuple_end.is_none() => {
                self.tuple_end = Some(range.start);
            }
            _ => {}
        }
    }
}

fn scan(text: &str) -> Outcome<Vec<Edit>> {
    let (mut edits, mut elifs) = (Vec::new(), 0);
    let mut tag = Tag::default();
    for item in tokenize(text, false, config()) {
        let (token, span) = match item {
            Ok(pair) => pair,
            Err(error) => return syntax_error(&error),
        };
        let (start, end) = (span.start_offset as usize, span.end_offset as usize);
        tag.tokens += 1;
        if tag.tokens > MAX_TOKENS_PER_TAG {
            return limit(format!(
                "line {}: one tag of more than {MAX_TOKENS_PER_TAG} words",
                span.start_line
            ));
        }
        match token {
            Token::TemplateData(_) => tag = Tag::default(),
            Token::VariableStart => tag = Tag { tuple_start: Some(end), ..Tag::default() },
            Token::BlockStart => tag = Tag { block: true, ..Tag::default() },
            Token::VariableEnd | Token::BlockEnd => {
                std::mem::take(&mut tag).finish(start, &mut edits)
            }
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => tag.depth += 1,
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                tag.depth = tag.depth.saturating_sub(1);
            }
            Token::Comma if tag.depth == 0 && tag.tuple_end.is_none() => tag.has_comma = true,
            Token::Ident(name) => {
                if name == "elif" {
                    elifs += 1;
                }
                if name == "do" && tag.block && tag.first.is_none() {
                    return syntax(span.start_line as usize, "Encountered unknown tag 'do'.");
                }
                tag.ident(name, start..end, &mut edits);
            }
            _ => {}
        }
        if elifs > MAX_ELIFS {
            return limit(format!("more than {MAX_ELIFS} elif"));
        }
    }
    Ok(edits)
}
