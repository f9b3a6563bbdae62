//! The examples of a page of documentation, in their order.
//!
//! A block fenced as `graphql` is a request, one fenced as `sh` a command. The blocks that follow
//! it, `json variables` and `json answer`, say what it is sent with and what is answered.

use std::collections::BTreeMap;

use serde_json::Value;

/// An example of a page.
#[derive(Clone, Debug)]
pub struct Example {
    /// Where its block begins in the page.
    pub line: usize,
    pub code: Code,
    pub variables: Value,
    pub answer: Option<Value>,
}

#[derive(Clone, Debug)]
pub enum Code {
    GraphQl(String),
    Shell(String),
}

/// Reads the examples of a page.
///
/// # Panics
/// A block is not closed, holds no JSON, or follows no example.
#[must_use]
pub fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            continue;
        };
        let block = lines.by_ref().map(|(_, line)| line);
        let block: Vec<&str> = block.take_while(|line| *line != "```").collect();
        let text = block.join("\n");
        let at = number + 1;
        let json = || serde_json::from_str(&text).unwrap_or_else(|e| panic!("line {at}: {e}"));
        let last = examples.last_mut();
        match kind {
            "graphql" => examples.push(Example::new(at, Code::GraphQl(text))),
            "sh" => examples.push(Example::new(at, Code::Shell(text))),
            "json variables" => last.expect("variables of a request").variables = json(),
            "json answer" => last.expect("the answer to an example").answer = Some(json()),
            "" => panic!("line {at}: a block of no kind"),
            _ => {}
        }
    }
    examples
}

impl Example {
    fn new(line: usize, code: Code) -> Self {
        Self {
            line,
            code,
            variables: Value::Object(serde_json::Map::new()),
            answer: None,
        }
    }
}

/// What a request declares as variables.
#[must_use]
pub fn declared(document: &str) -> Vec<String> {
    let head = document.split('{').next().unwrap_or_default();
    let names = head.split('$').skip(1);
    names
        .filter_map(|rest| rest.split(':').next())
        .map(|name| name.trim().to_owned())
        .collect()
}

/// Takes the ids of an answer, each by the name of the thing that has it: that of its field, or of
/// the list whose first it is. `position`, `revision`, `eventId` and `correlationId` go by
/// their own names.
pub fn collect(answer: &Value, name: &str, known: &mut BTreeMap<String, Value>) {
    match answer {
        Value::Object(fields) => {
            for (field, value) in fields {
                match field.as_str() {
                    "id" => {
                        known.insert(name.to_owned(), value.clone());
                    }
                    "position" | "revision" | "eventId" | "correlationId" if value.is_string() => {
                        known.insert(field.clone(), value.clone());
                    }
                    "nodes" => collect(value, name.strip_suffix('s').unwrap_or(name), known),
                    _ => collect(value, field, known),
                }
            }
        }
        Value::Array(items) => {
            if let Some(first) = items.first() {
                collect(first, name, known);
            }
        }
        _ => {}
    }
}

/// Where two answers differ in shape: in their fields, in the kinds of their values, or in a value
/// that is a constant such as `NOT_GRANTED`. Each item of a list has the shape of one that is shown.
///
/// # Errors
/// The path of the first difference, and what is there.
pub fn same_shape(shown: &Value, answered: &Value, path: &str) -> Result<(), String> {
    let differs = || Err(format!("at {path}: shown {shown}, answered {answered}"));
    match (shown, answered) {
        (Value::Object(shown), Value::Object(answered)) => {
            if !shown.keys().eq(answered.keys()) {
                let names = |fields: &serde_json::Map<_, _>| {
                    fields.keys().cloned().collect::<Vec<_>>().join(" ")
                };
                return Err(format!(
                    "at {path}: shown {}; answered {}",
                    names(shown),
                    names(answered)
                ));
            }
            shown.iter().try_for_each(|(field, value)| {
                same_shape(value, &answered[field], &format!("{path}.{field}"))
            })
        }
        (Value::Array(shown), Value::Array(answered)) => {
            if shown.is_empty() != answered.is_empty() {
                return differs();
            }
            for (index, item) in answered.iter().enumerate() {
                let path = format!("{path}[{index}]");
                let mut faults = shown.iter().map(|one| same_shape(one, item, &path));
                let first = faults.next().unwrap_or(Ok(()));
                if first.is_err() && faults.all(|fault| fault.is_err()) {
                    return first;
                }
            }
            Ok(())
        }
        (Value::String(shown), Value::String(answered)) if is_constant(shown) => {
            if shown == answered { Ok(()) } else { differs() }
        }
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Null, Value::Null) => Ok(()),
        _ => differs(),
    }
}

fn is_constant(text: &str) -> bool {
    text.len() > 2 && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}
