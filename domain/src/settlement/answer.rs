//! What the answer of an endpoint means by itself, whatever it answers others.

use std::time::Duration;

use super::{Expression, Reason};

/// What one call of the endpoint came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It answered with a status, and what else it said that tells what the status means.
    Status {
        status: u16,
        /// For the `algorithmia` protocol, the type of the error in its body.
        error_type: Option<String>,
        /// Of a 429: the code of the error in its body, as OpenAI's API has it.
        error_code: Option<String>,
        /// Of a 424: the status that the model behind the endpoint answered.
        inner_status: Option<u16>,
        /// The wait that it asked for by `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// It answered 2xx with a body that the protocol cannot read.
    Undecodable,
    /// It could not be reached, or broke off.
    Unreachable,
    TimedOut,
    /// Its answer went past the size limit.
    AnswerTooLarge,
}

/// What follows from an answer. Whose fault a call that did not succeed was, is decided by
/// comparison with the calls of other messages: [`crate::health`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Succeeded,
    /// The message may pass later.
    Retry {
        after: Option<Duration>,
    },
    /// The endpoint has too much to do: nobody is to call for a while, and nothing has failed.
    Wait {
        after: Option<Duration>,
    },
    /// The message will never pass.
    Faulty(Reason),
    /// An expression of the listener failed for the message, before the call or after it succeeded.
    /// It always will, unless somebody changes the expression.
    ExpressionFailed(Expression),
    /// Nobody's message will pass until a person has done something: hold the position.
    Block(Reason),
}

/// Error types of the `algorithmia` protocol that are the message's fault.
const FAULTY_ERROR_TYPES: [&str; 4] = [
    "InputError",
    "ParsingError",
    "UnsupportedError",
    "TooLargeError",
];

/// Codes of a 429 that no wait heals, beside those that end in [`LIMIT_EXCEEDED`].
const QUOTA_CODES: [&str; 2] = ["insufficient_quota", "credit_balance_exhausted"];
const LIMIT_EXCEEDED: &str = "_limit_exceeded";

/// Ends in [`LIMIT_EXCEEDED`], and passes.
const RATE_LIMIT: &str = "rate_limit_exceeded";

impl Answer {
    /// An answer that says nothing but its status.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        Self::Status {
            status,
            error_type: None,
            error_code: None,
            inner_status: None,
            retry_after: None,
        }
    }
}

/// What an answer means, attempts and other messages aside.
#[must_use]
pub fn judge(answer: &Answer) -> Verdict {
    match answer {
        Answer::Unreachable | Answer::TimedOut => Verdict::Retry { after: None },
        Answer::Undecodable => Verdict::Faulty(Reason::UndecodableAnswer),
        Answer::AnswerTooLarge => Verdict::Faulty(Reason::AnswerTooLarge),
        Answer::Status {
            status,
            error_type,
            error_code,
            inner_status,
            retry_after,
        } => {
            let status = meant_status(*status, *inner_status);
            let is_quota = error_code.as_deref().is_some_and(is_quota_code);
            let after = *retry_after;
            match (status, error_type.as_deref()) {
                (200..=299, None) => Verdict::Succeeded,
                (429, _) if is_quota => Verdict::Block(Reason::QuotaExhausted),
                (429, _) => Verdict::Wait { after },
                (503, _) if after.is_some() => Verdict::Wait { after },
                (_, Some(kind)) if FAULTY_ERROR_TYPES.contains(&kind) => {
                    Verdict::Faulty(Reason::Refused)
                }
                (200..=299, Some(_)) | (408 | 409 | 424 | 425 | 500..=599, _) => {
                    Verdict::Retry { after }
                }
                (401 | 403, _) => Verdict::Block(Reason::NotAuthorized),
                // Redirects are never followed.
                (300..=399 | 404 | 405 | 410, _) => Verdict::Block(Reason::WrongEndpoint),
                // Other 4xx, and statuses nobody defined.
                _ => Verdict::Faulty(Reason::Refused),
            }
        }
    }
}

/// The status that counts: by 424 a gateway says that the model behind it failed, and may say how.
fn meant_status(status: u16, inner: Option<u16>) -> u16 {
    match inner {
        Some(inner @ 300..=599) if status == 424 => inner,
        _ => status,
    }
}

fn is_quota_code(code: &str) -> bool {
    QUOTA_CODES.contains(&code) || (code.ends_with(LIMIT_EXCEEDED) && code != RATE_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGAIN: Verdict = Verdict::Retry { after: None };

    fn status(status: u16) -> Verdict {
        judge(&Answer::of_status(status))
    }

    /// The verdict on a status with what `say` adds.
    fn saying(
        status: u16,
        error_type: Option<&str>,
        error_code: Option<&str>,
        inner_status: Option<u16>,
        retry_after: Option<Duration>,
    ) -> Verdict {
        judge(&Answer::Status {
            status,
            error_type: error_type.map(str::to_owned),
            error_code: error_code.map(str::to_owned),
            inner_status,
            retry_after,
        })
    }

    #[test]
    fn answers_mean_what_the_table_says() {
        for code in [200, 201, 204] {
            assert_eq!(status(code), Verdict::Succeeded, "{code}");
        }
        for code in [408, 409, 424, 425, 500, 502, 503, 504, 530, 599] {
            assert_eq!(status(code), AGAIN, "{code}");
        }
        for code in [400, 402, 413, 415, 422, 499] {
            let faulty = Verdict::Faulty(Reason::Refused);
            assert_eq!(status(code), faulty, "{code}");
        }
        for code in [401, 403] {
            let blocked = Verdict::Block(Reason::NotAuthorized);
            assert_eq!(status(code), blocked, "{code}");
        }
        for code in [301, 302, 307, 308, 404, 405, 410] {
            let blocked = Verdict::Block(Reason::WrongEndpoint);
            assert_eq!(status(code), blocked, "{code}");
        }
    }

    #[test]
    fn a_429_always_asks_for_a_wait_and_a_503_only_by_saying_so() {
        let after = Some(Duration::from_secs(7));
        assert_eq!(status(429), Verdict::Wait { after: None });
        let busy = |code| saying(code, None, None, None, after);
        assert_eq!(busy(429), Verdict::Wait { after });
        assert_eq!(busy(503), Verdict::Wait { after });
        assert_eq!(status(503), AGAIN);
        assert_eq!(busy(500), Verdict::Retry { after });
    }

    #[test]
    fn a_429_over_a_quota_blocks_and_one_over_a_rate_waits() {
        let limited = |code| saying(429, None, Some(code), None, None);
        for code in [
            "insufficient_quota",
            "credit_balance_exhausted",
            "monthly_limit_exceeded",
        ] {
            let blocked = Verdict::Block(Reason::QuotaExhausted);
            assert_eq!(limited(code), blocked, "{code}");
        }
        for code in ["rate_limit_exceeded", "slow_down"] {
            assert_eq!(limited(code), Verdict::Wait { after: None }, "{code}");
        }
    }

    #[test]
    fn a_424_means_what_the_model_behind_it_answered() {
        let inner = |inner| saying(424, None, None, Some(inner), None);
        assert_eq!(inner(400), Verdict::Faulty(Reason::Refused));
        assert_eq!(inner(500), AGAIN);
        assert_eq!(inner(429), Verdict::Wait { after: None });
        assert_eq!(inner(401), Verdict::Block(Reason::NotAuthorized));
        for nonsense in [0, 200, 424, 9999] {
            assert_eq!(inner(nonsense), AGAIN, "{nonsense}");
        }
        // Of another answer it says nothing.
        assert_eq!(saying(200, None, None, Some(500), None), Verdict::Succeeded);
    }

    #[test]
    fn an_error_in_the_body_of_a_200_is_judged_by_its_type() {
        let failed = |kind| saying(200, Some(kind), None, None, None);
        assert_eq!(failed("InputError"), Verdict::Faulty(Reason::Refused));
        assert_eq!(failed("AlgorithmError"), AGAIN);
    }

    #[test]
    fn an_endpoint_that_is_down_is_tried_again() {
        assert_eq!(judge(&Answer::Unreachable), AGAIN);
        assert_eq!(judge(&Answer::TimedOut), AGAIN);
    }
}
