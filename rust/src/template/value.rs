//! Values as templates see them: Python's, immutable except namespaces, charged to the budget.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use super::budget::{self, Charge, MAX_DEPTH};
use super::calls::{Bound, Macro};
use super::dict::Dict;
use super::functions::Native;
use super::loops::Loop;
use super::{limit, Outcome};

#[derive(Clone)]
pub enum Value {
    Undefined(Rc<Undefined>),
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Rc<Str>),
    List(Rc<Seq>),
    Tuple(Rc<Seq>),
    Dict(Rc<Dict>),
    Range(Rc<Range>),
    View(Rc<View>),
    Iter(Rc<Iter>),
    Namespace(Rc<Namespace>),
    Macro(Rc<Macro>),
    Bound(Rc<Bound>),
    Native(Native),
    Loop(Rc<Loop>),
    Cycler(Rc<Cycler>),
    Joiner(Rc<Joiner>),
}

/// What using an undefined value raises.
pub struct Undefined {
    pub message: String,
}

pub struct Str {
    pub text: Box<str>,
    /// Marked safe: operators escape what they join it with.
    pub markup: bool,
    chars: OnceCell<usize>,
    _charge: Charge,
}

impl Str {
    /// Length in characters.
    pub fn len(&self) -> usize {
        *self.chars.get_or_init(|| self.text.chars().count())
    }

    pub fn is_ascii(&self) -> bool {
        self.len() == self.text.len()
    }
}

impl std::ops::Deref for Str {
    type Target = str;
    fn deref(&self) -> &str {
        &self.text
    }
}

/// A list or a tuple.
pub struct Seq {
    pub items: Vec<Value>,
    /// Attribute names of a named tuple.
    pub fields: &'static [&'static str],
    pub depth: u16,
    _charge: Charge,
}

pub struct Range {
    pub start: i128,
    pub stop: i128,
    pub step: i128,
}

impl Range {
    pub fn len(&self) -> usize {
        let (span, step) = match self.step > 0 {
            true => (self.stop - self.start, self.step),
            false => (self.start - self.stop, -self.step),
        };
        if span <= 0 {
            return 0;
        }
        ((span + step - 1) / step) as usize
    }

    pub fn get(&self, index: usize) -> Value {
        Value::Int(self.start + self.step * index as i128)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    Keys,
    Values,
    Items,
}

pub struct View {
    pub kind: ViewKind,
    pub dict: Rc<Dict>,
}

/// A generator, iterator or reversed view: its items are read once.
pub struct Iter {
    pub items: Vec<Value>,
    pub next: Cell<usize>,
    /// What reading past the items raises.
    pub failure: Option<String>,
    pub depth: u16,
    _charge: Charge,
}

pub struct Namespace {
    pub attrs: RefCell<Vec<(String, Value, Charge)>>,
}

pub struct Cycler {
    pub items: Vec<Value>,
    pub position: Cell<usize>,
    pub depth: u16,
}

pub struct Joiner {
    pub separator: Value,
    pub used: Cell<bool>,
}

const STR_OVERHEAD: usize = 80;
pub const SLOT: usize = std::mem::size_of::<Value>();

fn deeper(items: &[Value]) -> Outcome<u16> {
    let depth = items.iter().map(Value::depth).max().unwrap_or(0) + 1;
    if depth > MAX_DEPTH {
        return limit(format!("values nest deeper than {MAX_DEPTH}"));
    }
    Ok(depth)
}

fn seq(items: Vec<Value>, fields: &'static [&'static str]) -> Outcome<Rc<Seq>> {
    let charge = budget::charge(64 + items.capacity() * SLOT)?;
    budget::steps(1 + items.len() / 4)?;
    let depth = deeper(&items)?;
    Ok(Rc::new(Seq { items, fields, depth, _charge: charge }))
}

impl Value {
    pub fn str(text: impl Into<String>) -> Outcome<Value> {
        Self::text(text.into(), false)
    }

    pub fn markup(text: String) -> Outcome<Value> {
        Self::text(text, true)
    }

    pub fn text(text: String, markup: bool) -> Outcome<Value> {
        budget::text_work(text.len())?;
        let charge = budget::charge(STR_OVERHEAD + text.len())?;
        let text = text.into_boxed_str();
        Ok(Value::Str(Rc::new(Str { text, markup, chars: OnceCell::new(), _charge: charge })))
    }

    pub fn list(items: Vec<Value>) -> Outcome<Value> {
        Ok(Value::List(seq(items, &[])?))
    }

    pub fn tuple(items: Vec<Value>) -> Outcome<Value> {
        Ok(Value::Tuple(seq(items, &[])?))
    }

    pub fn named_tuple(items: Vec<Value>, fields: &'static [&'static str]) -> Outcome<Value> {
        Ok(Value::Tuple(seq(items, fields)?))
    }

    pub fn iterator(items: Vec<Value>) -> Outcome<Value> {
        Self::lazy(items, None)
    }

    /// A generator that gives the items and then fails.
    pub fn lazy(items: Vec<Value>, failure: Option<String>) -> Outcome<Value> {
        let charge = budget::charge(64 + items.capacity() * SLOT)?;
        let depth = deeper(&items)?;
        let next = Cell::new(0);
        Ok(Value::Iter(Rc::new(Iter { items, next, failure, depth, _charge: charge })))
    }

    pub fn cycler(items: Vec<Value>) -> Outcome<Value> {
        let depth = deeper(&items)?;
        Ok(Value::Cycler(Rc::new(Cycler { items, position: Cell::new(0), depth })))
    }

    pub fn undefined(message: impl Into<String>) -> Value {
        Value::Undefined(Rc::new(Undefined { message: message.into() }))
    }

    /// How deep containers nest below this value.
    pub fn depth(&self) -> u16 {
        match self {
            Value::List(seq) | Value::Tuple(seq) => seq.depth,
            Value::Dict(dict) => dict.depth,
            Value::View(view) => view.dict.depth + 1,
            Value::Iter(iter) => iter.depth,
            Value::Loop(state) => state.depth_of_items + 1,
            Value::Bound(bound) => bound.of.depth() + 1,
            Value::Cycler(cycler) => cycler.depth,
            Value::Joiner(joiner) => joiner.separator.depth() + 1,
            _ => 0,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Integer value of an int or bool.
    pub fn as_int(&self) -> Option<i128> {
        match self {
            Value::Int(value) => Some(*value),
            Value::Bool(value) => Some(i128::from(*value)),
            _ => None,
        }
    }

    pub fn is_undefined(&self) -> bool {
        matches!(self, Value::Undefined(_))
    }

    /// Python's bool().
    pub fn truthy(&self) -> bool {
        match self {
            Value::Undefined(_) | Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Str(text) => !text.is_empty(),
            Value::List(seq) | Value::Tuple(seq) => !seq.items.is_empty(),
            Value::Dict(dict) => dict.len() > 0,
            Value::Range(range) => range.len() > 0,
            Value::View(view) => view.dict.len() > 0,
            Value::Loop(state) => state.len() > 0,
            _ => true,
        }
    }

    /// Name of the value's Python type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Undefined(_) => "Undefined",
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::Str(text) if text.markup => "Markup",
            Value::Str(_) => "str",
            Value::List(_) => "list",
            Value::Tuple(seq) if !seq.fields.is_empty() => "_GroupTuple",
            Value::Tuple(_) => "tuple",
            Value::Dict(_) => "dict",
            Value::Range(_) => "range",
            Value::View(view) => match view.kind {
                ViewKind::Keys => "dict_keys",
                ViewKind::Values => "dict_values",
                ViewKind::Items => "dict_items",
            },
            Value::Iter(_) => "generator",
            Value::Namespace(_) => "TemplateNamespace",
            Value::Macro(_) => "Macro",
            Value::Bound(_) => "builtin_function_or_method",
            Value::Native(native) => native.type_name(),
            Value::Loop(_) => "LoopContext",
            Value::Cycler(_) => "Cycler",
            Value::Joiner(_) => "Joiner",
        }
    }

    /// As jinja2.utils.object_type_repr.
    pub fn object_type(&self) -> String {
        match self {
            Value::None => "None".into(),
            Value::Namespace(_) => {
                "transformers.utils.chat_template_utils.TemplateNamespace object".into()
            }
            Value::Macro(_) | Value::Loop(_) | Value::Undefined(_) => {
                format!("jinja2.runtime.{} object", self.type_name())
            }
            Value::Cycler(_) | Value::Joiner(_) => {
                format!("jinja2.utils.{} object", self.type_name())
            }
            Value::Str(text) if text.markup => "markupsafe.Markup object".into(),
            Value::Tuple(seq) if !seq.fields.is_empty() => {
                "jinja2.filters._GroupTuple object".into()
            }
            _ => format!("{} object", self.type_name()),
        }
    }
}
