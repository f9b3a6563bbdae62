//! Small files that an auditor brings along.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use event_store::audit::Verifier;

use crate::failure::Failure;

/// The most bytes of a public key or a checkpoint.
pub(crate) const MAX_NOTE: u64 = 64 * 1024;

/// The public key in a file.
///
/// # Errors
/// The file cannot be read or holds something else.
pub fn read_public_key(path: &Path) -> Result<Verifier, Failure> {
    let text = read_text(path, MAX_NOTE)?;
    text.parse().map_err(|source| Failure::PublicKey {
        path: path.to_owned(),
        source,
    })
}

/// The text in a file of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, Failure> {
    let failed = |source: io::Error| Failure::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mut text = String::new();
    let read = file.take(limit + 1).read_to_string(&mut text);
    if read.map_err(failed)? as u64 > limit {
        return Err(Failure::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("note");
        std::fs::write(&path, "four").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "four");
        let large = read_text(&path, 3);
        assert!(matches!(large, Err(Failure::TooLarge { limit: 3, .. })));
        let key = read_public_key(&path);
        assert!(matches!(key, Err(Failure::PublicKey { .. })));
        let absent = read_public_key(&directory.path().join("absent"));
        assert!(matches!(absent, Err(Failure::Read { .. })));
    }
}
