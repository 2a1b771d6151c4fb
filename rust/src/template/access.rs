//! Attributes, subscripts and slices, as jinja2's sandbox gives them.

use std::rc::Rc;

use super::budget;
use super::calls::Bound;
use super::methods;
use super::ops;
use super::repr::{quoted, to_repr};
use super::value::{Seq, Str, Value};
use super::{limit, raise, Outcome};

fn missing_attr(of: &Value, name: &str) -> Outcome<Value> {
    let owner = quoted(&of.object_type())?;
    Ok(Value::undefined(format!("{owner} has no attribute {}", quoted(name)?)))
}

fn unsafe_attr(of: &Value, name: &str) -> Outcome<Value> {
    Ok(Value::undefined(format!(
        "access to attribute {} of {} object is unsafe.",
        quoted(name)?,
        quoted(of.type_name())?
    )))
}

/// Attributes that every Python object has.
fn is_dunder(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "__class__",
        "__delattr__",
        "__dict__",
        "__dir__",
        "__doc__",
        "__eq__",
        "__format__",
        "__ge__",
        "__getattribute__",
        "__gt__",
        "__hash__",
        "__init__",
        "__init_subclass__",
        "__le__",
        "__lt__",
        "__module__",
        "__ne__",
        "__new__",
        "__reduce__",
        "__reduce_ex__",
        "__repr__",
        "__setattr__",
        "__sizeof__",
        "__str__",
        "__subclasshook__",
        "__getitem__",
        "__len__",
        "__iter__",
        "__contains__",
        "__call__",
        "__globals__",
        "__mro__",
        "__bases__",
        "__base__",
        "__subclasses__",
        "__builtins__",
        "__import__",
        "__code__",
        "__func__",
        "__self__",
    ];
    NAMES.contains(&name)
}

/// Of those, what only classes, functions and modules have.
fn is_no_value_attr(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "__base__",
        "__bases__",
        "__builtins__",
        "__code__",
        "__func__",
        "__globals__",
        "__import__",
        "__mro__",
        "__self__",
        "__subclasses__",
    ];
    NAMES.contains(&name)
}

/// getattr(value, name), without the fallback to a subscript.
fn own_attr(of: &Value, name: &str) -> Outcome<Option<Value>> {
    if let Some(value) = plain_attr(of, name)? {
        return Ok(Some(value));
    }
    match methods::find(of, name) {
        Some(method) if methods::changes(of, method) => Ok(Some(unsafe_attr(of, name)?)),
        Some(method) => Ok(Some(Value::Bound(Rc::new(Bound { of: of.clone(), method })))),
        None if name.starts_with("__") && is_dunder(name) => Ok(Some(unsafe_attr(of, name)?)),
        None => Ok(None),
    }
}

fn plain_attr(of: &Value, name: &str) -> Outcome<Option<Value>> {
    Ok(match (of, name) {
        (Value::Loop(state), _) => state.attr(name),
        (Value::Namespace(space), _) => {
            let attrs = space.attrs.borrow();
            attrs.iter().find(|(known, ..)| known == name).map(|(_, value, _)| value.clone())
        }
        (Value::Tuple(seq), _) => {
            seq.fields.iter().position(|field| *field == name).map(|at| seq.items[at].clone())
        }
        (Value::Range(range), "start") => Some(Value::Int(range.start)),
        (Value::Range(range), "stop") => Some(Value::Int(range.stop)),
        (Value::Range(range), "step") => Some(Value::Int(range.step)),
        (Value::Int(_) | Value::Bool(_), "real" | "numerator") => of.as_int().map(Value::Int),
        (Value::Int(_) | Value::Bool(_), "imag") => Some(Value::Int(0)),
        (Value::Int(_) | Value::Bool(_), "denominator") => Some(Value::Int(1)),
        (Value::Float(x), "real") => Some(Value::Float(*x)),
        (Value::Float(_), "imag") => Some(Value::Float(0.0)),
        (Value::Macro(it), "name") => Some(Value::str(it.name())?),
        (Value::Cycler(it), "current") => {
            Some(it.items[it.position.get() % it.items.len().max(1)].clone())
        }
        _ => None,
    })
}

/// `value.name`
pub fn attr(of: &Value, name: &str) -> Outcome<Value> {
    if let Value::Undefined(undefined) = of {
        return match is_dunder(name) && !is_no_value_attr(name) {
            true => unsafe_attr(of, name),
            false => raise(undefined.message.clone()),
        };
    }
    if let Some(value) = own_attr(of, name)? {
        return Ok(value);
    }
    if let Value::Dict(dict) = of {
        if let Some(value) = dict.get_str(name)? {
            return Ok(value.clone());
        }
    }
    missing_attr(of, name)
}

/// The filter `attr`: attributes only.
pub fn own(of: &Value, name: &str) -> Outcome<Value> {
    match own_attr(of, name)? {
        Some(value) => Ok(value),
        None => missing_attr(of, name),
    }
}

/// `value[key]`
pub fn item(of: &Value, key: &Value) -> Outcome<Value> {
    match (of, key) {
        (Value::Undefined(undefined), _) => return raise(undefined.message.clone()),
        (Value::Dict(dict), _) if !matches!(key, Value::List(_) | Value::Dict(_)) => {
            if let Some(value) = dict.get(key)? {
                return Ok(value.clone());
            }
        }
        _ => {
            if let (Some(index), Some(n)) = (key.as_int(), sequence_len(of)) {
                let n = n as i128;
                let at = if index < 0 { index + n } else { index };
                if (0..n).contains(&at) {
                    return element(of, at as usize);
                }
            }
        }
    }
    if let Value::Str(name) = key {
        if let Some(value) = own_attr(of, name)? {
            return Ok(value);
        }
        return missing_attr(of, name);
    }
    Ok(Value::undefined(format!("{} has no element {}", of.object_type(), to_repr(key)?)))
}

fn sequence_len(of: &Value) -> Option<usize> {
    match of {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Range(_) => ops::length(of),
        _ => None,
    }
}

fn element(of: &Value, at: usize) -> Outcome<Value> {
    match of {
        Value::List(seq) | Value::Tuple(seq) => Ok(seq.items[at].clone()),
        Value::Range(range) => Ok(range.get(at)),
        Value::Str(text) => {
            let piece = char_range(text, at, at + 1)?;
            Value::text(piece.to_owned(), text.markup)
        }
        _ => Ok(Value::None),
    }
}

/// Characters `from..to` of a text that has at least `to`.
pub fn char_range(text: &Str, from: usize, to: usize) -> Outcome<&str> {
    if text.is_ascii() {
        return Ok(&text.text[from..to]);
    }
    budget::text_work(text.text.len())?;
    let at = |n: usize, start: usize| {
        text.text[start..].char_indices().nth(n).map_or(text.text.len(), |(at, _)| start + at)
    };
    let start = at(from, 0);
    Ok(&text.text[start..at(to - from, start)])
}

fn slice_index(value: &Value) -> Outcome<Option<i128>> {
    match value {
        Value::None => Ok(None),
        Value::Undefined(undefined) => raise(undefined.message.clone()),
        _ => match value.as_int() {
            Some(index) => Ok(Some(index)),
            None => raise("slice indices must be integers or None or have an __index__ method"),
        },
    }
}

/// Python's slice.indices: the indices that a slice of `n` items visits, as start, count and step.
fn slice_span(start: Option<i128>, stop: Option<i128>, step: i128, n: i128) -> (i128, usize) {
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let clamp = |index: i128| {
        let index = if index < 0 { index.saturating_add(n) } else { index };
        index.clamp(low, high)
    };
    let first = start.map_or(if step > 0 { low } else { high }, clamp);
    let last = stop.map_or(if step > 0 { high } else { low }, clamp);
    let span = if step > 0 { last - first } else { first - last };
    let stride = step.unsigned_abs();
    if span <= 0 {
        return (first, 0);
    }
    (first, ((span as u128).div_ceil(stride)) as usize)
}

/// `value[start:stop:step]`
pub fn slice(of: &Value, start: &Value, stop: &Value, step: &Value) -> Outcome<Value> {
    if let Value::Undefined(undefined) = of {
        return raise(undefined.message.clone());
    }
    let Some(n) = sequence_len(of) else {
        return Ok(Value::undefined(format!(
            "{} has no element slice({}, {}, {})",
            of.object_type(),
            to_repr(start)?,
            to_repr(stop)?,
            to_repr(step)?
        )));
    };
    let step = slice_index(step)?.unwrap_or(1);
    if step == 0 {
        return raise("slice step cannot be zero");
    }
    if step == i128::MIN {
        return limit("a slice step of more than 127 bits");
    }
    let (first, count) = slice_span(slice_index(start)?, slice_index(stop)?, step, n as i128);
    budget::steps(1 + count / 8)?;
    // One element needs no step; this keeps `first + i * step` from overflowing.
    let step = if count < 2 { 1 } else { step };
    let place = move |i: usize| (first + i as i128 * step) as usize;
    match of {
        Value::Str(text) if step == 1 => {
            let from = if count == 0 { 0 } else { first as usize };
            Value::text(char_range(text, from, from + count)?.to_owned(), text.markup)
        }
        Value::Str(text) => {
            budget::fits(5 * text.text.len())?;
            budget::steps(text.text.len() / 8)?;
            let chars: Vec<char> = text.text.chars().collect();
            Value::text((0..count).map(|i| chars[place(i)]).collect::<String>(), text.markup)
        }
        Value::Range(range) => Ok(Value::Range(Rc::new(super::value::Range {
            start: range.start + range.step * first,
            stop: range.start + range.step * (first + step * count as i128),
            step: range.step * step,
        }))),
        Value::List(seq) => Value::list(pick(seq, count, place)?),
        Value::Tuple(seq) => Value::tuple(pick(seq, count, place)?),
        _ => Ok(Value::None),
    }
}

fn pick(seq: &Seq, count: usize, place: impl Fn(usize) -> usize) -> Outcome<Vec<Value>> {
    budget::fits(count * super::value::SLOT)?;
    Ok((0..count).map(|i| seq.items[place(i)].clone()).collect())
}
