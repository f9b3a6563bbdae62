//! What the variables hold and the functions give.

use bytes::Bytes;
use expressions::{Filter, Made};

use crate::given::{Given, RUN, text, why};

#[test]
fn a_filter_sees_key_headers_and_body() {
    let mut given = Given::body(r#"{"amount":150,"customer":{"country":"DE"}}"#)
        .header("Type", "draft")
        .header("type", "order");
    given.key = Some(Bytes::from_static(b"k1"));
    for (source, passes) in [
        ("true", true),
        ("body.amount > 100", true),
        ("body.amount > 100.5 && body.amount < 151u", true),
        (
            "headers['type'] == 'order' && body.customer.country in ['DE', 'FR']",
            true,
        ),
        ("headers.type == 'draft'", false),
        ("key == 'k1' && key.startsWith('k')", true),
        ("has(body.customer.city)", false),
        ("has(headers.type) && !has(headers.other)", true),
        ("headers[?'other'].orValue('') == ''", true),
        ("body.?customer.country.orValue('') == 'DE'", true),
        ("'type' in headers && 'amount' in body", true),
        ("size(headers) == 1 && size(body) == 2", true),
        ("text.matches('^[{].*[}]$') && size(bytes) == 42", true),
    ] {
        assert_eq!(given.filter(source), Ok(passes), "{source}");
    }
}

#[test]
fn a_message_without_body_or_key_has_nulls() {
    let tombstone = Given {
        body: None,
        ..Given::body("")
    };
    let source = "body == null && text == null && bytes == null && key == null";
    assert_eq!(tombstone.filter(source), Ok(true));
    assert_eq!(Given::body("null").filter("text == 'null'"), Ok(true));
}

#[test]
fn what_is_no_text_is_bytes() {
    let mut given = Given::body("{}");
    given.key = Some(Bytes::from_static(b"\xff"));
    given
        .headers
        .push(("h".to_owned(), Some(Bytes::from_static(b"\xff"))));
    given.headers.push(("null".to_owned(), None));
    let source = r"key == b'\xff' && headers.h == b'\xff' && headers['null'] == null";
    assert_eq!(given.filter(source), Ok(true));
}

#[test]
fn a_filter_gives_true_or_false_and_nothing_else() {
    let given = Given::body("{}");
    assert_eq!(
        why(given.filter("1")),
        "it gave int, neither true nor false"
    );
    assert_eq!(
        why(given.filter("body")),
        "it gave map, neither true nor false"
    );
}

#[test]
fn a_body_that_is_no_json_fails_those_that_read_it_and_nobody_else() {
    let picture = Given::body(&b"\x89PNG\xff"[..]).header("type", "picture");
    assert_eq!(
        picture.filter("headers.type == 'picture' || body.a == 1"),
        Ok(true)
    );
    for source in [
        "body.a == 1",
        "body.a == 1 || true",
        "body.?a.orValue(1) == 1",
        "body[?'a'].hasValue()",
        "size(body) == 0",
        "'a' in body",
        "body.exists(x, x == 1)",
    ] {
        assert_eq!(
            why(picture.filter(source)),
            "the body is no JSON",
            "{source}"
        );
    }
    assert_eq!(why(picture.request("[body]")), "the body is no JSON");
    assert_eq!(why(picture.request("[text]")), "the body is no text");
    let answered = picture.result("answer", 200, "NaN");
    assert_eq!(why(answered), "the answer is no JSON");
}

#[test]
fn results_see_the_message_too() {
    let given = Given::body(r#"{"id":7}"#);
    let source = "merge({'id': body.id, 'status': status, 'run': run}, answer)";
    let made = given
        .result(source, 201, r#"{"label": "a", "id": 8}"#)
        .unwrap();
    let wanted = format!(r#"{{"id":8,"label":"a","run":"{RUN}","status":201}}"#);
    assert_eq!(text(made), wanted);
}

#[test]
fn json_is_made_and_read() {
    let given = Given::body(r#"{"inner":"{\"a\":[1, 2.0]}","b":"x\u00e9"}"#);
    assert_eq!(given.sent("parseJson(body.inner).a"), "[1, 2.0]");
    assert_eq!(
        given.sent("json({'b': body.b, 'a': 1})"),
        r#""{\"a\":1,\"b\":\"xé\"}""#
    );
    assert_eq!(
        given.sent("json(parseJson(body.inner))"),
        r#""{\"a\":[1, 2.0]}""#
    );
    assert_eq!(
        why(given.request("parseJson('{')")),
        "`parseJson` was given no JSON"
    );
}

#[test]
fn bytes_are_sent_as_they_are_and_have_no_form_in_json() {
    let given = Given::body(r#"{"image":"AP8=\n"}"#);
    let made = given.request("base64.decode(body.image)").unwrap();
    assert_eq!(made, Made::Bytes(Bytes::from_static(b"\x00\xff")));
    assert_eq!(made.content_type(), "application/octet-stream");
    let in_json = given.request("{'image': bytes}");
    assert_eq!(why(in_json), "JSON has no bytes; take `base64.encode`");
    let optional = given.request("[body.?image]");
    assert_eq!(why(optional), "JSON has no optional values; take `orValue`");
    let infinite = given.request("1.0 / 0.0");
    assert_eq!(why(infinite), "JSON has no number that is infinite or none");
    let numbered = given.request("{1: 2}");
    assert_eq!(why(numbered), "the names of a JSON object are texts");
}

#[test]
fn texts_and_lists_have_functions() {
    let given = Given::body(r#"{"s":"a-b-c","list":["x","y"]}"#);
    for (source, sent) in [
        ("body.s.split('-')", r#"["a","b","c"]"#),
        ("'abc'.split('')", r#"["a","b","c"]"#),
        ("body.s.replace('-', '+')", r#""a+b+c""#),
        ("body.list.join(',')", r#""x,y""#),
        ("body.list.join()", r#""xy""#),
        ("body.s.upperAscii().substring(2)", r#""B-C""#),
        ("lists.range(3).slice(1, 3)", "[1,2]"),
        ("body.list + ['z']", r#"["x","y","z"]"#),
        ("math.greatest(1, 2, 3)", "3"),
        ("body.list == ['x', 'y'] && ['x'] != body.list", "true"),
        (
            "[body.list] == [['x', 'y']] && body == {'s': 'a-b-c', 'list': body.list}",
            "true",
        ),
        ("['y'] in [[1], ['y']]", "true"),
        (
            "optional.of(body.s).optMap(s, s + '!').value()",
            r#""a-b-c!""#,
        ),
    ] {
        assert_eq!(given.sent(source), sent, "{source}");
    }
}

#[test]
fn the_names_of_a_map_come_in_their_order() {
    let given = Given::body(r#"{"z":1,"a":2}"#)
        .header("y", "")
        .header("b", "");
    assert_eq!(given.sent("body.map(k, k)"), r#"["a","z"]"#);
    assert_eq!(given.sent("headers.map(k, k)"), r#"["b","y"]"#);
    let many: Vec<_> = (0..40).map(|n| format!("'k{n:02}': {n}")).collect();
    let many = format!("{{{}}}.map(k, k)", many.join(", "));
    let wanted: Vec<_> = (0..40).map(|n| format!("\"k{n:02}\"")).collect();
    assert_eq!(given.sent(&many), format!("[{}]", wanted.join(",")));
}

#[test]
fn an_expression_is_compiled_once_and_evaluated_on_many_threads() {
    let filter = Filter::compile("body.n % 2 == 0 && text.matches('n')").unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let filter = &filter;
            scope.spawn(move || {
                for n in 0..100 {
                    let given = Given::body(format!(r#"{{"n":{}}}"#, n + thread));
                    let passes = (n + thread) % 2 == 0;
                    assert_eq!(filter.passes(&given.message()), Ok(passes));
                }
            });
        }
    });
}
