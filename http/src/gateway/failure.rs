//! Why a caller gets no result: the error as callers know it, and the status.

use axum::http::StatusCode;
use domain::run::{DirectError, DirectFailure};
use domain::settlement::Answer;

use super::content::Content;
use super::envelope::ErrorBody;
use super::parameters::Output;

/// An error and the status that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) error: ErrorBody,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error_type: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            error: ErrorBody {
                message: message.into(),
                error_type: Some(error_type.to_owned()),
                stacktrace: None,
                stack_trace: None,
            },
        }
    }

    pub(super) fn authorization() -> Self {
        let message = "Authorization must be `Simple KEY`, `Bearer TOKEN` or a bare key";
        Self::new(StatusCode::UNAUTHORIZED, "InputError", message)
    }

    pub(super) fn path() -> Self {
        let message = "algorithms are called at /v1/algo/{organization}/{name}[/{version}]";
        Self::new(StatusCode::NOT_FOUND, "InputError", message)
    }

    pub(super) fn method() -> Self {
        let message = "algorithms are called by POST";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "InputError", message)
    }

    pub(super) fn parameter(message: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InputError", message)
    }

    pub(super) fn content_type() -> Self {
        let message = "the content type must be application/json, text/plain, application/text \
                       or application/octet-stream";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedError",
            message,
        )
    }

    pub(super) fn content_encoding() -> Self {
        let message = "the input must not be encoded: nothing here reads a Content-Encoding";
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedError",
            message,
        )
    }

    /// The result's bytes are encoded, and the answer's JSON cannot hold them.
    pub(super) fn encoded_result(encoding: &str) -> Self {
        let message = format!(
            "the algorithm's result has the content encoding {encoding}, which was not asked for; \
             output=raw hands it on as it is"
        );
        Self::new(StatusCode::OK, "UnsupportedError", message)
    }

    /// The body could not be read.
    pub(super) fn body(status: StatusCode) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "TooLargeError", "the input is larger than 10 MiB")
            }
            StatusCode::REQUEST_TIMEOUT => {
                Self::new(status, "TimeoutError", "the input did not arrive in time")
            }
            _ => Self::new(status, "InputError", "the input cannot be read"),
        }
    }

    /// The body is not what its content type says.
    pub(super) fn mislabelled(content: Content) -> Self {
        let message = format!("the input is not {}", content.media_type());
        Self::new(StatusCode::BAD_REQUEST, "ParsingError", message)
    }

    /// There is nothing to call. Like every error about a well-formed request it comes with a 200,
    /// and as in the original without a type.
    pub(super) fn nothing_to_call(message: String) -> Self {
        let mut failure = Self::new(StatusCode::OK, "", message);
        failure.error.error_type = None;
        failure
    }

    pub(super) fn crowded() -> Self {
        let message = "too many runs are under way; try again later";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "SystemError", message)
    }

    pub(super) fn unavailable() -> Self {
        let message = "the server cannot answer now; its log says why";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "SystemError", message)
    }

    pub(super) fn of_runner(error: &DirectError) -> Self {
        match error {
            DirectError::Crowded => Self::crowded(),
            DirectError::Unavailable(_) => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "a direct run failed"
                );
                Self::unavailable()
            }
        }
    }

    /// The status that it is answered with. A bare result would look like an error in JSON, so
    /// there the status must tell; and of the original's clients some know no status but 400 and
    /// 500, and take what comes with another for the result.
    pub(super) fn status(&self, output: Output) -> StatusCode {
        match (output, self.status) {
            (Output::Envelope | Output::Void, status) => status,
            (Output::Raw, StatusCode::TOO_MANY_REQUESTS) => StatusCode::INTERNAL_SERVER_ERROR,
            (Output::Raw, status) if status.is_server_error() => StatusCode::INTERNAL_SERVER_ERROR,
            (Output::Raw, _) => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether the same request may succeed later.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        )
    }

    /// The run itself failed.
    pub(super) fn of_run(failure: DirectFailure) -> Self {
        let DirectFailure {
            answer,
            text,
            stacktrace,
        } = failure;
        let (error_type, message) = describe(&answer);
        // What the algorithm says, rather than what we say of it.
        let message = match (&answer, text) {
            (Answer::Status { .. }, Some(text)) => text,
            (_, Some(text)) => format!("{message}: {text}"),
            (_, None) => message,
        };
        Self {
            status: StatusCode::OK,
            error: ErrorBody {
                message,
                error_type: Some(error_type.to_owned()),
                stack_trace: stacktrace.clone(),
                stacktrace,
            },
        }
    }
}

/// The error's type and what is said where the algorithm says nothing.
fn describe(answer: &Answer) -> (&str, String) {
    match answer {
        Answer::Status {
            status, error_type, ..
        } => {
            let kind = match (error_type, status) {
                (Some(kind), _) => kind,
                (None, 400 | 422) => "InputError",
                (None, 413) => "TooLargeError",
                (None, 415) => "UnsupportedError",
                (None, 408 | 504) => "TimeoutError",
                (None, _) => "AlgorithmError",
            };
            (kind, format!("the algorithm answered {status}"))
        }
        Answer::Undecodable => (
            "AlgorithmError",
            "the algorithm's answer cannot be read".to_owned(),
        ),
        Answer::Unreachable => ("SystemError", "the algorithm cannot be reached".to_owned()),
        Answer::TimedOut => (
            "TimeoutError",
            "the algorithm did not answer in time".to_owned(),
        ),
        Answer::AnswerTooLarge => (
            "TooLargeError",
            "the algorithm's answer is larger than 15 MB".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(answer: Answer, text: Option<&str>) -> (u16, String, String) {
        let failure = DirectFailure {
            answer,
            text: text.map(str::to_owned),
            stacktrace: None,
        };
        let failure = Failure::of_run(failure);
        let error_type = failure.error.error_type.unwrap();
        (failure.status.as_u16(), error_type, failure.error.message)
    }

    fn status(status: u16, error_type: Option<&str>) -> Answer {
        Answer::Status {
            status,
            error_type: error_type.map(str::to_owned),
            error_code: None,
            inner_status: None,
            retry_after: None,
        }
    }

    #[test]
    fn an_algorithms_own_error_is_passed_on_with_a_200() {
        let answer = status(200, Some("LanguageError"));
        let told = failed(answer, Some("no such verb"));
        assert_eq!(
            told,
            (200, "LanguageError".to_owned(), "no such verb".to_owned())
        );
    }

    #[test]
    fn an_error_in_place_of_a_bare_result_is_a_400_or_a_500() {
        for (status, bare) in [
            (StatusCode::OK, 400),
            (StatusCode::UNAUTHORIZED, 400),
            (StatusCode::NOT_FOUND, 400),
            (StatusCode::PAYLOAD_TOO_LARGE, 400),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, 400),
            (StatusCode::MISDIRECTED_REQUEST, 400),
            (StatusCode::TOO_MANY_REQUESTS, 500),
            (StatusCode::SERVICE_UNAVAILABLE, 500),
        ] {
            let failure = Failure::new(status, "SystemError", "why");
            assert_eq!(failure.status(Output::Raw).as_u16(), bare, "{status}");
            assert_eq!(failure.status(Output::Envelope), status);
        }
    }

    #[test]
    fn every_answer_has_a_type_of_error() {
        let cases = [
            (status(400, None), "InputError"),
            (status(413, None), "TooLargeError"),
            (status(415, None), "UnsupportedError"),
            (status(504, None), "TimeoutError"),
            (status(500, None), "AlgorithmError"),
            (Answer::Undecodable, "AlgorithmError"),
            (Answer::Unreachable, "SystemError"),
            (Answer::TimedOut, "TimeoutError"),
            (Answer::AnswerTooLarge, "TooLargeError"),
        ];
        for (answer, wanted) in cases {
            let (_, error_type, message) = failed(answer, None);
            assert_eq!(error_type, wanted);
            assert_ne!(message, "");
        }
    }

    #[test]
    fn what_is_not_there_has_a_message_only() {
        let failure = Failure::nothing_to_call("no such".to_owned());
        assert_eq!(failure.status, StatusCode::OK);
        assert_eq!(failure.error.error_type, None);
    }
}
