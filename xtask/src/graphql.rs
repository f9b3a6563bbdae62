//! Validates the schema and every GraphQL document of the repository by GraphQL's own rules, as
//! graphql-js has them. Our own server takes documents that its clients' tools refuse.

use crate::environment;
use crate::failure::Failure;
use crate::node::Node;
use crate::process;

const FOLDER: &str = "tests/graphql-js";

/// Fails with every fault.
pub(crate) fn check(node: &Node) -> Result<(), Failure> {
    node.install(FOLDER)?;
    let folder = environment::root().join(FOLDER);
    process::run(node.command().arg("--test").current_dir(&folder))?;
    let mut validate = node.command();
    validate.arg(folder.join("validate.mjs"));
    // It asks git, also where another user owns the checkout.
    validate.env("GIT_CONFIG_COUNT", "1");
    validate.env("GIT_CONFIG_KEY_0", "safe.directory");
    validate.env("GIT_CONFIG_VALUE_0", environment::root());
    process::run(&mut validate)
}
