//! `eventflows audit prove` and `check-proof`: proofs as JSON files.

mod consistency;
mod inclusion;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use domain::{EventId, Position};
use event_store::audit::Hash;
use serde::Deserialize;
use uuid::Uuid;

use self::inclusion::Wanted;
use super::{Failure, LogArgs, TrustArgs, output, read_public_key};

#[derive(Debug, Args)]
pub(super) struct ProveArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    wanted: WantedArgs,
    /// The file to write [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WantedArgs {
    /// The id of the event to prove.
    #[arg(long)]
    event: Option<Uuid>,
    /// The position of the event to prove.
    #[arg(long)]
    position: Option<u64>,
    /// A file with a checkpoint that was kept elsewhere: proves that the newest one continues it,
    /// for which the log itself is not needed.
    #[arg(long)]
    from_checkpoint: Option<PathBuf>,
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

pub(super) async fn prove(args: &ProveArgs) -> Result<(), Failure> {
    let verifier = args.trust.verifier()?;
    let wanted = &args.wanted;
    let text = if let Some(earlier) = &wanted.from_checkpoint {
        consistency::prove(&args.trust, &verifier, earlier)?
    } else {
        let wanted = match (wanted.position, wanted.event) {
            (Some(position), _) => Wanted::Position(Position(position)),
            (None, Some(id)) => Wanted::Event(EventId(id)),
            (None, None) => return Err("name an event or a position".into()),
        };
        let (store, directory) = (args.log.open().await?, args.trust.directory());
        inclusion::prove(store.as_ref(), &directory, &verifier, wanted).await?
    };
    writeln!(output(args.out.as_deref())?, "{text}")?;
    Ok(())
}

/// The field that says how to read the rest of a file.
#[derive(Debug, Deserialize)]
struct Format {
    format: String,
}

pub(super) fn check(args: &CheckProofArgs) -> Result<(), Failure> {
    let verifier = read_public_key(&args.public_key)?;
    let text = fs::read_to_string(&args.proof)
        .map_err(|error| format!("cannot read the proof {}: {error}", args.proof.display()))?;
    let Format { format } = serde_json::from_str(&text)?;
    let proved = match format.as_str() {
        inclusion::FORMAT => inclusion::check(&text, &verifier)?,
        consistency::FORMAT => consistency::check(&text, &verifier)?,
        _ => return Err(format!("{format} is no format of a proof").into()),
    };
    writeln!(output(None)?, "{proved}")?;
    Ok(())
}

fn written(path: &[Hash]) -> Vec<String> {
    path.iter().map(|hash| STANDARD.encode(hash)).collect()
}

fn hashes(path: &[String]) -> Result<Vec<Hash>, Failure> {
    let hash = |text: &String| -> Result<Hash, Failure> {
        let bytes = STANDARD.decode(text)?;
        bytes.try_into().map_err(|_| "a hash has 32 bytes".into())
    };
    path.iter().map(hash).collect()
}
