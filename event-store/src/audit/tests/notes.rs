//! Notes and checkpoints, against the vector in the documentation of Go's `sumdb/note`.

use jiff::Timestamp;

use crate::audit::{CheckpointError, NoteError, SignedCheckpoint, Signer, Verifier};

const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn a_published_note_is_signed_by_its_published_key() {
    let verifier: Verifier = VKEY.parse().unwrap();
    assert_eq!(verifier.to_string(), VKEY);
    assert!(verifier.open(NOTE).unwrap().ends_with("problem is.\n"));
    let forged = NOTE.replace("answer", "Answer");
    assert_eq!(verifier.open(&forged), Err(NoteError::Forged));
    let other = Signer::new("PeterNeumann", &[7; 32]).unwrap();
    assert_eq!(other.verifier().open(NOTE), Err(NoteError::NotSigned));
}

#[test]
fn a_checkpoint_reads_back_with_the_signatures_of_others_beside() {
    let signer = Signer::new("example.org/log", &[1; 32]).unwrap();
    let signed = SignedCheckpoint::sign(&signer, 5, [9; 32], Timestamp::UNIX_EPOCH);
    let witnessed = format!("{}\u{2014} witness AAAAAAECAwQ=\n", signed.note);
    let read = SignedCheckpoint::open(&witnessed, signer.verifier()).unwrap();
    assert_eq!(read.checkpoint, signed.checkpoint);
    assert!(signed.note.starts_with(
        "example.org/log\n5\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\ntime 1970-01-01T00:00:00Z\n\n"
    ));
}

#[test]
fn a_checkpoint_written_otherwise_is_refused_although_it_is_signed() {
    let signer = Signer::new("log", &[1; 32]).unwrap();
    let root = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    for text in [
        format!("log\n05\n{root}\ntime 1970-01-01T00:00:00Z\n"),
        format!("log\n5\n{root}\n"),
        format!("log\n-5\n{root}\ntime 1970-01-01T00:00:00Z\n"),
        "log\n5\nCQkJ\ntime 1970-01-01T00:00:00Z\n".to_owned(),
        "\n".to_owned(),
    ] {
        let opened = SignedCheckpoint::open(&signer.sign(&text), signer.verifier());
        assert!(matches!(opened, Err(CheckpointError::Malformed)), "{text}");
    }
    let other = format!("other\n5\n{root}\ntime 1970-01-01T00:00:00Z\n");
    let opened = SignedCheckpoint::open(&signer.sign(&other), signer.verifier());
    assert!(matches!(opened, Err(CheckpointError::Origin(_))));
}

#[test]
fn what_is_no_note_or_key_is_refused() {
    let verifier: Verifier = VKEY.parse().unwrap();
    for note in [
        "",
        "\n\n",
        "text\n",
        "text\n\n-- x y\n",
        "text\n\n\u{2014} x ?\n",
    ] {
        assert!(verifier.open(note).is_err(), "{note:?}");
    }
    for vkey in [
        "",
        "a+b",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert_eq!(
            vkey.parse::<Verifier>(),
            Err(NoteError::PublicKey),
            "{vkey}"
        );
    }
    for name in ["", "a b", "a+b", "a\nb"] {
        assert!(Signer::new(name, &[0; 32]).is_err(), "{name:?}");
    }
}
