//! Filters of sequences and mappings.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::access;
use super::budget;
use super::calls::Args;
use super::dict::key_of;
use super::eval::Interp;
use super::filters;
use super::ops;
use super::repr::{quoted, to_str, Text};
use super::tests;
use super::tree::Arith;
use super::value::{Value, View, ViewKind};
use super::{raise, Failure, Outcome};

pub fn apply(interp: &mut Interp<'_>, name: &str, value: Value, args: Args) -> Outcome<Value> {
    match name {
        "batch" => batch(&value, args),
        "slice" => slices(&value, args),
        "dictsort" => dict_sort(&value, args),
        "first" => {
            if let Value::Iter(iter) = &value {
                if let Some(item) = iter.items.get(iter.next.get()) {
                    iter.next.set(iter.next.get() + 1);
                    return Ok(item.clone());
                }
            }
            let items = ops::items(&value)?;
            let none = || Value::undefined("No first item, sequence was empty.");
            Ok(items.first().cloned().unwrap_or_else(none))
        }
        "last" => {
            let items = reversible(&value)?;
            let none = || Value::undefined("No last item, sequence was empty.");
            Ok(items.last().cloned().unwrap_or_else(none))
        }
        "groupby" => group_by(&value, args),
        "items" => match &value {
            Value::Undefined(_) => Value::iterator(Vec::new()),
            Value::Dict(dict) => {
                let view = View { kind: ViewKind::Items, dict: dict.clone() };
                Value::iterator(ops::items(&Value::View(view.into()))?.into_vec())
            }
            _ => raise("Can only get item pairs from a mapping."),
        },
        "join" => join(&value, args),
        "list" => Value::list(ops::items(&value)?.into_vec()),
        "map" => map(interp, &value, args),
        "max" | "min" => extreme(name, &value, args),
        "reverse" => match &value {
            Value::Str(text) => {
                budget::text_work(text.text.len())?;
                Value::text(text.text.chars().rev().collect::<String>(), text.markup)
            }
            _ => {
                let Some(items) = ops::try_items(&value)? else {
                    return raise("argument must be iterable");
                };
                let mut items = items.into_vec();
                items.reverse();
                match value {
                    Value::Iter(_) => Value::list(items),
                    _ => Value::iterator(items),
                }
            }
        },
        "select" | "reject" | "selectattr" | "rejectattr" => select(name, &value, args),
        "sort" => sort(&value, args),
        "sum" => sum(&value, args),
        "unique" => unique(&value, args),
        _ => raise(format!("No filter named '{name}'.")),
    }
}

fn reversible(value: &Value) -> Outcome<ops::Items> {
    match value {
        Value::Iter(_) => raise("'generator' object is not reversible"),
        _ => match ops::try_items(value)? {
            Some(items) => Ok(items),
            None => raise(format!("'{}' object is not reversible", value.type_name())),
        },
    }
}

/// Sorts stably; the order may fail and need not be total.
pub fn merge_sort<T>(
    mut items: Vec<T>,
    order: &mut impl FnMut(&T, &T) -> Outcome<Option<Ordering>>,
) -> Outcome<Vec<T>> {
    if items.len() < 2 {
        return Ok(items);
    }
    let right = items.split_off(items.len() / 2);
    let mut left = merge_sort(items, order)?.into_iter().peekable();
    let mut right = merge_sort(right, order)?.into_iter().peekable();
    let mut merged = Vec::with_capacity(left.len() + right.len());
    loop {
        let from_right = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) => order(b, a)? == Some(Ordering::Less),
            (None, None) => return Ok(merged),
            (None, Some(_)) => true,
            (Some(_), None) => false,
        };
        merged.extend(if from_right { right.next() } else { left.next() });
    }
}

/// jinja2's make_attrgetter: a path of attributes and indices, or none for the value itself.
struct Getter {
    path: Vec<Value>,
    default: Option<Value>,
}

impl Getter {
    fn new(attribute: Option<&Value>, default: Option<Value>) -> Outcome<Getter> {
        let path = match attribute {
            None | Some(Value::None) => Vec::new(),
            Some(Value::Str(path)) => {
                let parts = path.split('.').map(|part| match part.parse::<u32>() {
                    Ok(index) if part.bytes().all(|b| b.is_ascii_digit()) => {
                        Ok(Value::Int(index.into()))
                    }
                    _ => Value::str(part),
                });
                parts.collect::<Outcome<_>>()?
            }
            Some(other) => vec![other.clone()],
        };
        Ok(Getter { path, default: default.filter(|value| !matches!(value, Value::None)) })
    }

    fn get(&self, value: &Value) -> Outcome<Value> {
        let mut value = value.clone();
        for part in &self.path {
            value = access::item(&value, part)?;
            if let (true, Some(default)) = (value.is_undefined(), &self.default) {
                value = default.clone();
            }
        }
        Ok(value)
    }
}

fn folded(value: Value, case_sensitive: bool) -> Outcome<Value> {
    match &value {
        Value::Str(text) if !case_sensitive => Value::str(text.to_lowercase()),
        _ => Ok(value),
    }
}

fn flag(value: &Option<Value>) -> bool {
    value.as_ref().is_some_and(Value::truthy)
}

fn keyed(items: Vec<Value>, getter: &Getter, case_sensitive: bool) -> Outcome<Vec<(Value, Value)>> {
    let pairs = items.into_iter().map(|item| {
        budget::steps(1)?;
        Ok((folded(getter.get(&item)?, case_sensitive)?, item))
    });
    pairs.collect()
}

fn sorted(pairs: Vec<(Value, Value)>, reverse: bool) -> Outcome<Vec<(Value, Value)>> {
    merge_sort(pairs, &mut |a, b| match reverse {
        true => ops::order(&b.0, &a.0, "<"),
        false => ops::order(&a.0, &b.0, "<"),
    })
}

fn sort(value: &Value, args: Args) -> Outcome<Value> {
    let [reverse, case_sensitive, attribute] =
        args.bind("do_sort", ["reverse", "case_sensitive", "attribute"], 0)?;
    let items = ops::items(value)?.into_vec();
    let case_sensitive = flag(&case_sensitive);
    let pairs = match attribute.as_ref().and_then(Value::as_str).filter(|path| path.contains(',')) {
        None => keyed(items, &Getter::new(attribute.as_ref(), None)?, case_sensitive)?,
        Some(paths) => {
            let getters = paths.split(',').map(|path| Getter::new(Some(&Value::str(path)?), None));
            let getters = getters.collect::<Outcome<Vec<_>>>()?;
            let mut pairs = Vec::new();
            for item in items {
                let keys = getters.iter().map(|getter| folded(getter.get(&item)?, case_sensitive));
                pairs.push((Value::list(keys.collect::<Outcome<_>>()?)?, item));
            }
            pairs
        }
    };
    Value::list(sorted(pairs, flag(&reverse))?.into_iter().map(|(_, item)| item).collect())
}

fn dict_sort(value: &Value, args: Args) -> Outcome<Value> {
    let [case_sensitive, by, reverse] =
        args.bind("do_dictsort", ["case_sensitive", "by", "reverse"], 0)?;
    let at = match by.as_ref().map_or("key", |by| by.as_str().unwrap_or("")) {
        "key" => 0,
        "value" => 1,
        _ => return raise("You can only sort by either \"key\" or \"value\""),
    };
    let Value::Dict(dict) = value else {
        return match value {
            Value::Undefined(undefined) => raise(undefined.message.clone()),
            _ => raise(format!("'{}' object has no attribute 'items'", value.type_name())),
        };
    };
    let mut pairs = Vec::new();
    for (key, value) in dict.entries() {
        let by = if at == 0 { key.clone() } else { value.clone() };
        let pair = Value::tuple(vec![key.clone(), value.clone()])?;
        pairs.push((folded(by, flag(&case_sensitive))?, pair));
    }
    Value::list(sorted(pairs, flag(&reverse))?.into_iter().map(|(_, pair)| pair).collect())
}

fn group_by(value: &Value, args: Args) -> Outcome<Value> {
    let [attribute, default, case_sensitive] =
        args.bind("do_groupby", ["attribute", "default", "case_sensitive"], 1)?;
    let getter = Getter::new(attribute.as_ref(), default)?;
    let pairs = keyed(ops::items(value)?.into_vec(), &getter, flag(&case_sensitive))?;
    let mut groups: Vec<(Value, Vec<Value>)> = Vec::new();
    for (key, item) in sorted(pairs, false)? {
        match groups.last_mut() {
            Some((last, items)) if ops::equal(last, &key)? => items.push(item),
            _ => groups.push((key, vec![item])),
        }
    }
    let tuples = groups.into_iter().map(|(_, items)| {
        let grouper = getter.get(&items[0])?;
        Value::named_tuple(vec![grouper, Value::list(items)?], &["grouper", "list"])
    });
    Value::list(tuples.collect::<Outcome<_>>()?)
}

fn unique(value: &Value, args: Args) -> Outcome<Value> {
    let [case_sensitive, attribute] = args.bind("do_unique", ["case_sensitive", "attribute"], 0)?;
    let getter = Getter::new(attribute.as_ref(), None)?;
    let (mut seen, mut kept) = (HashSet::new(), Vec::new());
    for (key, item) in keyed(ops::items(value)?.into_vec(), &getter, flag(&case_sensitive))? {
        if seen.insert(key_of(&key)?) {
            kept.push(item);
        }
    }
    Value::iterator(kept)
}

fn extreme(name: &str, value: &Value, args: Args) -> Outcome<Value> {
    let [case_sensitive, attribute] = args.bind(name, ["case_sensitive", "attribute"], 0)?;
    let getter = Getter::new(attribute.as_ref(), None)?;
    let pairs = keyed(ops::items(value)?.into_vec(), &getter, flag(&case_sensitive))?;
    let (op, wanted) = if name == "max" { (">", Ordering::Greater) } else { ("<", Ordering::Less) };
    let mut best: Option<(Value, Value)> = None;
    for pair in pairs {
        best = match best {
            Some(old) if ops::order(&pair.0, &old.0, op)? != Some(wanted) => Some(old),
            _ => Some(pair),
        };
    }
    match best {
        Some((_, item)) => Ok(item),
        None => Ok(Value::undefined("No aggregated item, sequence was empty.")),
    }
}

fn sum(value: &Value, args: Args) -> Outcome<Value> {
    let [attribute, start] = args.bind("do_sum", ["attribute", "start"], 0)?;
    let getter = Getter::new(attribute.as_ref(), None)?;
    let mut total = start.unwrap_or(Value::Int(0));
    if matches!(total, Value::Str(_)) {
        return raise("sum() can't sum strings [use ''.join(seq) instead]");
    }
    for item in ops::items(value)?.iter() {
        total = ops::arith(Arith::Add, &total, &getter.get(item)?)?;
    }
    Ok(total)
}

fn join(value: &Value, args: Args) -> Outcome<Value> {
    let [separator, attribute] = args.bind("do_join", ["d", "attribute"], 0)?;
    let separator = separator.map_or_else(|| Ok(String::new()), |d| to_str(&d))?;
    let getter = Getter::new(attribute.as_ref(), None)?;
    let mut text = Text::new();
    for (i, item) in ops::items(value)?.iter().enumerate() {
        if i > 0 {
            text.push(&separator)?;
        }
        text.push(&to_str(&getter.get(item)?)?)?;
    }
    Value::str(text.text)
}

/// A generator of what `step` gives for each item. As in Python, a failure shows when it is read.
fn generator(
    items: Vec<Value>,
    mut step: impl FnMut(Value) -> Outcome<Option<Value>>,
) -> Outcome<Value> {
    let mut given = Vec::new();
    for item in items {
        budget::steps(1)?;
        match step(item) {
            Ok(result) => given.extend(result),
            Err(failure) => match *failure {
                Failure::Raised(message) => return Value::lazy(given, Some(message)),
                other => return Err(Box::new(other)),
            },
        }
    }
    Value::iterator(given)
}

fn fails_when_read(message: impl Into<String>) -> Outcome<Value> {
    Value::lazy(Vec::new(), Some(message.into()))
}

fn map(interp: &mut Interp<'_>, value: &Value, mut args: Args) -> Outcome<Value> {
    if !value.truthy() {
        return Value::iterator(Vec::new());
    }
    if let (true, Some(attribute)) = (args.pos.is_empty(), args.take_named("attribute")) {
        let getter = Getter::new(Some(&attribute), args.take_named("default"))?;
        if let Some((name, _)) = args.named.first() {
            return fails_when_read(format!("Unexpected keyword argument {}", quoted(name)?));
        }
        return match ops::try_items(value)? {
            Some(items) => generator(items.into_vec(), |item| getter.get(&item).map(Some)),
            None => fails_when_read(not_iterable(value)),
        };
    }
    if args.pos.is_empty() {
        return fails_when_read("map requires a filter argument");
    }
    let name = to_str(&args.pos.remove(0))?;
    if !filters::is_known(&name) {
        return fails_when_read(format!("No filter named '{name}'."));
    }
    let Some(items) = ops::try_items(value)? else {
        return fails_when_read(not_iterable(value));
    };
    generator(items.into_vec(), |item| {
        let args = Args { pos: args.pos.clone(), named: args.named.clone() };
        filters::apply(interp, &name, item, args).map(Some)
    })
}

fn not_iterable(value: &Value) -> String {
    format!("'{}' object is not iterable", value.type_name())
}

fn select(name: &str, value: &Value, mut args: Args) -> Outcome<Value> {
    if !value.truthy() {
        return Value::iterator(Vec::new());
    }
    let getter = match name.ends_with("attr") {
        false => Getter::new(None, None)?,
        true if args.pos.is_empty() => {
            return fails_when_read("Missing parameter for attribute name")
        }
        true => Getter::new(Some(&args.pos.remove(0)), None)?,
    };
    let keep = name.starts_with("select");
    let test = match args.pos.is_empty() {
        true => None,
        false => Some(to_str(&args.pos.remove(0))?),
    };
    if let Some(test) = test.as_ref().filter(|test| !tests::is_known(test)) {
        return fails_when_read(format!("No test named '{test}'."));
    }
    let Some(items) = ops::try_items(value)? else {
        return fails_when_read(not_iterable(value));
    };
    generator(items.into_vec(), |item| {
        let subject = getter.get(&item)?;
        let holds = match &test {
            None => subject.truthy(),
            Some(test) => {
                let args = Args { pos: args.pos.clone(), named: args.named.clone() };
                tests::test(test, &subject, args)?
            }
        };
        Ok((holds == keep).then_some(item))
    })
}

fn count_of(value: Option<Value>, what: &str) -> Outcome<usize> {
    let value = value.unwrap_or(Value::None);
    match value.as_int() {
        Some(n) => Ok(usize::try_from(n).unwrap_or(0)),
        None => raise(format!("{what} must be an integer, not {}", value.type_name())),
    }
}

fn batch(value: &Value, args: Args) -> Outcome<Value> {
    let [size, fill] = args.bind("do_batch", ["linecount", "fill_with"], 1)?;
    let size = count_of(size, "linecount")?.max(1);
    let mut rows = Vec::new();
    for chunk in ops::items(value)?.chunks(size) {
        let mut row = chunk.to_vec();
        if let Some(fill) = fill.as_ref().filter(|fill| !matches!(fill, Value::None)) {
            budget::fits(size.saturating_mul(super::value::SLOT))?;
            row.resize(size, fill.clone());
        }
        rows.push(Value::list(row)?);
    }
    Value::iterator(rows)
}

fn slices(value: &Value, args: Args) -> Outcome<Value> {
    let [count, fill] = args.bind("sync_do_slice", ["slices", "fill_with"], 1)?;
    let count = count_of(count, "slices")?;
    if count == 0 {
        return raise("integer division or modulo by zero");
    }
    budget::fits(count.saturating_mul(128))?;
    let items = ops::items(value)?;
    let (each, longer) = (items.len() / count, items.len() % count);
    let (mut rows, mut from) = (Vec::new(), 0);
    for i in 0..count {
        let len = each + usize::from(i < longer);
        let mut row = items[from..from + len].to_vec();
        from += len;
        if let Some(fill) = fill.as_ref().filter(|fill| !matches!(fill, Value::None) && i >= longer)
        {
            row.push(fill.clone());
        }
        rows.push(Value::list(row)?);
    }
    Value::iterator(rows)
}
