//! Variables without a value: what stands for one is left out of the document before it is
//! executed, and one with a default has that for its value.
//!
//! GraphQL says that a member of an input object, or an argument, is absent where its value is a
//! variable that has neither a value nor a default. The library gives it the value null instead,
//! which means something else to a patch. A list has no absent items: there it is null. And in
//! `@skip` and `@include` the library does not see defaults, so they are filled in here.

use std::collections::BTreeSet;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request, Variables};
use async_graphql_value::Value;

/// The request with its document as the chosen operation is to be executed.
pub(crate) fn left_out(mut request: Request) -> Request {
    let name = request.operation_name.clone();
    let mut variables = std::mem::take(&mut request.variables);
    // What does not parse is answered by the library.
    let left_out = request.parsed_query().ok().and_then(|document| {
        let operation = chosen(document, name.as_deref())?;
        fill_in(&mut variables, operation);
        let absent = absent(operation, &variables);
        (!absent.is_empty()).then(|| without(document.clone(), &absent))
    });
    if let Some(document) = left_out {
        request.set_parsed_query(document);
    }
    request.variables = variables;
    request
}

/// What the document would execute under that name, or without one, if it holds but one operation.
pub(crate) fn chosen<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<&'d OperationDefinition> {
    let mut operations = document.operations.iter();
    let operation = match name {
        Some(name) => operations.find(|(key, _)| key.is_some_and(|key| key == name)),
        None => operations.next().filter(|_| operations.next().is_none()),
    };
    operation.map(|(_, operation)| &operation.node)
}

/// Gives the variables that have no value their defaults.
fn fill_in(variables: &mut Variables, operation: &OperationDefinition) {
    for variable in &operation.variable_definitions {
        let name = &variable.node.name.node;
        if let Some(default) = &variable.node.default_value
            && !variables.contains_key(name)
        {
            variables.insert(name.clone(), default.node.clone());
        }
    }
}

/// The variables of the operation that may be left out, and are.
fn absent(operation: &OperationDefinition, given: &Variables) -> BTreeSet<Name> {
    let declared = operation.variable_definitions.iter().map(|v| &v.node);
    declared
        .filter(|variable| variable.var_type.node.nullable)
        .map(|variable| &variable.name.node)
        .filter(|name| !given.contains_key(*name))
        .cloned()
        .collect()
}

/// The document without what stands for `absent`.
fn without(mut document: ExecutableDocument, absent: &BTreeSet<Name>) -> ExecutableDocument {
    let mut leaving = Leaving {
        absent,
        left_out: BTreeSet::new(),
        still_used: BTreeSet::new(),
    };
    let ExecutableDocument {
        operations,
        fragments,
    } = &mut document;
    for fragment in fragments.values_mut() {
        leaving.directives(&fragment.node.directives);
        leaving.selections(&mut fragment.node.selection_set.node);
    }
    match operations {
        DocumentOperations::Single(operation) => leaving.operation(&mut operation.node),
        DocumentOperations::Multiple(operations) => {
            let operations = operations.values_mut();
            operations.for_each(|operation| leaving.operation(&mut operation.node));
        }
    }
    document
}

/// A walk through all of a document.
struct Leaving<'a> {
    absent: &'a BTreeSet<Name>,
    /// Those that stood somewhere.
    left_out: BTreeSet<Name>,
    /// Those of them that stand where nothing can be left out.
    still_used: BTreeSet<Name>,
}

impl Leaving<'_> {
    fn operation(&mut self, operation: &mut OperationDefinition) {
        self.directives(&operation.directives);
        self.selections(&mut operation.selection_set.node);
        // The library refuses a variable that is declared and stands nowhere.
        operation.variable_definitions.retain(|variable| {
            let name = &variable.node.name.node;
            !self.left_out.contains(name) || self.still_used.contains(name)
        });
    }

    fn selections(&mut self, set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => {
                    let field = &mut field.node;
                    self.directives(&field.directives);
                    let arguments = &mut field.arguments;
                    arguments.retain_mut(|(_, value)| self.stays(&mut value.node));
                    self.selections(&mut field.selection_set.node);
                }
                Selection::FragmentSpread(spread) => self.directives(&spread.node.directives),
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.node.directives);
                    self.selections(&mut fragment.node.selection_set.node);
                }
            }
        }
    }

    /// Whether an argument or a member stays, without what is left out within it.
    fn stays(&mut self, value: &mut Value) -> bool {
        match value {
            Value::Variable(name) if self.absent.contains(name) => {
                self.left_out.insert(name.clone());
                false
            }
            Value::Object(members) => {
                members.retain(|_, member| self.stays(member));
                true
            }
            Value::List(items) => {
                for item in items {
                    if !self.stays(item) {
                        *item = Value::Null;
                    }
                }
                true
            }
            _ => true,
        }
    }

    /// Directives say whether there is an answer: without their argument they say nothing.
    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        let arguments = directives.iter().flat_map(|one| &one.node.arguments);
        for (_, value) in arguments {
            if let Value::Variable(name) = &value.node {
                self.still_used.insert(name.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
