//! Which events of all streams a client wants.

use tonic::Status;

use crate::database::Record;
use crate::protocol::event_store::client::streams::read_req::options::FilterOption;
use crate::protocol::event_store::client::streams::read_req::options::filter_options::{
    Expression, Filter as Wanted,
};

/// By the beginning of the stream's name or the event's type; nothing is refused without it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    by_stream: bool,
    prefixes: Vec<String>,
}

impl Filter {
    pub(crate) fn of(option: Option<&FilterOption>) -> Result<Self, Status> {
        let Some(FilterOption::Filter(options)) = option else {
            return Ok(Self::default());
        };
        let (by_stream, expression) = match &options.filter {
            Some(Wanted::StreamIdentifier(expression)) => (true, expression),
            Some(Wanted::EventType(expression)) => (false, expression),
            None => return Ok(Self::default()),
        };
        let Expression { regex, prefix } = expression;
        if !regex.is_empty() {
            return Err(Status::unimplemented("this stand-in knows no expressions"));
        }
        Ok(Self {
            by_stream,
            prefixes: prefix.clone(),
        })
    }

    pub(crate) fn takes(&self, record: &Record) -> bool {
        let name = if self.by_stream {
            record.stream.as_slice()
        } else {
            let kind = record.event.metadata.get("type");
            kind.map_or(&[][..], |kind| kind.as_bytes())
        };
        let begins = |prefix: &String| name.starts_with(prefix.as_bytes());
        self.prefixes.is_empty() || self.prefixes.iter().any(begins)
    }
}
