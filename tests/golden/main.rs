//! The stored form of every event at every schema version. These bytes are in people's logs: a
//! file here is added, never changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::{CommandId, Event, codec};
use uuid::Uuid;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// The golden file of a type at a schema version.
fn golden(name: &str, version: u32) -> Vec<u8> {
    let path = directory().join(format!("{name}.{version}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.trim_ascii_end().to_vec()
}

#[test]
fn every_event_at_every_schema_version_is_read() {
    for (name, newest) in Event::TYPES {
        for version in 1..=*newest {
            let event = codec::decode_payload(name, version, &golden(name, version)).unwrap();
            assert_eq!(event.type_name(), *name);
        }
    }
}

#[test]
fn every_event_is_written_as_its_newest_golden_file() {
    for (name, newest) in Event::TYPES {
        let event = codec::decode_payload(name, *newest, &golden(name, *newest)).unwrap();
        let written = codec::encode(CommandId(Uuid::nil()), &[event]).remove(0);
        assert_eq!(
            (written.type_name, written.schema_version),
            (*name, *newest)
        );
        let (written, golden) = (written.payload, golden(name, *newest));
        assert_eq!(
            String::from_utf8(written).unwrap(),
            String::from_utf8(golden).unwrap()
        );
    }
}

#[test]
fn no_golden_file_is_left_over() {
    let expected: BTreeSet<String> = Event::TYPES
        .iter()
        .flat_map(|(name, newest)| (1..=*newest).map(move |v| format!("{name}.{v}.json")))
        .collect();
    let found: BTreeSet<String> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_type_or_schema_version_that_nobody_knows_is_not_read() {
    assert!(codec::decode_payload("FromTheFuture", 1, b"{}").is_err());
    let payload = golden("OrganizationCreated", 1);
    assert!(codec::decode_payload("OrganizationCreated", 99, &payload).is_err());
    assert!(codec::decode_payload("OrganizationCreated", 1, b"{}").is_err());
}
