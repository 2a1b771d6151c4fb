//! Python's str() and repr().

use super::budget;
use super::value::{Value, ViewKind};
use super::{limit, Outcome};

/// Text that grows within the budget.
pub struct Text {
    pub text: String,
    room: usize,
}

impl Text {
    pub fn new() -> Self {
        Text { text: String::new(), room: budget::room() }
    }

    pub fn push(&mut self, piece: &str) -> Outcome<()> {
        budget::text_work(piece.len())?;
        if self.text.len() + piece.len() > self.room / 2 {
            return limit("the chat template builds a text of more memory than it may use");
        }
        self.text.push_str(piece);
        Ok(())
    }

    pub fn push_char(&mut self, c: char) -> Outcome<()> {
        self.push(c.encode_utf8(&mut [0; 4]))
    }
}

/// str(value)
pub fn to_str(value: &Value) -> Outcome<String> {
    match value {
        Value::Str(text) => {
            budget::fits(text.text.len())?;
            Ok(text.text.to_string())
        }
        Value::Undefined(_) => Ok(String::new()),
        _ => to_repr(value),
    }
}

/// repr(value)
pub fn to_repr(value: &Value) -> Outcome<String> {
    let mut text = Text::new();
    repr(value, &mut text)?;
    Ok(text.text)
}

pub fn repr(value: &Value, out: &mut Text) -> Outcome<()> {
    match value {
        Value::Undefined(_) => out.push("Undefined"),
        Value::None => out.push("None"),
        Value::Bool(true) => out.push("True"),
        Value::Bool(false) => out.push("False"),
        Value::Int(value) => out.push(&value.to_string()),
        Value::Float(value) => out.push(&float(*value)),
        Value::Str(text) if text.markup => {
            out.push("Markup(")?;
            string(text, out)?;
            out.push(")")
        }
        Value::Str(text) => string(text, out),
        Value::List(seq) => joined("[", seq.items.iter(), "]", out),
        Value::Tuple(seq) => {
            let end = if seq.items.len() == 1 { ",)" } else { ")" };
            joined("(", seq.items.iter(), end, out)
        }
        Value::Dict(dict) => {
            out.push("{")?;
            for (i, (key, value)) in dict.entries().iter().enumerate() {
                if i > 0 {
                    out.push(", ")?;
                }
                repr(key, out)?;
                out.push(": ")?;
                repr(value, out)?;
            }
            out.push("}")
        }
        Value::Range(r) if r.step == 1 => out.push(&format!("range({}, {})", r.start, r.stop)),
        Value::Range(r) => out.push(&format!("range({}, {}, {})", r.start, r.stop, r.step)),
        Value::View(view) => {
            out.push(value.type_name())?;
            let entries = view.dict.entries().iter();
            match view.kind {
                ViewKind::Keys => joined("([", entries.map(|(key, _)| key), "])", out),
                ViewKind::Values => joined("([", entries.map(|(_, value)| value), "])", out),
                ViewKind::Items => {
                    out.push("([")?;
                    for (i, (key, value)) in entries.enumerate() {
                        joined(
                            if i > 0 { ", (" } else { "(" },
                            [key, value].into_iter(),
                            ")",
                            out,
                        )?;
                    }
                    out.push("])")
                }
            }
        }
        Value::Namespace(space) => {
            out.push("<Namespace {")?;
            for (i, (name, value, _)) in space.attrs.borrow().iter().enumerate() {
                if i > 0 {
                    out.push(", ")?;
                }
                string(name, out)?;
                out.push(": ")?;
                match value {
                    Value::Namespace(_) => out.push("<Namespace {...}>")?,
                    other => repr(other, out)?,
                }
            }
            out.push("}>")
        }
        Value::Macro(it) => {
            out.push("<Macro ")?;
            string(it.name(), out)?;
            out.push(">")
        }
        Value::Loop(state) => {
            out.push(&format!("<LoopContext {}/{}>", state.index.get() + 1, state.len()))
        }
        // Python writes an address, so each prompt would differ.
        _ => out.push(&format!("<{} at 0x0>", value.object_type())),
    }
}

fn joined<'a>(
    start: &str,
    items: impl Iterator<Item = &'a Value>,
    end: &str,
    out: &mut Text,
) -> Outcome<()> {
    out.push(start)?;
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(", ")?;
        }
        repr(item, out)?;
    }
    out.push(end)
}

/// Whether Python's str.isprintable holds for the character.
pub fn printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Only the first character of a str has combining marks escaped, as a char on its own has.
    let mut pair = String::from("a");
    pair.push(c);
    pair.escape_debug().nth(1) != Some('\\')
}

/// repr of a str.
pub fn string(text: &str, out: &mut Text) -> Outcome<()> {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push_char(quote)?;
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            c if c == quote => format!("\\{c}"),
            c if printable(c) => continue,
            c => match c as u32 {
                code @ 0..=0xff => format!("\\x{code:02x}"),
                code @ 0x100..=0xffff => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            },
        };
        out.push(&text[plain..at])?;
        out.push(&escaped)?;
        plain = at + c.len_utf8();
    }
    out.push(&text[plain..])?;
    out.push_char(quote)
}

pub fn quoted(text: &str) -> Outcome<String> {
    let mut out = Text::new();
    string(text, &mut out)?;
    Ok(out.text)
}

/// repr of a float: the shortest digits that read back as the same number.
pub fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
