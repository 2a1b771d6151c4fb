//! Functions that every template sees.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::budget;
use super::calls::Args;
use super::dict::Dict;
use super::eval::Interp;
use super::repr::{quoted, to_str};
use super::source::GENERATION;
use super::value::{Joiner, Namespace, Range, Value, SLOT};
use super::{ops, raise, strftime, Outcome};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Native {
    Range,
    Dict,
    Lipsum,
    Cycler,
    Joiner,
    Namespace,
    RaiseException,
    StrftimeNow,
    Generation,
}

impl Native {
    pub fn type_name(self) -> &'static str {
        match self {
            Native::Dict => "TemplateDict",
            Native::Cycler | Native::Joiner | Native::Namespace => "type",
            _ => "function",
        }
    }
}

pub fn global(name: &str) -> Option<Native> {
    Some(match name {
        "range" => Native::Range,
        "dict" => Native::Dict,
        "lipsum" => Native::Lipsum,
        "cycler" => Native::Cycler,
        "joiner" => Native::Joiner,
        "namespace" => Native::Namespace,
        "raise_exception" => Native::RaiseException,
        "strftime_now" => Native::StrftimeNow,
        GENERATION => Native::Generation,
        _ => return None,
    })
}

pub fn call(interp: &mut Interp<'_>, native: Native, args: Args) -> Outcome<Value> {
    match native {
        Native::Range => range(args),
        Native::Dict => Ok(Value::Dict(dict(args)?)),
        Native::Lipsum => raise("lipsum() is not available"),
        Native::Cycler if args.pos.is_empty() => raise("at least one item has to be provided"),
        Native::Cycler => Value::cycler(args.pos),
        Native::Joiner => {
            let [separator] = args.bind("joiner", ["sep"], 0)?;
            let separator = separator.map_or_else(|| Value::str(", "), Ok)?;
            Ok(Value::Joiner(Rc::new(Joiner { separator, used: Cell::new(false) })))
        }
        Native::Namespace => {
            let attrs = dict(args)?;
            let namespace = Rc::new(Namespace { attrs: RefCell::default() });
            interp.keep_namespace(&namespace);
            for (name, value) in attrs.entries() {
                set_attr(&namespace, &to_str(name)?, value.clone())?;
            }
            Ok(Value::Namespace(namespace))
        }
        Native::RaiseException => {
            let [message] = args.bind("raise_exception", ["message"], 1)?;
            // str() of jinja2's TemplateError
            match message {
                Some(Value::None) | None => raise("None"),
                Some(message) => raise(to_str(&message)?),
            }
        }
        Native::StrftimeNow => {
            let [format] = args.bind("strftime_now", ["format"], 1)?;
            match format {
                Some(Value::Str(format)) => Value::str(strftime::now(interp.limits.now, &format)?),
                other => raise(format!(
                    "strftime() argument 1 must be str, not {}",
                    other.map_or("None", |value| value.type_name())
                )),
            }
        }
        Native::Generation => {
            let mut args = args;
            match args.take_named("caller") {
                Some(caller) => interp.call(&caller, Args::default()),
                None => Value::str(""),
            }
        }
    }
}

/// The largest range that jinja2's sandbox gives.
const MAX_RANGE: usize = 100_000;

fn range(args: Args) -> Outcome<Value> {
    if args.pos.is_empty() || args.pos.len() > 3 {
        return raise(format!("range expected at least 1 argument, got {}", args.pos.len()));
    }
    let mut numbers = Vec::new();
    for arg in &args.pos {
        match (arg, arg.as_int()) {
            (_, Some(n)) if n.unsigned_abs() >> 62 == 0 => numbers.push(n),
            (_, Some(_)) => return raise("Python int too large to convert to C ssize_t"),
            (Value::Undefined(undefined), _) => return raise(undefined.message.clone()),
            _ => {
                return raise(format!(
                    "'{}' object cannot be interpreted as an integer",
                    arg.type_name()
                ))
            }
        }
    }
    let (start, stop, step) = match numbers[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        _ => (numbers[0], numbers[1], numbers[2]),
    };
    if step == 0 {
        return raise("range() arg 3 must not be zero");
    }
    let range = Range { start, stop, step };
    if range.len() > MAX_RANGE {
        return raise(format!(
            "Range too big. The sandbox blocks ranges larger than MAX_RANGE ({MAX_RANGE})."
        ));
    }
    Ok(Value::Range(Rc::new(range)))
}

/// dict(mapping or pairs, name=value ...)
fn dict(args: Args) -> Outcome<Rc<Dict>> {
    let mut entries = Vec::new();
    match args.pos.as_slice() {
        [] => {}
        [Value::Dict(dict)] => entries.extend_from_slice(dict.entries()),
        [pairs] => {
            for pair in ops::items(pairs)?.iter() {
                let pair = ops::items(pair)?;
                let [key, value] = &*pair else {
                    return raise(format!(
                        "dictionary update sequence element #{} has length {}; 2 is required",
                        entries.len(),
                        pair.len()
                    ));
                };
                entries.push((key.clone(), value.clone()));
            }
        }
        more => return raise(format!("dict expected at most 1 argument, got {}", more.len())),
    }
    for (name, value) in args.named {
        entries.push((Value::str(name)?, value));
    }
    Dict::new(entries)
}

pub fn set_attr(namespace: &Namespace, name: &str, value: Value) -> Outcome<()> {
    if name.starts_with('_') {
        return raise(format!(
            "Chat templates cannot store underscore-prefixed attributes on a namespace, but got {}. \
             Please rename the attribute.",
            quoted(name)?
        ));
    }
    let mut attrs = namespace.attrs.borrow_mut();
    match attrs.iter_mut().find(|(known, ..)| known == name) {
        Some(slot) => {
            let old = std::mem::replace(&mut slot.1, value);
            drop(attrs);
            drop(old);
        }
        None => {
            let charge = budget::charge(64 + SLOT + name.len())?;
            attrs.push((name.to_owned(), value, charge));
        }
    }
    Ok(())
}
