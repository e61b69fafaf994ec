//! Logs: human on a terminal, JSON otherwise, on standard error.
//!
//! Owns the format and the filter. `COLMEIA_LOG_FORMAT` (`human`, `json`) and `COLMEIA_LOG` (a filter such as
//! `info,colmeia_worker=debug`) come from the supervisor, so that all lines of one service look alike.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::page::QUIET_LOGS;

/// Begins to log. Called once, first.
pub(crate) fn start() {
    let asked = std::env::var("COLMEIA_LOG").ok().filter(|f| !f.is_empty()).unwrap_or_else(|| "info".into());
    // Last, and so above what was asked for: these would write QR strings and texts.
    let quiet = QUIET_LOGS.join(",");
    let filter = EnvFilter::try_new(format!("{asked},{quiet}"))
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{quiet}")));
    let json = match std::env::var("COLMEIA_LOG_FORMAT").as_deref() {
        Ok("json") => true,
        Ok("human") => false,
        _ => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    } else {
        builder.with_target(false).init();
    }
}
