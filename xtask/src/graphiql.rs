//! Puts GraphiQL, a GraphQL client for the browser, into a folder that needs no other host.

use std::fs;
use std::path::{Path, PathBuf};

use crate::environment;
use crate::failure::{Doing, Failure};
use crate::node::Node;
use crate::process;

/// A file of a published package. GraphiQL 4 and React 18 are the last that ship one script each
/// for the browser, and this GraphiQL script holds the WebSocket client for subscriptions.
struct Part {
    package: &'static str,
    archive: &'static str,
    file: &'static str,
}

const PARTS: [Part; 4] = [
    Part {
        package: "graphiql@4.1.2",
        archive: "graphiql-4.1.2.tgz",
        file: "package/graphiql.min.js",
    },
    Part {
        package: "graphiql@4.1.2",
        archive: "graphiql-4.1.2.tgz",
        file: "package/graphiql.min.css",
    },
    Part {
        package: "react@18.3.1",
        archive: "react-18.3.1.tgz",
        file: "package/umd/react.production.min.js",
    },
    Part {
        package: "react-dom@18.3.1",
        archive: "react-dom-18.3.1.tgz",
        file: "package/umd/react-dom.production.min.js",
    },
];

/// Returns the folder with index.html; fetches only when it holds other packages or none.
pub(crate) fn ensure() -> Result<PathBuf, Failure> {
    let directory = environment::scratch("graphiql");
    fs::create_dir_all(&directory).doing(|| format!("create {}", directory.display()))?;
    let mut packages: Vec<&str> = PARTS.iter().map(|part| part.package).collect();
    packages.dedup();
    let complete = directory.join("packages");
    if fs::read_to_string(&complete).unwrap_or_default() != packages.join(" ") {
        fetch(&packages, &directory)?;
        fs::write(&complete, packages.join(" ")).doing(|| "mark GraphiQL complete".to_owned())?;
    }
    fs::write(directory.join("index.html"), page()).doing(|| "write GraphiQL's page".to_owned())?;
    Ok(directory)
}

/// GraphiQL, beginning with a document that explains itself.
fn page() -> String {
    // Within a script JSON is not ended by anything but `</`, which the document does not have.
    let welcome = serde_json::Value::from(include_str!("graphiql/welcome.graphql"));
    include_str!("graphiql/page.html").replace("{{welcome}}", &welcome.to_string())
}

/// The packages' own archives are enough: their dependencies are inside the browser scripts.
fn fetch(packages: &[&str], directory: &Path) -> Result<(), Failure> {
    let node = Node::ensure()?;
    let archives = environment::scratch("graphiql-npm");
    fs::create_dir_all(&archives).doing(|| format!("create {}", archives.display()))?;
    eprintln!("fetching GraphiQL: {}", packages.join(", "));
    let mut npm = node.npm();
    npm.args(["pack", "--silent", "--pack-destination"]);
    process::output(npm.arg(&archives).args(packages))?;
    for part in &PARTS {
        part.place(&archives, directory)?;
    }
    fs::remove_dir_all(&archives).doing(|| format!("remove {}", archives.display()))
}

impl Part {
    fn place(&self, archives: &Path, directory: &Path) -> Result<(), Failure> {
        let mut tar = process::program("tar");
        tar.arg("-xzf").arg(archives.join(self.archive));
        process::run(tar.arg("-C").arg(archives).arg(self.file))?;
        let unpacked = archives.join(self.file);
        let name = unpacked.file_name().expect("a part is a file");
        fs::rename(&unpacked, directory.join(name))
            .doing(|| format!("move {} into place", unpacked.display()))
    }
}
