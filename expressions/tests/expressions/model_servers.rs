//! What model servers want to be sent, and how their answers are taken apart.

use expressions::{RequestTransform, ResultTransform};
use serde_json::{Value, json};

use crate::given::{Given, RUN, text};

const BODY: &str = r#"{"amount":1.50,"age":7,"text":"good","params":{"n":1}}"#;

fn given() -> Given {
    Given::body(BODY).header("Temperature", "0.5")
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The result of an answer.
fn result(source: &str, answer: &str) -> String {
    text(given().result(source, 200, answer).unwrap())
}

#[test]
fn mlflow_takes_records_and_answers_predictions() {
    let sent = given().sent("{'dataframe_records': [body]}");
    assert_eq!(sent, format!(r#"{{"dataframe_records":[{BODY}]}}"#));
    let with_params =
        "{'inputs': [body], 'params': {'temperature': double(headers['temperature'])}}";
    let sent = given().sent(with_params);
    let wanted = format!(r#"{{"inputs":[{BODY}],"params":{{"temperature":0.5}}}}"#);
    assert_eq!(sent, wanted);
    let answer = r#"{"predictions": [{"label": 1.0}, 2]}"#;
    assert_eq!(result("answer.predictions[0]", answer), r#"{"label": 1.0}"#);
    assert_eq!(
        result("answer.predictions", answer),
        r#"[{"label": 1.0}, 2]"#
    );
}

#[test]
fn kserve_v1_tensorflow_and_vertex_take_instances() {
    let sent = given().sent("{'instances': [body]}");
    assert_eq!(sent, format!(r#"{{"instances":[{BODY}]}}"#));
    let picture = Given::body(&b"\x00\xff"[..]);
    let sent = picture.sent("{'instances': [{'b64': base64.encode(bytes)}]}");
    assert_eq!(sent, r#"{"instances":[{"b64":"AP8="}]}"#);
}

#[test]
fn kserve_v2_and_triton_take_tensors_and_answer_flat_ones() {
    let source = "{'id': run, 'inputs': [{'name': 'x', 'shape': [1, 2], 'datatype': 'FP64', \
                  'data': [body.amount, double(body.age)]}]}";
    let wanted = json!({
        "id": RUN,
        "inputs": [{ "name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.5, 7.0] }],
    });
    assert_eq!(parsed(&given().sent(source)), wanted);
    let text = "{'inputs': [{'name': 't', 'shape': [1], 'datatype': 'BYTES', 'data': [text]}]}";
    let sent = parsed(&given().sent(text));
    assert_eq!(sent["inputs"][0]["data"], json!([BODY]));
    let answer = r#"{"outputs": [{"name": "y", "shape": [2, 1], "data": [0, 1]}]}"#;
    assert_eq!(result("answer.outputs[0].data", answer), "[0, 1]");
    assert_eq!(result("answer.outputs[0].data[0]", answer), "0");
    let second = "answer.outputs[0].data.slice(1, 2)";
    assert_eq!(result(second, answer), "[1]");
}

#[test]
fn bentoml_takes_parameters_by_name() {
    let source = "{'row': body, ?'params': body.?params}";
    let sent = given().sent(source);
    assert_eq!(sent, format!(r#"{{"params":{{"n":1}},"row":{BODY}}}"#));
    let sent = Given::body("{}").sent(source);
    assert_eq!(sent, r#"{"row":{}}"#);
    assert_eq!(result("answer", "1"), "1");
}

#[test]
fn litserve_takes_an_input_and_answers_an_output() {
    let sent = given().sent("{'input': body}");
    assert_eq!(sent, format!(r#"{{"input":{BODY}}}"#));
    assert_eq!(result("answer.output", r#"{"output": 4}"#), "4");
}

#[test]
fn tgi_and_tei_take_inputs() {
    assert_eq!(
        given().sent("{'inputs': body.text}"),
        r#"{"inputs":"good"}"#
    );
    let answer = r#"{"generated_text": "morning"}"#;
    assert_eq!(result("answer.generated_text", answer), r#""morning""#);
    assert_eq!(result("answer[0]", "[[0.25, 1]]"), "[0.25, 1]");
}

#[test]
fn chats_take_messages_and_answer_choices() {
    let source = "{'model': 'm', 'messages': [{'role': 'user', 'content': body.text}]}";
    let wanted = r#"{"messages":[{"content":"good","role":"user"}],"model":"m"}"#;
    assert_eq!(given().sent(source), wanted);
    let answer = r#"{"choices": [{"message": {"content": "morning"}}]}"#;
    let picked = result("answer.choices[0].message.content", answer);
    assert_eq!(picked, r#""morning""#);
}

#[test]
fn embeddings_are_put_in_order_by_their_index() {
    let source = "lists.range(size(answer.data))\
                  .map(n, answer.data.filter(d, d.index == n)[0].embedding)";
    let answer = r#"{"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1]}]}"#;
    assert_eq!(result(source, answer), "[[1],[2]]");
}

/// What stands between backticks in the column of a table's row.
fn code(row: &str, column: usize) -> &str {
    let cell = row.split(" | ").nth(column).unwrap();
    cell.trim_matches([' ', '|', '`'])
}

#[test]
fn every_example_of_the_guide_can_be_evaluated() {
    let guide = include_str!("../../../docs/expressions.md");
    let table = guide.split("## Model servers").nth(1).unwrap();
    let rows = table.lines().skip_while(|line| !line.starts_with("| ---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    let mut examples = 0;
    for row in rows {
        let (request, result) = (code(row, 1), code(row, 2));
        assert!(RequestTransform::compile(request).is_ok(), "{request}");
        assert!(ResultTransform::compile(result).is_ok(), "{result}");
        assert!(given().request(request).is_ok(), "{request}");
        examples += 1;
    }
    assert_eq!(examples, 12);
}
