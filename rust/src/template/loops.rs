//! The `loop` variable.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::budget::{self, Charge};
use super::calls::Args;
use super::ops;
use super::scope::Scope;
use super::value::{Value, SLOT};
use super::{raise, Outcome};

pub struct Loop {
    pub items: Vec<Value>,
    pub index: Cell<usize>,
    /// Nesting of `recursive` calls, from 0.
    pub level: usize,
    /// Of a recursive loop: its definition and the scope around it.
    pub recursion: Option<(usize, Rc<Scope>)>,
    pub depth_of_items: u16,
    last_changed: RefCell<Option<Vec<Value>>>,
    _charge: Charge,
}

impl Loop {
    pub fn new(
        items: Vec<Value>,
        level: usize,
        recursion: Option<(usize, Rc<Scope>)>,
    ) -> Outcome<Rc<Loop>> {
        let charge = budget::charge(128 + items.len() * SLOT)?;
        let depth_of_items = items.iter().map(Value::depth).max().unwrap_or(0);
        Ok(Rc::new(Loop {
            items,
            index: Cell::new(0),
            level,
            recursion,
            depth_of_items,
            last_changed: RefCell::default(),
            _charge: charge,
        }))
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Takes the items after the current one out of the loop.
    pub fn rest(&self) -> Vec<Value> {
        let from = (self.index.get() + 1).min(self.items.len());
        self.index.set(self.items.len());
        self.items[from..].to_vec()
    }

    pub fn attr(&self, name: &str) -> Option<Value> {
        let (i, n) = (self.index.get() as i128, self.items.len() as i128);
        let neighbour = |at: i128, what: &str| match usize::try_from(at) {
            Ok(at) if at < self.items.len() => self.items[at].clone(),
            _ => Value::undefined(format!("there is no {what} item")),
        };
        Some(match name {
            "index" => Value::Int(i + 1),
            "index0" => Value::Int(i),
            "revindex" => Value::Int(n - i),
            "revindex0" => Value::Int(n - i - 1),
            "first" => Value::Bool(i == 0),
            "last" => Value::Bool(i + 1 == n),
            "length" => Value::Int(n),
            "depth" => Value::Int(self.level as i128 + 1),
            "depth0" => Value::Int(self.level as i128),
            "previtem" => neighbour(i - 1, "previous"),
            "nextitem" => neighbour(i + 1, "next"),
            _ => return None,
        })
    }

    pub fn cycle(&self, args: &Args) -> Outcome<Value> {
        if args.pos.is_empty() {
            return raise("no items for cycling given");
        }
        Ok(args.pos[self.index.get() % args.pos.len()].clone())
    }

    pub fn changed(&self, args: Args) -> Outcome<Value> {
        let mut last = self.last_changed.borrow_mut();
        if let Some(old) = &*last {
            let mut same = old.len() == args.pos.len();
            for (a, b) in old.iter().zip(&args.pos) {
                same = same && ops::equal(a, b)?;
            }
            if same {
                return Ok(Value::Bool(false));
            }
        }
        *last = Some(args.pos);
        Ok(Value::Bool(true))
    }
}
