//! `str.format` and the format specification language.

use super::access;
use super::budget;
use super::calls::Args;
use super::markup;
use super::percent::{exponent_form, general_form};
use super::repr::{float, quoted, to_repr, to_str, Text};
use super::value::{Str, Value};
use super::{limit, raise, Outcome};

#[derive(Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Outcome<Option<usize>> {
    let mut value: Option<usize> = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let next = value.unwrap_or(0).saturating_mul(10).saturating_add(digit as usize);
        if next > i32::MAX as usize {
            return raise("Too many decimal digits in format string");
        }
        value = Some(next);
    }
    Ok(value)
}

fn parse(spec: &str, type_name: &str) -> Outcome<Spec> {
    let invalid =
        || raise(format!("Invalid format specifier '{spec}' for object of type '{type_name}'"));
    let mut result = Spec::default();
    let mut chars = spec.chars().peekable();
    let is_align = |c: char| matches!(c, '<' | '>' | '=' | '^');
    let mut ahead = spec.chars();
    match (ahead.next(), ahead.next()) {
        (Some(fill), Some(align)) if is_align(align) => {
            result.fill = Some(fill);
            result.align = Some(align);
            chars.next();
            chars.next();
        }
        (Some(align), _) if is_align(align) => {
            result.align = Some(align);
            chars.next();
        }
        _ => {}
    }
    result.sign = chars.next_if(|c| matches!(c, '+' | '-' | ' '));
    result.alternate = chars.next_if_eq(&'#').is_some();
    result.zero = chars.next_if_eq(&'0').is_some();
    result.width = number(&mut chars)?.unwrap_or(0);
    result.grouping = chars.next_if(|c| matches!(c, ',' | '_'));
    if chars.next_if_eq(&'.').is_some() {
        result.precision = number(&mut chars)?;
        if result.precision.is_none() {
            return raise("Format specifier missing precision");
        }
    }
    result.kind = chars.next();
    if chars.next().is_some() {
        return invalid();
    }
    budget::fits(result.width.saturating_mul(4).saturating_add(result.precision.unwrap_or(0)))?;
    Ok(result)
}

/// format(value, spec)
pub fn format(value: &Value, spec: &str) -> Outcome<String> {
    if spec.is_empty() {
        return to_str(value);
    }
    let parsed = parse(spec, value.type_name())?;
    match value {
        Value::Str(text) => text_form(text, &parsed),
        Value::Undefined(_) => raise("unsupported format string passed to Undefined.__format__"),
        Value::Float(x) => float_form(*x, &parsed),
        _ => match (value.as_int(), parsed.kind) {
            (Some(x), Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) => {
                float_form(x as f64, &parsed)
            }
            (Some(_), None) if matches!(value, Value::Bool(_)) && spec.is_empty() => to_str(value),
            (Some(x), _) => int_form(x, &parsed),
            _ => raise(format!(
                "unsupported format string passed to {}.__format__",
                value.type_name()
            )),
        },
    }
}

fn unknown_kind<T>(kind: char, type_name: &str) -> Outcome<T> {
    raise(format!("Unknown format code '{kind}' for object of type '{type_name}'"))
}

fn text_form(text: &Str, spec: &Spec) -> Outcome<String> {
    if let Some(kind) = spec.kind.filter(|kind| *kind != 's') {
        return unknown_kind(kind, "str");
    }
    if spec.sign.is_some() {
        return raise("Sign not allowed in string format specifier");
    }
    if spec.align == Some('=') {
        return raise("'=' alignment not allowed in string format specifier");
    }
    let cut: String = match spec.precision {
        Some(n) => text.text.chars().take(n).collect(),
        None => text.text.to_string(),
    };
    let fill = spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' });
    aligned("", &cut, spec.align.unwrap_or('<'), fill, spec.width)
}

/// Pads `sign` and `body` to the width; `=` puts the fill between them.
fn aligned(sign: &str, body: &str, align: char, fill: char, width: usize) -> Outcome<String> {
    let missing = width.saturating_sub(sign.chars().count() + body.chars().count());
    budget::fits(missing.saturating_mul(4) + body.len())?;
    let fill = |n: usize| std::iter::repeat_n(fill, n).collect::<String>();
    Ok(match align {
        '<' => [sign, body, &fill(missing)].concat(),
        '^' => [&fill(missing / 2), sign, body, &fill(missing - missing / 2)].concat(),
        '=' => [sign, &fill(missing), body].concat(),
        _ => [&fill(missing), sign, body].concat(),
    })
}

fn grouped(digits: &str, separator: char, size: usize) -> String {
    let chars: Vec<char> = digits.chars().collect();
    let mut result = String::with_capacity(digits.len() * 2);
    for (i, c) in chars.iter().enumerate() {
        if i > 0 && (chars.len() - i) % size == 0 {
            result.push(separator);
        }
        result.push(*c);
    }
    result
}

fn sign_of(negative: bool, spec: &Spec) -> &'static str {
    match (negative, spec.sign) {
        (true, _) => "-",
        (false, Some('+')) => "+",
        (false, Some(' ')) => " ",
        _ => "",
    }
}

/// Groups and pads a number whose integer part is `digits`, followed by `rest`.
fn finish(sign: &str, digits: &str, rest: &str, spec: &Spec, size: usize) -> Outcome<String> {
    let zero_fill = spec.zero && spec.align.is_none();
    let align = spec.align.unwrap_or(if spec.zero { '=' } else { '>' });
    let fill = spec.fill.unwrap_or(if spec.zero { '0' } else { ' ' });
    let mut body = digits.to_owned();
    if let Some(separator) = spec.grouping {
        body = grouped(digits, separator, size);
        if zero_fill {
            let mut padded = digits.to_owned();
            while sign.len() + body.len() + rest.len() < spec.width {
                budget::steps(1)?;
                padded.insert(0, '0');
                body = grouped(&padded, separator, size);
            }
        }
    }
    aligned(sign, &(body + rest), align, fill, spec.width)
}

fn int_form(x: i128, spec: &Spec) -> Outcome<String> {
    if spec.precision.is_some() {
        return raise("Precision not allowed in integer format specifier");
    }
    let n = x.unsigned_abs();
    let (digits, prefix, size) = match spec.kind {
        None | Some('d' | 'n') => (n.to_string(), "", 3),
        Some('b') => (format!("{n:b}"), "0b", 4),
        Some('o') => (format!("{n:o}"), "0o", 4),
        Some('x') => (format!("{n:x}"), "0x", 4),
        Some('X') => (format!("{n:X}"), "0X", 4),
        Some('c') => match u32::try_from(n).ok().and_then(char::from_u32) {
            Some(c) if x >= 0 => {
                return aligned(
                    "",
                    &c.to_string(),
                    spec.align.unwrap_or('<'),
                    spec.fill.unwrap_or(' '),
                    spec.width,
                )
            }
            _ => return raise("%c arg not in range(0x110000)"),
        },
        Some(kind) => return unknown_kind(kind, "int"),
    };
    let mut sign = sign_of(x < 0, spec).to_owned();
    if spec.alternate {
        sign += prefix;
    }
    finish(&sign, &digits, "", spec, size)
}

fn float_form(x: f64, spec: &Spec) -> Outcome<String> {
    let magnitude = x.abs();
    let precision = spec.precision.unwrap_or(6);
    let body = match spec.kind {
        _ if !x.is_finite() => {
            let name = if x.is_nan() { "nan" } else { "inf" };
            match spec.kind {
                Some('F' | 'E' | 'G') => name.to_uppercase(),
                Some('%') => format!("{name}%"),
                _ => name.to_owned(),
            }
        }
        Some('f' | 'F') => format!("{magnitude:.precision$}"),
        Some('%') => format!("{:.precision$}%", magnitude * 100.0),
        Some('e') => exponent_form(magnitude, precision, 'e'),
        Some('E') => exponent_form(magnitude, precision, 'E'),
        Some('g' | 'n') => general_form(magnitude, precision, spec.alternate),
        Some('G') => general_form(magnitude, precision, spec.alternate).to_uppercase(),
        None => match spec.precision {
            None => float(magnitude),
            Some(precision) => {
                let text = general_form(magnitude, precision, spec.alternate);
                let whole = !text.contains(['.', 'e']);
                if whole {
                    text + ".0"
                } else {
                    text
                }
            }
        },
        Some(kind) => return unknown_kind(kind, "float"),
    };
    let split = body.find(|c: char| !c.is_ascii_digit()).unwrap_or(body.len());
    let negative = x.is_sign_negative() && !x.is_nan();
    finish(sign_of(negative, spec), &body[..split], &body[split..], spec, 3)
}

/// `text.format(*args, **kwargs)`
pub fn format_method(text: &Str, args: Args) -> Outcome<Value> {
    let mut out = Text::new();
    let mut state = Formatter { args: &args, automatic: 0, manual: false, markup: text.markup };
    state.expand(text, &mut out, 2)?;
    Value::text(out.text, text.markup)
}

struct Formatter<'a> {
    args: &'a Args,
    automatic: usize,
    manual: bool,
    markup: bool,
}

impl Formatter<'_> {
    fn expand(&mut self, text: &str, out: &mut Text, depth: usize) -> Outcome<()> {
        if depth == 0 {
            return raise("Max string recursion exceeded");
        }
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            out.push(&rest[..at])?;
            let brace = &rest[at..at + 1];
            rest = &rest[at + 1..];
            if rest.starts_with(brace) {
                out.push(brace)?;
                rest = &rest[1..];
                continue;
            }
            if brace == "}" {
                return raise("Single '}' encountered in format string");
            }
            if rest.is_empty() {
                return raise("Single '{' encountered in format string");
            }
            let Some(end) = closing(rest) else {
                return raise("expected '}' before end of string");
            };
            self.field(&rest[..end], out, depth)?;
            rest = &rest[end + 1..];
        }
        out.push(rest)
    }

    fn field(&mut self, field: &str, out: &mut Text, depth: usize) -> Outcome<()> {
        let end = field.find([':', '!']).unwrap_or(field.len());
        let (path, tail) = field.split_at(end);
        let (conversion, spec) = match tail.strip_prefix('!') {
            Some(tail) => match tail.split_once(':') {
                Some((conversion, spec)) => (Some(conversion), spec),
                None => (Some(tail), ""),
            },
            None => (None, tail.strip_prefix(':').unwrap_or("")),
        };
        let mut value = self.lookup(path)?;
        value = match conversion {
            None => value,
            Some("s") => Value::str(to_str(&value)?)?,
            Some("r") => Value::str(to_repr(&value)?)?,
            Some("a") => Value::str(super::json_write::ascii_repr(&value)?)?,
            Some(other) => {
                return raise(format!(
                    "Unknown conversion specifier {}",
                    other.chars().take(8).collect::<String>()
                ))
            }
        };
        let mut expanded = Text::new();
        self.expand(spec, &mut expanded, depth - 1)?;
        let formatted = format(&value, &expanded.text)?;
        match (self.markup, &value) {
            (true, Value::Str(text)) if text.markup => out.push(&formatted),
            (true, _) => out.push(&markup::escape(&formatted)?),
            _ => out.push(&formatted),
        }
    }

    fn lookup(&mut self, path: &str) -> Outcome<Value> {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (first, mut rest) = path.split_at(end);
        let mut value = self.first(first)?;
        while !rest.is_empty() {
            if let Some(tail) = rest.strip_prefix('.') {
                let end = tail.find(['.', '[']).unwrap_or(tail.len());
                value = access::attr(&value, &tail[..end])?;
                rest = &tail[end..];
            } else if let Some((key, tail)) = rest[1..].split_once(']') {
                let key = match key.parse::<u32>() {
                    Ok(index) => Value::Int(index.into()),
                    Err(_) => Value::str(key)?,
                };
                value = access::item(&value, &key)?;
                rest = tail;
                if !rest.is_empty() && !rest.starts_with(['.', '[']) {
                    return raise("Only '.' or '[' may follow ']' in format field specifier");
                }
            } else {
                return raise("Missing ']' in format string");
            }
        }
        Ok(value)
    }

    fn first(&mut self, name: &str) -> Outcome<Value> {
        let index =
            match (name.is_empty(), name.parse::<usize>()) {
                (true, _) if self.manual => return raise(
                    "cannot switch from manual field specification to automatic field numbering",
                ),
                (true, _) => {
                    self.automatic += 1;
                    self.automatic - 1
                }
                (false, Ok(_)) if self.automatic > 0 => return raise(
                    "cannot switch from manual field specification to automatic field numbering",
                ),
                (false, Ok(index)) => {
                    self.manual = true;
                    index
                }
                (false, Err(_)) => {
                    let found = self.args.named.iter().find(|(known, _)| known == name);
                    return match found {
                        Some((_, value)) => Ok(value.clone()),
                        None => raise(quoted(name)?),
                    };
                }
            };
        match self.args.pos.get(index) {
            Some(value) => Ok(value.clone()),
            None if index > 1 << 31 => limit("a field number that is too large"),
            None => {
                raise(format!("Replacement index {index} out of range for positional args tuple"))
            }
        }
    }
}

/// Where the field ends that begins at the start of `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}
