//! The stand-in as a program: `kurrentdb-stand-in [ADDRESS [FILE]]`, until it is killed.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use kurrentdb_stand_in::StandIn;

/// Where KurrentDB serves by default.
const DEFAULT_ADDRESS: &str = "127.0.0.1:2113";

#[expect(
    clippy::print_stdout,
    reason = "the process that started the server waits for this line"
)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next();
    let address: SocketAddr = address.as_deref().unwrap_or(DEFAULT_ADDRESS).parse()?;
    let server = StandIn::start_on(address, arguments.next().map(PathBuf::from)).await?;
    println!("{}", server.url());
    server.serve_for_ever().await;
    Ok(())
}
