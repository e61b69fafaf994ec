//! Logs: human on a terminal, JSON otherwise, on standard error. Every line names the user.
//!
//! Owns the format and the filter. `COLMEIA_LOG_FORMAT` (`human`, `json`) and `COLMEIA_LOG` (a filter such as
//! `info,colmeia_worker=debug`) come from the supervisor, so that all lines of one service look alike.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use colmeia::UserId;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::page::QUIET_LOGS;

/// Begins to log, with the user in every line once it is known. Called once.
pub(crate) fn start(user: Option<&UserId>) {
    let asked = std::env::var("COLMEIA_LOG").ok().filter(|f| !f.is_empty()).unwrap_or_else(|| "info".into());
    // Last, and so above what was asked for: these would write QR strings and texts.
    let quiet = QUIET_LOGS.join(",");
    let filter = EnvFilter::try_new(format!("{asked},{quiet}"))
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{quiet}")));
    let terminal = io::stderr().is_terminal();
    let json = match std::env::var("COLMEIA_LOG_FORMAT").as_deref() {
        Ok("json") => true,
        Ok("human") => false,
        _ => !terminal,
    };
    let writer = Lines { user: user.map(|user| user.as_str().into()), json };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(terminal);
    if json { builder.json().flatten_event(true).init() } else { builder.with_target(false).init() }
}

/// Puts the user into each line: a process serves one user, and tasks and threads come and go in it that know
/// of no span. A user id needs no escaping.
#[derive(Clone)]
struct Lines {
    user: Option<Arc<str>>,
    json: bool,
}

impl Lines {
    fn with_user(&self, line: &[u8]) -> Vec<u8> {
        let Some(user) = &self.user else { return line.to_vec() };
        match (self.json, line) {
            (true, [b'{', rest @ ..]) => [format!("{{\"user\":\"{user}\",").as_bytes(), rest].concat(),
            (_, [text @ .., b'\n']) => [text, format!(" user={user}\n").as_bytes()].concat(),
            (_, text) => text.to_vec(),
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Lines {
    /// The subscriber writes whole lines.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().lock().write_all(&self.with_user(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_the_user() {
        let lines = |json| Lines { user: Some("2_1".into()), json };
        let json = lines(true).with_user(b"{\"level\":\"INFO\",\"message\":\"x\"}\n");
        assert_eq!(json, b"{\"user\":\"2_1\",\"level\":\"INFO\",\"message\":\"x\"}\n");
        assert_eq!(lines(false).with_user(b" INFO x\n"), b" INFO x user=2_1\n");
    }
}
