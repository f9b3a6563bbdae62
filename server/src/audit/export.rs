//! `eventflows audit export`: events as JSON Lines or CSV, exactly as stored.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use domain::{Meta, OrganizationName, Position};
use event_store::StoredEvent;
use event_store::audit::stored_events;
use jiff::Timestamp;

use super::organization::concerns;
use super::row::{COLUMNS, EventRow};
use super::{Failure, LogArgs, output};

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    filter: Filter,
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,
    /// The file to write [default: standard output].
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum ExportFormat {
    /// One JSON object a line, exactly as stored: the form that verifiers read.
    #[default]
    Jsonl,
    /// For spreadsheets: a text that they would take for a formula has an apostrophe in front.
    Csv,
}

/// Which events are wanted; all where nothing is said.
#[derive(Debug, Default, Args)]
struct Filter {
    /// Only events after this position.
    #[arg(long, default_value_t)]
    after: u64,
    /// Only events up to this position.
    #[arg(long)]
    until: Option<u64>,
    /// Only events recorded at this time or later, as 2026-11-21T08:00:00Z.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Only events recorded before this time.
    #[arg(long)]
    to: Option<Timestamp>,
    /// Only events of this actor, as user:admin, worker:ID or policy:NAME.
    #[arg(long)]
    actor: Option<String>,
    /// Only events of streams whose names begin so.
    #[arg(long)]
    stream: Option<String>,
    /// Only events that name this organization, or an algorithm of it.
    #[arg(long)]
    organization: Option<OrganizationName>,
    /// Only events of this type.
    #[arg(long = "type")]
    type_name: Option<String>,
}

pub(super) async fn run(args: &ExportArgs) -> Result<(), Failure> {
    let filter = &args.filter;
    let store = args.log.open().await?;
    let until = filter.until.map(Position);
    let mut pages = stored_events(store, Position(filter.after), until).await?;
    let mut out = output(args.out.as_deref())?;
    if matches!(args.format, ExportFormat::Csv) {
        write_record(&mut out, COLUMNS)?;
    }
    loop {
        let page = pages.next().await;
        if let Err(damage) = page {
            // What stands before the damage is written all the same.
            out.flush()?;
            return Err(damage.into());
        }
        let page = page?;
        if page.is_empty() {
            break;
        }
        for event in page.into_iter().filter(|event| filter.wants(event)) {
            let row = EventRow::from(event);
            match args.format {
                ExportFormat::Jsonl => {
                    serde_json::to_writer(&mut out, &row)?;
                    out.write_all(b"\n")?;
                }
                ExportFormat::Csv => write_record(&mut out, row.columns())?,
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

/// Metadata that cannot be read is nobody's.
fn is_by(event: &StoredEvent, actor: &str) -> bool {
    serde_json::from_str::<Meta>(&event.metadata).is_ok_and(|meta| meta.actor.to_string() == actor)
}

/// Writes a line of CSV (RFC 4180). A spreadsheet takes a cell for a formula by its first
/// character, quoted or not, so an apostrophe stands before such a one, unless it is a number.
fn write_record(
    out: &mut impl Write,
    fields: impl IntoIterator<Item = impl AsRef<str>>,
) -> std::io::Result<()> {
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
