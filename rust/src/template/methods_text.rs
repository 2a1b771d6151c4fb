//! Methods of str.

use super::access::char_range;
use super::budget;
use super::calls::Args;
use super::chars;
use super::markup;
use super::repr::{printable, Text};
use super::value::{Str, Value};
use super::{limit, ops, raise, Outcome};

pub fn call(text: &Str, method: &'static str, mut args: Args) -> Outcome<Value> {
    budget::text_work(text.text.len())?;
    if text.markup && matches!(method, "replace" | "ljust" | "rjust" | "center") {
        escape_args(&mut args)?;
    }
    let value = dispatch(text, method, args)?;
    match text.markup {
        true => mark(value),
        false => Ok(value),
    }
}

fn escape_args(args: &mut Args) -> Outcome<()> {
    for arg in &mut args.pos {
        if let Value::Str(text) = arg {
            *arg = Value::markup(markup::taken(text)?)?;
        }
    }
    Ok(())
}

/// Markup's methods give markup.
fn mark(value: Value) -> Outcome<Value> {
    let marked =
        |items: &[Value]| items.iter().map(|item| mark(item.clone())).collect::<Outcome<Vec<_>>>();
    match value {
        Value::Str(text) => Value::markup(text.text.to_string()),
        Value::List(seq) => Value::list(marked(&seq.items)?),
        Value::Tuple(seq) => Value::tuple(marked(&seq.items)?),
        other => Ok(other),
    }
}

fn dispatch(text: &Str, method: &'static str, args: Args) -> Outcome<Value> {
    let s: &str = text;
    match method {
        "strip" | "lstrip" | "rstrip" => strip(s, method, args),
        "split" | "rsplit" => split(s, method, args),
        "startswith" | "endswith" => affix(text, method, args),
        "find" | "rfind" | "index" | "rindex" | "count" => search(text, method, args),
        "ljust" | "rjust" | "center" => justify(text, method, args),
        "partition" | "rpartition" => partition(s, method, args),
        "join" => join(text, args),
        "replace" => {
            let [old, new, count] = args.bind("replace", ["old", "new", "count"], 2)?;
            let (old, new) = (required_str(old, method, 1)?, required_str(new, method, 2)?);
            replace(s, &old, &new, optional_int(count, method)?.unwrap_or(-1))
        }
        "removeprefix" | "removesuffix" => {
            let [affix] = args.bind(method, ["affix"], 1)?;
            let affix = required_str(affix, method, 0)?;
            let rest = match method {
                "removeprefix" => s.strip_prefix(&*affix),
                _ => s.strip_suffix(&*affix),
            };
            Value::str(rest.unwrap_or(s))
        }
        "splitlines" => {
            let [keep] = args.bind(method, ["keepends"], 0)?;
            strings(lines(s, keep.is_some_and(|keep| keep.truthy()))?)
        }
        "expandtabs" => {
            let [size] = args.bind(method, ["tabsize"], 0)?;
            expand_tabs(s, optional_int(size, method)?.unwrap_or(8))
        }
        "zfill" => {
            let [width] = args.bind(method, ["width"], 1)?;
            zfill(text, optional_int(width, method)?.unwrap_or(0))
        }
        "striptags" => Value::str(super::filters_text::strip_tags(s)?),
        "encode" | "maketrans" | "translate" | "unescape" | "escape" => {
            limit(format!("str.{method}() is not supported"))
        }
        _ => {
            let [] = args.bind(method, [], 0)?;
            match class(text, method) {
                Some(answer) => Ok(Value::Bool(answer)),
                None => {
                    budget::fits(s.len().saturating_mul(3))?;
                    Value::str(recase(s, method))
                }
            }
        }
    }
}

fn recase(s: &str, method: &str) -> String {
    match method {
        "upper" => s.to_uppercase(),
        "lower" => s.to_lowercase(),
        "title" => chars::title(s),
        "capitalize" => chars::capitalize(s),
        "swapcase" => chars::swapcase(s),
        _ => chars::casefold(s),
    }
}

fn class(text: &Str, method: &str) -> Option<bool> {
    let s: &str = text;
    let all = |test: fn(char) -> bool| !s.is_empty() && s.chars().all(test);
    Some(match method {
        "isascii" => s.is_ascii(),
        "isspace" => all(chars::is_space),
        "isdigit" => all(chars::is_digit),
        "isdecimal" => all(chars::is_decimal),
        "isnumeric" => all(char::is_numeric),
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isprintable" => s.chars().all(printable),
        "isupper" => chars::all_upper(s),
        "islower" => chars::all_lower(s),
        "istitle" => chars::is_title(s),
        "isidentifier" => {
            let mut rest = s.chars();
            rest.next().is_some_and(|c| c == '_' || c.is_alphabetic())
                && rest.all(|c| c == '_' || c.is_alphanumeric())
        }
        _ => return None,
    })
}

pub fn strings<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Outcome<Value> {
    let mut result = Vec::new();
    for piece in pieces {
        result.push(Value::str(piece)?);
    }
    Value::list(result)
}

fn required_str(value: Option<Value>, method: &str, position: usize) -> Outcome<String> {
    match value {
        Some(Value::Str(text)) => Ok(text.text.to_string()),
        other => {
            let got = other.map_or("NoneType", |value| value.type_name());
            match position {
                0 => raise(format!("{method}() argument must be str, not {got}")),
                n => raise(format!("{method}() argument {n} must be str, not {got}")),
            }
        }
    }
}

fn optional_int(value: Option<Value>, _method: &str) -> Outcome<Option<i128>> {
    match value {
        None => Ok(None),
        Some(Value::Undefined(undefined)) => raise(undefined.message.clone()),
        Some(value) => match value.as_int() {
            Some(int) => Ok(Some(int)),
            None => {
                raise(format!("'{}' object cannot be interpreted as an integer", value.type_name()))
            }
        },
    }
}

fn strip(s: &str, method: &str, args: Args) -> Outcome<Value> {
    let [set] = args.bind(method, ["chars"], 0)?;
    let set: Option<Vec<char>> = match set {
        None | Some(Value::None) => None,
        Some(Value::Str(set)) => Some(set.chars().collect()),
        Some(_) => return raise(format!("{method} arg must be None or str")),
    };
    budget::steps(set.as_ref().map_or(0, |set| set.len() * (1 + s.len() / 64)))?;
    let drop = |c: char| match &set {
        Some(set) => set.contains(&c),
        None => chars::is_space(c),
    };
    let mut rest = s;
    if method != "rstrip" {
        rest = rest.trim_start_matches(drop);
    }
    if method != "lstrip" {
        rest = rest.trim_end_matches(drop);
    }
    Value::str(rest)
}

fn split(s: &str, method: &str, args: Args) -> Outcome<Value> {
    let [separator, most] = args.bind(method, ["sep", "maxsplit"], 0)?;
    let most = optional_int(most, method)?.unwrap_or(-1);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    match separator {
        None | Some(Value::None) if method == "split" => strings(split_spaces(s, most)?),
        None | Some(Value::None) => strings(rsplit_spaces(s, most)?),
        Some(Value::Str(by)) if by.is_empty() => raise("empty separator"),
        Some(Value::Str(by)) => {
            let pieces = most.saturating_add(1);
            if method == "split" {
                return bounded(s.splitn(pieces, &*by.text)).and_then(strings);
            }
            let mut parts = bounded(s.rsplitn(pieces, &*by.text))?;
            parts.reverse();
            strings(parts)
        }
        Some(other) => raise(format!("must be str or None, not {}", other.type_name())),
    }
}

/// The pieces, while there is room for them.
fn bounded<'a>(pieces: impl Iterator<Item = &'a str>) -> Outcome<Vec<&'a str>> {
    let most = budget::room() / 128;
    let result: Vec<&str> = pieces.take(most + 1).collect();
    if result.len() > most {
        return limit("the chat template splits a text into too many pieces");
    }
    Ok(result)
}

fn split_spaces(s: &str, most: usize) -> Outcome<Vec<&str>> {
    let (mut parts, mut rest) = (Vec::new(), s.trim_start_matches(chars::is_space));
    while !rest.is_empty() {
        if parts.len() == most {
            parts.push(rest);
            break;
        }
        let end = rest.find(chars::is_space).unwrap_or(rest.len());
        parts.push(&rest[..end]);
        rest = rest[end..].trim_start_matches(chars::is_space);
        if parts.len() % 4096 == 0 {
            budget::fits(parts.len() * 128)?;
        }
    }
    Ok(parts)
}

fn rsplit_spaces(s: &str, most: usize) -> Outcome<Vec<&str>> {
    let (mut parts, mut rest) = (Vec::new(), s.trim_end_matches(chars::is_space));
    while !rest.is_empty() {
        if parts.len() == most {
            parts.push(rest);
            break;
        }
        let space = rest.char_indices().rev().find(|(_, c)| chars::is_space(*c));
        let start = space.map_or(0, |(at, c)| at + c.len_utf8());
        parts.push(&rest[start..]);
        rest = rest[..start].trim_end_matches(chars::is_space);
        if parts.len() % 4096 == 0 {
            budget::fits(parts.len() * 128)?;
        }
    }
    parts.reverse();
    Ok(parts)
}

/// The part of the text between two optional character positions, and where it starts; none if the
/// start is past the end.
fn window(text: &Str, start: Option<Value>, stop: Option<Value>) -> Outcome<Option<(&str, usize)>> {
    let n = text.len() as i128;
    let place = |value: Option<Value>, default: i128| match value {
        None | Some(Value::None) => Ok(default),
        Some(value) => match value.as_int() {
            Some(at) if at < 0 => Ok(at.saturating_add(n).max(0)),
            Some(at) => Ok(at),
            None => raise("slice indices must be integers or None or have an __index__ method"),
        },
    };
    let (start, stop) = (place(start, 0)?, place(stop, n)?.min(n));
    if start > n || start > stop {
        return Ok(None);
    }
    Ok(Some((char_range(text, start as usize, stop as usize)?, start as usize)))
}

fn affix(text: &Str, method: &str, args: Args) -> Outcome<Value> {
    let [affix, start, stop] = args.bind(method, ["affix", "start", "end"], 1)?;
    let affix = affix.unwrap_or(Value::None);
    let wrong = |value: &Value| {
        raise(format!(
            "{method} first arg must be str or a tuple of str, not {}",
            value.type_name()
        ))
    };
    let Some((part, _)) = window(text, start, stop)? else {
        return Ok(Value::Bool(false));
    };
    let has = |affix: &str| match method {
        "startswith" => part.starts_with(affix),
        _ => part.ends_with(affix),
    };
    match &affix {
        Value::Str(affix) => Ok(Value::Bool(has(affix))),
        Value::Tuple(options) => {
            for option in &options.items {
                match option {
                    Value::Str(option) if has(option) => return Ok(Value::Bool(true)),
                    Value::Str(_) => {}
                    other => {
                        return raise(format!(
                            "tuple for {method} must only contain str, not {}",
                            other.type_name()
                        ))
                    }
                }
            }
            Ok(Value::Bool(false))
        }
        other => wrong(other),
    }
}

fn search(text: &Str, method: &str, args: Args) -> Outcome<Value> {
    let [part, start, stop] = args.bind(method, ["sub", "start", "end"], 1)?;
    let Some(Value::Str(part)) = part else {
        let got = part.map_or("NoneType", |value| value.type_name());
        return raise(format!("must be str, not {got}"));
    };
    let found = match window(text, start, stop)? {
        None => None,
        Some((within, offset)) => {
            if method == "count" {
                let n = match part.is_empty() {
                    true => within.chars().count() + 1,
                    false => within.matches(&*part.text).count(),
                };
                return Ok(Value::Int(n as i128));
            }
            let at = match method {
                "find" | "index" => within.find(&*part.text),
                _ => within.rfind(&*part.text),
            };
            at.map(|at| offset + within[..at].chars().count())
        }
    };
    match found {
        Some(at) => Ok(Value::Int(at as i128)),
        None if method == "count" => Ok(Value::Int(0)),
        None if method.ends_with("index") => raise("substring not found"),
        None => Ok(Value::Int(-1)),
    }
}

fn justify(text: &Str, method: &str, args: Args) -> Outcome<Value> {
    let [width, fill] = args.bind(method, ["width", "fillchar"], 1)?;
    let width = optional_int(width, method)?.unwrap_or(0);
    let fill = match fill {
        None => ' ',
        Some(Value::Str(fill)) if fill.len() == 1 => fill.chars().next().unwrap_or(' '),
        Some(_) => return raise("The fill character must be exactly one character long"),
    };
    pad(text, method, width, fill)
}

/// Python puts the odd space of `center` left if the width is odd.
pub fn pad(text: &Str, method: &str, width: i128, fill: char) -> Outcome<Value> {
    let missing = usize::try_from(width - text.len() as i128).unwrap_or(0);
    budget::fits(missing.saturating_mul(4))?;
    let left = match method {
        "ljust" => 0,
        "rjust" => missing,
        _ => missing / 2 + (missing & (width as usize) & 1),
    };
    let fill_of = |n: usize| std::iter::repeat_n(fill, n);
    let padded: String =
        fill_of(left).chain(text.text.chars()).chain(fill_of(missing - left)).collect();
    Value::str(padded)
}

fn zfill(text: &Str, width: i128) -> Outcome<Value> {
    let missing = usize::try_from(width - text.len() as i128).unwrap_or(0);
    budget::fits(missing)?;
    let sign = usize::from(text.text.starts_with(['+', '-']));
    let (sign, digits) = text.text.split_at(sign);
    Value::str([sign, &"0".repeat(missing), digits].concat())
}

fn partition(s: &str, method: &str, args: Args) -> Outcome<Value> {
    let [by] = args.bind(method, ["sep"], 1)?;
    let by = required_str(by, method, 0)?;
    if by.is_empty() {
        return raise("empty separator");
    }
    let parts = match (method, s.split_once(&*by), s.rsplit_once(&*by)) {
        ("partition", Some((head, tail)), _) | ("rpartition", _, Some((head, tail))) => {
            [head, &by, tail]
        }
        ("partition", ..) => [s, "", ""],
        _ => ["", "", s],
    };
    Value::tuple(parts.iter().map(|part| Value::str(*part)).collect::<Outcome<_>>()?)
}

fn join(separator: &Str, args: Args) -> Outcome<Value> {
    let [items] = args.bind("join", ["iterable"], 1)?;
    let Some(items) = ops::try_items(&items.unwrap_or(Value::None))? else {
        return raise("can only join an iterable");
    };
    let mut text = Text::new();
    for (i, item) in items.iter().enumerate() {
        let Value::Str(item) = item else {
            return raise(format!(
                "sequence item {i}: expected str instance, {} found",
                item.type_name()
            ));
        };
        if i > 0 {
            text.push(separator)?;
        }
        match separator.markup {
            true => text.push(&markup::taken(item)?)?,
            false => text.push(item)?,
        }
    }
    Value::str(text.text)
}

/// str.replace; a negative `count` replaces all.
pub fn replace(s: &str, old: &str, new: &str, count: i128) -> Outcome<Value> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let mut text = Text::new();
    if old.is_empty() {
        let mut done = 0;
        for (i, c) in s.chars().map(Some).chain([None]).enumerate() {
            if i < most {
                text.push(new)?;
                done += 1;
            }
            if let Some(c) = c {
                text.push_char(c)?;
            }
        }
        budget::steps(done)?;
        return Value::str(text.text);
    }
    let mut rest = s;
    for _ in 0..most {
        let Some(at) = rest.find(old) else { break };
        text.push(&rest[..at])?;
        text.push(new)?;
        rest = &rest[at + old.len()..];
    }
    text.push(rest)?;
    Value::str(text.text)
}

/// str.splitlines
pub fn lines(s: &str, keep: bool) -> Outcome<Vec<&str>> {
    let breaks = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let (mut result, mut rest) = (Vec::new(), s);
    while let Some(at) = rest.find(breaks) {
        let end = match rest[at..].starts_with("\r\n") {
            true => at + 2,
            false => at + rest[at..].chars().next().map_or(1, char::len_utf8),
        };
        result.push(&rest[..if keep { end } else { at }]);
        rest = &rest[end..];
        if result.len() % 4096 == 0 {
            budget::fits(result.len() * 128)?;
        }
    }
    if !rest.is_empty() {
        result.push(rest);
    }
    Ok(result)
}

fn expand_tabs(s: &str, size: i128) -> Outcome<Value> {
    let mut text = Text::new();
    let mut column = 0i128;
    for c in s.chars() {
        match c {
            '\t' if size > 0 => {
                let n = size - column % size;
                budget::fits(usize::try_from(n).unwrap_or(usize::MAX))?;
                text.push(&" ".repeat(n as usize))?;
                column += n;
            }
            '\t' => {}
            c => {
                text.push_char(c)?;
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
            }
        }
    }
    Value::str(text.text)
}
