//! `eventflows audit prove` and `check-proof`: proofs as JSON files.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use domain::Position;
use event_store::audit::{EventProof, prove as prove_position, stored_events};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::EventRow;
use super::{Failure, LogArgs, TrustArgs, output, read_public_key};

/// The first field of a file, which says how to read the rest.
const FORMAT: &str = "eventflows inclusion proof 1";

#[derive(Debug, Args)]
pub(super) struct ProveArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    event: EventArgs,
    /// The file to write [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct EventArgs {
    /// The id of the event to prove.
    #[arg(long)]
    event: Option<Uuid>,
    /// The position of the event to prove.
    #[arg(long)]
    position: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct CheckProofArgs {
    /// The file with the proof.
    #[arg(long)]
    proof: PathBuf,
    /// The file with the log's public key.
    #[arg(long)]
    public_key: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProofFile {
    format: String,
    event: EventRow,
    /// The event's position less one.
    leaf_index: u64,
    /// Base64, from the leaf up.
    path: Vec<String>,
    /// The signed note.
    checkpoint: String,
}

pub(super) async fn prove(args: &ProveArgs) -> Result<(), Failure> {
    let verifier = args.trust.verifier()?;
    let store = args.log.open().await?;
    let position = match (args.event.position, args.event.event) {
        (Some(position), _) => Position(position),
        (None, Some(id)) => {
            let mut pages = stored_events(store.clone(), Position(0), None).await?;
            loop {
                let page = pages.next().await?;
                if page.is_empty() {
                    return Err(format!("the log has no event {id}").into());
                }
                if let Some(event) = page.iter().find(|event| event.id.0 == id) {
                    break event.position;
                }
            }
        }
        (None, None) => return Err("name an event or a position".into()),
    };
    let directory = args.trust.directory();
    let proof = prove_position(store.as_ref(), &directory, &verifier, position).await?;
    let file = ProofFile {
        format: FORMAT.to_owned(),
        event: proof.event.into(),
        leaf_index: position.0 - 1,
        path: proof
            .path
            .iter()
            .map(|hash| STANDARD.encode(hash))
            .collect(),
        checkpoint: proof.checkpoint,
    };
    let text = serde_json::to_string_pretty(&file)?;
    writeln!(output(args.out.as_deref())?, "{text}")?;
    Ok(())
}

pub(super) fn check(args: &CheckProofArgs) -> Result<(), Failure> {
    let verifier = read_public_key(&args.public_key)?;
    let file: ProofFile = serde_json::from_str(&fs::read_to_string(&args.proof)?)?;
    if file.format != FORMAT {
        return Err(format!("{} is no format of a proof", file.format).into());
    }
    let hash = |text: &String| -> Result<_, Failure> {
        let bytes = STANDARD.decode(text)?;
        bytes.try_into().map_err(|_| "a hash has 32 bytes".into())
    };
    let proof = EventProof {
        event: file.event.try_into()?,
        path: file.path.iter().map(hash).collect::<Result<_, _>>()?,
        checkpoint: file.checkpoint,
    };
    if proof.event.position.0.checked_sub(1) != Some(file.leaf_index) {
        return Err("the leaf is not the event's".into());
    }
    let checkpoint = proof.check(&verifier)?;
    writeln!(
        output(None)?,
        "The event {} is at position {} of the log {}, as signed at {} for its first {} events.",
        proof.event.id,
        proof.event.position,
        checkpoint.origin,
        checkpoint.time,
        checkpoint.size
    )?;
    Ok(())
}
