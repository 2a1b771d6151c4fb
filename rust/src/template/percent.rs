//! `text % values`

use super::budget;
use super::dict::Dict;
use super::markup;
use super::ops::as_float;
use super::repr::{quoted, to_repr, to_str, Text};
use super::value::{Str, Value};
use super::{raise, Outcome};

struct Field {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

struct Source<'a> {
    values: &'a Value,
    next: usize,
    /// With %(name)s, and which dict they come from.
    named: Option<&'a Dict>,
    used_named: bool,
}

impl<'a> Source<'a> {
    fn next(&mut self) -> Outcome<Value> {
        let at = self.next;
        self.next += 1;
        match self.values {
            Value::Tuple(seq) => match seq.items.get(at) {
                Some(value) => Ok(value.clone()),
                None => raise("not enough arguments for format string"),
            },
            single if at == 0 => Ok(single.clone()),
            _ => raise("not enough arguments for format string"),
        }
    }

    fn named(&mut self, name: &str) -> Outcome<Value> {
        self.used_named = true;
        let Some(dict) = self.named else {
            return raise("format requires a mapping");
        };
        match dict.get_str(name)? {
            Some(value) => Ok(value.clone()),
            None => raise(quoted(name)?),
        }
    }
}

pub fn format(text: &Str, values: &Value) -> Outcome<Value> {
    let named = match values {
        Value::Dict(dict) => Some(&**dict),
        _ => None,
    };
    let mut source = Source { values, next: 0, named, used_named: false };
    let mut out = Text::new();
    let mut rest: &str = text;
    while let Some(at) = rest.find('%') {
        out.push(&rest[..at])?;
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('%') {
            out.push("%")?;
            rest = tail;
            continue;
        }
        rest = convert(rest, &mut source, text.markup, &mut out)?;
    }
    out.push(rest)?;
    // Python looks for leftovers only where the value can't be a mapping.
    let given = match values {
        Value::Tuple(seq) => seq.items.len(),
        Value::Str(_) | Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 1,
        _ => 0,
    };
    if !source.used_named && source.next < given {
        return raise("not all arguments converted during string formatting");
    }
    Value::text(out.text, text.markup)
}

/// A run of digits, or `*` for a value.
fn size<'a>(text: &'a str, source: &mut Source<'_>) -> Outcome<(Option<i64>, &'a str)> {
    if let Some(tail) = text.strip_prefix('*') {
        return match source.next()?.as_int().map(i64::try_from) {
            Some(Ok(n)) => Ok((Some(n), tail)),
            _ => raise("* wants int"),
        };
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, tail) = text.split_at(end);
    match (digits.is_empty(), digits.parse::<i32>()) {
        (true, _) => Ok((None, tail)),
        (false, Ok(n)) => Ok((Some(n.into()), tail)),
        (false, Err(_)) => raise("width too big"),
    }
}

/// Formats one value, whose directive follows the `%`, and returns the text after the directive.
fn convert<'a>(
    mut rest: &'a str,
    source: &mut Source<'_>,
    escape: bool,
    out: &mut Text,
) -> Outcome<&'a str> {
    let mut given = None;
    if let Some(tail) = rest.strip_prefix('(') {
        let Some((name, tail)) = tail.split_once(')') else {
            return raise("incomplete format key");
        };
        given = Some(source.named(name)?);
        rest = tail;
    }
    let end = rest.find(|c| !matches!(c, '-' | '+' | ' ' | '#' | '0')).unwrap_or(rest.len());
    let flags = &rest[..end];
    let (width, tail) = size(&rest[end..], source)?;
    let (mut precision, mut rest) = (None, tail);
    if let Some(tail) = rest.strip_prefix('.') {
        let (given, tail) = size(tail, source)?;
        (precision, rest) = (Some(given.unwrap_or(0).max(0) as usize), tail);
    }
    let rest = rest.trim_start_matches(['h', 'l', 'L']);
    let Some(kind) = rest.chars().next() else {
        return raise("incomplete format");
    };
    let field = Field {
        left: flags.contains('-') || width.is_some_and(|w| w < 0),
        plus: flags.contains('+'),
        space: flags.contains(' '),
        alternate: flags.contains('#'),
        zero: flags.contains('0'),
        width: width.unwrap_or(0).unsigned_abs() as usize,
        precision,
    };
    budget::fits(field.width.saturating_add(field.precision.unwrap_or(0)))?;
    let value = match given {
        Some(value) => value,
        None => source.next()?,
    };
    let piece = directive(kind, &value, &field)?;
    match (escape, &value) {
        (true, Value::Str(text)) if text.markup => out.push(&piece)?,
        (true, _) => out.push(&markup::escape(&piece)?)?,
        _ => out.push(&piece)?,
    }
    Ok(&rest[kind.len_utf8()..])
}

fn directive(kind: char, value: &Value, field: &Field) -> Outcome<String> {
    let text = match kind {
        's' => to_str(value)?,
        'r' => to_repr(value)?,
        'a' => super::json_write::ascii_repr(value)?,
        'c' => match value {
            Value::Str(text) if text.len() == 1 => text.text.to_string(),
            _ => {
                match value.as_int().and_then(|n| u32::try_from(n).ok()).and_then(char::from_u32) {
                    Some(c) => c.to_string(),
                    None => return raise("%c requires int or char"),
                }
            }
        },
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => return integer(kind, value, field),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => return real(kind, value, field),
        other => {
            return raise(format!(
                "unsupported format character {} ({:#x}) at index",
                quoted(&other.to_string())?,
                other as u32
            ))
        }
    };
    let cut = match field.precision {
        Some(n) if kind != 'c' => text.chars().take(n).collect(),
        _ => text,
    };
    Ok(padded("", &cut, field, false))
}

fn padded(sign: &str, body: &str, field: &Field, zero: bool) -> String {
    let missing = field.width.saturating_sub(sign.chars().count() + body.chars().count());
    let fill = if zero && !field.left { "0" } else { " " }.repeat(missing);
    match (field.left, zero) {
        (true, _) => [sign, body, &fill].concat(),
        (false, true) => [sign, &fill, body].concat(),
        (false, false) => [&fill, sign, body].concat(),
    }
}

fn sign_of(negative: bool, field: &Field) -> &'static str {
    match (negative, field.plus, field.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

fn integer(kind: char, value: &Value, field: &Field) -> Outcome<String> {
    let int = match value {
        Value::Float(x) if matches!(kind, 'd' | 'i' | 'u') => Some(*x as i128),
        _ => value.as_int(),
    };
    let Some(int) = int else {
        return raise(match kind {
            'd' | 'i' | 'u' => {
                format!("%{kind} format: a real number is required, not {}", value.type_name())
            }
            _ => format!("%{kind} format: an integer is required, not {}", value.type_name()),
        });
    };
    let n = int.unsigned_abs();
    let (digits, prefix) = match kind {
        'x' => (format!("{n:x}"), "0x"),
        'X' => (format!("{n:X}"), "0X"),
        'o' => (format!("{n:o}"), "0o"),
        _ => (n.to_string(), ""),
    };
    let zeros = "0".repeat(field.precision.unwrap_or(0).saturating_sub(digits.len()));
    let mut sign = sign_of(int < 0, field).to_owned();
    if field.alternate {
        sign += prefix;
    }
    Ok(padded(&sign, &(zeros + &digits), field, field.zero))
}

fn real(kind: char, value: &Value, field: &Field) -> Outcome<String> {
    let Some(x) = as_float(value) else {
        return raise(format!("must be real number, not {}", value.type_name()));
    };
    let precision = field.precision.unwrap_or(6);
    let magnitude = x.abs();
    let mut body = match kind {
        _ if !x.is_finite() => if x.is_nan() { "nan" } else { "inf" }.to_owned(),
        'f' | 'F' => format!("{magnitude:.precision$}"),
        'e' | 'E' => exponent_form(magnitude, precision, 'e'),
        _ => general_form(magnitude, precision, field.alternate),
    };
    if kind.is_uppercase() {
        body = body.to_uppercase();
    }
    Ok(padded(sign_of(x.is_sign_negative(), field), &body, field, field.zero))
}

/// `1.50e+05`
pub fn exponent_form(x: f64, precision: usize, letter: char) -> String {
    let text = format!("{x:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{letter}{sign}{:02}", exponent.abs())
}

/// `%g`: so many significant digits, without trailing zeros unless `keep_zeros`.
pub fn general_form(x: f64, precision: usize, keep_zeros: bool) -> String {
    let digits = precision.max(1);
    let scientific = exponent_form(x, digits - 1, 'e');
    let exponent: i32 = match scientific.split_once('e') {
        Some((_, exponent)) => exponent.parse().unwrap_or(0),
        None => 0,
    };
    let trim = |text: &str| match keep_zeros || !text.contains('.') {
        true => text.to_owned(),
        false => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
    };
    if exponent < -4 || exponent >= digits as i32 {
        let (mantissa, tail) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
        return format!("{}e{tail}", trim(mantissa));
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    trim(&format!("{x:.decimals$}"))
}
