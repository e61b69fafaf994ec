//! `GET /ready`: whether this service can serve sessions now: 200, or 503 with the part that fails.
//!
//! Owns [`Readiness`], the last answer. It is open to everyone, as `/health` is, and writes to the disk to find out;
//! so it looks at most once a second, whoever asks how often.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use colmeia::config::ServiceConfig;
use colmeia_base::{files, tasks};
use rustix::fs::{Access, access};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::super::reply;
use colmeia::errors::chain;
use colmeia_events::journal::Journal;

/// How long an answer counts.
const FRESH: Duration = Duration::from_secs(1);
/// How long a write may take before the disk counts as broken.
const WRITE: Duration = Duration::from_secs(3);
/// How much room there has to be, in bytes. A profile takes 50 to 300 MB.
const ROOM: u64 = 200 * 1024 * 1024;

/// What was found last, and when.
#[derive(Debug, Default)]
pub(in super::super) struct Readiness(Mutex<Option<(Instant, Found)>>);

/// Every part with `ok`, or with what is wrong; names no path: everyone may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Found {
    ready: bool,
    database: &'static str,
    disk: &'static str,
    browser: &'static str,
}

const OK: &str = "ok";

impl Readiness {
    /// What is found now, or was within the last second.
    async fn now(&self, journal: &Journal, config: &Arc<ServiceConfig>) -> Found {
        // Who comes meanwhile waits for the same answer.
        let mut last = self.0.lock().await;
        let found = match *last {
            Some((at, found)) if at.elapsed() < FRESH => found,
            _ => look(journal, config).await,
        };
        *last = Some((Instant::now(), found));
        found
    }

    /// The answer of `GET /ready`.
    pub(super) async fn answer(&self, journal: &Journal, config: &Arc<ServiceConfig>) -> Response {
        let found = self.now(journal, config).await;
        let status = if found.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        reply::json(status, &found)
    }
}

async fn look(journal: &Journal, config: &Arc<ServiceConfig>) -> Found {
    let database = match timeout(WRITE, journal.try_to_write()).await {
        Ok(Ok(())) => OK,
        Ok(Err(error)) => {
            tracing::error!(error = chain(&error), "not ready: the journal cannot be written");
            "cannot be written"
        }
        Err(_) => "does not answer in time",
    };
    let config = Arc::clone(config);
    let files = tasks::blocking("readiness", move || (disk(&config), browser(&config)));
    let (disk, browser) = files.await.unwrap_or(("cannot be looked at", "cannot be looked at"));
    let ready = [database, disk, browser].iter().all(|part| *part == OK);
    Found { ready, database, disk, browser }
}

fn disk(config: &ServiceConfig) -> &'static str {
    match files::free(&config.state_dir) {
        Ok(free) if free < ROOM => "less than 200 MiB are free",
        Ok(_) => OK,
        Err(_) => "cannot be looked at",
    }
}

fn browser(config: &ServiceConfig) -> &'static str {
    let is_program = config.browser.is_file() && access(&config.browser, Access::EXEC_OK).is_ok();
    if is_program { OK } else { "is no program that can be run" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_part_that_fails_is_named() {
        let folder = tempfile::tempdir().expect("folder");
        let journal = Journal::open(&folder.path().join("colmeia.db"), Arc::new(())).expect("opens");
        let config = |browser: &str, state: &std::path::Path| {
            Arc::new(ServiceConfig {
                browser: browser.into(),
                state_dir: state.into(),
                ..ServiceConfig::default()
            })
        };
        let found = look(&journal, &config("/bin/sh", folder.path())).await;
        assert_eq!((found.database, found.browser), (OK, OK));
        let found = look(&journal, &config("/bin", folder.path())).await;
        assert_eq!((found.ready, found.browser), (false, "is no program that can be run"));
        let found = look(&journal, &config("/bin/sh", &folder.path().join("gone"))).await;
        assert_eq!((found.ready, found.disk), (false, "cannot be looked at"));
        journal.close().await;
        let found = look(&journal, &config("/bin/sh", folder.path())).await;
        assert_eq!((found.ready, found.database), (false, "cannot be written"));
    }
}
