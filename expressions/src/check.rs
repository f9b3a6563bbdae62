//! What an expression may not be: too deep, with loops too deep in each other, or of unknown names.

use std::collections::HashSet;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue,
    SourceInfo, operators,
};

use crate::names::{self, Scope};
use crate::problem::Problem;

/// How deep an expression may be nested: evaluating goes that deep, on a stack of 2 MiB at least.
const MOST_DEPTH: usize = 120;

/// How many loops may be in each other.
const MOST_LOOPS: usize = 4;

/// Checks an expression; answers the words of its source that may be told people beside what is wrong.
pub(crate) fn check(
    expression: &IdedExpr,
    source: &SourceInfo,
    scope: Scope,
) -> Result<HashSet<String>, Problem> {
    let mut check = Check {
        source,
        known: scope
            .variables()
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        own: scope.variables(),
        loops: 0,
        depth: 0,
        words: HashSet::new(),
    };
    check.expression(expression)?;
    Ok(check.words)
}

struct Check<'a> {
    source: &'a SourceInfo,
    /// The variables that can be named at this place.
    known: Vec<String>,
    own: &'static [&'static str],
    loops: usize,
    depth: usize,
    words: HashSet<String>,
}

impl Check<'_> {
    fn expression(&mut self, expression: &IdedExpr) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return Err(self.problem(
                expression,
                format!("it is nested more than {MOST_DEPTH} deep"),
            ));
        }
        match &expression.expr {
            Expr::Unspecified => return Err(self.problem(expression, "something is missing")),
            Expr::Literal(LiteralValue::String(word)) => {
                self.words.insert(word.inner().to_owned());
            }
            Expr::Literal(_) => {}
            Expr::Ident(name) => self.variable(expression, name)?,
            Expr::Select(select) => {
                self.words.insert(select.field.clone());
                self.expression(&select.operand)?;
            }
            Expr::Call(call) => self.call(expression, call)?,
            Expr::List(list) => self.all(&list.elements)?,
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| self.entry(entry))?,
            Expr::Struct(message) => {
                let text = format!("there is no type `{}`", message.type_name);
                return Err(self.problem(expression, text));
            }
            Expr::Comprehension(comprehension) => self.comprehension(expression, comprehension)?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn all(&mut self, expressions: &[IdedExpr]) -> Result<(), Problem> {
        expressions.iter().try_for_each(|one| self.expression(one))
    }

    fn entry(&mut self, entry: &IdedEntryExpr) -> Result<(), Problem> {
        match &entry.expr {
            EntryExpr::MapEntry(entry) => {
                self.expression(&entry.key)?;
                self.expression(&entry.value)
            }
            EntryExpr::StructField(field) => self.expression(&field.value),
        }
    }

    fn variable(&self, at: &IdedExpr, name: &str) -> Result<(), Problem> {
        if self.known.iter().any(|known| known == name) {
            return Ok(());
        }
        let variables = self.own.join(", ");
        let text = format!("there is no variable `{name}`; there are {variables}");
        Err(self.problem(at, text))
    }

    fn call(&mut self, at: &IdedExpr, call: &CallExpr) -> Result<(), Problem> {
        let name = &call.func_name;
        let (takes, written) = match &call.target {
            None if is_operator(name) => return self.all(&call.args),
            None => (names::function(name), name.clone()),
            Some(target) => match namespace(target) {
                Some(namespace) => {
                    let written = format!("{namespace}.{name}");
                    (names::function(&written), written)
                }
                None => {
                    self.expression(target)?;
                    (names::method(name), name.clone())
                }
            },
        };
        let Some(takes) = takes else {
            return Err(self.problem(at, format!("there is no function `{written}`")));
        };
        if !takes.contains(&call.args.len()) {
            let text = format!("`{written}` does not take {} arguments", call.args.len());
            return Err(self.problem(at, text));
        }
        self.all(&call.args)
    }

    fn comprehension(&mut self, at: &IdedExpr, loops: &ComprehensionExpr) -> Result<(), Problem> {
        let second = loops.iter_var2.as_ref();
        for variable in second.into_iter().chain([&loops.iter_var, &loops.accu_var]) {
            if self.own.contains(&variable.as_str()) || names::is_namespace(variable) {
                let text = format!("`{variable}` has a meaning already; take another name");
                return Err(self.problem(at, text));
            }
        }
        self.loops += 1;
        if self.loops > MOST_LOOPS {
            let text = format!("there are more than {MOST_LOOPS} loops in each other");
            return Err(self.problem(at, text));
        }
        self.expression(&loops.iter_range)?;
        self.expression(&loops.accu_init)?;
        let before = self.known.len();
        self.known.push(loops.accu_var.clone());
        self.expression(&loops.result)?;
        self.known.push(loops.iter_var.clone());
        self.known.extend(loops.iter_var2.clone());
        self.expression(&loops.loop_cond)?;
        self.expression(&loops.loop_step)?;
        self.known.truncate(before);
        self.loops -= 1;
        Ok(())
    }

    fn problem(&self, at: &IdedExpr, text: impl Into<String>) -> Problem {
        let offset = self.source.offset_for(at.id).map(|(start, _)| start);
        Problem::at(&self.source.source, offset, text)
    }
}

/// The name in front of a function, where it is none of a value.
pub(crate) fn namespace(target: &IdedExpr) -> Option<&str> {
    match &target.expr {
        Expr::Ident(name) if names::is_namespace(name) => Some(name),
        _ => None,
    }
}

/// Whether the parser writes it for an operator, or for what a loop does.
pub(crate) fn is_operator(name: &str) -> bool {
    matches!(
        name,
        operators::CONDITIONAL
            | operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::SUBSTRACT
            | operators::ADD
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::EQUALS
            | operators::NOT_EQUALS
            | operators::GREATER_EQUALS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::LESS
            | operators::NEGATE
            | operators::INDEX
            | operators::OPT_INDEX
            | operators::OPT_SELECT
            | operators::IN
            | operators::NOT_STRICTLY_FALSE
    )
}
