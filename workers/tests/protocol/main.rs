//! The delivery of messages as a model whose every state is visited: two workers that share a
//! journal, crashes and rebalances at every step, and retention that forgets what has ended.
//!
//! The model has the steps and the rules of `workers::delivery` and of the journal, not their code.
//! That the rules are enough is what the first tests show; that each of them is needed is what the
//! others show, which break one rule each and expect to see what goes wrong.

mod action;
mod bugs;
mod correct;
mod properties;
mod protocol;
mod steps;
mod world;
