//! Fetches Kafka's jars from Maven's repository, once per version.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::process;

const KAFKA_VERSION: &str = "4.1.1";
const ATTEMPTS: u32 = 3;

/// Returns the folder of the jars, relative to `home`. It appears under its name only when
/// complete, so an interrupted download is simply done again from Maven's own cache.
pub(super) fn resolve(home: &Path) -> Result<String, Failure> {
    let name = format!("lib-{KAFKA_VERSION}");
    let complete = home.join(&name);
    if complete.is_dir() {
        return Ok(name);
    }
    eprintln!("fetching Apache Kafka {KAFKA_VERSION} (about 43 MB)");
    let download = home.join(format!("download-{}", std::process::id()));
    fs::create_dir_all(&download).doing(|| format!("create {}", download.display()))?;
    fs::write(download.join("pom.xml"), pom()).doing(|| "write Kafka's pom.xml".to_owned())?;
    copy_dependencies(&download)?;
    let renamed = fs::rename(download.join("lib"), &complete);
    // Another xtask may have been first; its jars are the same.
    if !complete.is_dir() {
        renamed.doing(|| format!("move Kafka's jars to {}", complete.display()))?;
    }
    fs::remove_dir_all(&download).doing(|| format!("remove {}", download.display()))?;
    Ok(name)
}

fn copy_dependencies(directory: &Path) -> Result<(), Failure> {
    let mut attempt = 1;
    loop {
        let mut maven = Command::new("mvn");
        maven.current_dir(directory);
        maven.args(["-q", "-B", "dependency:copy-dependencies"]);
        maven.args(["-DincludeScope=runtime", "-DoutputDirectory=lib"]);
        match process::run(&mut maven) {
            Err(failure) if attempt < ATTEMPTS => {
                eprintln!("{failure}; trying again");
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

fn pom() -> String {
    format!(
        r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>eventflows</groupId>
  <artifactId>test-kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <artifactId>maven-dependency-plugin</artifactId>
        <version>2.8</version>
      </plugin>
    </plugins>
  </build>
</project>
"#
    )
}
