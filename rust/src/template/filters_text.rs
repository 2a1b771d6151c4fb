//! Filters that make text.

use super::budget;
use super::calls::Args;
use super::chars::is_space;
use super::dict::Dict;
use super::methods_text::{lines, replace};
use super::percent;
use super::repr::{to_str, Text};
use super::value::Value;
use super::{limit, ops, raise, Outcome};

pub fn is_one(name: &str) -> bool {
    matches!(
        name,
        "filesizeformat"
            | "format"
            | "indent"
            | "replace"
            | "striptags"
            | "title"
            | "truncate"
            | "urlencode"
            | "wordcount"
            | "wordwrap"
    )
}

pub fn apply(name: &str, value: &Value, args: Args) -> Outcome<Value> {
    match name {
        "filesizeformat" => file_size(value, args),
        "format" => format(value, args),
        "indent" => indent(value, args),
        "replace" => {
            let [old, new, count] = args.bind("do_replace", ["old", "new", "count"], 2)?;
            let piece = |value: Option<Value>| to_str(&value.unwrap_or(Value::None));
            let count = count.and_then(|count| count.as_int()).unwrap_or(-1);
            replace(&to_str(value)?, &piece(old)?, &piece(new)?, count)
        }
        "striptags" => Value::str(strip_tags(&to_str(value)?)?),
        "title" => Value::str(title(&to_str(value)?)),
        "truncate" => truncate(value, args),
        "urlencode" => url_encode(value),
        "wordcount" => {
            let text = to_str(value)?;
            let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            Ok(Value::Int(words.filter(|word| !word.is_empty()).count() as i128))
        }
        _ => word_wrap(value, args),
    }
}

fn format(value: &Value, args: Args) -> Outcome<Value> {
    if !args.named.is_empty() && !args.pos.is_empty() {
        return raise("can't handle positional and keyword arguments at the same time");
    }
    let values = if args.named.is_empty() {
        Value::tuple(args.pos)?
    } else {
        let named = args.named.into_iter().map(|(name, value)| Ok((Value::str(name)?, value)));
        Dict::value(named.collect::<Outcome<_>>()?)?
    };
    match value {
        Value::Str(text) => percent::format(text, &values),
        _ => match Value::str(to_str(value)?)? {
            Value::Str(text) => percent::format(&text, &values),
            other => Ok(other),
        },
    }
}

fn indent(value: &Value, args: Args) -> Outcome<Value> {
    let [width, first, blank] = args.bind("do_indent", ["width", "first", "blank"], 0)?;
    let is_true = |flag: &Option<Value>| flag.as_ref().is_some_and(Value::truthy);
    let prefix = match &width {
        None => "    ".to_owned(),
        Some(Value::Str(prefix)) => prefix.text.to_string(),
        Some(width) => match width.as_int() {
            Some(n) => {
                let n = usize::try_from(n).unwrap_or(0);
                budget::fits(n)?;
                " ".repeat(n)
            }
            None => {
                return raise(format!(
                    "can't multiply sequence by non-int of type '{}'",
                    width.type_name()
                ))
            }
        },
    };
    let newline = Value::str("\n")?;
    let text = ops::arith(super::tree::Arith::Add, value, &newline)?;
    let Value::Str(text) = &text else {
        return raise("indent needs a text");
    };
    let mut out = Text::new();
    if is_true(&first) {
        out.push(&prefix)?;
    }
    for (i, line) in lines(text, false)?.into_iter().enumerate() {
        if i > 0 {
            out.push("\n")?;
            if is_true(&blank) || !line.is_empty() {
                out.push(&prefix)?;
            }
        }
        out.push(line)?;
    }
    Value::text(out.text, text.markup)
}

/// Each word capitalized, where a word begins after a space, hyphen or opening bracket.
fn title(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        let boundary = is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
        match inside && !boundary {
            true => result.extend(c.to_lowercase()),
            false => result.extend(c.to_uppercase()),
        }
        inside = !boundary;
    }
    result
}

fn truncate(value: &Value, args: Args) -> Outcome<Value> {
    let [length, kill, end, leeway] =
        args.bind("do_truncate", ["length", "killwords", "end", "leeway"], 0)?;
    let int = |value: Option<Value>, default| value.and_then(|v| v.as_int()).unwrap_or(default);
    let (length, leeway) = (int(length, 255), int(leeway, 5));
    let end = end.map_or_else(|| Ok("...".to_owned()), |end| to_str(&end))?;
    let end_len = end.chars().count() as i128;
    if length < end_len {
        return raise(format!("expected length >= {end_len}, got {length}"));
    }
    if leeway < 0 {
        return raise(format!("expected leeway >= 0, got {leeway}"));
    }
    let text = to_str(value)?;
    if text.chars().count() as i128 <= length.saturating_add(leeway) {
        return Value::str(text);
    }
    let cut: String = text.chars().take((length - end_len) as usize).collect();
    let kept = match kill.is_some_and(|kill| kill.truthy()) {
        true => cut.as_str(),
        false => cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head),
    };
    Value::str([kept, &end].concat())
}

fn url_encode(value: &Value) -> Outcome<Value> {
    let quote = |value: &Value, safe: &[u8]| -> Outcome<String> {
        let mut out = Text::new();
        for byte in to_str(value)?.bytes() {
            match byte {
                b if b.is_ascii_alphanumeric() || b"_.-~".contains(&b) || safe.contains(&b) => {
                    out.push_char(b as char)?;
                }
                b => out.push(&format!("%{b:02X}"))?,
            }
        }
        Ok(out.text)
    };
    let pairs = match value {
        Value::Dict(dict) => dict.entries().to_vec(),
        Value::Str(_) | Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            return Value::str(quote(value, b"/")?)
        }
        _ => {
            let mut pairs = Vec::new();
            for pair in ops::items(value)?.iter() {
                match &*ops::items(pair)? {
                    [key, value] => pairs.push((key.clone(), value.clone())),
                    _ => return raise("not enough values to unpack (expected 2)"),
                }
            }
            pairs
        }
    };
    let mut out = Text::new();
    for (i, (key, value)) in pairs.iter().enumerate() {
        let piece = format!("{}={}", quote(key, b"")?, quote(value, b"")?).replace("%20", "+");
        out.push(if i > 0 { "&" } else { "" })?;
        out.push(&piece)?;
    }
    Value::str(out.text)
}

/// Markup.striptags: comments and tags out, spaces joined, entities decoded.
pub fn strip_tags(text: &str) -> Outcome<String> {
    budget::text_work(text.len())?;
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let end = match rest[at..].starts_with("<!--") {
            true => rest[at..].find("-->").map(|end| at + end + 3),
            false => rest[at..].find('>').map(|end| at + end + 1),
        };
        let Some(end) = end else { break };
        plain.push_str(&rest[..at]);
        rest = &rest[end..];
    }
    plain.push_str(rest);
    let words: Vec<&str> = plain.split(is_space).filter(|word| !word.is_empty()).collect();
    let joined = words.join(" ");
    Ok(joined
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&"))
}

fn file_size(value: &Value, args: Args) -> Outcome<Value> {
    let [binary] = args.bind("do_filesizeformat", ["binary"], 0)?;
    let binary = binary.is_some_and(|binary| binary.truthy());
    let bytes = match value {
        Value::Str(text) => text.trim().parse().ok(),
        _ => ops::as_float(value),
    };
    let Some(bytes) = bytes else {
        return raise(format!(
            "could not convert string to float: {}",
            super::repr::to_repr(value)?
        ));
    };
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    let units = match binary {
        true => ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"],
        false => ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"],
    };
    if bytes == 1.0 {
        return Value::str("1 Byte");
    }
    if bytes < base {
        return Value::str(format!("{} Bytes", bytes as i128));
    }
    for (i, unit) in units.iter().enumerate() {
        let scale = base.powi(i as i32 + 2);
        if bytes < scale || i + 1 == units.len() {
            return Value::str(format!("{:.1} {unit}", base * bytes / scale));
        }
    }
    Ok(Value::None)
}

fn word_wrap(value: &Value, args: Args) -> Outcome<Value> {
    let [width, long, with, _hyphens] = args.bind(
        "do_wordwrap",
        ["width", "break_long_words", "wrapstring", "break_on_hyphens"],
        0,
    )?;
    let width = width.and_then(|width| width.as_int()).unwrap_or(79);
    let Some(width) = usize::try_from(width).ok().filter(|width| *width > 0) else {
        return raise(format!("invalid width {width} (must be > 0)"));
    };
    let break_long = long.is_none_or(|long| long.truthy());
    let with = with.map_or_else(|| Ok("\n".to_owned()), |with| to_str(&with))?;
    let text = to_str(value)?;
    if text.contains('-') {
        return limit("wordwrap of a text with hyphens is not supported");
    }
    let mut out = Text::new();
    for (i, line) in lines(&text, false)?.into_iter().enumerate() {
        if i > 0 {
            out.push(&with)?;
        }
        wrap_line(line, width, break_long, &with, &mut out)?;
    }
    Value::str(out.text)
}

fn wrap_line(
    line: &str,
    width: usize,
    break_long: bool,
    with: &str,
    out: &mut Text,
) -> Outcome<()> {
    let mut column = 0;
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let mut chars: Vec<char> = word.chars().collect();
        if column > 0 && column + 1 + chars.len() > width {
            out.push(with)?;
            column = 0;
        } else if column > 0 {
            out.push(" ")?;
            column += 1;
        }
        while break_long && chars.len() > width {
            let head: String = chars.drain(..width).collect();
            out.push(&head)?;
            out.push(with)?;
        }
        column += chars.len();
        out.push(&chars.into_iter().collect::<String>())?;
    }
    Ok(())
}
