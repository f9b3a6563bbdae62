//! Presets for model servers.

use async_graphql::Enum;
use domain::ModelServer as DomainServer;

/// A kind of server that models run in. As a preset it is a starting value: what is stored are the
/// settings that it stands for, which the guide to model servers lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainServer")]
pub enum ModelServer {
    /// BentoML, with a method that takes the message itself.
    #[graphql(name = "BENTOML")]
    BentoMl,
    /// KServe with its first protocol; Vertex AI has the same form.
    #[graphql(name = "KSERVE_V1")]
    KserveV1,
    /// KServe with the Open Inference Protocol. Messages hold `inputs`.
    #[graphql(name = "KSERVE_V2")]
    KserveV2,
    /// LitServe, with `input` and `output`.
    #[graphql(name = "LITSERVE")]
    LitServe,
    /// MLflow; Databricks has the same form.
    #[graphql(name = "MLFLOW")]
    MlFlow,
    /// MLServer. Messages hold `inputs`.
    #[graphql(name = "MLSERVER")]
    MlServer,
    /// TensorFlow Serving.
    TfServing,
    /// TorchServe.
    #[graphql(name = "TORCHSERVE")]
    TorchServe,
    /// NVIDIA Triton. Messages hold `inputs`.
    Triton,
}
