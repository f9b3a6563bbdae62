//! C2SP signed notes: a text, and lines below it that say who signed it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The signature type of plain Ed25519.
const ED25519: u8 = 1;

/// Why a note or a key is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("a key's name has 1 to 255 characters, without spaces, control characters or +")]
    Name,
    #[error("the public key is not written NAME+HASH+KEY, or its hash is of another key")]
    PublicKey,
    #[error("the note is not a text, an empty line and signatures")]
    Malformed,
    #[error("the note is not signed by this key")]
    NotSigned,
    #[error("the note's signature is not of this text")]
    Forged,
}

/// A private key and the name it signs by.
pub struct Signer {
    key: SigningKey,
    verifier: Verifier,
}

impl Signer {
    /// The key of `seed`, which must be random and secret.
    ///
    /// # Errors
    /// The name is not one of a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signed note of `text`, which ends with a line's end.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes());
        let mut bytes = self.verifier.id.to_vec();
        bytes.extend_from_slice(&signature.to_bytes());
        let encoded = STANDARD.encode(bytes);
        format!("{text}\n\u{2014} {} {encoded}\n", self.verifier.name)
    }
}

/// A public key and the name it signs by, written as a C2SP vkey: `NAME+HASH+KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    /// Tells keys of one name apart.
    id: [u8; 4],
    key: VerifyingKey,
}

impl Verifier {
    fn new(name: &str, key: VerifyingKey) -> Result<Self, NoteError> {
        let refused = |c: char| c.is_whitespace() || c.is_control() || c == '+';
        if !(1..=255).contains(&name.chars().count()) || name.contains(refused) {
            return Err(NoteError::Name);
        }
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        Ok(Self {
            name: name.to_owned(),
            id: [digest[0], digest[1], digest[2], digest[3]],
            key,
        })
    }

    /// The name that the key signs by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of `note`, signed by this key. Signatures of other keys are passed over.
    ///
    /// # Errors
    /// It is not a signed note, or this key did not sign it.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let end = note.rfind("\n\n").ok_or(NoteError::Malformed)? + 1;
        let (text, signatures) = (&note[..end], &note[end + 1..]);
        if !signatures.ends_with('\n') {
            return Err(NoteError::Malformed);
        }
        for line in signatures.lines() {
            let line = line.strip_prefix("\u{2014} ").ok_or(NoteError::Malformed)?;
            let (name, encoded) = line.split_once(' ').ok_or(NoteError::Malformed)?;
            let bytes = STANDARD.decode(encoded).map_err(|_| NoteError::Malformed)?;
            let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
                return Err(NoteError::Malformed);
            };
            if name == self.name && *id == self.id {
                let signature = Signature::from_slice(signature).map_err(|_| NoteError::Forged)?;
                let genuine = self.key.verify_strict(text.as_bytes(), &signature);
                return genuine.map(|()| text).map_err(|_| NoteError::Forged);
            }
        }
        Err(NoteError::NotSigned)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(bytes))
    }
}

impl FromStr for Verifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::PublicKey);
        };
        let key = STANDARD.decode(key).map_err(|_| NoteError::PublicKey)?;
        let Some((&ED25519, key)) = key.split_first() else {
            return Err(NoteError::PublicKey);
        };
        let key = key.try_into().map_err(|_| NoteError::PublicKey)?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| NoteError::PublicKey)?;
        let verifier = Self::new(name, key)?;
        if u32::from_str_radix(id, 16) != Ok(u32::from_be_bytes(verifier.id)) {
            return Err(NoteError::PublicKey);
        }
        Ok(verifier)
    }
}
