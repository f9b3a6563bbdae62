//! Trees and notes against published vectors, verification against every way to change a log.

mod notes;
mod proofs;
mod rows;
mod tampering;
