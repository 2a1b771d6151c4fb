//! Python's operators, comparisons, subscripts and iteration.

use std::cmp::Ordering;
use std::rc::Rc;

use super::budget::{self, Charge};
use super::tree::{Arith, Compare};
use super::value::{Seq, Str, Value, ViewKind, SLOT};
use super::{limit, markup, percent, raise, Outcome};

fn address<T>(rc: &Rc<T>) -> usize {
    Rc::as_ptr(rc) as *const u8 as usize
}

/// Python's id(), for values with an identity of their own.
pub fn identity(value: &Value) -> usize {
    match value {
        Value::Str(it) => address(it),
        Value::List(it) | Value::Tuple(it) => address(it),
        Value::Dict(it) => address(it),
        Value::Range(it) => address(it),
        Value::View(it) => address(it),
        Value::Iter(it) => address(it),
        Value::Namespace(it) => address(it),
        Value::Macro(it) => address(it),
        Value::Bound(it) => address(it),
        Value::Loop(it) => address(it),
        Value::Cycler(it) => address(it),
        Value::Joiner(it) => address(it),
        Value::Undefined(it) => address(it),
        Value::Native(it) => *it as usize + 1,
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 0,
    }
}

/// `a is b`
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(_), _) | (_, Value::Float(_)) => false,
        (Value::Str(a), Value::Str(b)) => Rc::ptr_eq(a, b) || (a.text == b.text && a.len() <= 1),
        _ => {
            std::mem::discriminant(a) == std::mem::discriminant(b)
                && identity(a) == identity(b)
                && identity(a) != 0
        }
    }
}

#[derive(Clone, Copy)]
enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    fn of(value: &Value) -> Option<Number> {
        match value {
            Value::Float(x) => Some(Number::Float(*x)),
            _ => value.as_int().map(Number::Int),
        }
    }

    fn float(self) -> f64 {
        match self {
            Number::Int(x) => x as f64,
            Number::Float(x) => x,
        }
    }
}

pub fn as_float(value: &Value) -> Option<f64> {
    Number::of(value).map(Number::float)
}

fn undefined_error(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Undefined(u), _) | (_, Value::Undefined(u)) => Some(u.message.clone()),
        _ => None,
    }
}

fn symbol(op: Arith) -> &'static str {
    match op {
        Arith::Add => "+",
        Arith::Sub => "-",
        Arith::Mul => "*",
        Arith::Div => "/",
        Arith::FloorDiv => "//",
        Arith::Rem => "%",
        Arith::Pow => "** or pow()",
    }
}

pub fn arith(op: Arith, a: &Value, b: &Value) -> Outcome<Value> {
    if let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) {
        return match (x, y) {
            (Number::Int(x), Number::Int(y)) => int_arith(op, x, y),
            _ => float_arith(op, x.float(), y.float()),
        };
    }
    if let (Arith::Rem, Value::Str(format)) = (op, a) {
        return percent::format(format, b);
    }
    if let Some(message) = undefined_error(a, b) {
        return raise(message);
    }
    match op {
        Arith::Add => add(a, b),
        Arith::Mul => match (a, b) {
            (Value::Str(_) | Value::List(_) | Value::Tuple(_), _) if b.as_int().is_some() => {
                repeat(a, b.as_int().unwrap_or(0))
            }
            (_, Value::Str(_) | Value::List(_) | Value::Tuple(_)) if a.as_int().is_some() => {
                repeat(b, a.as_int().unwrap_or(0))
            }
            (Value::Str(_) | Value::List(_) | Value::Tuple(_), _) => {
                raise(format!("can't multiply sequence by non-int of type '{}'", b.type_name()))
            }
            (_, Value::Str(_) | Value::List(_) | Value::Tuple(_)) => {
                raise(format!("can't multiply sequence by non-int of type '{}'", a.type_name()))
            }
            _ => unsupported(op, a, b),
        },
        _ => unsupported(op, a, b),
    }
}

fn unsupported(op: Arith, a: &Value, b: &Value) -> Outcome<Value> {
    raise(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        symbol(op),
        a.type_name(),
        b.type_name()
    ))
}

fn int_arith(op: Arith, x: i128, y: i128) -> Outcome<Value> {
    let result = match op {
        Arith::Add => x.checked_add(y),
        Arith::Sub => x.checked_sub(y),
        Arith::Mul => x.checked_mul(y),
        Arith::Div if y == 0 => return raise("division by zero"),
        Arith::Div => return Ok(Value::Float(x as f64 / y as f64)),
        Arith::FloorDiv if y == 0 => return raise("integer division or modulo by zero"),
        Arith::Rem if y == 0 => return raise("integer modulo by zero"),
        Arith::FloorDiv => {
            x.checked_div(y).map(|q| if x % y != 0 && (x < 0) != (y < 0) { q - 1 } else { q })
        }
        Arith::Rem => {
            x.checked_rem(y).map(|r| if r != 0 && (r < 0) != (y < 0) { r + y } else { r })
        }
        Arith::Pow if y < 0 => return float_arith(op, x as f64, y as f64),
        Arith::Pow => match (x, y) {
            (0 | 1, _) | (_, 0) => Some(if y == 0 { 1 } else { x }),
            (-1, _) => Some(if y % 2 == 0 { 1 } else { -1 }),
            _ => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
        },
    };
    match result {
        Some(value) => Ok(Value::Int(value)),
        None => limit("an integer of more than 128 bits"),
    }
}

fn float_arith(op: Arith, x: f64, y: f64) -> Outcome<Value> {
    let floor_mod = |x: f64, y: f64| {
        let r = x % y;
        if r != 0.0 && (r < 0.0) != (y < 0.0) {
            r + y
        } else if r == 0.0 {
            0.0f64.copysign(y)
        } else {
            r
        }
    };
    Ok(Value::Float(match op {
        Arith::Add => x + y,
        Arith::Sub => x - y,
        Arith::Mul => x * y,
        Arith::Div if y == 0.0 => return raise("float division by zero"),
        Arith::Div => x / y,
        Arith::FloorDiv if y == 0.0 => return raise("float floor division by zero"),
        Arith::FloorDiv => ((x - floor_mod(x, y)) / y).round(),
        Arith::Rem if y == 0.0 => return raise("float modulo"),
        Arith::Rem => floor_mod(x, y),
        Arith::Pow if x == 0.0 && y < 0.0 => {
            return raise("0.0 cannot be raised to a negative power")
        }
        Arith::Pow if x < 0.0 && y.fract() != 0.0 => {
            return limit("complex numbers are not supported")
        }
        Arith::Pow => {
            let result = x.powf(y);
            if result.is_infinite() && x.is_finite() && y.is_finite() {
                return raise("(34, 'Numerical result out of range')");
            }
            result
        }
    }))
}

pub fn negate(value: &Value) -> Outcome<Value> {
    match Number::of(value) {
        Some(Number::Int(x)) => match x.checked_neg() {
            Some(value) => Ok(Value::Int(value)),
            None => limit("an integer of more than 128 bits"),
        },
        Some(Number::Float(x)) => Ok(Value::Float(-x)),
        None => match value {
            Value::Undefined(u) => raise(u.message.clone()),
            _ => raise(format!("bad operand type for unary -: '{}'", value.type_name())),
        },
    }
}

fn add(a: &Value, b: &Value) -> Outcome<Value> {
    match (a, b) {
        (Value::Str(x), Value::Str(y)) => {
            budget::fits(x.text.len() + y.text.len())?;
            match x.markup || y.markup {
                true => markup::add(x, y),
                false => Value::str([&*x.text, &*y.text].concat()),
            }
        }
        (Value::List(x), Value::List(y)) => Value::list(chain(x, y)?),
        (Value::Tuple(x), Value::Tuple(y)) => Value::tuple(chain(x, y)?),
        (Value::Str(_), _) => {
            raise(format!("can only concatenate str (not \"{}\") to str", b.type_name()))
        }
        (Value::List(_), _) => {
            raise(format!("can only concatenate list (not \"{}\") to list", b.type_name()))
        }
        (Value::Tuple(_), _) => {
            raise(format!("can only concatenate tuple (not \"{}\") to tuple", b.type_name()))
        }
        _ => unsupported(Arith::Add, a, b),
    }
}

fn chain(a: &Seq, b: &Seq) -> Outcome<Vec<Value>> {
    budget::fits((a.items.len() + b.items.len()) * SLOT)?;
    Ok(a.items.iter().chain(&b.items).cloned().collect())
}

fn repeat(value: &Value, times: i128) -> Outcome<Value> {
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    let items = |seq: &Seq| -> Outcome<Vec<Value>> {
        let n = seq.items.len().saturating_mul(times);
        budget::fits(n.saturating_mul(SLOT))?;
        budget::steps(n / 8)?;
        Ok(seq.items.iter().cycle().take(n).cloned().collect())
    };
    match value {
        Value::Str(text) => {
            budget::fits(text.text.len().saturating_mul(times))?;
            Value::text(text.text.repeat(if text.is_empty() { 0 } else { times }), text.markup)
        }
        Value::List(seq) => Value::list(items(seq)?),
        Value::Tuple(seq) => Value::tuple(items(seq)?),
        _ => unsupported(Arith::Mul, value, &Value::Int(times as i128)),
    }
}

pub fn equal(a: &Value, b: &Value) -> Outcome<bool> {
    budget::steps(1)?;
    if let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) {
        return Ok(match (x, y) {
            (Number::Int(x), Number::Int(y)) => x == y,
            _ => x.float() == y.float(),
        });
    }
    Ok(match (a, b) {
        (Value::None, Value::None) | (Value::Undefined(_), Value::Undefined(_)) => true,
        (Value::Str(x), Value::Str(y)) => x.text == y.text,
        (Value::List(x), Value::List(y)) | (Value::Tuple(x), Value::Tuple(y)) => {
            return equal_items(&x.items, &y.items)
        }
        (Value::Dict(x), Value::Dict(y)) => {
            if Rc::ptr_eq(x, y) {
                return Ok(true);
            }
            if x.len() != y.len() {
                return Ok(false);
            }
            for (key, value) in x.entries() {
                match y.get(key)? {
                    Some(other) if equal(value, other)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Range(x), Value::Range(y)) => {
            x.len() == y.len()
                && (x.len() == 0 || (x.start == y.start && (x.len() == 1 || x.step == y.step)))
        }
        _ => same(a, b),
    })
}

fn equal_items(x: &[Value], y: &[Value]) -> Outcome<bool> {
    if x.len() != y.len() {
        return Ok(false);
    }
    for (a, b) in x.iter().zip(y) {
        if !same(a, b) && !equal(a, b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Python's ordering; `op` only for the message.
pub fn order(a: &Value, b: &Value, op: &str) -> Outcome<Option<Ordering>> {
    budget::steps(1)?;
    if let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) {
        return Ok(match (x, y) {
            (Number::Int(x), Number::Int(y)) => Some(x.cmp(&y)),
            _ => x.float().partial_cmp(&y.float()),
        });
    }
    match (a, b) {
        (Value::Str(x), Value::Str(y)) => {
            budget::text_work(x.text.len().min(y.text.len()))?;
            Ok(Some(x.text.cmp(&y.text)))
        }
        (Value::List(x), Value::List(y)) | (Value::Tuple(x), Value::Tuple(y)) => {
            for (a, b) in x.items.iter().zip(&y.items) {
                if !same(a, b) && !equal(a, b)? {
                    return order(a, b, op);
                }
            }
            Ok(Some(x.items.len().cmp(&y.items.len())))
        }
        _ => match undefined_error(a, b) {
            Some(message) => raise(message),
            None => raise(format!(
                "'{op}' not supported between instances of '{}' and '{}'",
                a.type_name(),
                b.type_name()
            )),
        },
    }
}

pub fn compare(op: Compare, a: &Value, b: &Value) -> Outcome<bool> {
    let is = |op: &str, accept: fn(Ordering) -> bool| Ok(order(a, b, op)?.is_some_and(accept));
    match op {
        Compare::Eq => equal(a, b),
        Compare::Ne => Ok(!equal(a, b)?),
        Compare::Lt => is("<", Ordering::is_lt),
        Compare::Le => is("<=", Ordering::is_le),
        Compare::Gt => is(">", Ordering::is_gt),
        Compare::Ge => is(">=", Ordering::is_ge),
        Compare::In => contains(b, a),
        Compare::NotIn => Ok(!contains(b, a)?),
    }
}

/// `needle in haystack`
pub fn contains(haystack: &Value, needle: &Value) -> Outcome<bool> {
    match (haystack, needle) {
        (Value::Str(text), Value::Str(part)) => {
            budget::text_work(text.text.len())?;
            Ok(text.text.contains(&*part.text))
        }
        (Value::Str(_), _) => raise(format!(
            "'in <string>' requires string as left operand, not {}",
            needle.type_name()
        )),
        (Value::Dict(dict), _) => Ok(dict.get(needle)?.is_some()),
        (Value::View(view), _) if view.kind == ViewKind::Keys => {
            Ok(view.dict.get(needle)?.is_some())
        }
        (Value::List(seq) | Value::Tuple(seq), _) => {
            for item in &seq.items {
                if same(item, needle) || equal(item, needle)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => {
            let Some(items) = try_items(haystack)? else {
                return raise(format!(
                    "argument of type '{}' is not iterable",
                    haystack.type_name()
                ));
            };
            for item in items.iter() {
                if same(item, needle) || equal(item, needle)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Items of something iterated over.
pub struct Items {
    items: Vec<Value>,
    _charge: Charge,
}

impl Items {
    pub fn into_vec(self) -> Vec<Value> {
        self.items
    }
}

impl std::ops::Deref for Items {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        &self.items
    }
}

pub fn items(value: &Value) -> Outcome<Items> {
    match try_items(value)? {
        Some(items) => Ok(items),
        None => raise(format!("'{}' object is not iterable", value.type_name())),
    }
}

/// None: not iterable.
pub fn try_items(value: &Value) -> Outcome<Option<Items>> {
    let n = match value {
        Value::Str(text) => text.len(),
        Value::Iter(iter) => iter.items.len(),
        Value::Loop(state) => state.len(),
        _ => length(value).unwrap_or(0),
    };
    let charge = budget::charge(n.saturating_mul(SLOT))?;
    budget::steps(1 + n / 8)?;
    let items: Vec<Value> = match value {
        Value::Undefined(_) => Vec::new(),
        Value::Str(text) => {
            text.chars().map(|c| Value::text(c.to_string(), text.markup)).collect::<Outcome<_>>()?
        }
        Value::List(seq) | Value::Tuple(seq) => seq.items.clone(),
        Value::Dict(dict) => dict.entries().iter().map(|(key, _)| key.clone()).collect(),
        Value::Range(range) => (0..n).map(|i| range.get(i)).collect(),
        Value::View(view) => {
            let entries = view.dict.entries().iter();
            match view.kind {
                ViewKind::Keys => entries.map(|(key, _)| key.clone()).collect(),
                ViewKind::Values => entries.map(|(_, value)| value.clone()).collect(),
                ViewKind::Items => entries
                    .map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()]))
                    .collect::<Outcome<_>>()?,
            }
        }
        Value::Iter(iter) => {
            if let Some(message) = &iter.failure {
                return raise(message.clone());
            }
            let from = iter.next.replace(iter.items.len());
            iter.items[from..].to_vec()
        }
        Value::Loop(state) => state.rest(),
        _ => return Ok(None),
    };
    Ok(Some(Items { items, _charge: charge }))
}

/// len(value), or none where Python raises TypeError.
pub fn length(value: &Value) -> Option<usize> {
    Some(match value {
        Value::Undefined(_) => 0,
        Value::Str(text) => Str::len(text),
        Value::List(seq) | Value::Tuple(seq) => seq.items.len(),
        Value::Dict(dict) => dict.len(),
        Value::Range(range) => range.len(),
        Value::View(view) => view.dict.len(),
        Value::Loop(state) => state.len(),
        _ => return None,
    })
}
