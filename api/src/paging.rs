//! Relay connections over keyset pages: 50 nodes unless asked otherwise, at most 100.

use async_graphql::connection::{Connection, CursorType, Edge, EmptyFields};
use async_graphql::{Error, OutputType};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use projections::{Page, Paging};

use crate::error::invalid;
use crate::id::IdError;

const DEFAULT: u32 = 50;
const MOST: u32 = 100;

/// The key of a row, opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

impl CursorType for Cursor {
    type Error = IdError;

    fn decode_cursor(text: &str) -> Result<Self, IdError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| IdError("a place in this list"))?;
        String::from_utf8(bytes)
            .map(Self)
            .map_err(|_| IdError("a place in this list"))
    }

    fn encode_cursor(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }
}

/// The part of a list that `first` and `after` ask for.
pub(crate) fn paging(first: Option<i32>, after: Option<&str>) -> Result<Paging, Error> {
    let after = match after {
        None => String::new(),
        Some(cursor) => {
            Cursor::decode_cursor(cursor)
                .map_err(|_| invalid("after is not a cursor of this list"))?
                .0
        }
    };
    Ok(Paging {
        after,
        limit: limit(first)?,
    })
}

/// How many nodes `first` asks for.
pub(crate) fn limit(first: Option<i32>) -> Result<u32, Error> {
    let Some(first) = first else {
        return Ok(DEFAULT);
    };
    match u32::try_from(first) {
        Ok(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        _ => Err(invalid("first must be 1 to 100")),
    }
}

/// A page as a Relay connection.
pub(crate) fn connection<Row, Node: OutputType>(
    page: Page<Row>,
    paging: &Paging,
    key: impl Fn(&Row) -> String,
    node: impl Fn(Row) -> Node,
) -> Connection<Cursor, Node, EmptyFields, EmptyFields> {
    let mut connection = Connection::new(!paging.after.is_empty(), page.more);
    connection.edges = page
        .rows
        .into_iter()
        .map(|row| Edge::new(Cursor(key(&row)), node(row)))
        .collect();
    connection
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_50_nodes_unless_asked_and_never_more_than_100() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some(100)).unwrap(), 100);
        for first in [-1, 0, 101] {
            assert!(limit(Some(first)).is_err(), "{first}");
        }
    }

    #[test]
    fn a_tampered_cursor_is_refused() {
        assert!(paging(None, Some("%%%")).is_err());
        let cursor = Cursor("orders".to_owned()).encode_cursor();
        assert_eq!(paging(None, Some(&cursor)).unwrap().after, "orders");
    }
}
