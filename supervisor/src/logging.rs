//! Log lines: for people on a terminal, JSON elsewhere.
//!
//! Owns the format and the filter. What must not be logged (codes, texts, numbers) is kept out by the types'
//! `Debug`, not here.

use std::io::IsTerminal as _;

use colmeia::config::{LogFormat, LogTarget};
pub(crate) use colmeia::errors::chain;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// Chooses between people and programs where the configuration leaves it open.
pub(crate) fn resolve(format: LogFormat, target: LogTarget) -> LogFormat {
    match format {
        LogFormat::Auto if is_terminal(target) => LogFormat::Human,
        LogFormat::Auto => LogFormat::Json,
        chosen => chosen,
    }
}

fn is_terminal(target: LogTarget) -> bool {
    match target {
        LogTarget::Stderr => std::io::stderr().is_terminal(),
        LogTarget::Stdout => std::io::stdout().is_terminal(),
    }
}

/// Starts logging. The filter is `COLMEIA_LOG`, else `RUST_LOG`, else `info`; a filter that
/// cannot be read is reported and `info` is used.
pub(crate) fn start(format: LogFormat, target: LogTarget) {
    let wanted = ["COLMEIA_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|key| std::env::var(key).ok().filter(|value| !value.is_empty()));
    let (filter, complaint) = match wanted.as_deref().map(EnvFilter::try_new) {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new("info"), Some(error)),
        None => (EnvFilter::new("info"), None),
    };
    let writer = match target {
        LogTarget::Stderr => BoxMakeWriter::new(std::io::stderr),
        LogTarget::Stdout => BoxMakeWriter::new(std::io::stdout),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        // Whoever read it may be gone; a complaint about that, to the same place, would end the task that logs.
        .log_internal_errors(false)
        .with_ansi(is_terminal(target));
    match resolve(format, target) {
        LogFormat::Human => builder.with_target(false).init(),
        LogFormat::Auto | LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    if let Some(error) = complaint {
        tracing::warn!(%error, "the log filter cannot be read; info is used");
    }
}
