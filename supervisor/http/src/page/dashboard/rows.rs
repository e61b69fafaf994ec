//! [`SessionRow`]: what the list shows of one session. Owns the reading of a view for it; asks nobody anything.

use std::time::SystemTime;

use colmeia::config::SessionSettings;
use colmeia::text::plain;
use colmeia::{Me, UserId};

use super::super::super::negotiate::Language;
use super::super::super::restricted::notices;
use super::history::Bar;
use super::query::Key;
use super::words;
use crate::phone_number::phone_number;
use colmeia_control::operators::millis;
use colmeia_control::summary::{SessionSummary, state_name};
use colmeia_session::UserView;

/// A session in the list.
pub(super) struct SessionRow {
    pub(super) user: UserId,
    /// What people call it; empty where it has no such name.
    pub(super) label: String,
    pub(super) tags: Vec<String>,
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
    pub(super) state: &'static str,
    pub(super) since: String,
    pub(super) number: Option<String>,
    pub(super) name: String,
    pub(super) memory: Option<Memory>,
    pub(super) restarts: u32,
    pub(super) last_exit: Option<&'static str>,
    pub(super) waiting: u64,
    pub(super) dead: u64,
    /// The first receiver that does not take its events, and how the last attempt ended.
    pub(super) stuck: Option<(String, String)>,
    /// What WhatsApp restricts the account in, in a word or two.
    pub(super) restricted: Vec<&'static str>,
    /// Of the last day and of the last month.
    pub(super) bars: [Bar; 2],
}

/// In MiB.
pub(super) struct Memory {
    pub(super) used: u64,
    pub(super) cap: Option<u64>,
}

/// How much waits for a session's receivers.
#[derive(Debug, Clone, Default)]
pub(super) struct Outgoing {
    pub(super) waiting: u64,
    pub(super) dead: u64,
    /// The first receiver that does not take its events, and how the last attempt ended.
    pub(super) stuck: Option<(String, String)>,
}

/// By what a session is found and ordered: for all of them, so nothing is read for it.
pub(super) fn key(
    user: &UserId,
    view: Option<&UserView>,
    settings: Option<&SessionSettings>,
    account: Option<&Me>,
    waiting: u64,
) -> Key {
    let summary = view.map_or(SessionSummary::Absent, SessionSummary::of);
    // Of one that is not connected, the account that it had.
    let me = summary.me().or(account);
    Key {
        user: user.as_str().to_owned(),
        label: settings.and_then(|settings| settings.label.clone()).unwrap_or_default(),
        tags: settings.map(|settings| settings.tags.clone()).unwrap_or_default(),
        number: me.and_then(phone_number).unwrap_or_default(),
        pushname: me.map(|me| plain(&me.pushname).into_owned()).unwrap_or_default(),
        kind: words::kind(summary),
        memory: view.and_then(|view| view.memory).map_or(0, |memory| memory.used),
        restarts: view.map_or(0, |view| view.restarts),
        waiting,
    }
}

impl SessionRow {
    #[allow(clippy::too_many_arguments, reason = "each is known by another part")]
    pub(super) fn of(
        user: UserId,
        key: Key,
        view: Option<&UserView>,
        cap: Option<u64>,
        outgoing: Outgoing,
        bars: [Bar; 2],
        now: SystemTime,
        language: Language,
    ) -> Self {
        let summary = view.map_or(SessionSummary::Absent, SessionSummary::of);
        let words::Words { kind, title, .. } = words::of(summary, language);
        let Outgoing { waiting, dead, stuck } = outgoing;
        Self {
            kind,
            title,
            state: words::finer(title, view.map_or("disconnected", state_name), language),
            since: view.map(|view| words::ago(view.since, now, language)).unwrap_or_default(),
            number: Some(key.number).filter(|number| !number.is_empty()),
            name: key.pushname,
            memory: view.and_then(|view| Memory::of(view, cap)),
            restarts: key.restarts,
            last_exit: view
                .and_then(|view| view.last_exit.as_ref())
                .map(|reason| words::exit(reason, language)),
            waiting,
            dead,
            stuck,
            restricted: view
                .filter(|_| summary.is_ready())
                .and_then(|view| view.report.as_ref())
                .map(|report| notices(&report.restrictions, millis(now), language))
                .unwrap_or_default()
                .into_iter()
                .map(|notice| notice.title)
                .collect(),
            bars,
            label: key.label,
            tags: key.tags,
            user,
        }
    }
}

impl Memory {
    /// Absent until it was measured.
    pub(super) fn of(view: &UserView, cap: Option<u64>) -> Option<Self> {
        const MIB: u64 = 1024 * 1024;
        let measured = view.memory?;
        Some(Self { used: measured.used / MIB, cap: cap.map(|_| measured.cap / MIB) })
    }

    /// Where a bar begins to look full.
    pub(super) fn high(cap: &u64) -> u64 {
        cap / 10 * 7
    }
}
