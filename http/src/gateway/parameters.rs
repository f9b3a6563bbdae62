//! The query parameters of a direct run.

use std::time::Duration;

/// The original's: five minutes where nothing is said, fifty at most.
const DEFAULT_SECONDS: f64 = 300.0;
const MOST_SECONDS: f64 = 3000.0;

/// What is said of an output that is not known. The original's clients were handed new ones that
/// its older servers did not know.
const UNKNOWN_OUTPUT: &str =
    "the output is none of default, raw and void, so the result is in its envelope";

/// What may be asked for beside the input. Parameters of other names, `stdout` among them, are not
/// looked at: no endpoint says what its algorithm printed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parameters {
    pub(super) timeout: Duration,
    pub(super) output: Output,
    /// What the caller should know of how its parameters were read.
    pub(super) alert: Option<&'static str>,
}

/// What the answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// The result in its envelope.
    Envelope,
    /// The bare result.
    Raw,
    /// Nothing: the run continues by itself.
    Void,
}

impl Output {
    /// The output that the pairs of a query ask for, whatever else is wrong with them.
    pub(super) fn of(pairs: &[(String, String)]) -> Self {
        named(pairs).and_then(known).unwrap_or(Self::Envelope)
    }
}

impl Parameters {
    /// Reads the pairs of a query; the last of a name counts.
    ///
    /// # Errors
    /// What cannot be, in words.
    pub(super) fn read(pairs: &[(String, String)]) -> Result<Self, String> {
        let seconds = match last(pairs, "timeout") {
            Some(text) => seconds(text)?,
            None => DEFAULT_SECONDS,
        };
        let is_unknown = named(pairs).is_some_and(|text| known(text).is_none());
        Ok(Self {
            timeout: Duration::from_secs_f64(seconds),
            output: Output::of(pairs),
            alert: is_unknown.then_some(UNKNOWN_OUTPUT),
        })
    }
}

fn last<'p>(pairs: &'p [(String, String)], name: &str) -> Option<&'p str> {
    let pair = pairs.iter().rfind(|(key, _)| key == name);
    pair.map(|(_, value)| value.as_str())
}

/// The output by name, where one is named.
fn named(pairs: &[(String, String)]) -> Option<&str> {
    last(pairs, "output")
}

fn known(output: &str) -> Option<Output> {
    match output {
        "" | "default" => Some(Output::Envelope),
        "raw" => Some(Output::Raw),
        "void" => Some(Output::Void),
        _ => None,
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let is_decimal = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    match text.parse() {
        Ok(seconds) if text.bytes().all(is_decimal) && 0.0 < seconds && seconds <= MOST_SECONDS => {
            Ok(seconds)
        }
        _ => Err(format!(
            "the timeout must be a number of seconds above 0 and up to {MOST_SECONDS}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn read(pairs: &[(&str, &str)]) -> Result<Parameters, String> {
        Parameters::read(&owned(pairs))
    }

    #[test]
    fn five_minutes_and_the_envelope_are_what_nobody_has_to_ask_for() {
        let parameters = read(&[("stdout", "True"), ("colour", "red")]).unwrap();
        assert_eq!(parameters.timeout, Duration::from_secs(300));
        assert_eq!(parameters.output, Output::Envelope);
        assert_eq!(parameters.alert, None);
    }

    #[test]
    fn the_time_is_seconds_and_fractions_of_them_up_to_fifty_minutes() {
        for (text, ms) in [
            ("1", 1000),
            ("3000", 3_000_000),
            ("010", 10_000),
            ("2.5", 2500),
        ] {
            let parameters = read(&[("timeout", text)]).unwrap();
            assert_eq!(parameters.timeout, Duration::from_millis(ms));
        }
        for text in [
            "",
            "0",
            "0.0",
            "-1",
            "3000.1",
            ".",
            "5s",
            "1e3",
            "inf",
            "NaN",
            "9999999999",
        ] {
            assert!(read(&[("timeout", text)]).is_err(), "{text}");
        }
    }

    #[test]
    fn an_output_that_nobody_knows_is_the_envelope_with_an_alert() {
        for (text, output) in [
            ("raw", Output::Raw),
            ("void", Output::Void),
            ("default", Output::Envelope),
            ("", Output::Envelope),
        ] {
            let parameters = read(&[("output", text)]).unwrap();
            assert_eq!(
                (parameters.output, parameters.alert),
                (output, None),
                "{text}"
            );
        }
        for text in ["RAW", "json"] {
            let parameters = read(&[("output", text)]).unwrap();
            assert_eq!(parameters.output, Output::Envelope, "{text}");
            assert_eq!(parameters.alert, Some(UNKNOWN_OUTPUT), "{text}");
        }
    }

    #[test]
    fn the_output_is_known_although_the_rest_is_wrong() {
        let pairs = [("output", "void"), ("timeout", "5s"), ("output", "raw")];
        assert!(read(&pairs).is_err());
        assert_eq!(Output::of(&owned(&pairs)), Output::Raw);
    }
}
