//! A compiled template: owned, immutable, shareable between threads. Names are indices into
//! `Tree::names`, literals into `Tree::literals`.

pub type Name = u32;

/// Names that every tree has, at these places.
pub const LOOP: Name = 0;
pub const CALLER: Name = 1;
pub const VARARGS: Name = 2;
pub const KWARGS: Name = 3;
pub const FIXED_NAMES: [&str; 4] = ["loop", "caller", "varargs", "kwargs"];

pub enum Literal {
    Str(String),
    Int(i128),
    Float(f64),
}

#[derive(Default)]
pub struct Tree {
    pub names: Vec<String>,
    pub literals: Vec<Literal>,
    pub macros: Vec<MacroDef>,
    pub loops: Vec<For>,
    pub body: Vec<Stmt>,
}

pub struct MacroDef {
    pub name: String,
    pub params: Vec<Name>,
    /// For the last `defaults.len()` params.
    pub defaults: Vec<Expr>,
    pub body: Vec<Stmt>,
    pub uses_caller: bool,
    pub uses_varargs: bool,
    pub uses_kwargs: bool,
}

pub enum Target {
    Name(Name),
    /// `namespace.attribute`
    Attr(Name, String),
    Tuple(Vec<Target>),
}

pub struct For {
    pub target: Target,
    pub iter: Expr,
    pub filter: Option<Expr>,
    pub recursive: bool,
    pub body: Vec<Stmt>,
    pub otherwise: Vec<Stmt>,
}

pub enum Stmt {
    Text(String),
    Print(Expr),
    For(usize),
    /// Branches in order; a missing condition is `else`.
    If(Vec<(Option<Expr>, Vec<Stmt>)>),
    With(Vec<(Target, Expr)>, Vec<Stmt>),
    Set(Target, Expr),
    SetBlock(Target, Vec<FilterStep>, Vec<Stmt>),
    FilterBlock(Vec<FilterStep>, Vec<Stmt>),
    Scoped(Vec<Stmt>),
    Macro(Name, usize),
    /// The call, and the macro that is its `caller`.
    CallBlock(Expr, usize),
    Continue,
    Break,
    Fail(String),
}

pub struct FilterStep {
    pub name: String,
    pub args: Vec<Arg>,
}

pub enum Arg {
    Pos(Expr),
    Named(String, Expr),
    Spread(Expr),
    SpreadNamed(Expr),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    NotIn,
}

pub enum Expr {
    None,
    Bool(bool),
    Literal(usize),
    Name(Name),
    Attr(Box<Expr>, String),
    Item(Box<Expr>, Box<Expr>),
    Slice(Box<SliceExpr>),
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Arith(Arith, Box<Expr>, Box<Expr>),
    Concat(Vec<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Compare, Expr)>),
    Choose(Box<ChooseExpr>),
    Filter(Box<Expr>, FilterStep),
    Test(Box<Expr>, FilterStep),
    Call(Box<Expr>, Vec<Arg>),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
}

pub struct SliceExpr {
    pub of: Expr,
    pub start: Option<Expr>,
    pub stop: Option<Expr>,
    pub step: Option<Expr>,
}

pub struct ChooseExpr {
    pub line: usize,
    pub test: Expr,
    pub yes: Expr,
    pub no: Option<Expr>,
}
