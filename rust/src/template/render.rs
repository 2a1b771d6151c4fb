//! Compiling and rendering, each in a thread of its own with a stack of known size.

use super::eval::Interp;
use super::tree::Tree;
use super::{budget, json_read, lower, source, Failure, Limits, Outcome};

/// Room for the deepest nesting that `eval`, `lower` and minijinja's parser allow.
const STACK: usize = 64 << 20;

pub struct Template {
    tree: Tree,
}

fn in_thread<T: Send>(work: impl FnOnce() -> Outcome<T> + Send) -> Outcome<T> {
    let failed = |why: &str| Err(Box::new(Failure::Internal(why.into())));
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("hearth-template".into())
            .stack_size(STACK)
            .spawn_scoped(scope, work);
        match thread.map(|thread| thread.join()) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => failed("the template engine failed"),
            Err(error) => failed(&format!("no thread for the chat template: {error}")),
        }
    })
}

pub fn compile(source: &[u8]) -> Outcome<Template> {
    in_thread(|| {
        let text = source::prepare(source)?;
        let parsed = source::parse_tree(&text)?;
        Ok(Template { tree: lower::lower(&parsed)? })
    })
}

pub fn render(template: &Template, variables: &[u8], limits: &Limits) -> Outcome<String> {
    in_thread(|| {
        budget::start(limits, variables.len() as u64);
        let variables = json_read::object(variables)?;
        budget::end_input(limits);
        Interp::new(&template.tree, &variables, limits)?.run()
    })
}
