//! Methods of values: which there are, which the sandbox forbids, and those of containers.

use std::rc::Rc;

use super::calls::Args;
use super::dict::Dict;
use super::ops;
use super::repr::to_repr;
use super::value::{Seq, Value, View, ViewKind};
use super::{format_spec, limit, methods_text, raise, Outcome};

const STR: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
const MARKUP: &[&str] = &["unescape", "striptags", "escape"];
const LIST: &[&str] = &[
    "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
    "sort",
];
const LIST_CHANGES: &[&str] =
    &["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"];
const DICT: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];
const DICT_CHANGES: &[&str] = &["clear", "pop", "popitem", "setdefault", "update"];
const INT: &[&str] = &["as_integer_ratio", "bit_count", "bit_length", "conjugate", "to_bytes"];
const FLOAT: &[&str] = &["as_integer_ratio", "conjugate", "hex", "is_integer"];

fn names(of: &Value) -> &'static [&'static str] {
    match of {
        Value::Str(_) => STR,
        Value::List(_) => LIST,
        Value::Dict(_) => DICT,
        Value::Tuple(_) | Value::Range(_) => &["count", "index"],
        Value::Int(_) | Value::Bool(_) => INT,
        Value::Float(_) => FLOAT,
        Value::Loop(_) => &["cycle", "changed"],
        Value::Cycler(_) => &["next", "reset"],
        Value::View(view) if view.kind == ViewKind::Values => &["mapping"],
        Value::View(_) => &["isdisjoint", "mapping"],
        Value::Native(super::functions::Native::Dict) => &["fromkeys"],
        _ => &[],
    }
}

pub fn find(of: &Value, name: &str) -> Option<&'static str> {
    let known =
        |names: &'static [&'static str]| names.iter().find(|known| **known == name).copied();
    match of {
        Value::Str(text) if text.markup => known(STR).or_else(|| known(MARKUP)),
        _ => known(names(of)),
    }
}

/// Whether jinja2's immutable sandbox refuses the method.
pub fn changes(of: &Value, method: &str) -> bool {
    match of {
        Value::List(_) => LIST_CHANGES.contains(&method),
        Value::Dict(_) => DICT_CHANGES.contains(&method),
        _ => false,
    }
}

pub fn call(of: &Value, method: &'static str, args: Args) -> Outcome<Value> {
    match of {
        Value::Str(text) => match method {
            "format" => format_spec::format_method(text, args),
            "format_map" => {
                let [mapping] = args.bind("format_map", ["mapping"], 1)?;
                let Some(Value::Dict(dict)) = mapping else {
                    return raise("format_map() needs a dict");
                };
                let entries = dict.entries().iter();
                let named = entries.filter_map(|(k, v)| Some((k.as_str()?.to_owned(), v.clone())));
                format_spec::format_method(text, Args { pos: Vec::new(), named: named.collect() })
            }
            _ => methods_text::call(text, method, args),
        },
        Value::Dict(dict) => dict_method(dict, method, args),
        Value::List(seq) => match method {
            "copy" => Value::list(seq.items.clone()),
            _ => seq_method(of, seq, method, args),
        },
        Value::Tuple(seq) => seq_method(of, seq, method, args),
        Value::Loop(state) => match method {
            "cycle" => state.cycle(&args),
            _ => state.changed(args),
        },
        Value::Cycler(it) => {
            if method == "reset" {
                it.position.set(0);
                return Ok(Value::None);
            }
            let at = it.position.get() % it.items.len();
            it.position.set(at + 1);
            Ok(it.items[at].clone())
        }
        Value::Native(_) => {
            let [keys, value] = args.bind("fromkeys", ["iterable", "value"], 1)?;
            let (keys, value) = (keys.unwrap_or(Value::None), value.unwrap_or(Value::None));
            let keys = ops::items(&keys)?.into_vec();
            Dict::value(keys.into_iter().map(|key| (key, value.clone())).collect())
        }
        Value::Range(range) => {
            let items = Value::list((0..range.len()).map(|i| range.get(i)).collect())?;
            call(&items, method, args)
        }
        Value::Int(_) | Value::Bool(_) | Value::Float(_) => number_method(of, method),
        _ => raise(format!("{}.{method}() is not supported", of.type_name())),
    }
}

fn dict_method(dict: &Rc<Dict>, method: &str, args: Args) -> Outcome<Value> {
    let view = |kind| Ok(Value::View(Rc::new(View { kind, dict: dict.clone() })));
    match method {
        "items" => view(ViewKind::Items),
        "keys" => view(ViewKind::Keys),
        "values" => view(ViewKind::Values),
        "copy" => Ok(Value::Dict(dict.clone())),
        "get" => {
            if !args.named.is_empty() {
                return raise("dict.get() takes no keyword arguments");
            }
            if args.pos.is_empty() {
                return raise("get expected at least 1 argument, got 0");
            }
            if args.pos.len() > 2 {
                return raise(format!("get expected at most 2 arguments, got {}", args.pos.len()));
            }
            if let Some(value) = dict.get(&args.pos[0])? {
                return Ok(value.clone());
            }
            Ok(args.pos.get(1).cloned().unwrap_or(Value::None))
        }
        "fromkeys" => {
            let [keys, value] = args.bind("fromkeys", ["iterable", "value"], 1)?;
            let keys = ops::items(&keys.unwrap_or(Value::None))?.into_vec();
            let value = value.unwrap_or(Value::None);
            Dict::value(keys.into_iter().map(|key| (key, value.clone())).collect())
        }
        _ => raise(format!("dict.{method}() is not supported")),
    }
}

fn seq_method(of: &Value, seq: &Seq, method: &str, args: Args) -> Outcome<Value> {
    let [wanted, start, stop] = args.bind(method, ["value", "start", "stop"], 1)?;
    let wanted = wanted.unwrap_or(Value::None);
    let n = seq.items.len();
    let bound = |value: &Option<Value>, default: usize| match value.as_ref().and_then(Value::as_int)
    {
        Some(at) if at < 0 => (at + n as i128).max(0) as usize,
        Some(at) => (at as usize).min(n),
        None => default,
    };
    let mut count = 0;
    for (i, item) in seq.items.iter().enumerate() {
        if !(ops::same(item, &wanted) || ops::equal(item, &wanted)?) {
            continue;
        }
        count += 1;
        if method == "index" && i >= bound(&start, 0) && i < bound(&stop, n) {
            return Ok(Value::Int(i as i128));
        }
    }
    if method == "index" {
        return match of {
            Value::Tuple(_) => raise("tuple.index(x): x not in tuple"),
            _ => raise(format!("{} is not in list", to_repr(&wanted)?)),
        };
    }
    Ok(Value::Int(count))
}

fn number_method(of: &Value, method: &str) -> Outcome<Value> {
    match (of, method) {
        (_, "conjugate") => Ok(of.clone()),
        (Value::Float(x), "is_integer") => Ok(Value::Bool(x.is_finite() && x.fract() == 0.0)),
        (_, "bit_length" | "bit_count") => {
            let bits = of.as_int().unwrap_or(0).unsigned_abs();
            let result = match method {
                "bit_length" => 128 - bits.leading_zeros(),
                _ => bits.count_ones(),
            };
            Ok(Value::Int(result.into()))
        }
        (Value::Int(_) | Value::Bool(_), "as_integer_ratio") => {
            Value::tuple(vec![Value::Int(of.as_int().unwrap_or(0)), Value::Int(1)])
        }
        _ => limit(format!("{}.{method}() is not supported", of.type_name())),
    }
}
