//! Calling: arguments, macros, bound methods.

use std::rc::Rc;

use super::dict::Dict;
use super::eval::Interp;
use super::repr::quoted;
use super::scope::Scope;
use super::tree::{Arg, MacroDef, CALLER, KWARGS, VARARGS};
use super::value::Value;
use super::{functions, methods, raise, Outcome};

/// A method and the value that it belongs to.
pub struct Bound {
    pub of: Value,
    pub method: &'static str,
}

pub struct Macro {
    pub def: usize,
    name: String,
    scope: Rc<Scope>,
}

impl Macro {
    pub fn new(def: usize, name: String, scope: Rc<Scope>) -> Rc<Macro> {
        Rc::new(Macro { def, name, scope })
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Default)]
pub struct Args {
    pub pos: Vec<Value>,
    pub named: Vec<(String, Value)>,
}

impl Args {
    pub fn of(pos: Vec<Value>) -> Args {
        Args { pos, named: Vec::new() }
    }

    pub fn take_named(&mut self, name: &str) -> Option<Value> {
        let at = self.named.iter().position(|(known, _)| known == name)?;
        Some(self.named.remove(at).1)
    }

    /// The arguments by parameter, as a Python function with these parameters takes them.
    pub fn bind<const N: usize>(
        mut self,
        function: &str,
        params: [&str; N],
        required: usize,
    ) -> Outcome<[Option<Value>; N]> {
        if self.pos.len() > N {
            return raise(format!(
                "{function}() takes at most {N} arguments ({} given)",
                self.pos.len() + self.named.len()
            ));
        }
        let mut bound = [const { None }; N];
        for (slot, value) in bound.iter_mut().zip(std::mem::take(&mut self.pos)) {
            *slot = Some(value);
        }
        for (name, value) in self.named {
            match params.iter().position(|param| *param == name) {
                Some(at) if bound[at].is_none() => bound[at] = Some(value),
                Some(_) => {
                    return raise(format!("{function}() got multiple values for argument '{name}'"))
                }
                None => {
                    return raise(format!(
                        "{function}() got an unexpected keyword argument '{name}'"
                    ))
                }
            }
        }
        for (param, value) in params.iter().zip(&bound).take(required) {
            if value.is_none() {
                return raise(format!(
                    "{function}() missing 1 required positional argument: '{param}'"
                ));
            }
        }
        Ok(bound)
    }
}

impl<'t> Interp<'t> {
    pub fn args(&mut self, args: &'t [Arg], scope: &Rc<Scope>) -> Outcome<Args> {
        let mut result = Args { pos: Vec::with_capacity(args.len()), named: Vec::new() };
        for arg in args {
            match arg {
                Arg::Pos(expr) => result.pos.push(self.eval(expr, scope)?),
                Arg::Named(name, expr) => {
                    let value = self.eval(expr, scope)?;
                    result.named.push((name.clone(), value));
                }
                Arg::Spread(expr) => {
                    let value = self.eval(expr, scope)?;
                    result.pos.extend_from_slice(&super::ops::items(&value)?);
                }
                Arg::SpreadNamed(expr) => {
                    let value = self.eval(expr, scope)?;
                    let Value::Dict(dict) = &value else {
                        return raise("argument after ** must be a mapping");
                    };
                    for (key, value) in dict.entries() {
                        let Some(name) = key.as_str() else {
                            return raise("keywords must be strings");
                        };
                        result.named.push((name.to_owned(), value.clone()));
                    }
                }
            }
        }
        Ok(result)
    }

    pub fn call(&mut self, callee: &Value, args: Args) -> Outcome<Value> {
        match callee {
            Value::Macro(it) => self.call_macro(it, args),
            Value::Bound(bound) => methods::call(&bound.of, bound.method, args),
            Value::Native(native) => functions::call(self, *native, args),
            Value::Loop(state) => match &state.recursion {
                None => {
                    raise("The loop must have the 'recursive' marker to be called recursively.")
                }
                Some((def, scope)) => {
                    let [iterable] = args.bind("__call__", ["iterable"], 1)?;
                    let iterable = iterable.unwrap_or(Value::None);
                    self.capture(|interp| interp.run_loop(*def, &iterable, scope, state.level + 1))
                }
            },
            Value::Joiner(joiner) => match joiner.used.replace(true) {
                false => Value::str(""),
                true => Ok(joiner.separator.clone()),
            },
            Value::Undefined(u) => raise(u.message.clone()),
            other => raise(format!("'{}' object is not callable", other.type_name())),
        }
    }

    fn call_macro(&mut self, it: &Rc<Macro>, mut args: Args) -> Outcome<Value> {
        let tree = self.tree;
        let def = &tree.macros[it.def];
        let scope = Scope::new(Some(&it.scope))?;
        let caller = match def.uses_caller {
            true => args.take_named("caller"),
            false => None,
        };
        self.bind_params(def, &mut args, &scope)?;
        if def.uses_caller && !def.params.contains(&CALLER) {
            scope.set(CALLER, caller.unwrap_or_else(|| Value::undefined("No caller defined")));
        }
        if def.uses_kwargs {
            let named = std::mem::take(&mut args.named).into_iter();
            let entries = named.map(|(name, value)| Ok((Value::str(name)?, value)));
            scope.set(KWARGS, Dict::value(entries.collect::<Outcome<_>>()?)?);
        } else if let Some((name, _)) = args.named.first() {
            let this = quoted(it.name())?;
            return raise(match name == "caller" {
                true => format!(
                    "macro {this} was invoked with two values for the special caller argument. \
                     This is most likely a bug."
                ),
                false => format!("macro {this} takes no keyword argument {}", quoted(name)?),
            });
        }
        let extra: Vec<Value> = args.pos.drain(def.params.len().min(args.pos.len())..).collect();
        if def.uses_varargs {
            scope.set(VARARGS, Value::tuple(extra)?);
        } else if !extra.is_empty() {
            return raise(format!(
                "macro {} takes not more than {} argument(s)",
                quoted(it.name())?,
                def.params.len()
            ));
        }
        self.fill_defaults(def, &args, &scope)?;
        self.capture(|interp| interp.exec(&def.body, &scope).map(drop))
    }

    /// Sets the parameters that the call gives, and takes the named ones out of `args`.
    fn bind_params(&mut self, def: &MacroDef, args: &mut Args, scope: &Scope) -> Outcome<()> {
        for (i, param) in def.params.iter().enumerate() {
            if let Some(value) = args.pos.get(i) {
                scope.set(*param, value.clone());
            } else if let Some(value) = args.take_named(&self.tree.names[*param as usize]) {
                scope.set(*param, value);
            } else {
                scope.set(*param, Value::undefined(UNSET));
            }
        }
        Ok(())
    }

    fn fill_defaults(&mut self, def: &'t MacroDef, args: &Args, scope: &Rc<Scope>) -> Outcome<()> {
        let first_default = def.params.len() - def.defaults.len();
        for (i, param) in def.params.iter().enumerate().skip(args.pos.len().min(def.params.len())) {
            match scope.get(*param) {
                Some(Value::Undefined(u)) if u.message == UNSET => {}
                _ => continue,
            }
            let value = match i.checked_sub(first_default) {
                Some(at) => self.eval(&def.defaults[at], scope)?,
                None => Value::undefined(format!(
                    "parameter {} was not provided",
                    quoted(&self.tree.names[*param as usize])?
                )),
            };
            scope.set(*param, value);
        }
        Ok(())
    }
}

/// Marks a parameter that has no value yet. No template can make this message.
const UNSET: &str = "\u{0}unset";
