//! A walk over a document as it would be executed, fragments in place. It ends at the first limit,
//! so it costs as little as a document within them.

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Name, Positioned, Value, Variables};

use super::at_most;
use super::types::{FieldShape, Fields, Types};

/// The most fields and fragments, each counted wherever it occurs.
pub(crate) const MOST_SELECTIONS: usize = 1000;

/// The deepest nesting of fields. An introspection by GraphiQL is 15 deep.
pub(crate) const DEEPEST: usize = 16;

/// The deepest nesting of fields and fragments.
const DEEPEST_NESTING: usize = 32;

/// The most fields at the top of an operation. A subscription has one.
pub(crate) const MOST_ROOTS: usize = 10;

pub(crate) const MOST_ALIASES: usize = 30;

const MOST_DIRECTIVES: usize = 20;

/// The longest name or alias of a field, in bytes; errors repeat them.
const LONGEST_NAME: usize = 64;

/// The most values that an answer may have, counting every list at its maximum length.
pub(crate) const MOST_COSTLY: u64 = 30_000;

/// How many items a page has unless `first` or `last` says so, and at most.
const PAGE: u64 = 50;
const LONGEST_PAGE: u64 = 100;

/// How many items a list without pages is taken to have.
const UNPAGED: u64 = 10;

/// The most lists of an introspection: GraphiQL's has 10.
const MOST_INTROSPECTED: usize = 16;

pub(super) struct Walk<'a> {
    document: &'a ExecutableDocument,
    types: &'a Types,
    variables: &'a Variables,
    seen: Seen,
}

/// What of the limited things there was so far.
#[derive(Default)]
struct Seen {
    selections: usize,
    roots: usize,
    aliases: usize,
    directives: usize,
    introspected: usize,
}

/// The place of a selection set.
#[derive(Clone, Copy)]
struct Place<'a> {
    operation: &'a OperationDefinition,
    /// The fields of its type; none where the schema has no such type.
    fields: Option<&'a Fields>,
    /// How many items the lists of a connection have.
    page: Option<u64>,
    deep: usize,
    nested: usize,
    introspection: Introspection,
}

/// How far into the schema's own description.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Introspection {
    No,
    Described,
    /// Inside what a type is made of, whose types are named, and not described again.
    Members,
}

type Limited<T> = Result<T, String>;

impl<'a> Walk<'a> {
    pub(super) fn new(
        document: &'a ExecutableDocument,
        types: &'a Types,
        variables: &'a Variables,
    ) -> Self {
        Self {
            document,
            types,
            variables,
            seen: Seen::default(),
        }
    }

    /// Walks over every operation.
    pub(super) fn all(mut self) -> Limited<()> {
        for (_, operation) in self.document.operations.iter() {
            self.operation(&operation.node)?;
        }
        Ok(())
    }

    fn operation(&mut self, operation: &'a OperationDefinition) -> Limited<()> {
        let (root, roots) = match operation.ty {
            OperationType::Query => ("Query", MOST_ROOTS),
            OperationType::Mutation => ("Mutation", MOST_ROOTS),
            OperationType::Subscription => ("Subscription", 1),
        };
        self.seen.roots = 0;
        self.directives(operation.directives.len())?;
        for variable in &operation.variable_definitions {
            self.directives(variable.node.directives.len())?;
        }
        let place = Place {
            operation,
            fields: self.types.fields(root),
            page: None,
            deep: 0,
            nested: 0,
            introspection: Introspection::No,
        };
        let cost = self.selection_set(&operation.selection_set.node, place)?;
        at_most("fields at the top", self.seen.roots, roots)?;
        if cost > MOST_COSTLY {
            return Err(format!(
                "the answer may have {cost} values, and the most is {MOST_COSTLY}: \
                 ask for fewer fields, or less of a list by `first` or `last`"
            ));
        }
        Ok(())
    }

    /// How many values the answer may have.
    fn selection_set(&mut self, set: &'a SelectionSet, place: Place<'a>) -> Limited<u64> {
        at_most(
            "levels of fields and fragments: nested too deep",
            place.nested,
            DEEPEST_NESTING,
        )?;
        let mut cost: u64 = 0;
        for selection in &set.items {
            self.seen.selections += 1;
            at_most("fields", self.seen.selections, MOST_SELECTIONS)?;
            self.directives(selection.node.directives().len())?;
            let inner = Place {
                nested: place.nested + 1,
                ..place
            };
            let part = match &selection.node {
                Selection::Field(field) => self.field(&field.node, inner)?,
                Selection::FragmentSpread(spread) => {
                    self.spread(&spread.node.fragment_name.node, inner)?
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    let fields = on.map_or(place.fields, |on| self.fields(&on.node.on.node));
                    let set = &fragment.node.selection_set.node;
                    self.selection_set(set, Place { fields, ..inner })?
                }
            };
            cost = cost.saturating_add(part);
        }
        Ok(cost)
    }

    fn spread(&mut self, name: &Name, place: Place<'a>) -> Limited<u64> {
        // The library says what is wrong with a fragment that is not there.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(0);
        };
        let fragment: &'a Positioned<FragmentDefinition> = fragment;
        self.directives(fragment.node.directives.len())?;
        let fields = self.fields(&fragment.node.type_condition.node.on.node);
        self.selection_set(&fragment.node.selection_set.node, Place { fields, ..place })
    }

    fn field(&mut self, field: &'a Field, place: Place<'a>) -> Limited<u64> {
        self.name(field, place)?;
        let deep = place.deep + 1;
        at_most("levels of fields: nested too deep", deep, DEEPEST)?;
        let name = field.name.node.as_str();
        let introspection = self.introspection(name, place.introspection)?;
        let shape = place.fields.and_then(|fields| fields.get(name));
        let inner = Place {
            fields: shape.and_then(|shape| self.types.fields(&shape.ty)),
            page: shape
                .filter(|shape| shape.paged)
                .map(|_| self.page(field, place.operation)),
            deep,
            introspection,
            ..place
        };
        let items = shape.map_or(1, |shape| self.items(shape, field, place));
        let each = self.selection_set(&field.selection_set.node, inner)?;
        Ok(each.saturating_mul(items).saturating_add(1))
    }

    fn name(&mut self, field: &Field, place: Place<'_>) -> Limited<()> {
        if field.response_key().node.len().max(field.name.node.len()) > LONGEST_NAME {
            return Err(format!("a name is longer than {LONGEST_NAME} bytes"));
        }
        if place.deep == 0 {
            self.seen.roots += 1;
        }
        if field.alias.is_some() {
            self.seen.aliases += 1;
            at_most("aliases", self.seen.aliases, MOST_ALIASES)?;
            if place.introspection != Introspection::No {
                return Err("aliases are not allowed in an introspection".to_owned());
            }
        }
        Ok(())
    }

    /// The schema's own description is as long as the schema is, unless parts are asked for again
    /// and again.
    fn introspection(&mut self, name: &str, around: Introspection) -> Limited<Introspection> {
        match (name, around) {
            ("__schema" | "__type", Introspection::No) => Ok(Introspection::Described),
            (_, Introspection::No) => Ok(Introspection::No),
            ("fields" | "inputFields" | "interfaces" | "possibleTypes", Introspection::Members) => {
                Err(format!(
                    "`{name}` cannot be asked for on a type within another type"
                ))
            }
            ("fields" | "inputFields" | "interfaces" | "possibleTypes", _) => {
                self.introspected()?;
                Ok(Introspection::Members)
            }
            ("types" | "directives" | "args" | "enumValues" | "locations", _) => {
                self.introspected()?;
                Ok(around)
            }
            _ => Ok(around),
        }
    }

    fn introspected(&mut self) -> Limited<()> {
        self.seen.introspected += 1;
        at_most(
            "lists of an introspection",
            self.seen.introspected,
            MOST_INTROSPECTED,
        )
    }

    fn directives(&mut self, more: usize) -> Limited<()> {
        self.seen.directives += more;
        at_most("directives", self.seen.directives, MOST_DIRECTIVES)
    }

    fn fields(&self, ty: &str) -> Option<&'a Fields> {
        self.types.fields(ty)
    }

    /// How many items a field answers.
    fn items(&self, shape: &FieldShape, field: &Field, place: Place<'_>) -> u64 {
        if !shape.list {
            return 1;
        }
        if shape.by_ids {
            return match self.argument(field, "ids", place.operation) {
                Some(Value::List(ids)) => ids.len() as u64,
                _ => 1,
            };
        }
        place.page.unwrap_or(UNPAGED)
    }

    /// How many items of a connection are asked for. What is out of bounds is refused later.
    fn page(&self, field: &Field, operation: &OperationDefinition) -> u64 {
        let counts = ["first", "last"].into_iter().filter_map(|end| {
            let Some(Value::Number(count)) = self.argument(field, end, operation) else {
                return None;
            };
            let count = count.as_u64().unwrap_or(LONGEST_PAGE);
            Some(count.min(LONGEST_PAGE))
        });
        counts.max().unwrap_or(PAGE)
    }

    /// An argument's value, with those of its variables.
    fn argument(
        &self,
        field: &Field,
        name: &str,
        operation: &OperationDefinition,
    ) -> Option<Value> {
        let value = field.get_argument(name)?.node.clone();
        let value = value.into_const_with(|variable| {
            let value = self.variable(&variable, operation);
            value.ok_or(())
        });
        value.ok()
    }

    fn variable(&self, name: &Name, operation: &OperationDefinition) -> Option<Value> {
        let given = self.variables.get(name).cloned();
        given.or_else(|| {
            let mut declared = operation.variable_definitions.iter();
            let declared = declared.find(|declared| declared.node.name.node == *name)?;
            declared.node.default_value().cloned()
        })
    }
}
