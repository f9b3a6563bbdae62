//! Makes an expression count what it does, so that it comes to an end.
//!
//! The parsed expression is rewritten: what copies, reads or repeats is handed to functions of ours,
//! whose names begin with `@`, so that no source can name them. Loops in which errors are swallowed
//! look at the fuel before each round.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators,
};
use regex::{Regex, RegexBuilder};

use crate::check::{is_operator, namespace};
use crate::functions;
use crate::problem::Problem;

/// The largest pattern, compiled, in bytes.
const LARGEST_PATTERN: usize = 256 * 1024;

/// Rewrites an expression that was checked; answers the patterns that it matches, whose variables are
/// named by [`pattern`].
pub(crate) fn meter(expression: &mut IdedExpr, source: &SourceInfo) -> Result<Vec<Regex>, Problem> {
    let mut meter = Meter {
        source,
        patterns: Vec::new(),
        has_optionals: false,
    };
    meter.has_optionals = any(expression, &mut |one| match one {
        Expr::Call(call) => {
            let is_one = |target: &IdedExpr| namespace(target) == Some("optional");
            call.target.as_deref().is_some_and(is_one)
                || matches!(
                    call.func_name.as_str(),
                    operators::OPT_INDEX | operators::OPT_SELECT
                )
        }
        _ => false,
    });
    meter.expression(expression)?;
    Ok(meter.patterns)
}

/// The variable that stands for a pattern.
pub(crate) fn pattern(number: usize) -> String {
    format!("@pattern{number}")
}

struct Meter<'a> {
    source: &'a SourceInfo,
    patterns: Vec<Regex>,
    /// Whether fields may be taken out of optional values, which copies them.
    has_optionals: bool,
}

impl Meter<'_> {
    fn expression(&mut self, expression: &mut IdedExpr) -> Result<(), Problem> {
        match &mut expression.expr {
            Expr::Call(_) => self.call(expression)?,
            Expr::Select(select) => {
                self.expression(&mut select.operand)?;
                if self.has_optionals && !select.test {
                    charge(expression);
                }
            }
            Expr::List(list) => self.copied(&mut list.elements)?,
            Expr::Map(map) => {
                for entry in &mut map.entries {
                    if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                        self.copied(std::slice::from_mut(&mut entry.key))?;
                        self.copied(std::slice::from_mut(&mut entry.value))?;
                    }
                }
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension)?,
            Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
        Ok(())
    }

    /// Values that are copied from where they stand.
    fn copied(&mut self, expressions: &mut [IdedExpr]) -> Result<(), Problem> {
        for expression in expressions {
            self.expression(expression)?;
            charge(expression);
        }
        Ok(())
    }

    fn call(&mut self, expression: &mut IdedExpr) -> Result<(), Problem> {
        let Expr::Call(call) = &mut expression.expr else {
            return Ok(());
        };
        if call.func_name == "matches" {
            let offset = self
                .source
                .offset_for(expression.id)
                .map(|(start, _)| start);
            let at = |text: String| Problem::at(&self.source.source, offset, text);
            let target = matches(call, &mut self.patterns).map_err(at)?;
            return self.expression(target);
        }
        let is_namespaced = call.target.as_deref().and_then(namespace).is_some();
        if let Some(target) = call.target.as_deref_mut().filter(|_| !is_namespaced) {
            self.expression(target)?;
        }
        for argument in &mut call.args {
            self.expression(argument)?;
        }
        if call.target.is_none() && is_operator(&call.func_name) {
            operator(expression, self.has_optionals);
        } else {
            function(call);
        }
        Ok(())
    }

    fn comprehension(&mut self, loops: &mut ComprehensionExpr) -> Result<(), Problem> {
        self.expression(&mut loops.iter_range)?;
        wrap(&mut loops.iter_range, functions::ITEMS);
        self.expression(&mut loops.accu_init)?;
        self.expression(&mut loops.result)?;
        self.step(&mut loops.loop_step, &loops.accu_var)?;
        if !matches!(loops.loop_cond.expr, Expr::Literal(_)) {
            self.expression(&mut loops.loop_cond)?;
            let condition = std::mem::take(&mut loops.loop_cond);
            let may_go_on = call(functions::GO_ON, Vec::new());
            loops.loop_cond = call(operators::LOGICAL_AND, vec![may_go_on, condition]);
        }
        Ok(())
    }

    /// What `map` and `filter` do in each round is to stay what the interpreter knows as a list that is
    /// appended to; its elements and conditions are what count.
    fn step(&mut self, step: &mut IdedExpr, list: &str) -> Result<(), Problem> {
        let is_list = |one: &IdedExpr| matches!(&one.expr, Expr::Ident(name) if name == list);
        if let Expr::Call(call) = &mut step.expr {
            match call.args.as_mut_slice() {
                [condition, then, otherwise]
                    if call.func_name == operators::CONDITIONAL && is_list(otherwise) =>
                {
                    self.copied(std::slice::from_mut(condition))?;
                    return self.step(then, list);
                }
                [before, item] if call.func_name == operators::ADD && is_list(before) => {
                    if let Expr::List(items) = &mut item.expr {
                        return self.copied(&mut items.elements);
                    }
                }
                _ => {}
            }
        }
        self.expression(step)
    }
}

/// A pattern is compiled now, and so has to be known now. Answers what it is compared with.
fn matches<'e>(
    call: &'e mut CallExpr,
    patterns: &mut Vec<Regex>,
) -> Result<&'e mut IdedExpr, String> {
    let literal = call.args.first().map(|pattern| &pattern.expr);
    let Some(Expr::Literal(LiteralValue::String(written))) = literal else {
        return Err("the pattern of `matches` has to be written out".to_owned());
    };
    let compiled = RegexBuilder::new(written.inner())
        .size_limit(LARGEST_PATTERN)
        .build();
    let variable = named(Expr::Ident(pattern(patterns.len())));
    patterns.push(compiled.map_err(|error| unusable(&error))?);
    call.func_name = functions::MATCHES.to_owned();
    call.args = call
        .target
        .take()
        .map(|target| *target)
        .into_iter()
        .collect();
    call.args.push(variable);
    Ok(&mut call.args[0])
}

/// An operator whose operands may be long gives way to one that counts.
fn operator(expression: &mut IdedExpr, has_optionals: bool) {
    let Expr::Call(call) = &mut expression.expr else {
        return;
    };
    let counted = match call.func_name.as_str() {
        operators::ADD => functions::ADD,
        operators::IN => functions::IN,
        operators::EQUALS if !call.args.iter().any(is_short) => functions::EQUAL,
        operators::NOT_EQUALS if !call.args.iter().any(is_short) => {
            call.func_name = functions::EQUAL.to_owned();
            let equal = std::mem::take(expression);
            *expression = self::call(operators::LOGICAL_NOT, vec![equal]);
            return;
        }
        operators::OPT_INDEX | operators::OPT_SELECT => return charge(expression),
        operators::INDEX if has_optionals => return charge(expression),
        operators::SUBSTRACT
        | operators::MULTIPLY
        | operators::DIVIDE
        | operators::MODULO
        | operators::LESS
        | operators::LESS_EQUALS
        | operators::GREATER
        | operators::GREATER_EQUALS => return call.args.iter_mut().for_each(charge),
        _ => return,
    };
    call.func_name = counted.to_owned();
}

/// A function reads its arguments; some are ours.
fn function(call: &mut CallExpr) {
    if let Some(ours) = functions::ours(&call.func_name, call.target.is_some()) {
        call.func_name = ours.to_owned();
        if let Some(target) = call.target.take() {
            call.args.insert(0, *target);
        }
        return;
    }
    call.args.iter_mut().for_each(charge);
    if let Some(target) = &mut call.target
        && namespace(target).is_none()
    {
        charge(target);
    }
}

/// A value that cannot be long: of another type than anything that can, or written out.
fn is_short(expression: &IdedExpr) -> bool {
    matches!(expression.expr, Expr::Literal(_))
}

fn charge(expression: &mut IdedExpr) {
    if !is_short(expression) {
        wrap(expression, functions::CHARGE);
    }
}

fn wrap(expression: &mut IdedExpr, function: &str) {
    let inner = std::mem::take(expression);
    *expression = call(function, vec![inner]);
}

fn call(function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    named(Expr::Call(CallExpr {
        func_name: function.to_owned(),
        target: None,
        args,
    }))
}

fn named(expr: Expr) -> IdedExpr {
    IdedExpr { id: 0, expr }
}

fn unusable(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!(
                "the pattern cannot be read: {}",
                last.trim_start_matches("error: ")
            )
        }
    }
}

/// Whether any part of the expression is such.
fn any(expression: &IdedExpr, is: &mut dyn FnMut(&Expr) -> bool) -> bool {
    is(&expression.expr)
        || match &expression.expr {
            Expr::Call(call) => call
                .target
                .as_deref()
                .into_iter()
                .chain(&call.args)
                .any(|one| any(one, is)),
            Expr::Select(select) => any(&select.operand, is),
            Expr::List(list) => list.elements.iter().any(|one| any(one, is)),
            Expr::Map(map) => map.entries.iter().any(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    entry.optional || any(&entry.key, is) || any(&entry.value, is)
                }
                EntryExpr::StructField(field) => any(&field.value, is),
            }),
            Expr::Comprehension(loops) => [
                &loops.iter_range,
                &loops.accu_init,
                &loops.loop_cond,
                &loops.loop_step,
                &loops.result,
            ]
            .into_iter()
            .any(|one| any(one, is)),
            Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => false,
        }
}
