//! Presets for model servers: what is set for them by hand otherwise.
//!
//! A preset is a starting value. What is stored are the settings that it stands for, so that a later
//! release changes nothing of what somebody has set.

use serde::{Deserialize, Serialize};

use crate::listener::Transform;

/// A kind of server that models run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ModelServer {
    #[serde(rename = "BENTOML")]
    BentoMl,
    KserveV1,
    KserveV2,
    #[serde(rename = "LITSERVE")]
    LitServe,
    #[serde(rename = "MLFLOW")]
    MlFlow,
    #[serde(rename = "MLSERVER")]
    MlServer,
    TfServing,
    #[serde(rename = "TORCHSERVE")]
    TorchServe,
    Triton,
}

impl ModelServer {
    pub const ALL: [Self; 9] = [
        Self::BentoMl,
        Self::KserveV1,
        Self::KserveV2,
        Self::LitServe,
        Self::MlFlow,
        Self::MlServer,
        Self::TfServing,
        Self::TorchServe,
        Self::Triton,
    ];

    /// How a message is put into the server's form, and the result picked out of its answer.
    #[must_use]
    pub fn transform(self) -> Transform {
        let (request, result) = match self {
            Self::BentoMl | Self::TorchServe => ("body", "answer"),
            Self::KserveV1 | Self::TfServing => ("{'instances': [body]}", "answer.predictions[0]"),
            Self::KserveV2 | Self::MlServer | Self::Triton => {
                ("{'id': run, 'inputs': body.inputs}", "answer.outputs")
            }
            Self::LitServe => ("{'input': body}", "answer.output"),
            Self::MlFlow => ("{'dataframe_records': [body]}", "answer.predictions[0]"),
        };
        Transform {
            request: Some(request.to_owned()),
            result: Some(result.to_owned()),
        }
    }

    /// How long a call may take in all, in milliseconds, where the server itself answers that it took
    /// too long: more than it takes for that.
    #[must_use]
    pub fn timeout_ms(self) -> Option<u64> {
        match self {
            // They answer 504 after 60 seconds.
            Self::BentoMl | Self::MlFlow => Some(70_000),
            Self::KserveV1
            | Self::KserveV2
            | Self::LitServe
            | Self::MlServer
            | Self::TfServing
            | Self::TorchServe
            | Self::Triton => None,
        }
    }

    /// Whether it can put calls of several callers into one batch, and answer all of them alike.
    #[must_use]
    pub fn batches_callers(self) -> bool {
        self != Self::MlFlow
    }
}
