//! Jinja's tests: `value is name(args)`.

use super::calls::Args;
use super::ops;
use super::tree::Compare;
use super::value::Value;
use super::{chars, filters, raise, Outcome};

const NAMES: &[&str] = &[
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
];

pub fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

pub fn test(name: &str, value: &Value, args: Args) -> Outcome<bool> {
    let comparison = match name {
        "eq" | "equalto" | "==" => Some(Compare::Eq),
        "ne" | "!=" => Some(Compare::Ne),
        "lt" | "lessthan" | "<" => Some(Compare::Lt),
        "le" | "<=" => Some(Compare::Le),
        "gt" | "greaterthan" | ">" => Some(Compare::Gt),
        "ge" | ">=" => Some(Compare::Ge),
        "in" => Some(Compare::In),
        _ => None,
    };
    if let Some(op) = comparison {
        let [other] = args.bind(name, ["b"], 1)?;
        return ops::compare(op, value, &other.unwrap_or(Value::None));
    }
    match name {
        "divisibleby" => {
            let [by] = args.bind("test_divisibleby", ["num"], 1)?;
            let rest = ops::arith(super::tree::Arith::Rem, value, &by.unwrap_or(Value::None))?;
            ops::equal(&rest, &Value::Int(0))
        }
        "sameas" => {
            let [other] = args.bind("test_sameas", ["other"], 1)?;
            Ok(ops::same(value, &other.unwrap_or(Value::None)))
        }
        _ => {
            let [] = args.bind(name, [], 0)?;
            plain(name, value)
        }
    }
}

fn plain(name: &str, value: &Value) -> Outcome<bool> {
    Ok(match name {
        "boolean" => matches!(value, Value::Bool(_)),
        "callable" => is_callable(value),
        "defined" => !value.is_undefined(),
        "undefined" => value.is_undefined(),
        "escaped" => matches!(value, Value::Str(text) if text.markup),
        "even" | "odd" => {
            let rest = ops::arith(super::tree::Arith::Rem, value, &Value::Int(2))?;
            ops::equal(&rest, &Value::Int(i128::from(name == "odd")))?
        }
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "filter" => value.as_str().is_some_and(filters::is_known),
        "test" => value.as_str().is_some_and(is_known),
        "float" => matches!(value, Value::Float(_)),
        "integer" => matches!(value, Value::Int(_)),
        "number" => matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_)),
        "iterable" => is_iterable(value),
        "lower" => chars::all_lower(&super::repr::to_str(value)?),
        "upper" => chars::all_upper(&super::repr::to_str(value)?),
        "mapping" => matches!(value, Value::Dict(_)),
        "none" => matches!(value, Value::None),
        "sequence" => matches!(
            value,
            Value::Str(_)
                | Value::List(_)
                | Value::Tuple(_)
                | Value::Dict(_)
                | Value::Range(_)
                | Value::Undefined(_)
        ),
        "string" => matches!(value, Value::Str(_)),
        _ => return raise(format!("No test named '{name}' found.")),
    })
}

fn is_callable(value: &Value) -> bool {
    matches!(
        value,
        Value::Macro(_)
            | Value::Bound(_)
            | Value::Native(_)
            | Value::Loop(_)
            | Value::Joiner(_)
            | Value::Undefined(_)
    )
}

fn is_iterable(value: &Value) -> bool {
    matches!(
        value,
        Value::Undefined(_)
            | Value::Str(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Dict(_)
            | Value::Range(_)
            | Value::View(_)
            | Value::Iter(_)
            | Value::Loop(_)
    )
}
