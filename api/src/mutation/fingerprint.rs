//! What an idempotency key was used for.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A digest of a mutation and the members of its arguments that were sent, null included. It does
/// not depend on their order, nor on members that the schema gains later.
pub(super) fn fingerprint(mutation: &str, arguments: &Value) -> [u8; 32] {
    let mut text = String::from(mutation);
    write(arguments, &mut text);
    Sha256::digest(text).into()
}

/// Writes `value` as JSON without spaces, the members of objects sorted by name.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                separate(index, text);
                *text += &Value::from(name.as_str()).to_string();
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, text);
                write(item, text);
            }
            text.push(']');
        }
        scalar => *text += &scalar.to_string(),
    }
}

fn separate(index: usize, text: &mut String) {
    if index > 0 {
        text.push(',');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hex(mutation: &str, arguments: &Value) -> String {
        let digest = fingerprint(mutation, arguments);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_fingerprint_is_the_same_for_ever() {
        let arguments = json!({
            "id": "TGlzdGVuZXI",
            "input": {
                "version": "1.*",
                "dlq": null,
                "settings": { "retry": { "maxAttempts": 3 }, "faults": "DROP" },
                "changes": [{ "edit": "ADD" }, { "edit": "REMOVE" }],
            },
        });
        assert_eq!(
            hex("listenerEnable", &arguments),
            "1bd53ed5d558b10ac0f8b541e5b664b8c5b1a92f79eaa3f438c65124ba42d316"
        );
    }

    #[test]
    fn the_order_of_members_does_not_count() {
        let one: Value = serde_json::from_str(r#"{"a": {"b": 1, "c": 2}, "d": []}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"d": [], "a": {"c": 2, "b": 1}}"#).unwrap();
        assert_eq!(fingerprint("x", &one), fingerprint("x", &other));
    }

    #[test]
    fn null_is_not_absence_and_the_order_of_items_counts() {
        let digests = [
            fingerprint("x", &json!({ "input": {} })),
            fingerprint("x", &json!({ "input": { "dlq": null } })),
            fingerprint("x", &json!({ "input": { "list": [1, 2] } })),
            fingerprint("x", &json!({ "input": { "list": [2, 1] } })),
            fingerprint("y", &json!({ "input": {} })),
        ];
        for (index, digest) in digests.iter().enumerate() {
            assert!(!digests[..index].contains(digest), "{index}");
        }
    }
}
