//! Trees and notes against published vectors, verification against every way to change a log.

mod consistency;
mod mutations;
mod notes;
mod proofs;
mod rows;
mod sqlite;
mod tampering;
