//! The stored form of every event at every schema version. These bytes are in people's logs: a
//! file here is added, never changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::describe::BrokerNames;
use domain::flow::Flows;
use domain::undo::{Past, Standing};
use domain::{CommandId, Event, codec};
use uuid::Uuid;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// The golden files of a type at a schema version: the plain one, and one for each further shape
/// that the payload can have, named `<type>.<version>.<shape>.json`.
fn goldens(name: &str, version: u32) -> Vec<Vec<u8>> {
    let plain = format!("{name}.{version}.json");
    let shape = format!("{name}.{version}.");
    let files: Vec<String> = files()
        .into_iter()
        .filter(|file| *file == plain || file.starts_with(&shape))
        .collect();
    assert!(files.contains(&plain), "{plain} is missing");
    files.iter().map(|file| read(file)).collect()
}

fn golden(name: &str, version: u32) -> Vec<u8> {
    read(&format!("{name}.{version}.json"))
}

fn read(file: &str) -> Vec<u8> {
    let path = directory().join(file);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.trim_ascii_end().to_vec()
}

fn files() -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory()).expect("the golden directory is readable");
    entries
        .map(|entry| entry.expect("the golden directory is readable").file_name())
        .map(|name| {
            name.into_string()
                .expect("golden files have names in UTF-8")
        })
        .filter(|name| name.ends_with(".json"))
        .collect()
}

#[test]
fn every_event_at_every_schema_version_is_read() {
    for (name, newest) in Event::TYPES {
        for version in 1..=*newest {
            for golden in goldens(name, version) {
                let event = codec::decode_payload(name, version, &golden).unwrap();
                assert_eq!(event.type_name(), *name);
            }
        }
    }
}

#[test]
fn every_event_is_written_as_its_newest_golden_file() {
    for (name, newest) in Event::TYPES {
        for golden in goldens(name, *newest) {
            let event = codec::decode_payload(name, *newest, &golden).unwrap();
            let written = codec::encode(CommandId(Uuid::nil()), &[event]).remove(0);
            assert_eq!(
                (written.type_name, written.schema_version),
                (*name, *newest)
            );
            assert_eq!(
                String::from_utf8(written.payload).unwrap(),
                String::from_utf8(golden).unwrap()
            );
        }
    }
}

#[test]
fn every_event_says_what_it_is_about_what_was_done_and_how_it_is_undone() {
    let nothing = Standing::default();
    let past = Past {
        before: &nothing,
        now: &nothing,
        flows: &Flows::default(),
    };
    for (name, newest) in Event::TYPES {
        for golden in goldens(name, *newest) {
            let event = codec::decode_payload(name, *newest, &golden).unwrap();
            let about = event.about();
            let stream = event.subject().stream();
            // What nothing shows by itself, a command or the cluster, has events about no thing.
            let shown = event.subject().thing().is_some();
            assert_eq!(!about.is_empty(), shown, "{name}");
            let own = about.iter().any(|thing| thing.stream() == stream);
            assert_eq!(own, shown, "{name}");
            assert!(about.iter().all(|thing| event.concerns(thing)), "{name}");
            assert!(
                event
                    .describe(&BrokerNames::new())
                    .contains(char::is_alphabetic)
            );
            match event.inverse(&past) {
                Ok(command) => assert_eq!(command.stream(), stream, "{name}"),
                Err(reason) => assert!(!reason.to_string().is_empty(), "{name}"),
            }
        }
    }
}

#[test]
fn no_golden_file_is_left_over() {
    let known: BTreeSet<String> = Event::TYPES
        .iter()
        .flat_map(|(name, newest)| (1..=*newest).map(move |version| format!("{name}.{version}")))
        .collect();
    for file in files() {
        let words: Vec<&str> = file.split('.').collect();
        assert!(words.len() <= 4, "{file}");
        assert!(known.contains(&words[..2].join(".")), "{file}");
    }
}

#[test]
fn a_type_or_schema_version_that_nobody_knows_is_not_read() {
    assert!(codec::decode_payload("FromTheFuture", 1, b"{}").is_err());
    let payload = golden("OrganizationCreated", 1);
    assert!(codec::decode_payload("OrganizationCreated", 99, &payload).is_err());
    assert!(codec::decode_payload("OrganizationCreated", 1, b"{}").is_err());
}
