//! Runs a compiled template.

use std::rc::Rc;

use super::budget;
use super::calls::{Args, Macro};
use super::dict::Dict;
use super::loops::Loop;
use super::repr::{quoted, to_str, Text};
use super::scope::Scope;
use super::tree::{Expr, FilterStep, Literal, Name, Stmt, Target, Tree, LOOP};
use super::value::{Namespace, Value};
use super::{access, filters, functions, limit, ops, raise, tests, Limits, Outcome};

/// Expressions, statements and calls inside each other: keeps well within the thread's stack.
const MAX_NESTING: usize = 2500;

pub struct Interp<'t> {
    pub tree: &'t Tree,
    pub limits: Limits,
    literals: Vec<Value>,
    /// The variables given, by name.
    context: Vec<Option<Value>>,
    nesting: usize,
    outputs: Vec<String>,
    output_bytes: usize,
    // May be part of reference cycles; emptied at the end.
    namespaces: Vec<Rc<Namespace>>,
    macro_scopes: Vec<Rc<Scope>>,
    macros: Vec<Rc<Macro>>,
}

#[derive(PartialEq, Eq)]
pub enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> Interp<'t> {
    pub fn new(tree: &'t Tree, variables: &Dict, limits: &Limits) -> Outcome<Self> {
        let literals = tree.literals.iter().map(|literal| match literal {
            Literal::Str(text) => Value::str(text.as_str()),
            Literal::Int(value) => Ok(Value::Int(*value)),
            Literal::Float(value) => Ok(Value::Float(*value)),
        });
        let literals = literals.collect::<Outcome<_>>()?;
        let context = tree.names.iter().map(|name| Ok(variables.get_str(name)?.cloned()));
        Ok(Interp {
            tree,
            limits: *limits,
            literals,
            context: context.collect::<Outcome<_>>()?,
            nesting: 0,
            outputs: Vec::new(),
            output_bytes: 0,
            namespaces: Vec::new(),
            macro_scopes: Vec::new(),
            macros: Vec::new(),
        })
    }

    pub fn run(&mut self) -> Outcome<String> {
        let tree = self.tree;
        let scope = Scope::new(None)?;
        self.outputs.push(String::new());
        self.exec(&tree.body, &scope)?;
        Ok(self.outputs.pop().unwrap_or_default())
    }

    fn write(&mut self, text: &str) -> Outcome<()> {
        budget::text_work(text.len())?;
        self.output_bytes += text.len();
        if self.output_bytes as u64 > self.limits.output_bytes {
            return limit(format!(
                "the chat template writes more than {} bytes",
                self.limits.output_bytes
            ));
        }
        if let Some(out) = self.outputs.last_mut() {
            out.push_str(text);
        }
        Ok(())
    }

    /// What `work` writes, as a value.
    pub fn capture(&mut self, work: impl FnOnce(&mut Self) -> Outcome<()>) -> Outcome<Value> {
        self.outputs.push(String::new());
        if self.outputs.len() > MAX_NESTING {
            return limit("the chat template nests too deeply");
        }
        work(self)?;
        let text = self.outputs.pop().unwrap_or_default();
        self.output_bytes -= text.len();
        Value::str(text)
    }

    pub fn keep_namespace(&mut self, namespace: &Rc<Namespace>) {
        self.namespaces.push(namespace.clone());
    }

    fn define_macro(&mut self, def: usize, name: &str, scope: &Rc<Scope>) -> Outcome<Value> {
        budget::steps(1)?;
        if self.macros.len() >= 100_000 {
            return limit("the chat template defines too many macros");
        }
        let it = Macro::new(def, name.to_owned(), scope.clone());
        self.macros.push(it.clone());
        if !self.macro_scopes.last().is_some_and(|last| Rc::ptr_eq(last, scope)) {
            self.macro_scopes.push(scope.clone());
        }
        Ok(Value::Macro(it))
    }

    fn deeper(&mut self) -> Outcome<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return limit(
                "the chat template calls itself too often (maximum recursion depth exceeded)",
            );
        }
        budget::steps(1)
    }

    pub fn exec(&mut self, body: &'t [Stmt], scope: &Rc<Scope>) -> Outcome<Flow> {
        self.deeper()?;
        let mut flow = Flow::Next;
        for stmt in body {
            flow = self.statement(stmt, scope)?;
            if flow != Flow::Next {
                break;
            }
        }
        self.nesting -= 1;
        Ok(flow)
    }

    fn statement(&mut self, stmt: &'t Stmt, scope: &Rc<Scope>) -> Outcome<Flow> {
        match stmt {
            Stmt::Text(text) => self.write(text)?,
            Stmt::Print(expr) => match self.eval(expr, scope)? {
                Value::Str(text) => self.write(&text)?,
                value => self.write(&to_str(&value)?)?,
            },
            Stmt::For(def) => {
                let iterable = self.eval(&self.tree.loops[*def].iter, scope)?;
                self.run_loop(*def, &iterable, scope, 0)?;
            }
            Stmt::If(branches) => {
                for (test, body) in branches {
                    let taken = match test {
                        Some(test) => self.eval(test, scope)?.truthy(),
                        None => true,
                    };
                    if taken {
                        return self.exec(body, scope);
                    }
                }
            }
            Stmt::With(assignments, body) => {
                let inner = Scope::new(Some(scope))?;
                let mut values = Vec::with_capacity(assignments.len());
                for (_, expr) in assignments {
                    values.push(self.eval(expr, scope)?);
                }
                for ((target, _), value) in assignments.iter().zip(values) {
                    self.assign(target, value, &inner)?;
                }
                return self.exec(body, &inner);
            }
            Stmt::Set(target, expr) => {
                let value = self.eval(expr, scope)?;
                self.assign(target, value, scope)?;
            }
            Stmt::SetBlock(target, filters, body) => {
                let value = self.block(filters, body, scope)?;
                self.assign(target, value, scope)?;
            }
            Stmt::FilterBlock(filters, body) => {
                let value = self.block(filters, body, scope)?;
                self.write(&to_str(&value)?)?;
            }
            Stmt::Scoped(body) => return self.exec(body, &Scope::new(Some(scope))?),
            Stmt::Macro(name, def) => {
                let it = self.define_macro(*def, &self.tree.macros[*def].name, scope)?;
                scope.set(*name, it);
            }
            Stmt::CallBlock(call, def) => {
                let value = self.call_block(call, *def, scope)?;
                self.write(&to_str(&value)?)?;
            }
            Stmt::Continue => return Ok(Flow::Continue),
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Fail(message) => return raise(message.clone()),
        }
        Ok(Flow::Next)
    }

    fn block(
        &mut self,
        filters: &'t [FilterStep],
        body: &'t [Stmt],
        scope: &Rc<Scope>,
    ) -> Outcome<Value> {
        let inner = Scope::new(Some(scope))?;
        let mut value = self.capture(|interp| interp.exec(body, &inner).map(drop))?;
        for step in filters {
            let args = self.args(&step.args, scope)?;
            value = filters::apply(self, &step.name, value, args)?;
        }
        Ok(value)
    }

    fn call_block(&mut self, call: &'t Expr, def: usize, scope: &Rc<Scope>) -> Outcome<Value> {
        let caller = self.define_macro(def, "caller", scope)?;
        let Expr::Call(callee, args) = call else {
            return raise("call block without a call");
        };
        let callee = self.eval(callee, scope)?;
        let mut args = self.args(args, scope)?;
        args.named.push(("caller".to_owned(), caller));
        self.call(&callee, args)
    }

    pub fn run_loop(
        &mut self,
        def: usize,
        iterable: &Value,
        scope: &Rc<Scope>,
        level: usize,
    ) -> Outcome<()> {
        let tree = self.tree;
        let definition = &tree.loops[def];
        self.deeper()?;
        let mut items = ops::items(iterable)?.into_vec();
        if let Some(filter) = &definition.filter {
            let mut kept = Vec::new();
            for item in items {
                let inner = Scope::new(Some(scope))?;
                self.assign(&definition.target, item.clone(), &inner)?;
                if self.eval(filter, &inner)?.truthy() {
                    kept.push(item);
                }
            }
            items = kept;
        }
        if items.is_empty() {
            self.exec(&definition.otherwise, &Scope::new(Some(scope))?)?;
        } else {
            let recursion = definition.recursive.then(|| (def, scope.clone()));
            let state = Loop::new(items, level, recursion)?;
            while state.index.get() < state.len() {
                let inner = Scope::new(Some(scope))?;
                inner.set(LOOP, Value::Loop(state.clone()));
                let item = state.items[state.index.get()].clone();
                self.assign(&definition.target, item, &inner)?;
                if self.exec(&definition.body, &inner)? == Flow::Break {
                    break;
                }
                state.index.set(state.index.get() + 1);
            }
        }
        self.nesting -= 1;
        Ok(())
    }

    fn assign(&mut self, target: &'t Target, value: Value, scope: &Rc<Scope>) -> Outcome<()> {
        match target {
            Target::Name(name) => scope.set(*name, value),
            Target::Attr(name, attr) => {
                let Value::Namespace(namespace) = self.lookup(*name, scope)? else {
                    return raise("cannot assign attribute on non-namespace object");
                };
                functions::set_attr(&namespace, attr, value)?;
            }
            Target::Tuple(targets) => {
                let Some(items) = ops::try_items(&value)? else {
                    return raise(format!(
                        "cannot unpack non-iterable {} object",
                        value.type_name()
                    ));
                };
                let (wanted, got) = (targets.len(), items.len());
                if got < wanted {
                    return raise(format!(
                        "not enough values to unpack (expected {wanted}, got {got})"
                    ));
                }
                if got > wanted {
                    return raise(format!("too many values to unpack (expected {wanted})"));
                }
                for (target, item) in targets.iter().zip(items.iter()) {
                    self.assign(target, item.clone(), scope)?;
                }
            }
        }
        Ok(())
    }

    fn lookup(&mut self, name: Name, scope: &Rc<Scope>) -> Outcome<Value> {
        if let Some(value) = scope.get(name) {
            return Ok(value);
        }
        if let Some(value) = &self.context[name as usize] {
            return Ok(value.clone());
        }
        let name = &self.tree.names[name as usize];
        match functions::global(name) {
            Some(native) => Ok(Value::Native(native)),
            None => Ok(Value::undefined(format!("{} is undefined", quoted(name)?))),
        }
    }

    pub fn eval(&mut self, expr: &'t Expr, scope: &Rc<Scope>) -> Outcome<Value> {
        self.deeper()?;
        let value = self.expression(expr, scope)?;
        self.nesting -= 1;
        Ok(value)
    }

    fn eval_all(&mut self, exprs: &'t [Expr], scope: &Rc<Scope>) -> Outcome<Vec<Value>> {
        exprs.iter().map(|expr| self.eval(expr, scope)).collect()
    }

    fn eval_or_none(&mut self, expr: &'t Option<Expr>, scope: &Rc<Scope>) -> Outcome<Value> {
        match expr {
            Some(expr) => self.eval(expr, scope),
            None => Ok(Value::None),
        }
    }

    fn expression(&mut self, expr: &'t Expr, scope: &Rc<Scope>) -> Outcome<Value> {
        Ok(match expr {
            Expr::None => Value::None,
            Expr::Bool(value) => Value::Bool(*value),
            Expr::Literal(at) => self.literals[*at].clone(),
            Expr::Name(name) => self.lookup(*name, scope)?,
            Expr::Attr(of, name) => access::attr(&self.eval(of, scope)?, name)?,
            Expr::Item(of, key) => {
                let of = self.eval(of, scope)?;
                access::item(&of, &self.eval(key, scope)?)?
            }
            Expr::Slice(slice) => {
                let of = self.eval(&slice.of, scope)?;
                let start = self.eval_or_none(&slice.start, scope)?;
                let stop = self.eval_or_none(&slice.stop, scope)?;
                let step = self.eval_or_none(&slice.step, scope)?;
                access::slice(&of, &start, &stop, &step)?
            }
            Expr::Not(of) => Value::Bool(!self.eval(of, scope)?.truthy()),
            Expr::Neg(of) => ops::negate(&self.eval(of, scope)?)?,
            Expr::Arith(op, a, b) => {
                let a = self.eval(a, scope)?;
                ops::arith(*op, &a, &self.eval(b, scope)?)?
            }
            Expr::Concat(parts) => self.concat(parts, scope)?,
            Expr::And(a, b) => match self.eval(a, scope)? {
                a if a.truthy() => self.eval(b, scope)?,
                a => a,
            },
            Expr::Or(a, b) => match self.eval(a, scope)? {
                a if a.truthy() => a,
                _ => self.eval(b, scope)?,
            },
            Expr::Compare(first, rest) => {
                let mut left = self.eval(first, scope)?;
                for (op, right) in rest {
                    let right = self.eval(right, scope)?;
                    if !ops::compare(*op, &left, &right)? {
                        return Ok(Value::Bool(false));
                    }
                    left = right;
                }
                Value::Bool(true)
            }
            Expr::Choose(choose) => match (self.eval(&choose.test, scope)?.truthy(), &choose.no) {
                (true, _) => self.eval(&choose.yes, scope)?,
                (false, Some(no)) => self.eval(no, scope)?,
                (false, None) => Value::undefined(format!(
                    "the inline if-expression on line {} evaluated to false and no else section was defined.",
                    choose.line
                )),
            },
            Expr::Filter(of, step) => {
                let value = self.eval(of, scope)?;
                let args = self.args(&step.args, scope)?;
                filters::apply(self, &step.name, value, args)?
            }
            Expr::Test(of, step) => {
                let value = self.eval(of, scope)?;
                let args: Args = self.args(&step.args, scope)?;
                Value::Bool(tests::test(&step.name, &value, args)?)
            }
            Expr::Call(callee, args) => {
                let callee = self.eval(callee, scope)?;
                let args = self.args(args, scope)?;
                self.call(&callee, args)?
            }
            Expr::List(items) => Value::list(self.eval_all(items, scope)?)?,
            Expr::Tuple(items) => Value::tuple(self.eval_all(items, scope)?)?,
            Expr::Dict(entries) => {
                let mut result = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    result.push((self.eval(key, scope)?, self.eval(value, scope)?));
                }
                Dict::value(result)?
            }
        })
    }

    fn concat(&mut self, parts: &'t [Expr], scope: &Rc<Scope>) -> Outcome<Value> {
        let mut text = Text::new();
        for part in parts {
            match self.eval(part, scope)? {
                Value::Str(part) => text.push(&part)?,
                value => text.push(&to_str(&value)?)?,
            }
        }
        Value::str(text.text)
    }
}

impl Drop for Interp<'_> {
    fn drop(&mut self) {
        for scope in &self.macro_scopes {
            scope.clear();
        }
        for namespace in &self.namespaces {
            let attrs = std::mem::take(&mut *namespace.attrs.borrow_mut());
            drop(attrs);
        }
    }
}
