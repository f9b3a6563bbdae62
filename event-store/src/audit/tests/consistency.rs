//! A later checkpoint continues an earlier one, or it is found that it does not.

use std::fs;

use tempfile::TempDir;

use super::rows::Rows;
use super::tampering::{checkpoint, directory, signer};
use crate::audit::{ConsistencyProof, ConsistencyProofError, Signer, prove_consistency};

/// A log that was signed at these sizes; its first events are others under another `salt`.
async fn signed_log(sizes: &[u64], salt: &str) -> TempDir {
    let (rows, temp) = (Rows::default(), TempDir::new().unwrap());
    for size in sizes {
        rows.grow(*size);
        rows.change(|rows| rows[0].metadata = salt.to_owned());
        checkpoint(&rows, &temp).await.unwrap();
    }
    temp
}

fn note(temp: &TempDir, size: u64) -> String {
    fs::read_to_string(temp.path().join(format!("{size:012}.checkpoint"))).unwrap()
}

fn prove(temp: &TempDir, earlier: &str) -> Result<ConsistencyProof, ConsistencyProofError> {
    prove_consistency(&directory(temp), signer().verifier(), earlier)
}

#[tokio::test]
async fn the_newest_checkpoint_is_proved_to_continue_each_before_it() {
    let temp = signed_log(&[1, 2, 7, 64, 100], "").await;
    for size in [1, 2, 7, 64, 100] {
        let proof = prove(&temp, &note(&temp, size)).unwrap();
        let (earlier, later) = proof.check(signer().verifier()).unwrap();
        assert_eq!((earlier.size, later.size), (size, 100));
    }
}

#[tokio::test]
async fn a_history_that_was_written_anew_continues_nothing() {
    let kept = signed_log(&[7, 64], "").await;
    let forged = signed_log(&[7, 100], "forged").await;
    for size in [7, 64] {
        let proof = prove(&forged, &note(&kept, size));
        let rewritten = matches!(proof, Err(ConsistencyProofError::Rewritten));
        assert!(rewritten, "{size}: {proof:?}");
    }
}

#[tokio::test]
async fn an_older_copy_of_the_checkpoints_has_none_that_is_later() {
    let kept = signed_log(&[7, 64], "").await;
    let older = signed_log(&[7], "").await;
    let proof = prove(&older, &note(&kept, 64));
    assert!(matches!(proof, Err(ConsistencyProofError::NoLater(64))));
}

#[tokio::test]
async fn a_changed_proof_proves_nothing() {
    let temp = signed_log(&[7, 100], "").await;
    let proof = prove(&temp, &note(&temp, 7)).unwrap();
    let verifier = signer().verifier().clone();
    for place in 0..proof.path.len() {
        let mut changed = proof.clone();
        changed.path[place][3] ^= 1;
        let checked = changed.check(&verifier);
        assert!(matches!(checked, Err(ConsistencyProofError::Rewritten)));
    }
    let mut turned = proof.clone();
    std::mem::swap(&mut turned.earlier, &mut turned.checkpoint);
    assert!(turned.check(&verifier).is_err());
    let mut forged = proof.clone();
    forged.earlier = forged.earlier.replacen('7', "8", 1);
    let checked = forged.check(&verifier);
    assert!(matches!(checked, Err(ConsistencyProofError::Checkpoint(_))));
    let other = Signer::new("log", &[4; 32]).unwrap();
    assert!(proof.check(other.verifier()).is_err());
}
