//! What HTTP says of the bytes of a body: bytes and these words belong together.

/// Between the words in the journal. No header's value has one.
const SEPARATOR: char = '\n';

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Representation {
    pub(crate) content_type: Option<String>,
    /// None where the bytes are as they are.
    pub(crate) content_encoding: Option<String>,
}

impl Representation {
    /// As the journal keeps it, which has one text for it: the type, and where there is an encoding,
    /// that on a line of its own.
    pub(crate) fn stored(&self) -> Option<String> {
        let Some(encoding) = &self.content_encoding else {
            return self.content_type.clone();
        };
        let content_type = self.content_type.as_deref().unwrap_or_default();
        Some(format!("{content_type}{SEPARATOR}{encoding}"))
    }

    pub(super) fn of_stored(stored: Option<&str>) -> Self {
        let stored = stored.unwrap_or_default();
        let (content_type, encoding) = stored.split_once(SEPARATOR).unwrap_or((stored, ""));
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            content_type: said(content_type),
            content_encoding: said(encoding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_again() {
        let some = |text: &str| Some(text.to_owned());
        for (content_type, content_encoding, stored) in [
            (None, None, None),
            (some("a/b"), None, some("a/b")),
            (some("a/b"), some("gzip"), some("a/b\ngzip")),
            (None, some("gzip, br"), some("\ngzip, br")),
        ] {
            let representation = Representation {
                content_type,
                content_encoding,
            };
            assert_eq!(representation.stored(), stored);
            assert_eq!(Representation::of_stored(stored.as_deref()), representation);
        }
    }
}
