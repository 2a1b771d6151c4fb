//! From minijinja's tree, which borrows from the source, to `tree`.

use std::collections::HashMap;

use minijinja::machinery::ast;
use minijinja::value::ValueKind;

use super::source::syntax;
use super::tree::*;
use super::{filters, tests, Outcome};

/// Nesting of expressions: bounds the recursion here, in `eval` and in the destructors.
const MAX_NESTING: usize = 1000;

#[derive(Default)]
struct Lowering {
    tree: Tree,
    names: HashMap<String, Name>,
    nesting: usize,
    /// Inside a condition, where Jinja looks up filters and tests only when they run.
    conditional: bool,
    /// Names read since the innermost macro began.
    uses: Uses,
}

#[derive(Clone, Copy, Default)]
struct Uses {
    caller: bool,
    varargs: bool,
    kwargs: bool,
}

pub fn lower(root: &ast::Stmt<'_>) -> Outcome<Tree> {
    let mut lowering = Lowering::default();
    for name in FIXED_NAMES {
        lowering.name(name);
    }
    let ast::Stmt::Template(template) = root else {
        return syntax(1, "not a template");
    };
    lowering.tree.body = lowering.stmts(&template.children)?;
    Ok(lowering.tree)
}

impl Lowering {
    fn name(&mut self, name: &str) -> Name {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let index = self.tree.names.len() as Name;
        self.tree.names.push(name.to_owned());
        self.names.insert(name.to_owned(), index);
        index
    }

    /// A body with a frame of its own, where names are looked up at once again.
    fn frame(&mut self, stmts: &[ast::Stmt<'_>]) -> Outcome<Vec<Stmt>> {
        let conditional = std::mem::replace(&mut self.conditional, false);
        let body = self.stmts(stmts);
        self.conditional = conditional;
        body
    }

    fn stmts(&mut self, stmts: &[ast::Stmt<'_>]) -> Outcome<Vec<Stmt>> {
        stmts.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&mut self, stmt: &ast::Stmt<'_>) -> Outcome<Stmt> {
        Ok(match stmt {
            ast::Stmt::EmitRaw(raw) => Stmt::Text(raw.raw.to_owned()),
            ast::Stmt::EmitExpr(emit) => Stmt::Print(self.expr(&emit.expr)?),
            ast::Stmt::ForLoop(it) => self.for_loop(it)?,
            ast::Stmt::IfCond(it) => self.if_chain(it)?,
            ast::Stmt::WithBlock(it) => {
                let mut assignments = Vec::with_capacity(it.assignments.len());
                for (target, expr) in &it.assignments {
                    assignments.push((self.target(target)?, self.expr(expr)?));
                }
                Stmt::With(assignments, self.frame(&it.body)?)
            }
            ast::Stmt::Set(it) => {
                let expr = self.expr(&it.expr)?;
                Stmt::Set(self.target(&it.target)?, expr)
            }
            ast::Stmt::SetBlock(it) => {
                let filters = it.filter.as_ref().map_or(Ok(Vec::new()), |f| self.filters(f))?;
                let body = self.frame(&it.body)?;
                Stmt::SetBlock(self.target(&it.target)?, filters, body)
            }
            ast::Stmt::FilterBlock(it) => {
                Stmt::FilterBlock(self.filters(&it.filter)?, self.frame(&it.body)?)
            }
            ast::Stmt::Macro(it) => {
                let name = self.name(it.name);
                Stmt::Macro(name, self.macro_def(it)?)
            }
            ast::Stmt::CallBlock(it) => {
                let def = self.macro_def(&it.macro_decl)?;
                let callee = self.expr(&it.call.expr)?;
                Stmt::CallBlock(Expr::Call(Box::new(callee), self.args(&it.call.args)?), def)
            }
            ast::Stmt::Block(it) => Stmt::Scoped(self.frame(&it.body)?),
            ast::Stmt::AutoEscape(it) => match self.expr(&it.enabled)? {
                Expr::Bool(false) | Expr::None => Stmt::Scoped(self.frame(&it.body)?),
                _ => Stmt::Fail("autoescape is not supported".into()),
            },
            ast::Stmt::Continue(_) => Stmt::Continue,
            ast::Stmt::Break(_) => Stmt::Break,
            ast::Stmt::Import(_)
            | ast::Stmt::FromImport(_)
            | ast::Stmt::Extends(_)
            | ast::Stmt::Include(_) => {
                Stmt::Fail("no loader for this environment specified".into())
            }
            ast::Stmt::Do(it) => {
                return syntax(it.span().start_line.into(), "Encountered unknown tag 'do'.")
            }
            ast::Stmt::Template(it) => Stmt::Scoped(self.stmts(&it.children)?),
        })
    }

    fn for_loop(&mut self, it: &ast::ForLoop<'_>) -> Outcome<Stmt> {
        let iter = self.expr(&it.iter)?;
        let target = self.target(&it.target)?;
        let filter = it.filter_expr.as_ref().map(|filter| self.expr(filter)).transpose()?;
        let body = self.frame(&it.body)?;
        let otherwise = self.frame(&it.else_body)?;
        self.tree.loops.push(For {
            target,
            iter,
            filter,
            recursive: it.recursive,
            body,
            otherwise,
        });
        Ok(Stmt::For(self.tree.loops.len() - 1))
    }

    /// `elif` arrives as an `if` alone in the `else`; the chain becomes one list of branches.
    fn if_chain(&mut self, first: &ast::IfCond<'_>) -> Outcome<Stmt> {
        let outer = std::mem::replace(&mut self.conditional, true);
        let mut branches = Vec::new();
        let mut it = first;
        loop {
            branches.push((Some(self.expr(&it.expr)?), self.stmts(&it.true_body)?));
            match it.false_body.as_slice() {
                [] => break,
                [ast::Stmt::IfCond(next)] => it = next,
                otherwise => {
                    branches.push((None, self.stmts(otherwise)?));
                    break;
                }
            }
        }
        self.conditional = outer;
        Ok(Stmt::If(branches))
    }

    fn macro_def(&mut self, it: &ast::Macro<'_>) -> Outcome<usize> {
        let outer = std::mem::take(&mut self.uses);
        let mut params = Vec::new();
        for arg in &it.args {
            match arg {
                ast::Expr::Var(var) => params.push(self.name(var.id)),
                other => {
                    return syntax(other.span().start_line.into(), "a parameter must be a name")
                }
            }
        }
        let defaults = it.defaults.iter().map(|d| self.expr(d)).collect::<Outcome<Vec<_>>>()?;
        let body = self.frame(&it.body)?;
        let uses = self.uses;
        self.tree.macros.push(MacroDef {
            name: it.name.to_owned(),
            params,
            defaults,
            body,
            uses_caller: uses.caller,
            uses_varargs: uses.varargs,
            uses_kwargs: uses.kwargs,
        });
        self.uses = Uses {
            caller: outer.caller || uses.caller,
            varargs: outer.varargs || uses.varargs,
            kwargs: outer.kwargs || uses.kwargs,
        };
        Ok(self.tree.macros.len() - 1)
    }

    fn target(&mut self, target: &ast::Expr<'_>) -> Outcome<Target> {
        match target {
            ast::Expr::Var(var) => Ok(Target::Name(self.name(var.id))),
            ast::Expr::GetAttr(attr) => match &attr.expr {
                ast::Expr::Var(var) => Ok(Target::Attr(self.name(var.id), attr.name.to_owned())),
                other => syntax(
                    other.span().start_line.into(),
                    "expected token 'end of statement block', got '.'",
                ),
            },
            ast::Expr::List(list) => {
                let items = list.items.iter().map(|item| self.target(item));
                Ok(Target::Tuple(items.collect::<Outcome<_>>()?))
            }
            other => syntax(other.span().start_line.into(), "can't assign to this expression"),
        }
    }

    fn exprs(&mut self, exprs: &[ast::Expr<'_>]) -> Outcome<Vec<Expr>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn boxed(&mut self, expr: &ast::Expr<'_>) -> Outcome<Box<Expr>> {
        Ok(Box::new(self.expr(expr)?))
    }

    fn expr(&mut self, expr: &ast::Expr<'_>) -> Outcome<Expr> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return super::limit(format!(
                "line {}: an expression nests deeper than {MAX_NESTING}",
                expr.span().start_line
            ));
        }
        let lowered = self.lower_expr(expr)?;
        self.nesting -= 1;
        Ok(lowered)
    }

    fn lower_expr(&mut self, expr: &ast::Expr<'_>) -> Outcome<Expr> {
        Ok(match expr {
            ast::Expr::Var(var) => self.variable(var.id),
            ast::Expr::Const(it) => self.literal(&it.value, expr.span().start_line.into())?,
            ast::Expr::Slice(it) => {
                let mut part = |part: &Option<ast::Expr<'_>>| {
                    part.as_ref().map(|expr| self.expr(expr)).transpose()
                };
                let (start, stop, step) = (part(&it.start)?, part(&it.stop)?, part(&it.step)?);
                Expr::Slice(Box::new(SliceExpr { of: self.expr(&it.expr)?, start, stop, step }))
            }
            ast::Expr::UnaryOp(it) => match it.op {
                ast::UnaryOpKind::Not => Expr::Not(self.boxed(&it.expr)?),
                ast::UnaryOpKind::Neg => Expr::Neg(self.boxed(&it.expr)?),
            },
            ast::Expr::BinOp(it) => self.binary(it)?,
            ast::Expr::Compare(it) => {
                let first = self.boxed(&it.expr)?;
                let rest = it.ops.iter().map(|op| Ok((comparison(op.op), self.expr(&op.expr)?)));
                Expr::Compare(first, rest.collect::<Outcome<_>>()?)
            }
            ast::Expr::IfExpr(it) => {
                let outer = std::mem::replace(&mut self.conditional, true);
                let test = self.expr(&it.test_expr)?;
                let yes = self.expr(&it.true_expr)?;
                let no = it.false_expr.as_ref().map(|expr| self.expr(expr)).transpose()?;
                self.conditional = outer;
                let line = expr.span().start_line.into();
                Expr::Choose(Box::new(ChooseExpr { line, test, yes, no }))
            }
            ast::Expr::Filter(it) => {
                let Some(of) = &it.expr else {
                    return syntax(expr.span().start_line.into(), "a filter without a value");
                };
                let of = self.boxed(of)?;
                Expr::Filter(of, self.filter(it, expr.span().start_line.into())?)
            }
            ast::Expr::Test(it) => {
                if !self.conditional && !tests::is_known(it.name) {
                    let line = expr.span().start_line.into();
                    return syntax(line, format!("No test named '{}'.", it.name));
                }
                let of = self.boxed(&it.expr)?;
                Expr::Test(of, FilterStep { name: it.name.to_owned(), args: self.args(&it.args)? })
            }
            ast::Expr::GetAttr(it) => Expr::Attr(self.boxed(&it.expr)?, it.name.to_owned()),
            ast::Expr::GetItem(it) => {
                Expr::Item(self.boxed(&it.expr)?, self.boxed(&it.subscript_expr)?)
            }
            ast::Expr::Call(it) => {
                let callee = self.boxed(&it.expr)?;
                Expr::Call(callee, self.args(&it.args)?)
            }
            ast::Expr::List(it) => Expr::List(self.exprs(&it.items)?),
            ast::Expr::Tuple(it) => Expr::Tuple(self.exprs(&it.items)?),
            ast::Expr::Map(it) => {
                let pairs = it.keys.iter().zip(&it.values);
                let pairs = pairs.map(|(key, value)| Ok((self.expr(key)?, self.expr(value)?)));
                Expr::Dict(pairs.collect::<Outcome<_>>()?)
            }
        })
    }

    fn variable(&mut self, id: &str) -> Expr {
        match id {
            "caller" => self.uses.caller = true,
            "varargs" => self.uses.varargs = true,
            "kwargs" => self.uses.kwargs = true,
            _ => {}
        }
        Expr::Name(self.name(id))
    }

    fn literal(&mut self, value: &minijinja::Value, line: usize) -> Outcome<Expr> {
        let literal = match value.kind() {
            ValueKind::Bool => return Ok(Expr::Bool(value.is_true())),
            ValueKind::None | ValueKind::Undefined => return Ok(Expr::None),
            ValueKind::String => Literal::Str(value.as_str().unwrap_or_default().to_owned()),
            ValueKind::Number if value.is_integer() => match i128::try_from(value.clone()) {
                Ok(int) => Literal::Int(int),
                Err(_) => return syntax(line, "an integer of more than 127 bits"),
            },
            _ => Literal::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
        };
        self.tree.literals.push(literal);
        Ok(Expr::Literal(self.tree.literals.len() - 1))
    }

    fn binary(&mut self, it: &ast::BinOp<'_>) -> Outcome<Expr> {
        use ast::BinOpKind as Op;
        if matches!(it.op, Op::Concat) {
            let mut parts = match self.expr(&it.left)? {
                Expr::Concat(parts) => parts,
                other => vec![other],
            };
            parts.push(self.expr(&it.right)?);
            return Ok(Expr::Concat(parts));
        }
        let (left, right) = (self.boxed(&it.left)?, self.boxed(&it.right)?);
        let compared = |op, left, right: Box<Expr>| Expr::Compare(left, vec![(op, *right)]);
        Ok(match it.op {
            Op::Eq => compared(Compare::Eq, left, right),
            Op::Ne => compared(Compare::Ne, left, right),
            Op::Lt => compared(Compare::Lt, left, right),
            Op::Lte => compared(Compare::Le, left, right),
            Op::Gt => compared(Compare::Gt, left, right),
            Op::Gte => compared(Compare::Ge, left, right),
            Op::In => compared(Compare::In, left, right),
            Op::ScAnd => Expr::And(left, right),
            Op::ScOr => Expr::Or(left, right),
            Op::Add => Expr::Arith(Arith::Add, left, right),
            Op::Sub => Expr::Arith(Arith::Sub, left, right),
            Op::Mul => Expr::Arith(Arith::Mul, left, right),
            Op::Div => Expr::Arith(Arith::Div, left, right),
            Op::FloorDiv => Expr::Arith(Arith::FloorDiv, left, right),
            Op::Rem => Expr::Arith(Arith::Rem, left, right),
            Op::Pow => Expr::Arith(Arith::Pow, left, right),
            Op::Concat => Expr::Concat(vec![*left, *right]),
        })
    }

    fn filter(&mut self, it: &ast::Filter<'_>, line: usize) -> Outcome<FilterStep> {
        if !self.conditional && !filters::is_known(it.name) {
            return syntax(line, format!("No filter named '{}'.", it.name));
        }
        Ok(FilterStep { name: it.name.to_owned(), args: self.args(&it.args)? })
    }

    /// A chain of filters without a value, in the order in which they apply.
    fn filters(&mut self, chain: &ast::Expr<'_>) -> Outcome<Vec<FilterStep>> {
        let (mut steps, mut next) = (Vec::new(), Some(chain));
        while let Some(ast::Expr::Filter(it)) = next {
            steps.push(self.filter(it, it.span().start_line.into())?);
            next = it.expr.as_ref();
        }
        steps.reverse();
        Ok(steps)
    }

    fn args(&mut self, args: &[ast::CallArg<'_>]) -> Outcome<Vec<Arg>> {
        let lowered = args.iter().map(|arg| {
            Ok(match arg {
                ast::CallArg::Pos(expr) => Arg::Pos(self.expr(expr)?),
                ast::CallArg::Kwarg(name, expr) => Arg::Named((*name).to_owned(), self.expr(expr)?),
                ast::CallArg::PosSplat(expr) => Arg::Spread(self.expr(expr)?),
                ast::CallArg::KwargSplat(expr) => Arg::SpreadNamed(self.expr(expr)?),
            })
        });
        lowered.collect()
    }
}

fn comparison(op: ast::CompareOpKind) -> Compare {
    match op {
        ast::CompareOpKind::Eq => Compare::Eq,
        ast::CompareOpKind::Ne => Compare::Ne,
        ast::CompareOpKind::Lt => Compare::Lt,
        ast::CompareOpKind::Lte => Compare::Le,
        ast::CompareOpKind::Gt => Compare::Gt,
        ast::CompareOpKind::Gte => Compare::Ge,
        ast::CompareOpKind::In => Compare::In,
        ast::CompareOpKind::NotIn => Compare::NotIn,
    }
}
