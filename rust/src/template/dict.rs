//! Python's dict: insertion order, keys equal across number types.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::budget::{self, Charge, MAX_DEPTH};
use super::value::{Str, Value, SLOT};
use super::{limit, raise, Outcome};

/// A key by which equal Python values are equal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Key {
    None,
    Undefined,
    Int(i128),
    Float(u64),
    Str(Text),
    Tuple(Vec<Key>),
    /// Functions and the like: by identity.
    Object(usize),
}

#[derive(Clone)]
pub struct Text(Rc<Str>);

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Text {}

impl std::hash::Hash for Text {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

pub fn key_of(value: &Value) -> Outcome<Key> {
    budget::steps(1)?;
    Ok(match value {
        Value::None => Key::None,
        Value::Undefined(_) => Key::Undefined,
        Value::Bool(_) | Value::Int(_) => Key::Int(value.as_int().unwrap_or(0)),
        Value::Float(x) if x.fract() == 0.0 && x.abs() < 1e30 => Key::Int(*x as i128),
        Value::Float(x) => Key::Float(x.to_bits()),
        Value::Str(text) => {
            budget::text_work(text.text.len())?;
            Key::Str(Text(text.clone()))
        }
        Value::Tuple(seq) => Key::Tuple(seq.items.iter().map(key_of).collect::<Outcome<_>>()?),
        Value::List(_) | Value::Dict(_) => {
            return raise(format!("unhashable type: '{}'", value.type_name()))
        }
        other => Key::Object(super::ops::identity(other)),
    })
}

pub struct Dict {
    entries: Vec<(Value, Value)>,
    /// Built at the first lookup in a dict that is not tiny.
    index: OnceCell<HashMap<Key, usize>>,
    pub depth: u16,
    _charge: Charge,
}

const SCAN: usize = 8;
const ENTRY: usize = 2 * SLOT + 72;

impl Dict {
    /// Of entries whose keys differ.
    fn from_unique(entries: Vec<(Value, Value)>) -> Outcome<Rc<Dict>> {
        let charge = budget::charge(96 + entries.capacity() * ENTRY)?;
        let depth = entries.iter().map(|(k, v)| k.depth().max(v.depth())).max().unwrap_or(0) + 1;
        if depth > MAX_DEPTH {
            return limit(format!("values nest deeper than {MAX_DEPTH}"));
        }
        Ok(Rc::new(Dict { entries, index: OnceCell::new(), depth, _charge: charge }))
    }

    /// A later entry with an equal key replaces the value and keeps the place.
    pub fn new(entries: Vec<(Value, Value)>) -> Outcome<Rc<Dict>> {
        budget::steps(1 + entries.len())?;
        let _room = budget::charge(entries.len() * ENTRY)?;
        let mut places: HashMap<Key, usize> = HashMap::with_capacity(entries.len());
        let mut unique: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            match places.entry(key_of(&key)?) {
                std::collections::hash_map::Entry::Occupied(place) => {
                    unique[*place.get()].1 = value;
                }
                std::collections::hash_map::Entry::Vacant(place) => {
                    place.insert(unique.len());
                    unique.push((key, value));
                }
            }
        }
        Self::from_unique(unique)
    }

    pub fn value(entries: Vec<(Value, Value)>) -> Outcome<Value> {
        Ok(Value::Dict(Self::new(entries)?))
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn entries(&self) -> &[(Value, Value)] {
        &self.entries
    }

    pub fn get_str(&self, name: &str) -> Outcome<Option<&Value>> {
        budget::steps(1)?;
        if self.entries.len() <= SCAN {
            let found = self.entries.iter().find(|(key, _)| key.as_str() == Some(name));
            return Ok(found.map(|(_, value)| value));
        }
        self.get(&Value::str(name)?)
    }

    pub fn get(&self, key: &Value) -> Outcome<Option<&Value>> {
        let wanted = key_of(key)?;
        if self.entries.len() <= SCAN {
            for (key, value) in &self.entries {
                if key_of(key)? == wanted {
                    return Ok(Some(value));
                }
            }
            return Ok(None);
        }
        let index = match self.index.get() {
            Some(index) => index,
            None => {
                budget::steps(self.entries.len())?;
                let keys = self.entries.iter().enumerate();
                let built =
                    keys.map(|(i, (key, _))| Ok((key_of(key)?, i))).collect::<Outcome<_>>()?;
                self.index.get_or_init(|| built)
            }
        };
        Ok(index.get(&wanted).map(|i| &self.entries[*i].1))
    }
}
