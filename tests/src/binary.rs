//! The real binary, on a data directory and a free port of its own.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use workers::crash::Point;

use crate::graphql::GraphQl;
use crate::log::LogDatabase;
use crate::signal::{self, Signal};
use crate::wait::{PATIENCE, eventually};

/// What the binary prints once it serves, before its address.
const READY: &str = "eventflows is ready at ";

/// A running `eventflows serve`. Killed when dropped.
pub struct Eventflows {
    child: Child,
    url: String,
    data: TempDir,
    log: Option<LogDatabase>,
    environment: Vec<(String, PathBuf)>,
}

impl Eventflows {
    /// Starts on empty data.
    pub async fn start() -> Self {
        Self::start_where(&[]).await
    }

    /// Starts on empty data, with more variables that hold paths or what looks like one.
    pub async fn start_where(environment: &[(&str, &Path)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let log = LogDatabase::from_environment();
        Self::start_on(data, log, owned(environment), &[]).await
    }

    /// Starts on `data` with its log in SQLite, and with more variables that hold paths.
    pub async fn start_with(data: TempDir, environment: &[(&str, &Path)]) -> Self {
        Self::start_on(data, None, owned(environment), &[]).await
    }

    /// As [`Self::start_where`], to crash where [`Point::at_time`] says.
    pub async fn start_to_crash(at: &str, environment: &[(&str, &Path)]) -> Self {
        let at = [(Point::VARIABLE, Path::new(at))];
        Self::start_where(&[environment, &at].concat()).await
    }

    /// Starts on empty data, with log, read models and journal in a database that others may share.
    pub async fn start_sharing(database: &LogDatabase) -> Self {
        let url = database.url();
        let names = ["LOG", "READ_MODELS", "JOURNAL"].map(|name| format!("EVENTFLOWS_{name}_URL"));
        let environment = names.each_ref().map(|name| (&**name, Path::new(&url)));
        Self::start_with(tempfile::tempdir().unwrap(), &environment).await
    }

    /// The id of its worker.
    #[must_use]
    pub fn worker(&self) -> String {
        let id = fs::read_to_string(self.data().join("worker-id"));
        id.unwrap().trim().to_owned()
    }

    async fn start_on(
        data: TempDir,
        log: Option<LogDatabase>,
        environment: Vec<(String, PathBuf)>,
        arguments: &[&str],
    ) -> Self {
        let mut child = spawn(&data, log.as_ref(), &environment, arguments);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap();
        let line = line.expect("the binary ended before it was ready; its log says why");
        let url = line.strip_prefix(READY).expect("the line of readiness");
        Self {
            url: url.to_owned(),
            child,
            data,
            log,
            environment,
        }
    }

    /// A client of its API.
    #[must_use]
    pub fn api(&self) -> GraphQl {
        GraphQl::new(&self.url)
    }

    /// The URL of its API.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `host:port`
    #[must_use]
    pub fn authority(&self) -> &str {
        let rest = self.url.strip_prefix("http://").unwrap();
        rest.strip_suffix("/graphql").unwrap()
    }

    /// The directory of its databases.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The database of its log, where that is no file among its data.
    #[must_use]
    pub fn log(&self) -> Option<&LogDatabase> {
        self.log.as_ref()
    }

    /// The id of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The id of its only thread of that name, once there is one.
    pub async fn thread(&self, name: &str) -> u32 {
        let threads = format!("/proc/{}/task", self.process());
        eventually(name, async || {
            let threads = fs::read_dir(&threads).unwrap().filter_map(|thread| {
                let thread = thread.ok()?;
                // It may have ended meanwhile.
                let found = fs::read_to_string(thread.path().join("comm")).ok()?;
                (found.trim_end() == name).then(|| thread.file_name())
            });
            let [thread] = &threads.collect::<Vec<_>>()[..] else {
                return None;
            };
            thread.to_str().unwrap().parse().ok()
        })
        .await
    }

    /// Waits until it has ended by itself, or was ended.
    pub async fn ended(&mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// Waits until it has crashed where it was to.
    pub async fn crashed(&mut self) {
        crashed(&mut self.child).await;
        self.environment.retain(|(name, _)| name != Point::VARIABLE);
    }

    /// Starts it again, waits until it has crashed where [`Point::at_time`] says, ready or not.
    pub async fn crash_again(&self, at: &str) {
        let mut environment = self.environment.clone();
        environment.push((Point::VARIABLE.to_owned(), PathBuf::from(at)));
        let mut child = spawn(&self.data, self.log.as_ref(), &environment, &[]);
        crashed(&mut child).await;
    }

    /// Kills it with SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Kills it with SIGKILL and starts it again on the same data.
    pub async fn kill_and_restart(mut self) -> Self {
        self.kill().await;
        Self::start_on(self.data, self.log, self.environment, &[]).await
    }

    /// Has it stand still.
    pub fn freeze(&self) {
        signal::send(Signal::STOP, self.process()).unwrap();
    }

    /// Has it go on.
    pub fn thaw(&self) {
        signal::send(Signal::CONT, self.process()).unwrap();
    }

    /// Stops it with SIGTERM, changes its data, and starts it again.
    pub async fn stop_and_restart(mut self, change: impl FnOnce(&Path)) -> Self {
        self.terminate().await;
        change(self.data.path());
        Self::start_on(self.data, self.log, self.environment, &[]).await
    }

    /// Stops it with SIGTERM, and starts it again with more arguments.
    pub async fn restart_with(mut self, arguments: &[&str]) -> Self {
        self.terminate().await;
        Self::start_on(self.data, self.log, self.environment, arguments).await
    }

    /// Starts it again after it was stopped.
    pub async fn start_again(self) -> Self {
        Self::start_on(self.data, self.log, self.environment, &[]).await
    }

    /// Stops it with SIGTERM.
    ///
    /// # Panics
    /// It does not end well.
    pub async fn terminate(&mut self) {
        let status = self.end().await;
        assert!(status.success(), "{status}");
    }

    /// Stops it with SIGTERM.
    ///
    /// # Panics
    /// It ends well, although a part of it had failed.
    pub async fn terminate_failing(mut self) {
        let status = self.end().await;
        assert_eq!(status.code(), Some(1));
    }

    async fn end(&mut self) -> ExitStatus {
        signal::send(Signal::TERM, self.process()).unwrap();
        self.child.wait().await.unwrap()
    }
}

fn spawn(
    data: &TempDir,
    log: Option<&LogDatabase>,
    environment: &[(String, PathBuf)],
    arguments: &[&str],
) -> Child {
    let mut serve = Command::new(path());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]);
    serve.arg(data.path()).args(arguments);
    serve.envs(environment.iter().map(|(name, path)| (name, path)));
    if let Some(log) = log {
        serve.env("EVENTFLOWS_LOG_URL", log.url());
        if let LogDatabase::Postgres { .. } = log {
            serve.env("EVENTFLOWS_READ_MODELS_URL", log.url());
        }
    }
    let serve = serve.stdout(Stdio::piped()).kill_on_drop(true);
    serve.spawn().unwrap()
}

fn owned(environment: &[(&str, &Path)]) -> Vec<(String, PathBuf)> {
    let variables = environment.iter();
    variables
        .map(|(name, path)| ((*name).to_owned(), path.to_path_buf()))
        .collect()
}

/// Waits until a process has ended at a crash point.
async fn crashed(child: &mut Child) {
    let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
    let status = ended.expect("it comes to its crash point").unwrap();
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{status}");
}

/// The binary that the test command built beside this one.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn path() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let binary = profile.join("eventflows");
    assert!(
        binary.exists(),
        "{} is not there: `cargo xtask test` builds it",
        binary.display()
    );
    binary
}
