//! Configuration: an option wins over its environment variable, that over the file, that over
//! the default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use crate::logging::LogFormat;

/// Why there is no configuration to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {path} cannot be read")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the configuration file {path} is not what it should be")]
    Parse {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("the administrator's name must have 1 to 63 characters")]
    Administrator,
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
}

/// The options of `eventflows serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// A TOML file with any of these settings, by their long names with `_` for `-`.
    #[arg(long, env = "EVENTFLOWS_CONFIG")]
    config: Option<PathBuf>,
    /// The address to serve on [default: 127.0.0.1:8080].
    #[arg(long, env = "EVENTFLOWS_LISTEN")]
    listen: Option<SocketAddr>,
    /// The directory of the databases, made where it is absent [default: data].
    #[arg(long, env = "EVENTFLOWS_DATA")]
    data: Option<PathBuf>,
    /// The name that events carry for requests to the API, until there is sign-in
    /// [default: admin].
    #[arg(long, env = "EVENTFLOWS_ADMINISTRATOR")]
    administrator: Option<String>,
    /// A directory with GraphiQL's files, to serve at /graphiql/.
    #[arg(long, env = "EVENTFLOWS_GRAPHIQL")]
    graphiql: Option<PathBuf>,
    /// How to write logs to standard error [default: text].
    #[arg(long, value_enum, env = "EVENTFLOWS_LOG_FORMAT")]
    log: Option<LogFormat>,
}

/// What a configuration file may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    administrator: Option<String>,
    graphiql: Option<PathBuf>,
    log: Option<LogFormat>,
}

/// All settings of a server.
#[derive(Clone, Debug)]
pub struct Settings {
    pub listen: SocketAddr,
    pub data: PathBuf,
    pub administrator: String,
    pub graphiql: Option<PathBuf>,
    pub log: LogFormat,
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
        Ok(Settings {
            listen: self
                .listen
                .or(file.listen)
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            data: self
                .data
                .clone()
                .or(file.data)
                .unwrap_or_else(|| PathBuf::from("data")),
            administrator,
            graphiql: self.graphiql.clone().or(file.graphiql),
            log: self.log.or(file.log).unwrap_or_default(),
        })
    }
}

impl File {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
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
    fn a_word_that_is_no_setting_is_refused_by_name() {
        let (_directory, args) = file("lisen = '127.0.0.1:1'");
        let error = args.settings().unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("lisen"), "{source}");
    }

    #[test]
    fn an_administrator_without_a_name_is_refused() {
        let (_directory, args) = file("administrator = ''");
        assert!(matches!(args.settings(), Err(ConfigError::Administrator)));
    }
}
