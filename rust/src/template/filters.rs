//! Jinja's filters: which there are, and those of single values.

use super::access;
use super::budget;
use super::calls::Args;
use super::eval::Interp;
use super::json_write::tojson;
use super::markup;
use super::ops;
use super::repr::{to_repr, to_str};
use super::value::Value;
use super::{filters_seq, filters_text, limit, methods_text, raise, Outcome};

const NAMES: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
    "wordwrap",
    "xmlattr",
];

pub fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

pub fn apply(interp: &mut Interp<'_>, name: &str, value: Value, args: Args) -> Outcome<Value> {
    budget::steps(1)?;
    match name {
        "abs" => abs(&value),
        "attr" => {
            let [name] = args.bind("do_attr", ["name"], 1)?;
            access::own(&value, &to_str(&name.unwrap_or(Value::None))?)
        }
        "count" | "length" => match ops::length(&value) {
            Some(n) => Ok(Value::Int(n as i128)),
            None => raise(format!("object of type '{}' has no len()", value.type_name())),
        },
        "d" | "default" => default(value, args),
        "float" => {
            let [otherwise] = args.bind("do_float", ["default"], 0)?;
            match to_float(&value)? {
                Some(x) => Ok(Value::Float(x)),
                None => Ok(otherwise.unwrap_or(Value::Float(0.0))),
            }
        }
        "int" => int(&value, args),
        "round" => round(&value, args),
        "safe" => match &value {
            Value::Str(text) if text.markup => Ok(value),
            _ => Value::markup(to_str(&value)?),
        },
        "e" | "escape" => match &value {
            Value::Str(text) if text.markup => Ok(value),
            _ => Value::markup(markup::escape(&to_str(&value)?)?),
        },
        "forceescape" => Value::markup(markup::escape(&to_str(&value)?)?),
        "string" => match &value {
            Value::Str(_) => Ok(value),
            _ => Value::str(to_str(&value)?),
        },
        "tojson" => tojson(&value, args),
        "pprint" => Value::str(to_repr(&value)?),
        "upper" | "lower" | "capitalize" => {
            let [] = args.bind(name, [], 0)?;
            let name = match name {
                "upper" => "upper",
                "lower" => "lower",
                _ => "capitalize",
            };
            text_method(&value, name, Args::default())
        }
        "trim" => text_method(&value, "strip", args),
        "center" => {
            let [width] = args.bind("do_center", ["width"], 0)?;
            text_method(&value, "center", Args::of(vec![width.unwrap_or(Value::Int(80))]))
        }
        "random" | "urlize" | "xmlattr" => limit(format!("the filter '{name}' is not supported")),
        _ if filters_text::is_one(name) => filters_text::apply(name, &value, args),
        _ if is_known(name) => filters_seq::apply(interp, name, value, args),
        _ => raise(format!("No filter named '{name}' found.")),
    }
}

/// A method of soft_str(value).
fn text_method(value: &Value, method: &'static str, args: Args) -> Outcome<Value> {
    match value {
        Value::Str(text) => methods_text::call(text, method, args),
        _ => match Value::str(to_str(value)?)? {
            Value::Str(text) => methods_text::call(&text, method, args),
            other => Ok(other),
        },
    }
}

fn abs(value: &Value) -> Outcome<Value> {
    match value {
        Value::Float(x) => Ok(Value::Float(x.abs())),
        Value::Undefined(undefined) => raise(undefined.message.clone()),
        _ => match value.as_int() {
            Some(x) => Ok(Value::Int(x.saturating_abs())),
            None => raise(format!("bad operand type for abs(): '{}'", value.type_name())),
        },
    }
}

fn default(value: Value, args: Args) -> Outcome<Value> {
    let [otherwise, boolean] = args.bind("do_default", ["default_value", "boolean"], 0)?;
    let falsy = boolean.is_some_and(|boolean| boolean.truthy()) && !value.truthy();
    if value.is_undefined() || falsy {
        return otherwise.map_or_else(|| Value::str(""), Ok);
    }
    Ok(value)
}

/// float(value); none where Python raises TypeError or ValueError.
fn to_float(value: &Value) -> Outcome<Option<f64>> {
    match value {
        Value::Undefined(undefined) => raise(undefined.message.clone()),
        Value::Str(text) => Ok(parse_float(text)),
        _ => Ok(ops::as_float(value)),
    }
}

fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(super::chars::is_space);
    let plain = text.trim_start_matches(['+', '-']);
    let word = plain.to_ascii_lowercase();
    let named = matches!(word.as_str(), "inf" | "infinity" | "nan");
    let digits = plain.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !(named || digits) || text.len() - plain.len() > 1 {
        return None;
    }
    without_underscores(text)?.parse().ok()
}

/// Python allows a single underscore between two digits.
fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    for (i, b) in bytes.iter().enumerate().filter(|(_, b)| **b == b'_') {
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric)
        };
        if *b == b'_' && !(digit(i.checked_sub(1)) && digit(Some(i + 1))) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// int(text, base); base 0 reads the prefix.
fn parse_int(text: &str, base: i128) -> Option<i128> {
    let text = text.trim_matches(super::chars::is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = digits.get(..2).unwrap_or("").to_ascii_lowercase();
    let prefix_base = match prefix.as_str() {
        "0x" => 16,
        "0o" => 8,
        "0b" => 2,
        _ => 0,
    };
    let mut digits = digits;
    let mut base = base;
    if prefix_base != 0 && (base == prefix_base || base == 0) {
        digits = &digits[2..];
        digits = digits.strip_prefix('_').unwrap_or(digits);
        base = prefix_base;
    } else if base == 0 {
        base = 10;
    }
    if digits.starts_with(['+', '-']) || !(2..=36).contains(&base) {
        return None;
    }
    let plain: String = without_underscores(digits)?
        .chars()
        .map(|c| super::chars::decimal_value(c).and_then(|d| char::from_digit(d, 10)).unwrap_or(c))
        .collect();
    let value = i128::from_str_radix(&plain, base as u32).ok()?;
    Some(if negative { -value } else { value })
}

fn int(value: &Value, args: Args) -> Outcome<Value> {
    let [otherwise, base] = args.bind("do_int", ["default", "base"], 0)?;
    let base = base.and_then(|base| base.as_int()).unwrap_or(10);
    let exact = match value {
        Value::Str(text) => parse_int(text, base),
        Value::Float(x) if x.is_nan() => None,
        Value::Float(x) if x.is_infinite() => {
            return raise("cannot convert float infinity to integer")
        }
        _ => value.as_int(),
    };
    if let Some(int) = exact {
        return Ok(Value::Int(int));
    }
    match to_float(value)? {
        Some(x) if x.is_finite() && x.abs() < 1e38 => Ok(Value::Int(x as i128)),
        Some(x) if x.is_finite() => limit("an integer of more than 127 bits"),
        _ => Ok(otherwise.unwrap_or(Value::Int(0))),
    }
}

fn round(value: &Value, args: Args) -> Outcome<Value> {
    let [precision, method] = args.bind("do_round", ["precision", "method"], 0)?;
    let precision = match precision {
        None => 0,
        Some(value) => match value.as_int() {
            Some(n) => n.clamp(-400, 400) as i32,
            None => {
                return raise(format!(
                    "'{}' object cannot be interpreted as an integer",
                    value.type_name()
                ))
            }
        },
    };
    let method = method.map_or_else(|| Ok("common".to_owned()), |method| to_str(&method))?;
    if !matches!(method.as_str(), "common" | "ceil" | "floor") {
        return raise("method must be common, ceil or floor");
    }
    let Some(x) = ops::as_float(value) else {
        return match value {
            Value::Undefined(undefined) => raise(undefined.message.clone()),
            _ => raise(format!("type {} doesn't define __round__ method", value.type_name())),
        };
    };
    if method != "common" {
        let scale = 10f64.powi(precision);
        let scaled = x * scale;
        let whole = if method == "ceil" { scaled.ceil() } else { scaled.floor() };
        return Ok(Value::Float(whole / scale));
    }
    if let Some(int) = value.as_int() {
        return round_int(int, precision);
    }
    Ok(Value::Float(round_float(x, precision)))
}

fn round_int(int: i128, precision: i32) -> Outcome<Value> {
    if precision >= 0 {
        return Ok(Value::Int(int));
    }
    let Some(unit) = 10i128.checked_pow(precision.unsigned_abs()) else {
        return Ok(Value::Int(0));
    };
    let (low, rest) = (int.div_euclid(unit), int.rem_euclid(unit));
    let up = rest * 2 > unit || (rest * 2 == unit && low % 2 != 0);
    Ok(Value::Int((low + i128::from(up)) * unit))
}

/// Correctly rounded, half to even, as Python's round.
fn round_float(x: f64, precision: i32) -> f64 {
    if !x.is_finite() {
        return x;
    }
    if precision >= 0 {
        return format!("{x:.*}", precision as usize).parse().unwrap_or(x);
    }
    let unit = 10f64.powi(-precision);
    (x / unit).round_ties_even() * unit
}
