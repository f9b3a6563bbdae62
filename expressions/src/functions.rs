//! The functions that expressions call: those of the language, some of its extensions, and ours.

mod count;
mod json;
mod list;
mod string;

use std::sync::{Arc, LazyLock};

use cel::common::functions::Function;
use cel::common::types::{
    BYTES_TYPE, CelBytes, CelString, DYN_TYPE, INT_TYPE, LIST_TYPE, MAP_TYPE, STRING_TYPE, Type,
};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError, extensions};

use crate::failure::failure;

/// Counts a value that is copied or read, and answers it.
pub(crate) const CHARGE: &str = "@charge";
/// Counts the elements that a loop goes over, and answers them in an order that is always the same.
pub(crate) const ITEMS: &str = "@items";
/// Whether a loop may go on.
pub(crate) const GO_ON: &str = "@go";
pub(crate) const ADD: &str = "@add";
pub(crate) const EQUAL: &str = "@eq";
pub(crate) const IN: &str = "@contains";
pub(crate) const MATCHES: &str = "@matches";
const REPLACE: &str = "@replace";
const SPLIT: &str = "@split";
const JOIN: &str = "@join";

/// Arguments and results of functions.
type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Given<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// The functions are the same for all expressions.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let environment = declared().expect("each function is declared once");
    Arc::new(environment)
});

pub(crate) fn environment() -> Arc<Env> {
    Arc::clone(&ENVIRONMENT)
}

/// Our function in place of one that makes much of little without counting it.
pub(crate) fn ours(name: &str, is_method: bool) -> Option<&'static str> {
    match name {
        "replace" if is_method => Some(REPLACE),
        "split" if is_method => Some(SPLIT),
        "join" if is_method => Some(JOIN),
        _ => None,
    }
}

fn declared() -> Result<Env, DeclarationError> {
    let mut env = Env::stdlib();
    env.add_extension(extensions::strings)?;
    env.add_extension(extensions::math)?;
    let functions: [(&str, Vec<Type>, Function); 16] = [
        (CHARGE, vec![DYN_TYPE], count::charge),
        (ITEMS, vec![DYN_TYPE], count::items),
        (GO_ON, vec![], count::go_on),
        (ADD, vec![DYN_TYPE, DYN_TYPE], count::add),
        (EQUAL, vec![DYN_TYPE, DYN_TYPE], count::equal),
        (IN, vec![DYN_TYPE, DYN_TYPE], count::contains),
        (MATCHES, vec![STRING_TYPE, DYN_TYPE], string::matches),
        (
            REPLACE,
            vec![STRING_TYPE, STRING_TYPE, STRING_TYPE],
            string::replace,
        ),
        (SPLIT, vec![STRING_TYPE, STRING_TYPE], string::split),
        (JOIN, vec![LIST_TYPE, STRING_TYPE], list::join),
        ("lists.range", vec![INT_TYPE], list::range),
        ("merge", vec![MAP_TYPE, MAP_TYPE], json::merge),
        ("json", vec![DYN_TYPE], json::json),
        ("parseJson", vec![STRING_TYPE], json::parse),
        ("base64.encode", vec![BYTES_TYPE], string::encode),
        ("base64.decode", vec![STRING_TYPE], string::decode),
    ];
    for (name, arguments, function) in functions {
        env.add_overload(name, name, arguments, function)?;
    }
    env.add_overload(JOIN, "@join_all", vec![LIST_TYPE], list::join)?;
    let bounds = vec![INT_TYPE, INT_TYPE];
    env.add_member_overload("slice", "slice", LIST_TYPE, bounds, list::slice)?;
    Ok(env)
}

/// The argument as a text; the declaration says that it is one.
fn text<'a>(args: &'a Args<'_, '_>, index: usize) -> Result<&'a str, ExecutionError> {
    let string = args
        .get(index)
        .and_then(|arg| arg.downcast_ref::<CelString<'_>>());
    string.map(|string| string.inner()).ok_or_else(unexpected)
}

fn bytes<'a>(args: &'a Args<'_, '_>, index: usize) -> Result<&'a [u8], ExecutionError> {
    let bytes = args
        .get(index)
        .and_then(|arg| arg.downcast_ref::<CelBytes<'_>>());
    bytes.map(|bytes| bytes.inner()).ok_or_else(unexpected)
}

fn unexpected() -> ExecutionError {
    failure("a value is of another type than its function takes")
}

fn owned<'b, 'v>(value: impl Val + 'v) -> Given<'b, 'v> {
    Ok(CowVal::owned(value))
}

/// What no function or operator takes.
fn no_overload(function: &str, args: &[CowVal<'_, '_>]) -> ExecutionError {
    let types = args.iter().map(|arg| arg.get_type().name().to_owned());
    ExecutionError::no_such_overload(function, types.collect())
}
