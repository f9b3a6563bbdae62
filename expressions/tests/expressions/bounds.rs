//! Sources and messages that mean harm: refused, or at an end soon. A stack of a worker's size is
//! enough for all of them.

use expressions::RequestTransform;

use crate::given::{Given, why};

/// The stack of a worker's thread.
const STACK: usize = 2 * 1024 * 1024;

const TOO_MUCH: &str = "it does too much";

fn body() -> String {
    let numbers: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
    let long = "x".repeat(1000);
    let list = numbers.join(",");
    format!(r#"{{"s":"{long}","list":[{list}],"a":{{"a":{{"a":1}}}}}}"#)
}

/// Evaluates on a small stack; answers what came of it, refused or not.
fn evaluated(source: String, body: String) -> Result<usize, String> {
    let evaluate = move || {
        let transform =
            RequestTransform::compile(&source).map_err(|problem| problem.to_string())?;
        let given = Given::body(body);
        let made = transform
            .apply(&given.message(), "")
            .map_err(|failure| failure.to_string())?;
        Ok(made.into_bytes().len())
    };
    let thread = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(evaluate);
    thread.unwrap().join().unwrap()
}

fn refused(source: impl Into<String>) -> String {
    evaluated(source.into(), body()).unwrap_err()
}

fn nested(inner: &str, before: &str, after: &str, times: usize) -> String {
    format!("{}{inner}{}", before.repeat(times), after.repeat(times))
}

#[test]
fn a_source_that_is_too_long_is_refused() {
    let long = "1 + ".repeat(1500) + "1";
    assert_eq!(refused(long), "it has 6001 bytes, and may have 4096");
}

#[test]
fn a_source_that_is_too_deep_is_refused() {
    for source in [
        vec!["1"; 1000].join("+"),
        format!("body{}", ".a".repeat(1500)),
        format!("body{}", "['a']".repeat(700)),
        nested("1", "[", "]", 100),
        nested("1", "-(", ")", 100),
        "1".to_owned() + &" + (true ? 1 : 2)".repeat(200),
    ] {
        let told = refused(&*source);
        assert!(told.contains("deep"), "{}: {told}", &source[..20]);
    }
}

#[test]
fn the_deepest_that_is_taken_fits_the_stack() {
    for (source, times) in [
        (vec!["1"; 118].join("+"), "1+1"),
        (nested("1", "[", "]", 90), "[["),
        (nested("1", "{'a': ", "}", 90), "{{"),
        (nested("1", "-(", ")", 90), "-(-("),
        (nested("'a'", "string(", ")", 90), "string("),
        (format!("'a'{}", ".trim()".repeat(118)), ".trim()"),
        (format!("(body{}).orValue(1)", ".?a".repeat(115)), ".?a"),
        (vec!["body.s < 'a'"; 118].join(" || "), "||"),
        (nested("body.s", "[", "].map(v, v)[0]", 4), "map"),
    ] {
        let made = evaluated(source, body());
        assert!(made.is_ok(), "{times}: {made:?}");
    }
}

#[test]
fn loops_that_are_too_deep_in_each_other_are_refused() {
    let doubling = nested("body.s", "[", "].map(v, v + v)[0]", 20);
    assert!(refused(doubling).contains("loops in each other"));
    let mapped = nested("body.s", "optional.of(", ").optMap(v, v + v).value()", 20);
    assert!(refused(mapped).contains("loops in each other"));
}

#[test]
fn what_does_too_much_ends_and_says_so() {
    let outer = "lists.range(100).all(i, lists.range(100).all(j, ";
    for inner in [
        "body.list.all(a, body.list.all(b, body.list.all(c, true)))",
        "body.list.all(a, body.list.all(b, body.list.all(c, 1 / 0 == 1)))",
        "body.list.exists(a, body.list.exists(b, body.list.exists_one(c, c == -1)))",
        "body.list.map(a, body.list.map(b, body.list.map(c, 1)))",
        "body.list.map(a, body.list.filter(b, true))",
        "body.list.map(a, body.s + body.s)",
        "body.list.map(a, [body.s, body.s])",
        "body.list.map(a, body.list == body.list)",
        "body.list.map(a, 999 in body.list)",
        "body.list.map(a, json(body))",
        "body.list.map(a, parseJson(text))",
        "body.list.map(a, merge(body, body))",
        "body.list.map(a, body.?s.orValue(''))",
        "body.list.map(a, optional.of(body).s)",
        "body.list.map(a, body.s.replace('', body.s))",
        "body.list.map(a, body.s.split(''))",
        "body.list.map(a, body.s.matches('(x+x+)+y'))",
        "body.list.map(a, base64.encode(bytes))",
        "body.list.map(a, body.s.contains('y'))",
        "body.list.all(a, size(body.s) > 0 || text.size() > 0 || body.s < text)",
        "body.s.replace('', body.s).replace('', body.s)",
        "lists.range(1000000000000)",
        "[text, text, text].map(t, [t, t, t, t].join(t))",
    ] {
        let given = evaluated(inner.to_owned(), body());
        let looped = evaluated(format!("{outer}[{inner}] == [1] || true))"), body());
        let told = given.and(looped).unwrap_err();
        assert_eq!(told, TOO_MUCH, "{inner}");
    }
}

#[test]
fn an_error_that_was_swallowed_after_too_much_does_not_pass_as_a_value() {
    let given = Given::body(body());
    let much = "body.list.map(a, body.list.map(b, 1))";
    for source in [
        format!("{much} == [] || true"),
        format!("optional.of({much})[?0].hasValue() || true"),
        format!("body.list.exists(x, {much} == []) || true"),
    ] {
        assert_eq!(why(given.filter(&source)), TOO_MUCH, "{source}");
    }
}

#[test]
fn what_is_made_is_bounded_by_what_is_read() {
    let body = format!("[\"{}\"]", "x".repeat(1024 * 1024));
    let twice = evaluated("[body, body, body]".to_owned(), body.clone());
    assert!(twice.unwrap() > 3 * 1024 * 1024);
    let often = format!("[{}]", vec!["body"; 700].join(","));
    let told = evaluated(often, body.clone()).unwrap_err();
    assert!(told.starts_with("it makes more than"), "{told}");
    let copied = format!("[{}]", vec!["text"; 700].join(","));
    assert_eq!(evaluated(copied, body).unwrap_err(), TOO_MUCH);
}

#[test]
fn a_message_that_is_large_may_be_read_as_a_whole() {
    let body = format!("{{\"s\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    for source in [
        "{'text': text}",
        "base64.encode(bytes)",
        "{'inputs': body.s}",
        "{'long': size(text) > 10 && text.contains('y')}",
    ] {
        let made = evaluated(source.to_owned(), body.clone());
        assert!(made.is_ok(), "{source}: {made:?}");
    }
}

#[test]
fn a_message_that_is_large_is_not_read_again_and_again() {
    let body = format!("{{\"list\":[\"{}\"]}}", "x".repeat(1024 * 1024));
    for inner in [
        "body == body",
        "!(1 in body.list)",
        "body.list.all(s, true)",
        "merge(body, {}) == 1 || true",
        "size(json(body)) > 1",
        "body.list + body.list == [] || true",
    ] {
        let source = format!("lists.range(10).all(i, {inner})");
        let told = evaluated(source, body.clone());
        assert_eq!(told, Err(TOO_MUCH.to_owned()), "{inner}");
    }
}

#[test]
fn deep_json_is_no_json_that_can_be_read() {
    let deep = nested("1", "[", "]", 10_000);
    assert_eq!(
        evaluated("body".to_owned(), deep).unwrap_err(),
        "the body is no JSON"
    );
    let bearable = nested("1", "[", "]", 100);
    assert!(evaluated("body == body ? body : 1".to_owned(), bearable).is_ok());
}
