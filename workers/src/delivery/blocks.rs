//! Why a listener holds its position, and when it continues.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::settlement::Reason;
use tokio::sync::watch;

/// What holds a listener, counted by reason: it continues when none is left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks(Arc<watch::Sender<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// The reasons there are: how many hold, and what the first of them said.
    reasons: BTreeMap<&'static str, (usize, String)>,
    /// Those that let nothing be received.
    strict: usize,
}

/// Holds the listener until dropped.
#[derive(Debug)]
pub(crate) struct Block {
    blocks: Blocks,
    code: &'static str,
    is_strict: bool,
}

/// Follows whether and why the listener is held.
pub(crate) struct Watch(watch::Receiver<Held>);

impl Blocks {
    /// Holds the listener; `text` is for people.
    pub(crate) fn enter(&self, reason: Reason, text: &str) -> Block {
        self.hold(reason, text, true)
    }

    /// Holds the listener, and has it receive the few messages that its gate asks for.
    pub(super) fn enter_but_for_probes(&self, reason: Reason, text: &str) -> Block {
        self.hold(reason, text, false)
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }

    fn hold(&self, reason: Reason, text: &str, is_strict: bool) -> Block {
        let code = reason.as_str();
        self.0.send_modify(|held| {
            let entry = held.reasons.entry(code);
            entry.or_insert_with(|| (0, text.to_owned())).0 += 1;
            held.strict += usize::from(is_strict);
        });
        Block {
            blocks: self.clone(),
            code,
            is_strict,
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.blocks.0.send_modify(|held| {
            held.strict -= usize::from(self.is_strict);
            if let Some(entry) = held.reasons.get_mut(self.code) {
                entry.0 -= 1;
                if entry.0 == 0 {
                    held.reasons.remove(self.code);
                }
            }
        });
    }
}

impl Watch {
    /// Why the listener is held now: `code: text`.
    pub(crate) fn reason(&mut self) -> Option<String> {
        let held = self.0.borrow_and_update();
        let (code, (_, text)) = held.reasons.first_key_value()?;
        Some(format!("{code}: {text}"))
    }

    /// Whether nothing may be received.
    pub(crate) fn is_strict(&self) -> bool {
        self.0.borrow().strict > 0
    }

    /// Waits until something else holds the listener than when the reason was looked at.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
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
        let mut watch = blocks.watch();
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

    #[test]
    fn an_endpoint_that_is_down_lets_probes_be_received_and_anything_else_does_not() {
        let blocks = Blocks::default();
        let watch = blocks.watch();
        let down = blocks.enter_but_for_probes(Reason::EndpointUnavailable, "down");
        assert!(!watch.is_strict());
        let no_dlq = blocks.enter(Reason::NoDlq, "no dead letter queue is set");
        assert!(watch.is_strict());
        drop(no_dlq);
        assert!(!watch.is_strict());
        drop(down);
    }
}
