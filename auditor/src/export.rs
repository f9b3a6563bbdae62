//! Events as JSON Lines or CSV, exactly as stored.

use std::io::{self, Write};
use std::sync::Arc;

use domain::{Meta, OrganizationName, Position};
use event_store::audit::stored_events;
use event_store::{EventStore, StoredEvent};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::organization::concerns;
use crate::row::{COLUMNS, EventRow};

/// How an event is written.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// One JSON object per line, exactly as stored: what verifiers read.
    JsonLines,
    /// For spreadsheets: text that they would take for a formula is prefixed with an apostrophe.
    Csv,
}

/// Which events are wanted; the default is all of them.
#[derive(Debug, Default)]
pub struct Filter {
    pub after: Position,
    pub until: Option<Position>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded before this time.
    pub to: Option<Timestamp>,
    /// As `user:admin`, `worker:ID` or `policy:NAME`.
    pub actor: Option<String>,
    /// How the stream's name begins.
    pub stream: Option<String>,
    /// Named by the event, itself or an algorithm of it.
    pub organization: Option<OrganizationName>,
    pub type_name: Option<String>,
}

/// Writes the events that `filter` wants, in the order of the log.
///
/// # Errors
/// The log is damaged, after the events before the damage were written, or `out` is closed.
pub async fn export(
    store: Arc<dyn EventStore>,
    filter: &Filter,
    format: Format,
    mut out: impl Write,
) -> Result<(), Failure> {
    let mut pages = stored_events(store, filter.after, filter.until).await?;
    if matches!(format, Format::Csv) {
        write_record(&mut out, COLUMNS)?;
    }
    loop {
        let page = pages.next().await;
        if let Err(damage) = page {
            // The events before the damage are written all the same.
            out.flush()?;
            return Err(damage.into());
        }
        let page = page?;
        if page.is_empty() {
            break;
        }
        for event in page.into_iter().filter(|event| filter.wants(event)) {
            let row = EventRow::from(event);
            match format {
                Format::JsonLines => {
                    serde_json::to_writer(&mut out, &row).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                }
                Format::Csv => write_record(&mut out, row.columns())?,
            }
        }
    }
    out.flush()?;
    Ok(())
}

impl Filter {
    fn wants(&self, event: &StoredEvent) -> bool {
        let at = event.recorded_at_us;
        self.from.is_none_or(|from| at >= from.as_microsecond())
            && self.to.is_none_or(|to| at < to.as_microsecond())
            && self
                .type_name
                .as_ref()
                .is_none_or(|wanted| *wanted == event.type_name)
            && self
                .stream
                .as_ref()
                .is_none_or(|wanted| event.stream.as_str().starts_with(wanted))
            && self
                .actor
                .as_ref()
                .is_none_or(|wanted| is_by(event, wanted))
            && self
                .organization
                .as_ref()
                .is_none_or(|wanted| concerns(event, wanted))
    }
}

/// Unreadable metadata names no actor.
fn is_by(event: &StoredEvent, actor: &str) -> bool {
    serde_json::from_str::<Meta>(&event.metadata).is_ok_and(|meta| meta.actor.to_string() == actor)
}

/// Writes a line of CSV (RFC 4180). A spreadsheet takes a cell for a formula by its first
/// character, quoted or not, so an apostrophe stands before such a one, unless it is a number.
fn write_record(
    out: &mut impl Write,
    fields: impl IntoIterator<Item = impl AsRef<str>>,
) -> io::Result<()> {
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        let field = field.as_ref();
        let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
            && field.parse::<i64>().is_err();
        let apostrophe = if formula { "'" } else { "" };
        if field.contains(['"', ',', '\r', '\n']) {
            write!(out, "\"{apostrophe}{}\"", field.replace('"', "\"\""))?;
        } else {
            write!(out, "{apostrophe}{field}")?;
        }
    }
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(fields: &[&str]) -> String {
        let mut out = Vec::new();
        write_record(&mut out, fields).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_fields_with_its_own_signs_are_quoted() {
        let fields = ["a", r#"{"n":1}"#, "b,c", "d\ne", "f\r\ng", "\"", "", " h"];
        let expected = "a,\"{\"\"n\"\":1}\",\"b,c\",\"d\ne\",\"f\r\ng\",\"\"\"\",, h\r\n";
        assert_eq!(record(&fields), expected);
    }

    #[test]
    fn a_csv_field_is_no_formula() {
        let fields = [
            "=1+1", "+x", "-x", "@SUM(1)", "\t=1", "\r=1", "\n=1", "=\"a\",1",
        ];
        let expected = "'=1+1,'+x,'-x,'@SUM(1),'\t=1,\"'\r=1\",\"'\n=1\",\"'=\"\"a\"\",1\"\r\n";
        assert_eq!(record(&fields), expected);
        let harmless = ["-1700000000000000", "a=1", "1-1", "{\"a\"", "'=1"];
        let expected = "-1700000000000000,a=1,1-1,\"{\"\"a\"\"\",'=1\r\n";
        assert_eq!(record(&harmless), expected);
    }
}
