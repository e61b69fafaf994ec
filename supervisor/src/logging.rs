//! Log lines: for people on a terminal, JSON elsewhere.
//!
//! Owns the format and the filter. What must not be logged (codes, texts, numbers) is kept out by the types'
//! `Debug`, not here.

use std::io::IsTerminal as _;

use colmeia::config::LogFormat;
pub(crate) use colmeia::errors::chain;
use tracing_subscriber::EnvFilter;

/// Chooses between people and programs where the configuration leaves it open.
pub(crate) fn resolve(format: LogFormat) -> LogFormat {
    match format {
        LogFormat::Auto if std::io::stderr().is_terminal() => LogFormat::Human,
        LogFormat::Auto => LogFormat::Json,
        chosen => chosen,
    }
}

/// Starts logging to standard error. The filter is `COLMEIA_LOG`, else `RUST_LOG`, else `info`; a filter that
/// cannot be read is reported and `info` is used.
pub(crate) fn start(format: LogFormat) {
    let wanted = ["COLMEIA_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|key| std::env::var(key).ok().filter(|value| !value.is_empty()));
    let (filter, complaint) = match wanted.as_deref().map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new("info"), Some(error)),
        None => (EnvFilter::new("info"), None),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Whoever read it may be gone; a complaint about that, to the same place, would end the task that logs.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Human => builder.with_target(false).init(),
        LogFormat::Auto | LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    if let Some(error) = complaint {
        tracing::warn!(%error, "the log filter cannot be read; info is used");
    }
}
