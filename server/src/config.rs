//! Configuration: an option wins over its environment variable, that over the file, that over
//! the default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use auditor::post::CheckpointUrl;
use clap::Args;
use event_store::LogUrl;
use eventflows_http::PublicUrl;
use serde::Deserialize;
use workers::MEMORY_BYTES;

use crate::checkpoints::CheckpointArgs;
use crate::logging::LogFormat;

/// A message of the largest size, and its result.
const LEAST_MEMORY_MIB: u32 = 16;

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// Without the parser's own text, which quotes the line, and a line may hold a password.
    #[error("line {line} of the configuration file {path} is invalid: {problem}")]
    Parse {
        path: PathBuf,
        line: usize,
        problem: String,
    },
    #[error("the administrator's name must have 1 to 63 characters")]
    Administrator,
    #[error("the worker needs at least {LEAST_MEMORY_MIB} MiB")]
    WorkerMemory,
}

/// The options of `eventflows serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// A TOML file with any of these settings, by their long names with `_` instead of `-`.
    #[arg(long, env = "EVENTFLOWS_CONFIG")]
    config: Option<PathBuf>,
    /// The address to serve on [default: 127.0.0.1:8080].
    #[arg(long, env = "EVENTFLOWS_LISTEN")]
    listen: Option<SocketAddr>,
    /// Serve on an address that other machines can reach, although there is no sign-in yet: anybody
    /// who can reach it is the administrator.
    #[arg(
        long,
        env = "EVENTFLOWS_ALLOW_UNAUTHENTICATED_NETWORK",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    allow_unauthenticated_network: Option<bool>,
    /// Admit workers outside the server, although they have no credentials yet: anybody who can
    /// reach the server can pass for a worker.
    #[arg(
        long,
        env = "EVENTFLOWS_REMOTE_WORKERS",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    remote_workers: Option<bool>,
    /// The URL at which people reach the server, such as `https://eventflows.example`, if it is not
    /// an IP address or localhost. Requests for other names, and from other pages, are refused.
    #[arg(long, env = "EVENTFLOWS_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
    /// The directory of the databases, created if it does not exist [default: data].
    #[arg(long, env = "EVENTFLOWS_DATA")]
    data: Option<PathBuf>,
    /// The event log: `sqlite:PATH`, `postgres://…` for an existing database, or
    /// `kurrentdb://…` (or `esdb://…`), with `?log=NAME` for a stream other than `eventflows`
    /// [default: log.db in the data directory, in SQLite].
    // Its value would be shown by --help.
    #[arg(long, env = "EVENTFLOWS_LOG_URL", hide_env_values = true)]
    log_url: Option<LogUrl>,
    /// The read models: `postgres://…` for an existing database, which several servers can share
    /// [default: read.1.db and so on in the data directory, in SQLite].
    // Its value would be shown by --help.
    #[arg(long, env = "EVENTFLOWS_READ_MODELS_URL", hide_env_values = true)]
    read_models_url: Option<LogUrl>,
    /// The journal of runs: `postgres://…` for an existing database, which the workers of several
    /// servers share [default: journal.db in the data directory, in SQLite, for one worker].
    // Its value would be shown by --help.
    #[arg(long, env = "EVENTFLOWS_JOURNAL_URL", hide_env_values = true)]
    journal_url: Option<LogUrl>,
    /// Decide in this server's journal from now on, although the workers of the cluster decided in
    /// another: for a journal that was lost. Of a copied log, disable the listeners first, or the
    /// copy takes messages from where the original does.
    #[arg(long)]
    adopt_journal: bool,
    /// What messages and results of the worker may take in memory, in MiB: at least 16. Sources read
    /// no more while it is used up [default: 256].
    #[arg(long, env = "EVENTFLOWS_WORKER_MEMORY", value_name = "MIB")]
    worker_memory: Option<u32>,
    /// The name that events record for requests to the API, until there is sign-in
    /// [default: admin].
    #[arg(long, env = "EVENTFLOWS_ADMINISTRATOR")]
    administrator: Option<String>,
    /// A directory with GraphiQL's files, to serve at /graphiql/.
    #[arg(long, env = "EVENTFLOWS_GRAPHIQL")]
    graphiql: Option<PathBuf>,
    /// How to write logs to standard error [default: text].
    #[arg(long, value_enum, env = "EVENTFLOWS_LOG_FORMAT")]
    log: Option<LogFormat>,
    #[command(flatten)]
    checkpoints: CheckpointArgs,
}

/// What a configuration file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    allow_unauthenticated_network: Option<bool>,
    remote_workers: Option<bool>,
    public_url: Option<PublicUrl>,
    data: Option<PathBuf>,
    log_url: Option<LogUrl>,
    read_models_url: Option<LogUrl>,
    journal_url: Option<LogUrl>,
    worker_memory: Option<u32>,
    administrator: Option<String>,
    graphiql: Option<PathBuf>,
    log: Option<LogFormat>,
    checkpoints: Option<PathBuf>,
    checkpoint_key: Option<PathBuf>,
    checkpoint_origin: Option<String>,
    checkpoint_url: Option<CheckpointUrl>,
}

/// All settings of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: SocketAddr,
    /// Whether `listen` may be an address that other machines reach.
    pub allow_unauthenticated_network: bool,
    /// Whether workers outside of the server are admitted.
    pub remote_workers: bool,
    pub public_url: Option<PublicUrl>,
    pub data: PathBuf,
    /// Without it, the log is a SQLite file in `data`.
    pub log_url: Option<LogUrl>,
    /// Without it, the read models are SQLite files in `data`.
    pub read_models_url: Option<LogUrl>,
    /// Without it, the journal is a SQLite file in `data`.
    pub journal_url: Option<LogUrl>,
    /// Whether the journal takes the place of another.
    pub adopt_journal: bool,
    /// What messages and results may take in memory, in bytes.
    pub worker_memory: usize,
    pub administrator: String,
    pub graphiql: Option<PathBuf>,
    pub log: LogFormat,
    pub checkpoints: CheckpointArgs,
}

impl ServeArgs {
    /// The settings that these options, the file and the defaults come to.
    ///
    /// # Errors
    /// The file cannot be read or holds what it should not, or a value is out of bounds.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let file = match &self.config {
            Some(path) => File::read(path)?,
            None => File::default(),
        };
        let administrator = self.administrator.clone().or(file.administrator);
        let administrator = administrator.unwrap_or_else(|| "admin".to_owned());
        if !(1..=63).contains(&administrator.chars().count()) {
            return Err(ConfigError::Administrator);
        }
        let worker_memory = match self.worker_memory.or(file.worker_memory) {
            None => MEMORY_BYTES,
            Some(mib) if mib >= LEAST_MEMORY_MIB => mib as usize * 1024 * 1024,
            Some(_) => return Err(ConfigError::WorkerMemory),
        };
        Ok(Settings {
            listen: self
                .listen
                .or(file.listen)
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            allow_unauthenticated_network: self
                .allow_unauthenticated_network
                .or(file.allow_unauthenticated_network)
                .unwrap_or(false),
            remote_workers: self.remote_workers.or(file.remote_workers).unwrap_or(false),
            public_url: self.public_url.clone().or(file.public_url),
            data: self
                .data
                .clone()
                .or(file.data)
                .unwrap_or_else(|| PathBuf::from("data")),
            log_url: self.log_url.clone().or(file.log_url),
            read_models_url: self.read_models_url.clone().or(file.read_models_url),
            journal_url: self.journal_url.clone().or(file.journal_url),
            adopt_journal: self.adopt_journal,
            worker_memory,
            administrator,
            graphiql: self.graphiql.clone().or(file.graphiql),
            log: self.log.or(file.log).unwrap_or_default(),
            checkpoints: self.checkpoints.clone().or(CheckpointArgs {
                checkpoints: file.checkpoints,
                checkpoint_key: file.checkpoint_key,
                checkpoint_origin: file.checkpoint_origin,
                checkpoint_url: file.checkpoint_url,
            }),
        })
    }
}

impl File {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            ConfigError::Parse {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                problem: error.message().to_owned(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, ServeArgs) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("eventflows.toml");
        std::fs::write(&path, text).unwrap();
        let args = ServeArgs {
            config: Some(path),
            ..ServeArgs::default()
        };
        (directory, args)
    }

    #[test]
    fn an_option_wins_over_the_file_and_the_file_over_the_default() {
        let (_directory, mut args) = file("listen = '127.0.0.1:1'\nadministrator = 'root'");
        args.listen = Some(([127, 0, 0, 1], 2).into());
        let settings = args.settings().unwrap();
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.administrator, "root");
        assert_eq!(settings.data, Path::new("data"));
    }

    #[test]
    fn the_public_url_and_the_open_network_are_settings_like_the_others() {
        let text = "public_url = 'https://a.example'\nallow_unauthenticated_network = true";
        let (_directory, mut args) = file(text);
        let settings = args.settings().unwrap();
        assert!(settings.allow_unauthenticated_network);
        assert_eq!(
            settings.public_url,
            Some("https://a.example".parse().unwrap())
        );
        args.allow_unauthenticated_network = Some(false);
        args.public_url = Some("https://b.example".parse().unwrap());
        let settings = args.settings().unwrap();
        assert!(!settings.allow_unauthenticated_network);
        assert_eq!(settings.public_url, args.public_url);

        let (_directory, args) = file("public_url = 'https://a.example/path'");
        let error = args.settings().unwrap_err().to_string();
        assert!(error.contains("nothing behind them"), "{error}");
    }

    #[test]
    fn a_word_that_is_no_setting_is_refused_by_name() {
        let (_directory, args) = file("lisen = '127.0.0.1:1'");
        let error = args.settings().unwrap_err().to_string();
        assert!(error.contains("lisen"), "{error}");
    }

    #[test]
    fn a_password_in_a_url_is_in_no_text() {
        let url = "postgres://ann:secret@db/log";
        let (_directory, args) = file(&format!(
            "log_url = '{url}'\nread_models_url = '{url}'\njournal_url = '{url}'"
        ));
        let settings = args.settings().unwrap();
        assert_eq!(settings.log_url.as_ref().unwrap().as_str(), url);
        assert_eq!(settings.read_models_url.as_ref().unwrap().as_str(), url);
        assert_eq!(settings.journal_url.as_ref().unwrap().as_str(), url);
        assert!(!format!("{settings:?}").contains("secret"));

        let (_directory, args) = file(&format!("listen = '127.0.0.1:1'\nlog_url = '{url}"));
        let error = args.settings().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        assert!(error.to_string().starts_with("line 2 "), "{error}");
    }

    #[test]
    fn the_path_that_checkpoints_are_posted_to_is_in_no_text() {
        let (_directory, args) = file("checkpoint_url = 'https://host/secret'");
        let settings = args.settings().unwrap();
        assert!(settings.checkpoints.checkpoint_url.is_some());
        assert!(!format!("{settings:?}").contains("secret"));

        for url in ["ftp://host/secret", "https://ann:secret@host/"] {
            let (_directory, args) = file(&format!("checkpoint_url = '{url}'"));
            let error = args.settings().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
            assert!(error.to_string().starts_with("line 1 "), "{error}");
        }
    }

    #[test]
    fn an_administrator_without_a_name_is_refused() {
        let (_directory, args) = file("administrator = ''");
        assert!(matches!(args.settings(), Err(ConfigError::Administrator)));
    }
}
