//! Keeps the committed schema.graphql equal to the one that the code prints.

use std::fs;
use std::path::PathBuf;

use crate::environment;
use crate::failure::{Doing, Failure};
use crate::process;
use crate::server;

const SHOWN_DIFFERENCES: usize = 10;

pub(crate) fn write() -> Result<(), Failure> {
    let path = committed_path();
    fs::write(&path, printed()?).doing(|| format!("write {}", path.display()))?;
    eprintln!("wrote schema.graphql");
    Ok(())
}

/// Makes the schema that the code prints the released one, which later ones must not break.
pub(crate) fn release() -> Result<(), Failure> {
    write()?;
    let released = environment::root().join("api/released");
    fs::create_dir_all(&released).doing(|| format!("create {}", released.display()))?;
    fs::copy(committed_path(), released.join("schema.graphql"))
        .doing(|| "copy schema.graphql to api/released".to_owned())?;
    let list = environment::root().join("api/breaking.txt");
    let listed = fs::read_to_string(&list).doing(|| format!("read {}", list.display()))?;
    fs::write(&list, comments(&listed)).doing(|| format!("write {}", list.display()))
}

fn comments(listed: &str) -> String {
    let comments = listed.lines().filter(|line| line.starts_with('#'));
    comments.map(|line| format!("{line}\n")).collect()
}

/// Fails with the first differing lines.
pub(crate) fn check() -> Result<(), Failure> {
    let path = committed_path();
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let printed = printed()?;
    if committed == printed {
        return Ok(());
    }
    Err(Failure::new(format!(
        "schema.graphql is not what the code prints:\n{}\nrun `cargo xtask schema` and commit the result",
        first_differences(&committed, &printed)
    )))
}

fn printed() -> Result<String, Failure> {
    process::output(server::built()?.arg("schema"))
}

fn committed_path() -> PathBuf {
    environment::root().join("schema.graphql")
}

/// `-` is committed, `+` is printed by the code; line numbers are those of the first difference.
fn first_differences(committed: &str, printed: &str) -> String {
    let committed: Vec<&str> = committed.lines().collect();
    let printed: Vec<&str> = printed.lines().collect();
    let pairs = committed.iter().zip(&printed);
    let same = pairs.take_while(|(one, other)| one == other).count();
    let shown = |lines: &[&str], sign: char| -> String {
        let rest = lines.iter().skip(same).take(SHOWN_DIFFERENCES);
        rest.map(|line| format!("\n{sign} {line}")).collect()
    };
    format!(
        "from line {}:{}{}",
        same + 1,
        shown(&committed, '-'),
        shown(&printed, '+')
    )
}

#[cfg(test)]
mod tests {
    use super::{comments, first_differences};

    #[test]
    fn differences_start_at_the_first_differing_line() {
        let shown = first_differences("type A\ntype B\n", "type A\ntype C\ntype D\n");
        assert_eq!(shown, "from line 2:\n- type B\n+ type C\n+ type D");
    }

    #[test]
    fn a_missing_committed_schema_differs_from_its_first_line() {
        assert_eq!(first_differences("", "type A\n"), "from line 1:\n+ type A");
    }

    #[test]
    fn a_release_empties_the_list_and_keeps_what_it_is_for() {
        assert_eq!(
            comments("# for\nA.x is removed: why\n\n# people\n"),
            "# for\n# people\n"
        );
    }

    #[test]
    fn many_differences_are_cut_short() {
        let printed = "x\n".repeat(1_000);
        assert_eq!(first_differences("", &printed).lines().count(), 11);
    }
}
