//! Why a listener holds its position, and when it continues.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::settlement::Reason;
use tokio::sync::watch;

/// What holds a listener, counted by reason: it continues when none is left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks(Arc<watch::Sender<Held>>);

/// The reasons there are: how many hold, and what the first of them said.
type Held = BTreeMap<&'static str, (usize, String)>;

/// Holds the listener until dropped.
#[derive(Debug)]
pub(crate) struct Block {
    blocks: Blocks,
    code: &'static str,
}

/// Follows whether and why the listener is held.
pub(crate) struct Watch(watch::Receiver<Held>);

impl Blocks {
    /// Holds the listener; `text` is for people.
    pub(crate) fn enter(&self, reason: Reason, text: &str) -> Block {
        let code = reason.as_str();
        self.0.send_modify(|held| {
            let entry = held.entry(code).or_insert_with(|| (0, text.to_owned()));
            entry.0 += 1;
        });
        Block {
            blocks: self.clone(),
            code,
        }
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.blocks.0.send_modify(|held| {
            if let Some(entry) = held.get_mut(self.code) {
                entry.0 -= 1;
                if entry.0 == 0 {
                    held.remove(self.code);
                }
            }
        });
    }
}

impl Watch {
    /// Why the listener is held now: `code: text`.
    pub(crate) fn reason(&self) -> Option<String> {
        let held = self.0.borrow();
        let (code, (_, text)) = held.first_key_value()?;
        Some(format!("{code}: {text}"))
    }

    /// Waits until the listener comes to be held, or continues, unlike `held`.
    pub(crate) async fn differs(&mut self, held: bool) {
        let changed = self.0.wait_for(|reasons| reasons.is_empty() == held);
        if changed.await.is_err() {
            // Nobody is left to hold it or let it go.
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_goes_on_when_the_last_block_is_gone() {
        let blocks = Blocks::default();
        let watch = blocks.watch();
        let first = blocks.enter(Reason::NoDlq, "no dead letter queue is set");
        let second = blocks.enter(Reason::NoDlq, "again");
        drop(first);
        let reason = watch.reason();
        assert_eq!(
            reason.as_deref(),
            Some("no_dlq: no dead letter queue is set")
        );
        drop(second);
        assert_eq!(watch.reason(), None);
    }
}
