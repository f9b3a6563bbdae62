//! The repository's own tasks: `cargo xtask test`, `demo`, `bench`, `brokers`, `schema`,
//! `graphql`, `tidy`, `release`.

mod bench;
mod brokers;
mod changelog;
mod demo;
mod deny;
mod environment;
mod failure;
mod git;
mod graphiql;
mod graphql;
mod kafka;
mod keeper;
mod kurrentdb;
mod node;
mod postgres;
mod prerequisites;
mod process;
mod python;
mod release;
mod schema;
mod server;
mod steps;
mod test;
mod tidy;
mod version;

use std::process::ExitCode;

use failure::Failure;
use node::Node;

const USAGE: &str = "\
usage: cargo xtask <task>

  test [--long]     check and test everything, as CI does; --long adds the long tests, and the
                    scenarios on PostgreSQL and KurrentDB, and builds a release
  demo [args…]      run eventflows on this machine with example data; args go to `eventflows demo`
  bench [args…]     run the benchmarks against real servers; args go to the benchmarks
  brokers           run a real Kafka until Ctrl-C or the end of standard input
  schema            write schema.graphql from the code
  graphql           validate the schema and all documents by GraphQL's own rules
  tidy              check the rules of STYLE.md that no lint can
  release VERSION   write the files of a release: the version, its section of CHANGELOG.md, and
                    the schema that later ones must not break";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn dispatch(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["test"] => test::run(test::Extent::Usual),
        ["test", "--long"] => test::run(test::Extent::Long),
        ["demo", arguments @ ..] => demo::run(arguments),
        ["bench", arguments @ ..] => bench::run(arguments),
        ["brokers"] => brokers::run(),
        ["schema"] => schema::write(),
        ["graphql"] => graphql::check(&Node::ensure()?),
        ["tidy"] => tidy::run(),
        ["release", version] => release::run(version),
        ["help" | "--help" | "-h"] => {
            eprintln!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure::with_exit_code(USAGE, 2)),
    }
}
