//! markupsafe: text marked safe, which escapes what it is joined with.

use super::budget;
use super::value::{Str, Value};
use super::Outcome;

pub fn escape(text: &str) -> Outcome<String> {
    budget::fits(text.len().saturating_mul(5))?;
    budget::text_work(text.len())?;
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&#34;"),
            '\'' => result.push_str("&#39;"),
            c => result.push(c),
        }
    }
    Ok(result)
}

/// The text as markup takes it in: escaped unless marked.
pub fn taken(text: &Str) -> Outcome<String> {
    match text.markup {
        true => Ok(text.text.to_string()),
        false => escape(text),
    }
}

pub fn add(a: &Str, b: &Str) -> Outcome<Value> {
    Value::markup(taken(a)? + &taken(b)?)
}
