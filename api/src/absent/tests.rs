//! What is left out is absent, in documents that the library executes.

use async_graphql::{
    EmptyMutation, EmptySubscription, InputObject, Json, MaybeUndefined, Object, Schema, Value,
    value,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

struct Query;

/// Members that tell absent from null, at any depth.
#[derive(InputObject)]
struct Members {
    text: MaybeUndefined<String>,
    inner: MaybeUndefined<Box<Members>>,
    list: MaybeUndefined<Vec<MaybeUndefined<String>>>,
    many: MaybeUndefined<Vec<Members>>,
}

#[Object]
impl Query {
    /// The arguments as they came.
    async fn seen(
        &self,
        members: MaybeUndefined<Members>,
        #[graphql(default = 7)] number: Option<i32>,
    ) -> Json<serde_json::Value> {
        let mut seen = json!({ "number": number });
        put(&mut seen, "members", members, |members| members.seen());
        Json(seen)
    }
}

impl Members {
    fn seen(self) -> serde_json::Value {
        let mut seen = json!({});
        put(&mut seen, "text", self.text, Into::into);
        put(&mut seen, "inner", self.inner, |inner| inner.seen());
        put(&mut seen, "list", self.list, |list| {
            let items = list.into_iter().map(|item| item.take());
            items.collect::<Vec<Option<String>>>().into()
        });
        put(&mut seen, "many", self.many, |many| {
            many.into_iter().map(Members::seen).collect()
        });
        seen
    }
}

fn put<T>(
    seen: &mut serde_json::Value,
    name: &str,
    member: MaybeUndefined<T>,
    show: impl Fn(T) -> serde_json::Value,
) {
    match member {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => seen[name] = serde_json::Value::Null,
        MaybeUndefined::Value(value) => seen[name] = show(value),
    }
}

async fn execute(document: &str, variables: Value) -> async_graphql::Response {
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let request = Request::new(document).variables(Variables::from_value(variables));
    schema.execute(left_out(request)).await
}

/// What the field `seen` of the document was given.
async fn seen(document: &str, variables: Value) -> serde_json::Value {
    let response = execute(document, variables).await;
    assert!(response.is_ok(), "{document}: {:?}", response.errors);
    response.data.into_json().unwrap()["seen"].clone()
}

#[tokio::test]
async fn a_member_whose_variable_has_no_value_is_absent_at_every_depth() {
    let document = "query($text: String, $inner: Members) { seen(members: {
        text: $text, inner: { text: $text, inner: $inner }, list: [], many: [{ text: $text }]
    }) }";
    assert_eq!(
        seen(document, value!({})).await["members"],
        json!({ "inner": {}, "list": [], "many": [{}] })
    );
    let given = value!({ "text": null, "inner": { "text": "a" } });
    assert_eq!(
        seen(document, given).await["members"],
        json!({
            "text": null, "inner": { "text": null, "inner": { "text": "a" } },
            "list": [], "many": [{ "text": null }],
        }),
        "null is a value"
    );
}

#[tokio::test]
async fn an_argument_whose_variable_has_no_value_has_its_default() {
    let document = "query($number: Int, $members: Members) {
        seen(number: $number, members: $members) }";
    assert_eq!(seen(document, value!({})).await, json!({ "number": 7 }));
    assert_eq!(
        seen(document, value!({ "number": null, "members": null })).await,
        json!({ "number": null, "members": null })
    );
}

#[tokio::test]
async fn the_default_of_a_variable_is_its_value() {
    let document = "query($text: String = \"usual\", $none: String = null) {
        seen(members: { text: $text, inner: { text: $none } }) }";
    assert_eq!(
        seen(document, value!({})).await["members"],
        json!({ "text": "usual", "inner": { "text": null } })
    );
}

#[tokio::test]
async fn an_item_of_a_list_is_null() {
    let document = "query($text: String) { seen(members: { list: [\"a\", $text] }) }";
    assert_eq!(
        seen(document, value!({})).await["members"],
        json!({ "list": ["a", null] })
    );
}

#[tokio::test]
async fn directives_and_fragments_are_executed_as_they_say() {
    let document = "query($show: Boolean = true, $text: String) {
        ...Seen @include(if: $show)
        hidden: seen(members: { text: $text }) @skip(if: $show)
    }
    fragment Seen on Query { seen(members: { text: $text }) }";
    assert_eq!(
        seen(document, value!({})).await,
        json!({ "number": 7, "members": {} })
    );
    let answer = execute(document, value!({ "show": false })).await;
    assert_eq!(
        answer.data.into_json().unwrap(),
        json!({ "hidden": { "number": 7, "members": {} } })
    );
}

#[tokio::test]
async fn of_several_operations_the_chosen_one_says_what_is_absent() {
    let document = "query One($text: String) { ...Seen }
        query Other($text: String = \"other\") { ...Seen }
        fragment Seen on Query { seen(members: { text: $text }) }";
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    for (name, expected) in [("One", json!({})), ("Other", json!({ "text": "other" }))] {
        let request = Request::new(document).operation_name(name);
        let response = schema.execute(left_out(request)).await;
        assert!(response.is_ok(), "{:?}", response.errors);
        let seen = response.data.into_json().unwrap();
        assert_eq!(seen["seen"]["members"], expected, "{name}");
    }
}

#[tokio::test]
async fn what_may_not_be_left_out_is_refused() {
    for document in [
        "query($members: Members!) { seen(members: $members) }",
        "query($list: [Members!]!) { seen(members: { many: $list }) }",
        "query($unused: String) { seen }",
        "{ seen(members: { text: $undeclared }) }",
    ] {
        let response = execute(document, value!({})).await;
        assert!(!response.is_ok(), "{document}");
    }
}

/// A literal, and what GraphQL says that it means; nothing for a variable without a value.
#[derive(Clone, Debug)]
struct Literal {
    text: String,
    value: Option<serde_json::Value>,
}

fn text() -> impl Strategy<Value = Literal> {
    let literal = |text: &str, value| Literal {
        text: text.to_owned(),
        value,
    };
    prop_oneof![
        Just(literal("\"a\"", Some(json!("a")))),
        Just(literal("null", Some(json!(null)))),
        Just(literal("$given", Some(json!("b")))),
        Just(literal("$null", Some(json!(null)))),
        Just(literal("$absent", None)),
    ]
}

fn list() -> impl Strategy<Value = Literal> {
    proptest::collection::vec(text(), 0..4).prop_map(|items| {
        let texts: Vec<String> = items.iter().map(|item| item.text.clone()).collect();
        let values = items.into_iter().map(|item| item.value.unwrap_or_default());
        Literal {
            text: format!("[{}]", texts.join(", ")),
            value: Some(values.collect()),
        }
    })
}

fn members() -> impl Strategy<Value = Literal> {
    let leaf = proptest::option::of(text()).prop_map(|text| object([("text", text)]));
    leaf.prop_recursive(4, 24, 3, |inner| {
        let many = proptest::collection::vec(inner.clone(), 0..3).prop_map(|items| {
            let texts: Vec<String> = items.iter().map(|item| item.text.clone()).collect();
            let values = items.into_iter().filter_map(|item| item.value);
            Literal {
                text: format!("[{}]", texts.join(", ")),
                value: Some(values.collect()),
            }
        });
        let option = proptest::option::of::<BoxedStrategy<Literal>>;
        let parts = (
            option(text().boxed()),
            option(inner.boxed()),
            option(list().boxed()),
            option(many.boxed()),
        );
        parts.prop_map(|(text, inner, list, many)| {
            object([
                ("text", text),
                ("inner", inner),
                ("list", list),
                ("many", many),
            ])
        })
    })
}

fn object<const N: usize>(members: [(&str, Option<Literal>); N]) -> Literal {
    let mut texts = Vec::new();
    let mut value = json!({});
    for (name, member) in members {
        let Some(member) = member else { continue };
        texts.push(format!("{name}: {}", member.text));
        if let Some(member) = member.value {
            value[name] = member;
        }
    }
    Literal {
        text: format!("{{{}}}", texts.join(", ")),
        value: Some(value),
    }
}

proptest! {
    #[test]
    fn literals_mean_what_graphql_says(literal in members()) {
        let declared = ["given", "null", "absent"].map(|name| {
            let used = literal.text.contains(&format!("${name}"));
            if used { format!("${name}: String, ") } else { String::new() }
        });
        let declared = declared.concat();
        let declared = if declared.is_empty() { declared } else { format!("({declared})") };
        let document = format!("query{declared} {{ seen(members: {}) }}", literal.text);
        let variables = value!({ "given": "b", "null": null });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let seen = runtime.block_on(seen(&document, variables));
        prop_assert_eq!(Some(&seen["members"]), literal.value.as_ref());
    }
}
