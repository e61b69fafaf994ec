//! Where the configuration's values come from: flags > environment > file > defaults.
//!
//! Owns the precedence and the messages. Keys, defaults and rules are [`ServiceConfig`]'s; this only carries
//! values to it, and says where a wrong one came from.

mod merge;
mod runtime_dir;
mod state_dir;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;
use colmeia::config::{InvalidConfig, ServiceConfig};
use colmeia::layout::RuntimeDirTooLong;

pub(crate) use merge::in_force;

/// Where the file is looked for when no flag names one.
const DEFAULT_FILE: &str = "/etc/colmeia/colmeia.toml";

/// Routes HTTP requests to one WhatsApp Web session per user, each in a process of its own.
///
/// Every key of the configuration file can also be set as COLMEIA_<KEY> in the environment; flags win over the
/// environment, the environment over the file.
#[derive(Debug, Default, Parser)]
#[command(name = "colmeia-supervisor", version)]
#[allow(rustdoc::invalid_html_tags, reason = "`--help` shows these words as they stand")]
pub(crate) struct Flags {
    /// The configuration file [default: /etc/colmeia/colmeia.toml if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print what is in force, without secrets, and exit
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Print every HTTP route and whether it changes anything (`asks`: as a page, after a click), and exit
    #[arg(long)]
    pub(crate) routes: bool,
    /// Where HTTP is served, such as 127.0.0.1:5001
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where sessions and the journal lie
    #[arg(long, value_name = "DIR")]
    state_dir: Option<String>,
    /// Where sockets and locks lie
    #[arg(long, value_name = "DIR")]
    runtime_dir: Option<String>,
    /// The page to open
    #[arg(long, value_name = "URL")]
    page_url: Option<String>,
    /// The browser's program
    #[arg(long, value_name = "FILE")]
    browser: Option<String>,
    /// The file of wa-js
    #[arg(long, value_name = "FILE")]
    wa_js: Option<String>,
    /// The most workers at once
    #[arg(long, value_name = "N")]
    max_users: Option<String>,
    /// The worker's program
    #[arg(long, value_name = "FILE")]
    worker: Option<String>,
    /// Who is told of incoming messages
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Whether the kernel may merge equal pages of all browsers
    #[arg(long, value_name = "true|false")]
    memory_merge: Option<String>,
    /// Networks whose callers need no key, separated by commas
    #[arg(long, value_name = "NETWORK,…")]
    trusted_networks: Option<String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The file is wrong; the message has line and key.
    #[error("{}: {}", path.display(), message.trim_end())]
    File { path: PathBuf, message: String },
    /// A variable of ours that means nothing.
    #[error("{0} in the environment is no key of the configuration")]
    UnknownVariable(String),
    /// A value that does not fit its key.
    #[error("{origin}: {why}")]
    Value { origin: String, why: String },
    /// The values do not fit together.
    #[error(transparent)]
    Invalid(#[from] InvalidConfig),
    /// Sockets would not fit.
    #[error(transparent)]
    RuntimeDir(#[from] RuntimeDirTooLong),
    /// A relative path cannot be completed.
    #[error("the working directory cannot be determined")]
    WorkingDirectory(#[source] std::io::Error),
}

/// Reads flags, environment and file.
///
/// # Errors
/// [`SettingsError`], which names the place of the wrong value.
pub(crate) fn load(
    flags: &Flags,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Arc<ServiceConfig>, SettingsError> {
    let environment = merge::readable(environment)?;
    let default = PathBuf::from(DEFAULT_FILE);
    let file = flags
        .config
        .clone()
        .or_else(|| environment.get("COLMEIA_CONFIG").map(PathBuf::from))
        .or_else(|| default.exists().then_some(default));
    let file = match file {
        Some(path) => match std::fs::read_to_string(&path) {
            Ok(text) => Some((path, text)),
            Err(source) => return Err(SettingsError::Read { path, source }),
        },
        None => None,
    };
    let mut config = merge::merge(file, &environment, &flags.values())?;
    config.validate()?;
    complete(&mut config, &environment)?;
    Ok(Arc::new(config))
}

/// Fills in what depends on the machine, and makes paths independent of the working directory.
fn complete(config: &mut ServiceConfig, environment: &merge::Environment) -> Result<(), SettingsError> {
    let runtime_dir = config.runtime_dir.take().unwrap_or_else(|| runtime_dir::choose(environment));
    let worker = config.worker.take().unwrap_or_else(beside_us);
    let absolute = |path: PathBuf| std::path::absolute(path).map_err(SettingsError::WorkingDirectory);
    let state_dir = match std::mem::take(&mut config.state_dir) {
        unset if unset.as_os_str().is_empty() => state_dir::choose(environment),
        set => set,
    };
    config.state_dir = absolute(state_dir)?;
    config.runtime_dir = Some(absolute(runtime_dir)?);
    config.worker = Some(absolute(worker)?);
    config.browser = absolute(std::mem::take(&mut config.browser))?;
    config.wa_js = config.wa_js.take().map(absolute).transpose()?;
    if let Some(runtime_dir) = &config.runtime_dir {
        colmeia::layout::RunLayout::new(runtime_dir)?;
    }
    Ok(())
}

/// `colmeia-worker` in the folder of our own program.
fn beside_us() -> PathBuf {
    let name = "colmeia-worker";
    std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join(name))).unwrap_or_else(|| name.into())
}

impl Flags {
    /// The keys that were given as flags.
    fn values(&self) -> Vec<(&'static str, &str)> {
        [
            ("listen", &self.listen),
            ("state_dir", &self.state_dir),
            ("runtime_dir", &self.runtime_dir),
            ("page_url", &self.page_url),
            ("browser", &self.browser),
            ("wa_js", &self.wa_js),
            ("max_users", &self.max_users),
            ("worker", &self.worker),
            ("webhook_url", &self.webhook_url),
            ("memory_merge", &self.memory_merge),
            ("trusted_networks", &self.trusted_networks),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.as_deref()?)))
        .collect()
    }
}

#[cfg(test)]
mod tests;
