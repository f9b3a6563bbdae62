//! A body that is read where it is touched gives what a parser gives, and is written as it was.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::Value;

use crate::given::{Given, why};

fn json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An expression that takes the value apart and puts it together again, value by value.
fn rebuilt(value: &Value, at: &str) -> String {
    let literal = |name: &str| {
        let escaped = name.chars().map(|sign| format!("\\U{:08x}", sign as u32));
        format!("'{}'", escaped.collect::<String>())
    };
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(index, item)| rebuilt(item, &format!("{at}[{index}]")));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| {
                let name = literal(name);
                format!("{name}: {}", rebuilt(member, &format!("{at}[{name}]")))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        _ => at.to_owned(),
    }
}

proptest! {
    #[test]
    fn a_body_is_sent_as_it_was_written(value in json(), is_pretty: bool) {
        let text = if is_pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            value.to_string()
        };
        let sent = Given::body(format!(" {text}\n")).sent("[body, {'b': body}]");
        if matches!(value, Value::Array(_) | Value::Object(_)) {
            prop_assert_eq!(&sent, &format!("[{text},{{\"b\":{text}}}]"));
        }
        // Not the value itself: a parser rounds the last digit of some numbers.
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        prop_assert_eq!(&read(&sent)[0], &read(&text));
    }

    #[test]
    fn what_is_taken_apart_is_what_a_parser_gives(value in json()) {
        let source = rebuilt(&value, "body");
        prop_assume!(source.len() <= 4096);
        let text = value.to_string();
        let sent = Given::body(text.clone()).sent(&source);
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        prop_assert_eq!(read(&sent), read(&text));
    }

    #[test]
    fn two_evaluations_give_the_same_bytes(value in json()) {
        let given = Given::body(value.to_string());
        let source = "{'z': body, 'a': merge({'x': body, 'm': 1}, {'b': [body], 'n': {}})}";
        prop_assert_eq!(given.sent(source), given.sent(source));
    }

    #[test]
    fn a_value_equals_itself_and_what_is_written_like_it(value in json()) {
        let given = Given::body(value.to_string());
        prop_assert_eq!(given.filter("body == body && parseJson(json(body)) == body"), Ok(true));
        prop_assert_eq!(given.filter("body != body"), Ok(false));
    }

    #[test]
    fn bytes_are_json_here_if_they_are_to_a_parser(bytes: Vec<u8>) {
        let is_json = serde_json::from_slice::<Value>(&bytes).is_ok();
        let given = Given::body(bytes);
        prop_assert_eq!(given.request("[body]").is_ok(), is_json);
    }
}

#[test]
fn what_a_parser_refuses_is_no_json() {
    for body in [
        "",
        "{",
        "{\"a\":1}x",
        "NaN",
        "[Infinity]",
        "1e400",
        "{\"a\":[1e400]}",
        r#"{"a":"\ud800"}"#,
        r#"{"\ud800":1}"#,
        "{\"a\":\"\u{1}\"}",
        "[01]",
        "\u{feff}{}",
    ] {
        let given = Given::body(body.to_owned());
        assert_eq!(
            why(given.request("[body]")),
            "the body is no JSON",
            "{body:?}"
        );
    }
}

#[test]
fn of_a_name_that_comes_twice_the_last_counts() {
    let given = Given::body(r#"{"a":1,"b":2,"a":3}"#);
    assert_eq!(given.sent("[body.a, size(body)]"), "[3,2]");
    assert_eq!(given.sent("body"), r#"{"a":1,"b":2,"a":3}"#);
}

#[test]
fn whole_pieces_keep_their_digits() {
    let body = r#"{"big": [123456789012345678901234567890, 1.10], "a": 18446744073709551615}"#;
    let given = Given::body(body);
    assert_eq!(
        given.sent("body.big"),
        "[123456789012345678901234567890, 1.10]"
    );
    assert_eq!(
        given.sent("[body.a, body.big[1]]"),
        "[18446744073709551615,1.1]"
    );
}
