//! Relay connections over keyset pages: 50 nodes unless asked otherwise, at most 100.

use async_graphql::Error;
use async_graphql::connection::CursorType;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use projections::Order;
use projections::list::{Listed, Place, Sort, Sorted};
use serde_json::{Value, json};

use crate::error::invalid;
use crate::id::IdError;

const DEFAULT: u32 = 50;
pub(crate) const MOST: u32 = 100;

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

/// The place of a row in its list, for clients to continue from.
pub(crate) fn cursor<R: Listed>(row: &R, order: Order<R::Sort>) -> Cursor {
    let Place { sorted, key } = row.place(order);
    Cursor(match (order.by.column(), sorted) {
        (Some(column), Some(Sorted::Integer(value))) => json!([column, value, key]).to_string(),
        (Some(column), Some(Sorted::Text(value))) => json!([column, value, key]).to_string(),
        _ => key,
    })
}

/// The place that a cursor of a list in that order tells. The argument is named in errors.
pub(crate) fn place<S: Sort>(
    argument: &'static str,
    cursor: &str,
    order: Order<S>,
) -> Result<Place, Error> {
    let unknown = || no_cursor(argument);
    let told = Cursor::decode_cursor(cursor).map_err(|_| unknown())?.0;
    let Some(column) = order.by.column() else {
        return Ok(Place {
            sorted: None,
            key: told,
        });
    };
    let told: (String, Value, String) = serde_json::from_str(&told).map_err(|_| unknown())?;
    let sorted = match told.1 {
        Value::String(text) => Some(Sorted::Text(text)),
        Value::Number(number) => number.as_i64().map(Sorted::Integer),
        _ => None,
    };
    if told.0 != column || sorted.is_none() {
        return Err(unknown());
    }
    Ok(Place {
        sorted,
        key: told.2,
    })
}

/// The number that a cursor holds; none for the start of the list.
pub(crate) fn number(cursor: Option<&str>) -> Result<Option<i64>, Error> {
    let number = |cursor| Cursor::decode_cursor(cursor).ok()?.0.parse().ok();
    let number = cursor.map(|cursor| number(cursor).ok_or_else(|| no_cursor("after")));
    number.transpose()
}

fn no_cursor(argument: &str) -> Error {
    invalid(format!("{argument} is not a cursor of this list"))
}

/// How many nodes `first` or `last` asks for.
pub(crate) fn limit(first: Option<i32>, last: Option<i32>) -> Result<u32, Error> {
    let (argument, count) = match (first, last) {
        (None, None) => return Ok(DEFAULT),
        (Some(_), Some(_)) => return Err(invalid("use either first or last, not both")),
        (Some(first), None) => ("first", first),
        (None, Some(last)) => ("last", last),
    };
    match u32::try_from(count) {
        Ok(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        _ => Err(invalid(format!("{argument} must be 1 to {MOST}"))),
    }
}

#[cfg(test)]
mod tests {
    use projections::listener::ListenerSort;

    use super::*;

    #[test]
    fn a_page_has_50_nodes_unless_asked_and_never_more_than_100() {
        assert_eq!(limit(None, None).unwrap(), 50);
        assert_eq!(limit(Some(100), None).unwrap(), 100);
        assert_eq!(limit(None, Some(1)).unwrap(), 1);
        for count in [-1, 0, 101] {
            assert!(limit(Some(count), None).is_err(), "{count}");
            let refused = limit(None, Some(count)).unwrap_err();
            assert_eq!(refused.message, "last must be 1 to 100");
        }
        assert!(limit(Some(1), Some(1)).is_err(), "from both ends");
    }

    #[test]
    fn a_tampered_cursor_is_refused() {
        let by_topic = Order::<ListenerSort>::default();
        assert!(place("after", "%%%", by_topic).is_err());
        let cursor = Cursor("orders".to_owned()).encode_cursor();
        assert_eq!(place("after", &cursor, by_topic).unwrap().key, "orders");
    }

    #[test]
    fn a_cursor_is_of_one_order() {
        let order = |by| Order {
            by,
            descending: true,
        };
        let of = |told: &str| Cursor(told.to_owned()).encode_cursor();
        let changed = of(r#"["changed_at",7,"orders"]"#);
        let found = place("after", &changed, order(ListenerSort::ChangedAt)).unwrap();
        assert_eq!(found.sorted, Some(Sorted::Integer(7)));
        assert_eq!(found.key, "orders");
        assert!(place("after", &changed, order(ListenerSort::Algorithm)).is_err());
        assert!(place("after", &of("orders"), order(ListenerSort::ChangedAt)).is_err());
        let nothing = of(r#"["changed_at",null,"orders"]"#);
        assert!(place("after", &nothing, order(ListenerSort::ChangedAt)).is_err());
    }
}
