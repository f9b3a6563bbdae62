//! What passes and what does not, on the real schema.

use super::*;

const INTROSPECTION: &str = include_str!("introspection.graphql");

fn limits() -> Limits {
    Limits::new(&crate::sdl())
}

/// The refusal's text, if any.
fn refusal(request: Request) -> Option<String> {
    let response = limits().admit(request).err()?;
    let [error] = &response.errors[..] else {
        panic!("{response:?}");
    };
    let code = error.extensions.as_ref().unwrap().get("code").unwrap();
    assert_eq!(
        *code,
        async_graphql::Value::from("TOO_COMPLEX"),
        "{error:?}"
    );
    Some(error.message.clone())
}

#[track_caller]
fn passes(document: &str) {
    assert_eq!(refusal(Request::new(document)), None);
}

#[track_caller]
fn is_refused(document: &str, why: &str) {
    let text = refusal(Request::new(document)).expect("a refusal");
    assert!(text.contains(why), "{text}");
}

fn repeat(text: &str, times: usize) -> String {
    (0..times)
        .map(|number| text.replace('#', &number.to_string()))
        .collect()
}

#[test]
fn graphiqls_introspection_passes() {
    passes(INTROSPECTION);
}

#[test]
fn a_list_of_everything_about_a_hundred_listeners_passes() {
    passes(
        "{ listeners(first: 100) { nodes { id enabled paused versionSelector problem { code text }
            topic { name } consumerGroup revision changedAt deadLetterTopic { name }
            resolvedVersion { id version withdrawn }
            broker { id name kind counts { topics listeners } } algorithm { id name retired }
            consumers(first: 10) { nodes { state reason stateSince __typename } }
            ledger { received succeeded deadLettered filtered dropped inFlight } } } }",
    );
}

#[test]
fn the_page_of_graphiql_begins_with_a_document_that_passes() {
    let document = include_str!("../../../xtask/src/graphiql/welcome.graphql");
    let mut request = Request::new(document).operation_name("Events");
    assert!(request.parsed_query().is_ok());
    let admitted = limits().admit(request).ok().unwrap();
    assert_eq!(admitted.kind, OperationType::Subscription);
}

#[test]
fn what_would_be_executed_is_known() {
    use OperationType::{Mutation, Query, Subscription};
    let kind = |document: &str, name: Option<&str>| {
        let mut request = Request::new(document);
        request.operation_name = name.map(str::to_owned);
        limits().admit(request).ok().unwrap().kind
    };
    let both = "subscription A { a } mutation B { b }";
    for (document, name, expected) in [
        ("{ a }", None, Query),
        ("mutation { a }", None, Mutation),
        ("subscription A { a }", None, Subscription),
        ("subscription A { a }", Some("A"), Subscription),
        (both, Some("A"), Subscription),
        (both, Some("B"), Mutation),
        // The library refuses these.
        (both, None, Query),
        (both, Some("C"), Query),
    ] {
        assert_eq!(kind(document, name), expected, "{document} {name:?}");
    }
}

#[test]
fn pages_within_pages_cost_their_product() {
    let nested = |first: u32, inner: u32| {
        format!(
            "{{ organizations(first: {first}) {{ nodes {{ algorithms(first: {inner}) \
             {{ nodes {{ id name description registeredAt retired retiredAt }} }} }} }} }}"
        )
    };
    passes(&nested(50, 50));
    is_refused(&nested(100, 100), "may have 60202 values");
    is_refused(&nested(4_000_000, 99), "may have 59602 values");
    let from_the_end = nested(100, 100).replace("first", "last");
    is_refused(&from_the_end, "may have 60202 values");
}

#[test]
fn first_counts_also_as_a_variable_a_default_or_nothing() {
    let document = "query($n: Int = 100) { organizations(first: $n) { nodes \
                    { algorithms { nodes { \
                    id name description registeredAt retired retiredAt } } } } }";
    let asks = |n: serde_json::Value| {
        let variables = Variables::from_json(serde_json::json!({ "n": n }));
        refusal(Request::new(document).variables(variables))
    };
    assert_eq!(asks(serde_json::json!(50)), None);
    assert!(
        asks(serde_json::json!(100))
            .unwrap()
            .contains("30202 values")
    );
    assert!(
        refusal(Request::new(document))
            .unwrap()
            .contains("30202 values")
    );
}

#[test]
fn ids_cost_as_many_as_they_are() {
    let ids = |count| "\"x\",".repeat(count);
    let document = |count| {
        format!(
            "{{ nodes(ids: [{}]) {{ ... on Algorithm {{ grants {{ nodes {{ \
             id access grantedAt pattern: topicPattern topicPattern __typename }} }} }} }} }}",
            ids(count)
        )
    };
    passes(&document(90));
    is_refused(&document(100), "may have 30201 values");
}

#[test]
fn width_is_bounded() {
    passes(&format!("{{ {} }}", repeat("a#: __typename ", 10)));
    is_refused(
        &format!("{{ {} }}", repeat("a#: __typename ", 11)),
        "at the top",
    );
    let aliases = |count| format!("{{ node(id: 1) {{ {} }} }}", repeat("a#: id ", count));
    passes(&aliases(30));
    is_refused(&aliases(31), "aliases");
    let fields = |count| format!("{{ node(id: 1) {{ {} }} }}", "id ".repeat(count));
    passes(&fields(999));
    is_refused(&fields(1000), "more than 1000 fields");
    let directives = |count| format!("{{ a {} }}", "@skip(if: false) ".repeat(count));
    passes(&directives(20));
    is_refused(&directives(21), "directives");
    let name = |length| format!("{{ {}: node(id: 1) {{ id }} }}", "a".repeat(length));
    passes(&name(64));
    is_refused(&name(65), "a name is longer");
    let operations = |count| repeat("query A# { __typename } ", count);
    passes(&operations(10));
    is_refused(&operations(11), "operations");
    let fragments = |count| format!("{{ a }} {}", repeat("fragment F# on A { a } ", count));
    passes(&fragments(100));
    is_refused(&fragments(101), "fragments");
    is_refused("subscription { a b }", "at the top");
}

#[test]
fn variables_are_bounded_whether_declared_or_given() {
    let declared = |count| format!("query({}) {{ a }}", repeat("$a#: Int ", count));
    passes(&declared(50));
    is_refused(&declared(51), "variables");
    let given = |count| {
        let pairs = (0..count).map(|number| (format!("a{number}"), serde_json::json!(1)));
        let variables = Variables::from_json(serde_json::Value::Object(pairs.collect()));
        refusal(Request::new("{ __typename }").variables(variables))
    };
    assert_eq!(given(50), None);
    assert!(given(51).unwrap().contains("variables"));
}

#[test]
fn depth_is_bounded_in_fields_and_in_fragments() {
    let fields = |levels| {
        format!(
            "{}a{}",
            "{ a ".repeat(levels - 1) + "{ ",
            "} ".repeat(levels)
        )
    };
    passes(&fields(16));
    is_refused(&fields(17), "too deep");
    let fragments = |levels| {
        format!(
            "{{ {} a {} }}",
            "... { ".repeat(levels),
            "} ".repeat(levels)
        )
    };
    passes(&fragments(30));
    is_refused(&fragments(40), "too deep");
    is_refused("{ ...A } fragment A on Query { ...A }", "too deep");
    is_refused(&format!("{{ a(b: {}) }}", "[".repeat(100)), "nested deeper");
    is_refused(
        &format!("{{ a }} # {}", "x".repeat(32 * 1024)),
        "longer than",
    );
}

/// Each fragment spreads the next ten times: as executed, the document would have 10^15 fields.
/// The walk stops at the thousandth; were it to go on, this test would not end.
#[test]
fn a_fan_out_of_fragments_ends_the_walk_early() {
    let spread = |number: usize| {
        let next = format!("...F{} ", number + 1).repeat(10);
        format!("fragment F{number} on Query {{ {next} }} ")
    };
    let fragments: String = (0..15).map(spread).collect();
    let document = format!("{{ ...F0 }} {fragments} fragment F15 on Query {{ __typename }}");
    is_refused(&document, "more than 1000 fields");
}

#[test]
fn an_introspection_asks_for_nothing_twice() {
    is_refused(
        "{ __schema { types { fields { type { fields { name } } } } } }",
        "within",
    );
    is_refused(
        "{ __schema { a: types { name } } }",
        "aliases are not allowed",
    );
    let again = "types { name } ".repeat(17);
    is_refused(
        &format!("{{ __schema {{ {again} }} }}"),
        "lists of an introspection",
    );
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_told_so_with_a_code() {
    for (kind, advice) in [
        (OperationType::Query, "ask for less"),
        (OperationType::Mutation, "the same idempotencyKey"),
    ] {
        let late = in_time(kind, std::future::pending()).await;
        let [error] = &late.errors[..] else {
            panic!("{late:?}");
        };
        assert!(error.message.contains(advice), "{error:?}");
        let code = error.extensions.as_ref().unwrap().get("code").unwrap();
        assert_eq!(*code, async_graphql::Value::from("UNAVAILABLE"));
    }
}
