//! Python's json.dumps, and ascii().

use super::calls::Args;
use super::ops::order;
use super::repr::{float, to_repr, to_str, Text};
use super::value::Value;
use super::{filters_seq::merge_sort, raise, Outcome};

struct Writer {
    ascii: bool,
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    sort_keys: bool,
    out: Text,
}

/// transformers' `tojson`
pub fn tojson(value: &Value, args: Args) -> Outcome<Value> {
    let [ascii, indent, separators, sort_keys] =
        args.bind("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], 0)?;
    let indent = match indent {
        None | Some(Value::None) => None,
        Some(Value::Str(indent)) => Some(indent.text.to_string()),
        Some(value) => match value.as_int() {
            Some(n) => {
                let n = usize::try_from(n).unwrap_or(0);
                super::budget::fits(n)?;
                Some(" ".repeat(n))
            }
            None => {
                return raise(format!(
                    "can't multiply sequence by non-int of type '{}'",
                    value.type_name()
                ))
            }
        },
    };
    let default_item = if indent.is_some() { "," } else { ", " };
    let (item_separator, key_separator) = match separators {
        None | Some(Value::None) => (default_item.to_owned(), ": ".to_owned()),
        Some(pair) => match &*super::ops::items(&pair)? {
            [Value::Str(item), Value::Str(key)] => (item.text.to_string(), key.text.to_string()),
            _ => return raise("separators must be two strings"),
        },
    };
    let mut writer = Writer {
        ascii: ascii.is_some_and(|ascii| ascii.truthy()),
        indent,
        item_separator,
        key_separator,
        sort_keys: sort_keys.is_some_and(|sort| sort.truthy()),
        out: Text::new(),
    };
    writer.value(value, 0)?;
    Value::str(writer.out.text)
}

impl Writer {
    fn newline(&mut self, level: usize) -> Outcome<()> {
        let Some(indent) = self.indent.clone() else {
            return Ok(());
        };
        self.out.push("\n")?;
        (0..level).try_for_each(|_| self.out.push(&indent))
    }

    fn value(&mut self, value: &Value, level: usize) -> Outcome<()> {
        match value {
            Value::None => self.out.push("null"),
            Value::Bool(true) => self.out.push("true"),
            Value::Bool(false) => self.out.push("false"),
            Value::Int(int) => self.out.push(&int.to_string()),
            Value::Float(x) => self.out.push(&json_float(*x)),
            Value::Str(text) => self.string(text),
            Value::List(seq) | Value::Tuple(seq) => {
                if seq.items.is_empty() {
                    return self.out.push("[]");
                }
                self.out.push("[")?;
                for (i, item) in seq.items.iter().enumerate() {
                    self.separate(i, level + 1)?;
                    self.value(item, level + 1)?;
                }
                self.newline(level)?;
                self.out.push("]")
            }
            Value::Dict(dict) => self.dict(dict.entries(), level),
            other => {
                raise(format!("Object of type {} is not JSON serializable", other.type_name()))
            }
        }
    }

    fn separate(&mut self, index: usize, level: usize) -> Outcome<()> {
        if index > 0 {
            let separator = std::mem::take(&mut self.item_separator);
            self.out.push(&separator)?;
            self.item_separator = separator;
        }
        self.newline(level)
    }

    fn dict(&mut self, entries: &[(Value, Value)], level: usize) -> Outcome<()> {
        if entries.is_empty() {
            return self.out.push("{}");
        }
        let mut sorted: Vec<&(Value, Value)> = entries.iter().collect();
        if self.sort_keys {
            sorted = merge_sort(sorted, &mut |a, b| order(&a.0, &b.0, "<"))?;
        }
        self.out.push("{")?;
        for (i, (key, value)) in sorted.into_iter().enumerate() {
            self.separate(i, level + 1)?;
            match key {
                Value::Str(text) => self.string(text)?,
                Value::None => self.string("null")?,
                Value::Bool(true) => self.string("true")?,
                Value::Bool(false) => self.string("false")?,
                Value::Float(x) => self.string(&json_float(*x))?,
                Value::Int(_) => self.string(&to_str(key)?)?,
                other => {
                    return raise(format!(
                        "keys must be str, int, float, bool or None, not {}",
                        other.type_name()
                    ))
                }
            }
            let separator = std::mem::take(&mut self.key_separator);
            self.out.push(&separator)?;
            self.key_separator = separator;
            self.value(value, level + 1)?;
        }
        self.newline(level)?;
        self.out.push("}")
    }

    fn string(&mut self, text: &str) -> Outcome<()> {
        self.out.push("\"")?;
        let mut plain = 0;
        for (at, c) in text.char_indices() {
            let escaped = match c {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '\x08' => "\\b".to_owned(),
                '\x0c' => "\\f".to_owned(),
                c if c < ' ' || (self.ascii && c >= '\x7f') => {
                    if c == '\x7f' {
                        continue;
                    }
                    let units = c.encode_utf16(&mut [0; 2]).to_vec();
                    units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
                }
                _ => continue,
            };
            self.out.push(&text[plain..at])?;
            self.out.push(&escaped)?;
            plain = at + c.len_utf8();
        }
        self.out.push(&text[plain..])?;
        self.out.push("\"")
    }
}

fn json_float(x: f64) -> String {
    match x {
        x if x.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        x => float(x),
    }
}

/// ascii(value): repr with all beyond ASCII escaped.
pub fn ascii_repr(value: &Value) -> Outcome<String> {
    let mut out = Text::new();
    for c in to_repr(value)?.chars() {
        match c as u32 {
            0..=0x7f => out.push_char(c)?,
            code @ 0x80..=0xff => out.push(&format!("\\x{code:02x}"))?,
            code @ 0x100..=0xffff => out.push(&format!("\\u{code:04x}"))?,
            code => out.push(&format!("\\U{code:08x}"))?,
        }
    }
    Ok(out.text)
}
