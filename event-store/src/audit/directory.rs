//! The directory of checkpoints, which belongs out of reach of those who can change the log.
//!
//! It holds one file per checkpoint, `<size>.checkpoint`; `latest`, a copy of the newest;
//! `leaves`, the hash of every event's leaf, 32 bytes each, so that a verifier can name the event
//! that was changed and anyone can make proofs; and `log.vkey`, the public key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::checkpoint::SignedCheckpoint;
use super::note::Verifier;
use super::tree::Hash;

const SUFFIX: &str = ".checkpoint";
const LATEST: &str = "latest";
const LEAVES: &str = "leaves";
const PUBLIC_KEY: &str = "log.vkey";

/// A leaf's length in the file of leaves, in bytes.
const LEAF_BYTES: u64 = size_of::<Hash>() as u64;

/// Far more than a checkpoint with many signatures has.
const MAX_NOTE_BYTES: u64 = 64 * 1024;

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {act} {path}")]
pub struct DirectoryError {
    act: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// A directory of checkpoints.
#[derive(Clone, Debug)]
pub struct CheckpointDir {
    path: PathBuf,
}

impl CheckpointDir {
    /// The directory at `path`, which is not looked at yet.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Makes the directory where it is absent, and puts the public key there for verifiers.
    ///
    /// # Errors
    /// It cannot be made or written.
    pub fn prepare(&self, verifier: &Verifier) -> Result<(), DirectoryError> {
        fs::create_dir_all(&self.path).map_err(failed("make", &self.path))?;
        self.replace(PUBLIC_KEY, &format!("{verifier}\n"))
    }

    /// Where the public key is.
    #[must_use]
    pub fn public_key(&self) -> PathBuf {
        self.path.join(PUBLIC_KEY)
    }

    /// The notes of all checkpoints, each with its file's name, the latest included.
    ///
    /// # Errors
    /// The directory or a file in it cannot be read.
    pub fn notes(&self) -> Result<Vec<(String, String)>, DirectoryError> {
        let entries = fs::read_dir(&self.path).map_err(failed("list", &self.path))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed("list", &self.path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name == LATEST || name.ends_with(SUFFIX) {
                names.push(name);
            }
        }
        names.sort();
        let note = |name: String| self.note(&name).map(|note| (name, note));
        names.into_iter().map(note).collect()
    }

    /// A file's text; what is not UTF-8 is no signed text either, and is replaced.
    fn note(&self, name: &str) -> Result<String, DirectoryError> {
        let path = self.path.join(name);
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| {
            let mut file = file.take(MAX_NOTE_BYTES);
            file.read_to_end(&mut bytes)
        });
        read.map_err(failed("read", &path))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The leaves' hashes, from the first on; none where there is no file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn leaves(&self) -> Result<Leaves, DirectoryError> {
        let path = self.path.join(LEAVES);
        match File::open(&path) {
            Ok(file) => Ok(Leaves {
                file: Some(BufReader::with_capacity(1 << 16, file)),
                path,
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Leaves { file: None, path }),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    /// Publishes `signed`, which covers `leaves` after the first `before` ones. The leaves are
    /// durable before the checkpoint that covers them, and that before it is the latest.
    ///
    /// # Errors
    /// A file cannot be written; the same call may then be repeated.
    pub fn publish(
        &self,
        before: u64,
        leaves: &[Hash],
        signed: &SignedCheckpoint,
    ) -> Result<(), DirectoryError> {
        let path = self.path.join(LEAVES);
        write_leaves(&path, before, leaves).map_err(failed("write", &path))?;
        let name = format!("{:012}{SUFFIX}", signed.checkpoint.size);
        self.replace(&name, &signed.note)?;
        self.replace(LATEST, &signed.note)
    }

    /// Writes a file so that it has either its earlier or all of its new content.
    fn replace(&self, name: &str, text: &str) -> Result<(), DirectoryError> {
        let path = self.path.join(name);
        let draft = self.path.join(format!("{name}.draft"));
        let written = File::create(&draft).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(&self.path)?.sync_all()
        });
        written.map_err(failed("write", &path))
    }
}

/// What was appended beyond `before`, without a checkpoint, is overwritten.
fn write_leaves(path: &Path, before: u64, leaves: &[Hash]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    file.set_len(before * LEAF_BYTES)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(leaves.as_flattened())?;
    file.sync_all()
}

/// The hashes of leaves, read in order.
pub struct Leaves {
    file: Option<BufReader<File>>,
    path: PathBuf,
}

impl Leaves {
    /// The next hash; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&mut self) -> Result<Option<Hash>, DirectoryError> {
        let Some(file) = &mut self.file else {
            return Ok(None);
        };
        let mut hash = Hash::default();
        match file.read_exact(&mut hash) {
            Ok(()) => Ok(Some(hash)),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(failed("read", &self.path)(error)),
        }
    }
}

fn failed<'a>(act: &'static str, path: &'a Path) -> impl Fn(io::Error) -> DirectoryError + use<'a> {
    move |source| DirectoryError {
        act,
        path: path.to_owned(),
        source,
    }
}
