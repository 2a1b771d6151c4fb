//! Variables of a template, a `for` iteration, a `with` or a macro call.

use std::cell::RefCell;
use std::rc::Rc;

use super::budget::{self, Charge};
use super::tree::Name;
use super::value::{Value, SLOT};
use super::Outcome;

pub struct Scope {
    vars: RefCell<Vec<(Name, Value)>>,
    parent: Option<Rc<Scope>>,
    _charge: Charge,
}

impl Scope {
    pub fn new(parent: Option<&Rc<Scope>>) -> Outcome<Rc<Scope>> {
        let charge = budget::charge(96 + 4 * SLOT)?;
        Ok(Rc::new(Scope { vars: RefCell::default(), parent: parent.cloned(), _charge: charge }))
    }

    pub fn set(&self, name: Name, value: Value) {
        let mut vars = self.vars.borrow_mut();
        match vars.iter_mut().find(|(known, _)| *known == name) {
            Some(slot) => slot.1 = value,
            None => vars.push((name, value)),
        }
    }

    pub fn get(&self, name: Name) -> Option<Value> {
        let mut scope = self;
        loop {
            if let Some((_, value)) = scope.vars.borrow().iter().find(|(known, _)| *known == name) {
                return Some(value.clone());
            }
            scope = scope.parent.as_deref()?;
        }
    }

    /// Breaks the cycles that a macro makes with the scope that it is defined in.
    pub fn clear(&self) {
        let vars = std::mem::take(&mut *self.vars.borrow_mut());
        drop(vars);
    }
}
