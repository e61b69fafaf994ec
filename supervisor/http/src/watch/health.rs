//! `GET /api/sessions/{name}/health`: the three levels of a session's health, each with its last result and how old
//! that is. Nobody is asked: it is what supervisor and worker found by themselves.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use colmeia::session::Probes;
use serde::Serialize;
use utoipa::ToSchema;

use colmeia_control::summary::{SessionSummary, state_name};
use colmeia_session::{Phase, UserView};

/// The answer.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(in super::super) struct Health {
    /// Whether messages can be sent: all three levels answer, and the page says so.
    pub(in super::super) healthy: bool,
    state: &'static str,
    /// Does the worker's process answer on its socket?
    pub(in super::super) worker: Level,
    /// Does the browser answer on its pipe?
    pub(in super::super) browser: Level,
    /// Does the page answer its probe?
    pub(in super::super) page: Level,
}

/// One level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(in super::super) struct Level {
    /// `ok`, `failed`, or `unknown` where it was not probed (yet).
    pub(in super::super) status: &'static str,
    /// When it was probed last, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<u64>,
    /// How long ago that is, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_ms: Option<u64>,
    /// How long the answer took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) took_ms: Option<u64>,
}

impl Health {
    /// What a view says. Pure.
    pub(in super::super) fn of(view: &UserView, now: SystemTime) -> Self {
        let answers = view.report.is_some();
        let worker = match (view.pid, view.pong) {
            (None, _) => Level::UNKNOWN,
            // It has said Hello, and the first ping is on its way.
            (Some(_), None) if answers => Level { status: "ok", ..Level::UNKNOWN },
            (Some(_), None) if view.phase == Phase::Starting => Level::UNKNOWN,
            (Some(_), None) => Level { status: "failed", ..Level::UNKNOWN },
            (Some(_), Some(pong)) => {
                Level::new(answers, since_epoch(pong.at), age(now, pong.at), Some(whole(pong.took)))
            }
        };
        // The word of a worker that does not answer is no word.
        let probes = view.report.as_ref().and_then(|report| report.probes.as_ref());
        let level = |ok: fn(&Probes) -> bool| {
            probes.map_or(Level::UNKNOWN, |found| Level::probed(found, ok(found), now))
        };
        Self {
            healthy: SessionSummary::of(view).is_ready(),
            state: state_name(view),
            worker,
            browser: level(|probes| probes.browser),
            page: level(|probes| probes.page),
        }
    }
}

impl Level {
    const UNKNOWN: Self = Self { status: "unknown", checked_at: None, age_ms: None, took_ms: None };

    fn new(ok: bool, at: u64, age: u64, took_ms: Option<u64>) -> Self {
        Self { status: if ok { "ok" } else { "failed" }, checked_at: Some(at), age_ms: Some(age), took_ms }
    }

    fn probed(probes: &Probes, ok: bool, now: SystemTime) -> Self {
        let at = UNIX_EPOCH + Duration::from_millis(probes.at_ms.min(MOST));
        Self::new(ok, probes.at_ms, age(now, at), ok.then_some(probes.took_ms))
    }
}

/// A worker may say anything; the year 5138 is far enough, and no sum with it overflows.
const MOST: u64 = 100_000_000_000_000;

fn age(now: SystemTime, at: SystemTime) -> u64 {
    whole(now.duration_since(at).unwrap_or_default())
}

fn since_epoch(at: SystemTime) -> u64 {
    whole(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn whole(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
