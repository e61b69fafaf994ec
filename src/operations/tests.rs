use super::table::rewritten;
use super::*;
use crate::protocol::{CallErrorKind, Reply, output};

/// What the first build with operations says, one line each: a worker and a supervisor of different builds meet
/// during an upgrade, so these lines must load for good.
const EXAMPLES: &str = include_str!("examples.jsonl");

#[derive(Deserialize)]
struct Example {
    operation: serde_json::Value,
    output: serde_json::Value,
}

fn examples() -> impl Iterator<Item = (&'static str, Example)> {
    EXAMPLES.lines().map(|line| (line, serde_json::from_str(line).expect(line)))
}

#[test]
fn every_operation_has_an_example_that_loads() {
    let mut seen = std::collections::BTreeSet::new();
    for (line, Example { operation, output }) in examples() {
        let read: Operation = serde_json::from_value(operation.clone()).expect(line);
        assert_eq!(operation["name"], read.name(), "{line}");
        let again = serde_json::to_value(&read).expect(line);
        assert_eq!(serde_json::from_value::<Operation>(again).expect(line), read, "{line}");
        let written = rewritten(read.name(), output).expect(line);
        assert_eq!(rewritten(read.name(), written.clone()).expect(line), written, "{line}");
        seen.insert(read.name());
    }
    let all: std::collections::BTreeSet<_> = Operation::ALL.iter().map(|(name, ..)| *name).collect();
    assert_eq!(seen, all);
    assert_eq!(all.len(), Operation::ALL.len(), "a name stands for two operations");
}

#[test]
fn neither_text_nor_number_shows_in_debug() {
    for (line, Example { operation, output }) in examples() {
        let read: Operation = serde_json::from_value(operation).expect(line);
        let shown = format!("{read:?} {:?}", Reply::Value { value: OperationResult(output) });
        assert!(!shown.contains("55119") && !shown.contains("olá"), "{shown}");
    }
}

#[test]
fn ids_and_angles_are_checked_when_they_are_read() {
    let reads = |json: &str| serde_json::from_str::<Operation>(json).is_ok();
    assert!(reads(r#"{"name":"star","message":"false_5511988887777@c.us_3A","starred":true}"#));
    for message in
        ["", "3A", "maybe_5511988887777@c.us_3A", "true_x_3A", "true_5511988887777@c.us_", "true_a@b_c d"]
    {
        assert!(!reads(&format!(r#"{{"name":"star","message":"{message}","starred":true}}"#)), "{message}");
    }
    let place = |latitude: &str| {
        reads(&format!(
            r#"{{"name":"send_location","chat":"5511988887777@c.us","latitude":{latitude},"longitude":0}}"#
        ))
    };
    assert!(place("-23.5505199"));
    assert!(!place("181") && !place("1e400") && !place("null"));
    let exact = Degrees::try_from(-23.550_519_9).expect("an angle");
    assert!((f64::from(exact) - -23.550_519_9).abs() < 1e-9);
    assert!(ChannelId::try_from("120363144038483540@newsletter".to_owned()).is_ok());
    assert!(ChannelId::try_from("5511988887777@c.us".to_owned()).is_err());
}

#[test]
fn another_kind_of_answer_is_an_error_that_says_what_is_known() {
    let done = output::<React>(Effect::Send, Reply::Done).expect_err("none");
    assert_eq!(done.kind, CallErrorKind::OutcomeUnknown);
    let wrong = Reply::Value { value: OperationResult(serde_json::json!({ "count": "many" })) };
    assert_eq!(output::<CountLids>(Effect::Read, wrong).expect_err("none").kind, CallErrorKind::Unsupported);
    let right = Reply::Value { value: OperationResult(serde_json::json!({ "count": 3 })) };
    assert_eq!(output::<CountLids>(Effect::Read, right), Ok(Count { count: 3 }));
}
