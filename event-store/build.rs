//! Rebuilds the crate when a migration is added: `sqlx::migrate!` embeds the folders.

fn main() {
    println!("cargo:rerun-if-changed=../migrations/postgres/log");
    println!("cargo:rerun-if-changed=../migrations/postgres/leases");
    println!("cargo:rerun-if-changed=../migrations/sqlite/log");
    println!("cargo:rerun-if-changed=../migrations/sqlite/leases");
}
