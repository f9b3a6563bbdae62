//! Shows a newcomer the running system: builds it, adds GraphiQL, and hands over to it.

use std::os::unix::process::CommandExt;

use crate::failure::Failure;
use crate::graphiql;
use crate::prerequisites;
use crate::server;

/// Becomes the `eventflows demo` process, so that signals and the exit code are its own.
/// `arguments` are handed on to it. The development profile compiles in a fraction of the release
/// profile's time, and the demo's load is small.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    prerequisites::ensure(&[prerequisites::BUILD, prerequisites::TOOLS])?;
    let graphiql = graphiql::ensure();
    let mut demo = server::built()?;
    demo.arg("demo");
    match graphiql {
        Ok(directory) => {
            demo.arg("--graphiql").arg(directory);
        }
        Err(failure) => eprintln!("going on without GraphiQL in the browser: {failure}"),
    }
    let error = demo.args(arguments).exec();
    Err(Failure::new(format!("cannot run eventflows: {error}")))
}
