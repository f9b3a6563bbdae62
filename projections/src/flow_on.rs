//! The listeners and publishers that ever were on a broker, also on one that is gone.

use domain::{BrokerId, ListenerId, PublisherId};

use crate::database::{Statement, text};
use crate::error::ReadModelError;
use crate::model::ReadModel;

/// What was enabled on a broker, now or before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlowsOn {
    pub listeners: Vec<ListenerId>,
    pub publishers: Vec<PublisherId>,
}

impl ReadModel {
    /// The listeners and the publishers of a broker, the disabled among them, at most `limit`
    /// of each.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn flows_on(&self, broker: BrokerId, limit: u32) -> Result<FlowsOn, ReadModelError> {
        let listeners = "SELECT key FROM listeners WHERE broker = ?1 LIMIT ?2";
        let publishers = "SELECT key FROM publishers WHERE broker = ?1 LIMIT ?2";
        let statements = [listeners, publishers].map(|select| {
            let select = Statement::new(select).bind(text(broker));
            select.bind(i64::from(limit))
        });
        let answers = self.answers(statements.into()).await?;
        let mut answers = answers.into_iter().map(Vec::into_iter);
        let mut next = || answers.next().unwrap_or_default();
        Ok(FlowsOn {
            listeners: next()
                .map(|mut row| row.parse())
                .collect::<Result<_, _>>()?,
            publishers: next()
                .map(|mut row| row.parse())
                .collect::<Result<_, _>>()?,
        })
    }
}
