//! What authors are told of a source, and people of a message: never what the message holds.

use expressions::{Filter, RequestTransform, ResultTransform};
use proptest::prelude::*;

use crate::given::{Given, why};

fn filter(source: &str) -> String {
    Filter::compile(source).unwrap_err().to_string()
}

#[test]
fn a_source_that_cannot_be_read_says_where() {
    for (source, problem) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("body.a ==", "line 1, column 10: mismatched input '<EOF>'"),
        (
            "body.a == 1 &&\n  == 2",
            "line 2, column 3: extraneous input '=='",
        ),
        ("foo", "line 1, column 1: there is no variable `foo`"),
        ("body.a == 1 &&\n  größe > 1", "line 2, column 5"),
        (
            "body.a == 'é' && foo",
            "line 1, column 18: there is no variable `foo`",
        ),
        (
            "body.a.foo()",
            "line 1, column 11: there is no function `foo`",
        ),
        ("my_way(1) == 1", "there is no function `my_way`"),
        ("_way_(1) == 1", "there is no function `_way_`"),
        ("now() == 1", "there is no function `now`"),
        (
            "lists.distinct([1])",
            "there is no function `lists.distinct`",
        ),
        ("size(1, 2) == 1", "`size` does not take 2 arguments"),
        ("Foo{a: 1} == 1", "there is no type `Foo`"),
        ("type(body) == map", "there is no function `type`"),
        ("body.l.all(body, true)", "`body` has a meaning already"),
        ("body.l.all(base64, true)", "`base64` has a meaning already"),
        (
            "x && body.l.all(x, x)",
            "line 1, column 1: there is no variable `x`",
        ),
        (
            "body.s.matches(body.p)",
            "the pattern of `matches` has to be written out",
        ),
        (
            "body.s.matches('(')",
            "the pattern cannot be read: unclosed group",
        ),
        (r"body.s.matches('\\w{500}')", "the pattern is too large"),
        ("@go()", "line 1, column 1"),
    ] {
        let told = filter(source);
        assert!(told.contains(problem), "{source}: {told}");
    }
}

#[test]
fn each_expression_sees_what_is_there_at_its_time() {
    assert!(filter("run == ''").contains("there is no variable `run`"));
    assert!(filter("answer == 1").contains("there is no variable `answer`"));
    assert!(RequestTransform::compile("run").is_ok());
    assert!(RequestTransform::compile("status").is_err());
    assert!(ResultTransform::compile("[run, status, answer, body]").is_ok());
}

#[test]
fn a_message_that_does_not_fit_says_why_in_words_of_the_source() {
    let given = Given::body(r#"{"secret":"hunter2","n":1,"list":[1]}"#).header("h", "hunter2");
    for (source, reason) in [
        ("body.amount > 1", "there is no `amount`"),
        ("body['amount'] > 1", "there is no `amount`"),
        ("body[headers.h] == 1", "there is no such key"),
        ("body[body.secret] == 1", "there is no such key"),
        ("body.list[3] == 1", "the list has no such index"),
        ("body.list.a == 1", "`.` does not take (list, string)"),
        ("body.secret < 1", "`<` does not take (string, int)"),
        ("body.secret + 1 == 1", "`+` does not take (string, int)"),
        ("body + {'a': 1} == 1", "`+` does not take (map, map)"),
        ("body.n * 1.2 > 1.0", "`*` does not take (int, double)"),
        ("int(body.secret) == 1", "`int` failed"),
        ("body.n / (body.n - 1) == 1", "a number is divided by zero"),
        ("body.secret.size(1) == 1 || true", ""),
        ("string(body) == ''", "`string` does not take (map)"),
        ("body.secret", "it gave string, neither true nor false"),
        ("body.secret && true", "does not take"),
        (
            "body.secret ? true : false",
            "there is string where bool is needed",
        ),
    ] {
        let Ok(compiled) = Filter::compile(source) else {
            assert_eq!(reason, "", "{source}");
            continue;
        };
        let told = compiled.passes(&given.message()).unwrap_err().to_string();
        assert!(told.contains(reason), "{source}: {told}");
    }
}

/// Sources that fail in all ways there are, on whatever value `body.v` has.
const FAILING: [&str; 18] = [
    "body[body.v]",
    "body.v.x",
    "body.v + 1",
    "1 + body.v",
    "body.v - [1]",
    "body.v * {'a': 1}",
    "body.v / b'x'",
    "-body.v",
    "!body.v",
    "body.v && true",
    "body.v < [1]",
    "body.v in 1",
    "int(body.v)",
    "double(body.v)",
    "base64.decode(body.v)",
    "body.v.substring(100000)",
    "parseJson(body.v)",
    "{body.v: 1, body.v: 2}",
];

proptest! {
    #[test]
    fn no_text_holds_what_a_message_holds(secret in "[a-z]{12}") {
        let given = Given::body(format!(r#"{{"v":"{secret}"}}"#));
        for source in FAILING {
            if let Err(failure) = given.request(source) {
                let told = failure.to_string();
                prop_assert!(!told.contains(&secret), "{}: {}", source, told);
            }
        }
    }

    #[test]
    fn whatever_the_source_it_is_read_or_refused(source in "\\PC{0,40}") {
        let _ = Filter::compile(&source);
    }

    #[test]
    fn whatever_is_put_together_is_read_or_refused(
        words in proptest::collection::vec(
            prop_oneof![
                Just("body"), Just(".a"), Just("["), Just("]"), Just("("), Just(")"), Just("'x'"),
                Just("1"), Just("+"), Just("&&"), Just("?"), Just(":"), Just("{"), Just("}"),
                Just(","), Just(".map(x, "), Just(".all(x, "), Just("x"), Just("!"), Just(".?b"),
                Just("size("), Just(".matches('a')"), Just("=="), Just("in"),
            ],
            0..20,
        ),
    ) {
        let source = words.join(" ");
        if let Ok(filter) = Filter::compile(&source) {
            let _ = filter.passes(&Given::body(r#"{"a":[1,{"a":2}],"b":"x"}"#).message());
        }
    }
}

#[test]
fn an_encoded_answer_is_not_read() {
    let body = bytes::Bytes::from_static(b"{}");
    let answer = expressions::Answer {
        status: 200,
        is_encoded: true,
        body: &body,
    };
    let transform = ResultTransform::compile("answer").unwrap();
    let applied = transform.apply(&Given::body("{}").message(), "", &answer);
    assert_eq!(why(applied), "the answer is no JSON");
}
