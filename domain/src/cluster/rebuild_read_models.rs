//! Rebuilding the read models.

use super::ReadModelsRebuilt;
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;

/// Record that the read models are rebuilt. Each request is recorded, also while an earlier
/// rebuild goes on.
#[derive(Clone, Debug)]
pub struct RebuildReadModels;

impl Command for RebuildReadModels {
    type State = ();

    fn stream(&self) -> StreamName {
        StreamName::cluster()
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, (): &(), _ctx: Ctx) -> Decided {
        Ok(vec![ReadModelsRebuilt {}.into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::given;

    #[test]
    fn every_rebuild_is_recorded() {
        let rebuilt = ReadModelsRebuilt {};
        given([])
            .when(RebuildReadModels)
            .then([rebuilt.clone().into()]);
        given([rebuilt.clone().into()])
            .when(RebuildReadModels)
            .then([rebuilt.into()]);
    }
}
