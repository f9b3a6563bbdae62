//! Writes what a release consists of: its version, its section of the changelog, and the schema
//! that later ones must not break.

use std::fs;
use std::path::PathBuf;

use crate::changelog::{self, Fragment};
use crate::environment;
use crate::failure::{Doing, Failure};
use crate::process;
use crate::schema;
use crate::version;

const CHANGELOG: &str = "CHANGELOG.md";
const MANIFEST: &str = "Cargo.toml";

/// Leaves the files for one commit, and for a person to read before it is made.
pub(crate) fn run(version: &str) -> Result<(), Failure> {
    if !version::is_release(version) {
        let message = format!("`{version}` is not a version such as 0.1.0");
        return Err(Failure::with_exit_code(message, 2));
    }
    let fragments = fragments()?;
    write_version(version)?;
    let date = process::output(process::program("date").args(["-u", "+%F"]))?;
    let (paths, fragments): (Vec<PathBuf>, Vec<Fragment>) = fragments.into_iter().unzip();
    let changelog = read(CHANGELOG)?;
    let changelog = changelog::with_release(&changelog, version, date.trim(), fragments);
    write(CHANGELOG, &changelog)?;
    for path in paths {
        fs::remove_file(&path).doing(|| format!("remove {}", path.display()))?;
    }
    schema::release()?;
    eprintln!("{version} is written: read CHANGELOG.md, then commit everything at once");
    Ok(())
}

/// The changes since the last release, with the files that hold them.
fn fragments() -> Result<Vec<(PathBuf, Fragment)>, Failure> {
    let folder = environment::root().join(changelog::FOLDER);
    let entries = fs::read_dir(&folder).doing(|| format!("read {}", folder.display()))?;
    let mut fragments = Vec::new();
    for entry in entries {
        let entry = entry.doing(|| format!("read {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == changelog::GUIDE {
            continue;
        }
        let text = read(&format!("{}{name}", changelog::FOLDER))?;
        let fragment = Fragment::parse(&name, &text)
            .map_err(|advice| Failure::new(format!("{}{name}: {advice}", changelog::FOLDER)))?;
        fragments.push((entry.path(), fragment));
    }
    Ok(fragments)
}

/// In the manifest, and in the lock file that follows from it.
fn write_version(version: &str) -> Result<(), Failure> {
    let manifest = read(MANIFEST)?;
    if version::of_workspace(&manifest) == Some(version) {
        return Err(Failure::new(format!("{version} is released already")));
    }
    write(MANIFEST, &version::replaced(&manifest, version))?;
    process::run(&mut process::cargo(["update", "--workspace", "--offline"]))
}

fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(environment::root().join(path)).doing(|| format!("read {path}"))
}

fn write(path: &str, text: &str) -> Result<(), Failure> {
    fs::write(environment::root().join(path), text).doing(|| format!("write {path}"))
}
