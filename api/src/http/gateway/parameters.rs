//! The query parameters of a direct run.

use std::time::Duration;

/// The original's: five minutes where nothing is said, fifty at most.
const DEFAULT_SECONDS: u64 = 300;
const MOST_SECONDS: u64 = 3000;

/// What may be asked for beside the input. Parameters of other names, `stdout` among them, are not
/// looked at: no endpoint says what its algorithm printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) timeout: Duration,
    pub(super) output: Output,
}

/// What the answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// The result in its envelope.
    Envelope,
    /// The bare result.
    Raw,
    /// Nothing: the run goes on by itself.
    Void,
}

impl Parameters {
    /// Reads the pairs of a query; the last of a name counts.
    ///
    /// # Errors
    /// What cannot be, in words.
    pub(super) fn read(pairs: &[(String, String)]) -> Result<Self, String> {
        let mut parameters = Self {
            timeout: Duration::from_secs(DEFAULT_SECONDS),
            output: Output::Envelope,
        };
        for (name, value) in pairs {
            match name.as_str() {
                "timeout" => parameters.timeout = timeout(value)?,
                "output" => parameters.output = output(value)?,
                _ => {}
            }
        }
        Ok(parameters)
    }
}

fn timeout(value: &str) -> Result<Duration, String> {
    match value.parse() {
        Ok(seconds @ 1..=MOST_SECONDS) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!(
            "the timeout is a number of seconds from 1 to {MOST_SECONDS}"
        )),
    }
}

fn output(value: &str) -> Result<Output, String> {
    match value {
        "raw" => Ok(Output::Raw),
        "void" => Ok(Output::Void),
        _ => Err("the output is raw or void, or is not named".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Parameters, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Parameters::read(&pairs.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn five_minutes_and_the_envelope_are_what_nobody_has_to_ask_for() {
        let parameters = read(&[("stdout", "True"), ("colour", "red")]).unwrap();
        assert_eq!(parameters.timeout, Duration::from_secs(300));
        assert_eq!(parameters.output, Output::Envelope);
    }

    #[test]
    fn the_time_is_whole_seconds_up_to_fifty_minutes() {
        for (text, seconds) in [("1", 1), ("3000", 3000), ("010", 10)] {
            let parameters = read(&[("timeout", text)]).unwrap();
            assert_eq!(parameters.timeout, Duration::from_secs(seconds));
        }
        for text in ["", "0", "-1", "3001", "1.5", "5s", "99999999999999999999"] {
            assert!(read(&[("timeout", text)]).is_err(), "{text}");
        }
    }

    #[test]
    fn an_output_that_nobody_knows_is_refused() {
        assert_eq!(read(&[("output", "raw")]).unwrap().output, Output::Raw);
        assert_eq!(read(&[("output", "void")]).unwrap().output, Output::Void);
        for text in ["", "RAW", "json"] {
            assert!(read(&[("output", text)]).is_err(), "{text}");
        }
    }
}
