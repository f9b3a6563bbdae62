//! The names that an expression may use.

use std::ops::RangeInclusive;

/// What is there to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Filter,
    Request,
    Result,
}

impl Scope {
    pub(crate) fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Filter => &["body", "text", "bytes", "key", "headers"],
            Self::Request => &["body", "text", "bytes", "key", "headers", "run"],
            Self::Result => &[
                "body", "text", "bytes", "key", "headers", "run", "answer", "status",
            ],
        }
    }
}

/// A function: its name, its namespace in front, and how many arguments it takes.
type Function = (&'static str, RangeInclusive<usize>);

/// Those that are called by themselves. Whatever makes much of little is our own, which counts it.
const FUNCTIONS: &[Function] = &[
    ("base64.decode", 1..=1),
    ("base64.encode", 1..=1),
    ("bool", 1..=1),
    ("bytes", 1..=1),
    ("double", 1..=1),
    ("dyn", 1..=1),
    ("int", 1..=1),
    ("json", 1..=1),
    ("lists.range", 1..=1),
    ("math.@max", 1..=usize::MAX),
    ("math.@min", 1..=usize::MAX),
    ("math.abs", 1..=1),
    ("math.ceil", 1..=1),
    ("math.floor", 1..=1),
    ("math.round", 1..=1),
    ("math.trunc", 1..=1),
    ("merge", 2..=2),
    ("optional.none", 0..=0),
    ("optional.of", 1..=1),
    ("optional.ofNonZeroValue", 1..=1),
    ("parseJson", 1..=1),
    ("size", 1..=1),
    ("string", 1..=1),
    ("uint", 1..=1),
];

/// Those that are called on a value.
const METHODS: &[Function] = &[
    ("charAt", 1..=1),
    ("contains", 1..=1),
    ("endsWith", 1..=1),
    ("hasValue", 0..=0),
    ("indexOf", 1..=2),
    ("join", 0..=1),
    ("lastIndexOf", 1..=2),
    ("lowerAscii", 0..=0),
    ("matches", 1..=1),
    ("or", 1..=1),
    ("orValue", 1..=1),
    ("replace", 2..=2),
    ("size", 0..=0),
    ("slice", 2..=2),
    ("split", 1..=1),
    ("startsWith", 1..=1),
    ("substring", 1..=2),
    ("trim", 0..=0),
    ("upperAscii", 0..=0),
    ("value", 0..=0),
];

/// How many arguments the function takes, if there is one.
pub(crate) fn function(name: &str) -> Option<&'static RangeInclusive<usize>> {
    find(FUNCTIONS, name)
}

/// How many arguments the method takes, if there is one.
pub(crate) fn method(name: &str) -> Option<&'static RangeInclusive<usize>> {
    find(METHODS, name)
}

/// Whether functions have that name in front.
pub(crate) fn is_namespace(name: &str) -> bool {
    let in_it = |(function, _): &Function| {
        let rest = function.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    FUNCTIONS.iter().any(in_it)
}

fn find(functions: &'static [Function], name: &str) -> Option<&'static RangeInclusive<usize>> {
    let (_, arguments) = functions.iter().find(|(known, _)| *known == name)?;
    Some(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_sees_what_the_one_before_it_sees() {
        let (filter, request) = (Scope::Filter.variables(), Scope::Request.variables());
        assert!(request.starts_with(filter));
        assert!(Scope::Result.variables().starts_with(request));
    }
}
