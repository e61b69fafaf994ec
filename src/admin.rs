//! What operators and the supervisor say to each other on the admin socket: JSON over HTTP, below `/v1`.
//!
//! Owns wire types and nothing else. New fields are optional, so that a newer `colmeiactl` understands an older
//! supervisor and the other way round. An API key travels once, in the answer that makes it; a QR string or a whole
//! phone number only when it was asked for by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::MemoryOverrides;
use crate::session::{MissingMember, Recovery, impossible};
use crate::{ExitReason, Restrictions, Secret, UserId};

/// `GET /v1/service`: the service itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The supervisor's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// When it began, in milliseconds since the epoch.
    pub started_ms: u64,
    /// Where HTTP is served.
    pub listen: String,
    /// Where sessions and the journal lie.
    pub state_dir: String,
    /// Where sockets and locks lie.
    pub runtime_dir: String,
    /// Whether starts are held back by a drain.
    pub draining: bool,
    /// Who keeps the memory caps: `cgroup`, `polling` or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mode: Option<String>,
}

/// `GET /v1/sessions`: everyone who is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    /// Whether starts are held back by a drain.
    pub draining: bool,
    /// Sorted by user id.
    pub sessions: Vec<Session>,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is.
    pub user: UserId,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What people find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Where its worker is: `stopped`, `held`, `queued`, `starting`, `running`, `backing_off`, `stopping`, `parked`.
    pub phase: String,
    /// Where the session is, as `/status` says it.
    pub state: String,
    /// Whether messages can be sent.
    pub ready: bool,
    /// When phase or state last changed, in milliseconds since the epoch; absent for who has no task.
    pub since_ms: Option<u64>,
    /// The worker's process id.
    pub pid: Option<u32>,
    /// The browser's process id.
    pub browser_pid: Option<u32>,
    /// The memory of the worker and everything below it, in bytes, as it was last measured for the cap.
    pub memory: Option<u64>,
    /// How much it may use, where there is a cap.
    pub memory_cap: Option<u64>,
    /// What the kernel merged of it, where the configuration asks for merging and the kernel can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// The CPU time of all of them, in seconds.
    pub cpu_seconds: Option<f64>,
    /// How often the worker was started again after it ended unasked.
    pub restarts: u32,
    /// Failures in a row.
    pub attempts: u32,
    /// Why the last worker ended.
    pub last_exit: Option<LastExit>,
    /// How many events wait to be delivered.
    pub queue: u64,
    /// What WhatsApp restricts the account in, while the session is ready.
    #[serde(default, skip_serializing_if = "Restrictions::is_unknown")]
    pub restrictions: Restrictions,
}

/// What kernel same-page merging (KSM) did to the processes of a session, from their `/proc/PID/ksm_stat`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// The bytes of pages that they share with equal ones, of their own or of other sessions.
    pub bytes: u64,
    /// The bytes that this saves after what the kernel needs for its books, as the kernel reckons it; below zero
    /// where the books take more. Pages that stand for the others count in it, so it is an upper bound.
    pub profit: i64,
    /// How many of the processes could not be read and so count nothing: a renderer is only shown to root.
    pub unseen: u32,
}

/// Why a worker ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// As in lists and logs.
    pub label: String,
    /// For people.
    pub sentence: String,
    /// For programs.
    pub reason: ExitReason,
}

/// `GET /v1/sessions/{user}`: everything about one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub session: Session,
    /// Whether an auth directory is there.
    pub on_disk: bool,
    /// Where it is or would be.
    pub auth_dir: String,
    /// Whether a phone was linked, as far as is known.
    pub was_linked: bool,
    /// The linked number, masked unless `?number=true`.
    pub number: Option<String>,
    /// What the phone's owner is called.
    pub name: Option<String>,
    /// When the next start is due, in milliseconds since the epoch.
    pub next_start_ms: Option<u64>,
    /// Page members for which wa-js stands in.
    #[serde(default)]
    pub degraded: Vec<String>,
    /// What of the page is missing, and what follows from it.
    #[serde(default)]
    pub lacks: Vec<MissingMember>,
    /// The page's version.
    pub page_version: Option<String>,
    /// What its processes may take.
    pub limits: Option<Limits>,
    /// The user id of the system that its processes and files have, where it has one of its own.
    pub uid: Option<u32>,
    /// Why it was parked.
    pub parked: Option<LastExit>,
    /// The worker's last log lines; with a parked user they are part of the reason.
    #[serde(default)]
    pub last_lines: Vec<String>,
    /// When the newest snapshot of its registration was taken, in milliseconds since the epoch.
    pub snapshot_ms: Option<u64>,
    /// What was last done about a damaged profile.
    pub recovery: Option<Recovery>,
    /// The code to scan, only with `?qr=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qr: Option<Secret>,
}

/// What `colmeiactl report` prints: what a session misses of WhatsApp's page, for Colmeia's developers. Versions and names
/// of modules and operations, nothing of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageReport {
    /// The version of this document.
    pub report: u32,
    /// Colmeia's version.
    pub colmeia: String,
    /// The page's version, once known.
    pub page_version: Option<String>,
    /// The session's state: what is missing is only known of a page that is complete (`ready`).
    pub state: String,
    /// What is missing; empty where nothing is.
    pub lacks: Vec<MissingMember>,
    /// The operations that are not possible.
    pub impossible: Vec<String>,
}

impl From<&SessionDetail> for PageReport {
    fn from(detail: &SessionDetail) -> Self {
        Self {
            report: 1,
            colmeia: env!("CARGO_PKG_VERSION").to_owned(),
            page_version: detail.page_version.clone(),
            state: detail.session.state.clone(),
            lacks: detail.lacks.clone(),
            impossible: impossible(&detail.lacks).into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The answer to a change: what was asked for, and where the session is now. The rest is seen in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Whose session it is.
    pub user: UserId,
    /// What was asked for.
    pub operation: String,
    /// As in [`Session::phase`], when the request came.
    pub phase: String,
    /// For a logout and a deletion: `false` when the phone may go on listing this device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_told: Option<bool>,
}

/// The answer to `GET`, `PUT` and `DELETE /v1/sessions/{user}/limits`. The body of a `PUT` is `own`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Whose they are.
    pub user: UserId,
    /// Who keeps them: `cgroup`, `polling` or `off`.
    pub kept_by: String,
    /// What operators set for this user alone.
    pub own: MemoryOverrides,
    /// What holds, from the configuration and `own`.
    pub in_force: MemoryLimits,
    /// After a change: from when on each holds, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<BTreeMap<String, When>>,
}

/// One user's limits; [`crate::config::MemoryPolicy`] says what each means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryLimits {
    /// The soft limit in MiB.
    pub high_mb: u64,
    /// The hard limit in MiB.
    pub max_mb: u64,
    /// How much may lie in swap, in MiB.
    pub swap_max_mb: u64,
    /// The most processes and threads.
    pub pids_max: u64,
    /// The share of the processor.
    pub cpu_weight: u64,
}

/// From when on a limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// It does.
    Now,
    /// When the user's worker is started the next time.
    NextStart,
    /// Nobody keeps it in this mode.
    Never,
}

/// The answer to `POST /v1/drain` and `DELETE /v1/drain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Whether starts are held back now.
    pub draining: bool,
    /// How many workers still run.
    pub running: usize,
}

/// `GET /v1/sessions/{user}/logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// The oldest first.
    pub lines: Vec<String>,
}

/// One line of `GET /v1/sessions/{user}/logs?follow=true`, which answers with one such object per line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The line itself.
    pub line: String,
}

/// `GET /v1/events/queues`: how much waits for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQueues {
    /// Those in which anything lies.
    pub queues: Vec<EventQueue>,
}

/// What [`EventQueue::receiver`] says of Flask's webhook.
pub const FLASK_RECEIVER: &str = "Flask";

/// One user's events for one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventQueue {
    /// Its number, by which it is named.
    pub id: i64,
    /// Whose events.
    pub user: UserId,
    /// The receiver's host, or [`FLASK_RECEIVER`]; the rest of its address may be a secret.
    pub receiver: String,
    /// How many wait.
    pub pending: u64,
    /// How many were given up.
    pub dead: u64,
    /// The event whose turn it is, where one waits. Those behind it wait for it.
    pub head: Option<QueueHead>,
}

/// The event of a queue whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueHead {
    /// The event's id, `evt_…`.
    pub id: String,
    /// Since when it waits, in milliseconds since the epoch.
    pub since_ms: u64,
    /// How often the receiver answered something else than success.
    pub attempts: u32,
    /// How the last attempt ended; nothing when there was none.
    pub error: Option<String>,
    /// When it is tried again, in milliseconds since the epoch; nothing where that is now.
    pub next_ms: Option<u64>,
}

/// The answer to `POST /v1/events/retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// In how many queues the event whose turn it is is tried now.
    pub retried: u64,
}

/// The answer to `POST /v1/events/discard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discarded {
    /// The event's id; it lies among the dead letters now.
    pub discarded: String,
}

/// `GET /v1/events/dead`: events that could not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetters {
    /// The newest first.
    pub letters: Vec<DeadLetter>,
}

/// An event that could not be delivered; what is in it is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The event's id, `evt_…`.
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// What sort of event, such as `message`.
    pub event: String,
    /// The receiver's host, or `Flask`.
    pub receiver: String,
    /// When it happened, in milliseconds since the epoch.
    pub created_ms: u64,
    /// When it was given up, in milliseconds since the epoch; 0 where that is not known.
    pub died_ms: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// How the last attempt ended.
    pub error: String,
}

/// The answer to `POST /v1/events/replay`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// How many are tried again.
    pub replayed: u64,
}

/// `GET /v1/doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Every check, in a fixed order.
    pub findings: Vec<Finding>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, but not as well as it could.
    Warning,
    /// It does not work.
    Problem,
}

/// `GET /v1/keys`: all API keys that were made while running, without the keys themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The oldest first.
    pub keys: Vec<Key>,
}

/// What one API key allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// By which it is removed.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Whether it is accepted.
    pub active: bool,
    /// Whether it allows everything.
    pub admin: bool,
    /// On which sessions; none named means all.
    pub sessions: Vec<UserId>,
    /// `read`, `send`, `control`, `media`.
    pub actions: Vec<String>,
    /// When it was made, in milliseconds since the epoch.
    pub created_ms: i64,
    /// The key itself, only in the answer to `POST /v1/keys`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
}

/// The body of `POST /v1/backups`, `/v1/backups/list` and `/v1/backups/restore`: the place, its key, and who is meant. The
/// answer to each has one JSON object per line and user, as it comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// `file:///folder`, or `s3://bucket/prefix`.
    pub place: String,
    /// What the key file holds.
    pub key: Secret,
    /// How a bucket is reached.
    #[serde(default)]
    pub s3: BucketAccess,
    /// Whose; nobody named means everyone.
    #[serde(default)]
    pub users: Vec<UserId>,
    /// Of a backup: how many of each user are kept.
    pub keep: Option<usize>,
    /// Of a restore: which backup of the user, where it is not the newest.
    pub number: Option<u64>,
}

/// How a bucket is reached: what the `AWS_…` variables of the operator say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BucketAccess {
    /// `AWS_ENDPOINT_URL`: another host than Amazon's.
    pub endpoint: Option<String>,
    /// `AWS_REGION`.
    pub region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub key_id: Option<Secret>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub key: Option<Secret>,
    /// `AWS_SESSION_TOKEN`.
    pub token: Option<Secret>,
}

/// What came of one user's backup or restore, or a backup that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Whose.
    pub user: UserId,
    /// Counts the user's backups; nothing where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// From when the registration is, in milliseconds since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_ms: Option<u64>,
    /// The bytes of its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of a backup that was just made: the bytes that had to be written, encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// The version of the browser that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// The version of Colmeia that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colmeia: Option<String>,
    /// Why nothing was to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The body of every answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For people.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_supervisor_leaves_out_is_no_error() {
        let text = r#"{"user":"1","phase":"parked","state":"failed","ready":false,"since_ms":1,"pid":null,
            "browser_pid":null,"memory":null,"memory_cap":null,"cpu_seconds":null,"restarts":2,"attempts":5,
            "last_exit":{"label":"oom","sentence":"x","reason":{"reason":"oom"}},"queue":0,"on_disk":true,
            "auth_dir":"/x","was_linked":true,"number":null,"name":null,"next_start_ms":null,
            "page_version":null,"parked":null,"later":"unknown"}"#;
        let detail: SessionDetail = serde_json::from_str(text).expect("readable");
        assert_eq!((detail.session.attempts, detail.last_lines.len()), (5, 0));
        assert!(!serde_json::to_string(&detail).expect("JSON").contains("qr"));
    }
}
