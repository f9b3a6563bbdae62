//! The private key that signs checkpoints: a file of 32 random bytes that only its owner reads.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Permissions of everybody but the owner.
const OTHERS: u32 = 0o077;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot use {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{0} does not hold a key of 32 bytes")]
    Length(PathBuf),
    #[error("{0} is readable by other users: `chmod 600` it, and consider replacing the key")]
    Exposed(PathBuf),
}

/// The seed of the key at `path`; `random` draws one where there is no file.
///
/// # Errors
/// The file cannot be read or made, holds something else, or is readable by others.
pub fn load(
    path: &Path,
    random: impl FnOnce() -> io::Result<[u8; 32]>,
) -> Result<[u8; 32], KeyError> {
    let failed = |source| KeyError::Io {
        path: path.to_owned(),
        source,
    };
    match create(path, random) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        created => created.map_err(failed)?,
    }
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(KeyError::Exposed(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(33).read_to_end(&mut bytes).map_err(failed)?;
    bytes
        .try_into()
        .map_err(|_| KeyError::Length(path.to_owned()))
}

/// Fails with [`ErrorKind::AlreadyExists`] where there is a file.
fn create(path: &Path, random: impl FnOnce() -> io::Result<[u8; 32]>) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&random()?)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load(path: &Path) -> Result<[u8; 32], KeyError> {
        super::load(path, || Ok([7; 32]))
    }

    #[test]
    fn a_key_is_drawn_once_and_closed_to_others() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        assert_eq!(load(&path).unwrap(), [7; 32]);
        let again = super::load(&path, || panic!("there is a key"));
        assert_eq!(again.unwrap(), [7; 32]);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        load(&path).unwrap();
        for mode in [0o640, 0o604, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(load(&path), Err(KeyError::Exposed(_))), "{mode:o}");
        }
    }

    #[test]
    fn what_is_not_32_bytes_is_no_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        load(&path).unwrap();
        for length in [0, 31, 33] {
            fs::write(&path, vec![0; length]).unwrap();
            assert!(matches!(load(&path), Err(KeyError::Length(_))), "{length}");
        }
    }
}
