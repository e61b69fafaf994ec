//! The profile on disk: its task takes snapshots of the registration, and puts one in the place of a profile that is
//! damaged.
//!
//! ```text
//! Ready ─ SETTLE ─▶ snapshot ─ RENEW ─▶ snapshot …      another browser version ─▶ snapshot, before it starts
//! clean stop, browser flushed ─▶ snapshot
//! damaged ─▶ profile ──rename──▶ damaged/<time>   snapshots/<newest> ──rename──▶ profile   (none: a new code)
//! ```
//!
//! Chromium does not refuse a damaged profile: it deletes the database that it cannot read and goes on with an empty
//! one. So damage is known by other signs. Something is in the place of a folder (`ProfileTask::open`); the browser ends
//! at once with this profile, or time and again before its page shows anything, and lives with an empty one
//! (`page::launcher`); or the page shows a code although the session was ready with this profile and nobody ended the
//! link (`session::machine`).
//!
//! A disk that was full is one more way to damage, and the one that can be undone (`leveldb`). Of a browser that has met one
//! no snapshot is taken any more; those from before are the good ones.
//!
//! Owns the record, the snapshots and the damaged profiles; one task does everything, off the session's way. A
//! snapshot that fails leaves the one before. The browser's walls hold none of this. whatsapp-web.js knows nothing of
//! it, and finds its profile where it always was.

mod copy;
mod handle;
mod leveldb;
mod record;
mod snapshots;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use colmeia::UserId;
use colmeia::errors::{chain, lack_of};
use colmeia::layout::{DISK_FULL, DISK_PLENTY, DISK_SELDOM, StateLayout};
use colmeia::moment::now_ms;
use colmeia::session::{ProfileRecord, Recovery};
use colmeia_base::files::free;
use colmeia_base::tasks;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use handle::{Seen, Wish};
use snapshots::{NoSnapshot, SnapshotStore};

pub(crate) use handle::{Known, ProfileHandle, Snapshot};

/// From Ready until the first snapshot: the browser writes local storage with a delay of seconds.
const SETTLE: Duration = Duration::from_secs(10);
/// How old a snapshot may be while the session is ready.
const RENEW: Duration = Duration::from_hours(6);
/// How long after a snapshot that failed the next one is tried.
const AGAIN: Duration = Duration::from_mins(5);
/// A session that comes and goes copies no more often than this.
const FRESH: Duration = Duration::from_mins(10);
/// How often it is looked whether the disk has room.
const LOOK: Duration = Duration::from_secs(1);
/// How many crashes in a row make a profile suspect: once is chance.
const CRASHES: u32 = 3;

/// The task.
#[derive(Debug)]
struct ProfileTask {
    store: SnapshotStore,
    path: PathBuf,
    record: ProfileRecord,
    wishes: mpsc::UnboundedReceiver<Wish>,
    known: watch::Sender<Known>,
    /// Set when a snapshot under way is to give way.
    hurry: Arc<AtomicBool>,
    ready: bool,
    due: Option<Instant>,
    /// The disk was full while this worker ran.
    met_full_disk: bool,
}

/// Starts a task. The caller holds the lock of the auth directory, and no browser runs.
///
/// # Errors
/// When it cannot be seen what there is. Nothing was repaired then.
pub(crate) fn start(layout: &StateLayout, user: &UserId) -> io::Result<ProfileHandle> {
    let (task, handle) = ProfileTask::open(layout, user)?;
    tasks::vital("profile", task.run());
    Ok(handle)
}

impl ProfileTask {
    /// Looks at the profile, and repairs it if that can be seen from outside.
    fn open(layout: &StateLayout, user: &UserId) -> io::Result<(Self, ProfileHandle)> {
        let store = SnapshotStore {
            profile: layout.profile_dir(user),
            snapshots: layout.snapshots_dir(user),
            damaged: layout.damaged_dir(user),
        };
        let path = layout.profile_record(user);
        let record = record::load(&path)?;
        let (sender, wishes) = mpsc::unbounded_channel();
        let (known, followed) = watch::channel(Known::default());
        let hurry = Arc::new(AtomicBool::new(false));
        let mut task = Self {
            store,
            path,
            record,
            wishes,
            known,
            hurry: Arc::clone(&hurry),
            ready: false,
            due: None,
            met_full_disk: false,
        };
        task.store.tidy(now_ms())?;
        if let Some(damage) = task.damage()? {
            task.repair(damage);
        }
        task.store.trim()?;
        task.tell();
        // A snapshot that does not help is not followed by another: then the link itself has ended.
        let expects_link = task.record.linked && !task.record.on_trial;
        Ok((task, ProfileHandle { wishes: sender, known: followed, hurry, expects_link }))
    }

    /// Runs until every handle is gone.
    async fn run(mut self) {
        let mut next_look = Instant::now();
        loop {
            let due = self.due.unwrap_or_else(|| Instant::now() + RENEW);
            let wish = tokio::select! {
                wish = self.wishes.recv() => wish,
                () = sleep_until(next_look) => {
                    let free = free(&self.store.profile).ok();
                    self.met_full_disk |= free.is_some_and(|free| free < DISK_FULL);
                    next_look = Instant::now() + if free.is_some_and(|free| free >= DISK_PLENTY) { DISK_SELDOM } else { LOOK };
                    continue;
                }
                () = sleep_until(due), if self.due.is_some() => {
                    self.due = None;
                    let taken = self.snapshot("the session is ready").await;
                    self.due = Some(Instant::now() + if taken.is_ok() { RENEW } else { AGAIN });
                    continue;
                }
            };
            match wish {
                None => return,
                Some(Wish::Launching { browser, done }) => {
                    self.launching(browser).await;
                    let _ = done.send(());
                }
                Some(Wish::Seen(seen)) => self.seen(seen),
                Some(Wish::Crashed { often }) => {
                    self.record.crashes = self.record.crashes.saturating_add(1);
                    self.save();
                    let _ = often.send(self.record.crashes >= CRASHES);
                }
                Some(Wish::Snapshot { taken }) => {
                    let snapshot = self.snapshot("it was asked for").await;
                    if snapshot.is_ok() && self.due.is_some() {
                        self.due = Some(Instant::now() + RENEW);
                    }
                    let browser = self.record.browser.clone();
                    let _ = taken.send(snapshot.map(|taken_ms| Snapshot { taken_ms, browser }));
                }
                Some(Wish::Ended { damage, flushed, done }) => {
                    match damage {
                        Some(damage) => self.repair(damage),
                        None if flushed && self.ready && !self.is_fresh() => {
                            let _ = self.snapshot("the browser was closed").await;
                        }
                        None => {}
                    }
                    let _ = done.send(());
                }
            }
        }
    }

    /// What can be seen without a browser. Chromium would hang, or use another folder and not say so.
    ///
    /// # Errors
    /// When the machine has nothing left to look with.
    fn damage(&self) -> io::Result<Option<String>> {
        let profile = &self.store.profile;
        let below = ["Default", "Default/IndexedDB", "Default/Local Storage"].map(|name| profile.join(name));
        for path in std::iter::once(profile).chain(&below) {
            // A link to a folder is one. One that leads nowhere, or in a circle, is none.
            match fs::metadata(path) {
                Ok(found) if found.is_dir() => {}
                Err(error) if lack_of(&error).is_some() => return Err(error),
                _ if fs::symlink_metadata(path).is_ok() => {
                    return Ok(Some(format!("{} is no folder", path.display())));
                }
                _ if path == profile && self.record.linked => {
                    return Ok(Some("the profile's folder is gone".to_owned()));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    async fn launching(&mut self, browser: Option<String>) {
        let before = &self.record.browser;
        if self.record.linked && before.is_some() && browser.is_some() && *before != browser {
            tracing::info!(from = before, to = browser, "another version of the browser");
            let _ = self.snapshot("another version of the browser is about to use the profile").await;
        }
        if browser.is_some() && self.record.browser != browser {
            self.record.browser = browser;
            self.save();
        }
    }

    fn seen(&mut self, seen: Seen) {
        let before = self.record.clone();
        self.ready = seen == Seen::Ready;
        self.record.crashes = 0;
        match seen {
            Seen::Ready => {
                (self.record.linked, self.record.on_trial) = (true, false);
                let wait = if self.is_fresh() { RENEW } else { SETTLE };
                self.due.get_or_insert(Instant::now() + wait);
            }
            Seen::LoggedOut => {
                (self.record.linked, self.due) = (false, None);
                self.store.forget();
                self.tell();
            }
            Seen::Unlinked => (self.record.linked, self.due) = (false, None),
        }
        if seen != Seen::Ready && std::mem::take(&mut self.record.on_trial) {
            tracing::warn!(
                "the registration of the snapshot is not accepted any more: the phone has to scan"
            );
            if let Some(recovery) = &mut self.record.recovery {
                recovery.restored_ms = None;
            }
        }
        if self.record != before {
            self.save();
            self.tell();
        }
    }

    /// Whether the newest snapshot is young enough not to be followed by another.
    fn is_fresh(&self) -> bool {
        self.store.newest().ok().flatten().is_some_and(|taken| now_ms() < taken.saturating_add(millis(FRESH)))
    }

    /// Takes one, and says when.
    async fn snapshot(&mut self, why: &'static str) -> Result<u64, NoSnapshot> {
        if self.met_full_disk {
            tracing::info!(why, "no snapshot of a profile that has met a full disk; the one before stays");
            return Err(NoSnapshot::MetFullDisk);
        }
        self.hurry.store(false, Ordering::Relaxed);
        let (store, hurry) = (self.store.clone(), Arc::clone(&self.hurry));
        let now = now_ms();
        let taking = tasks::blocking("snapshot", move || store.take(now, &hurry));
        let taken = match taking.await {
            Ok(Ok(bytes)) => {
                tracing::info!(bytes, why, "snapshot of the registration");
                Ok(now)
            }
            Ok(Err(error)) => {
                tracing::warn!(error = %chain(&error), why, "no snapshot of the registration; the one before stays");
                Err(NoSnapshot::Copy(error))
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        self.tell();
        taken
    }

    /// Puts the profile aside and the newest snapshot in its place. Each step leaves a state from which the next
    /// start goes on: a profile that is missing although it was linked is repaired again.
    fn repair(&mut self, why: String) {
        let at_ms = now_ms();
        tracing::error!(why, "the profile is damaged and is set aside");
        let done = self.store.set_aside(at_ms).and_then(|aside| {
            let wanted = self.record.linked || self.record.on_trial;
            let restored_ms = if wanted { self.store.restore()? } else { None };
            Ok((aside, restored_ms))
        });
        let (aside, restored_ms) = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "the damaged profile cannot be replaced");
                return;
            }
        };
        match restored_ms {
            Some(taken_ms) => tracing::warn!(taken_ms, "a snapshot of the registration takes its place"),
            None => tracing::warn!("there is no snapshot for it: the phone has to scan a new code"),
        }
        let aside = aside.map(|path| path.display().to_string());
        self.record = ProfileRecord {
            browser: None,
            linked: restored_ms.is_some(),
            on_trial: restored_ms.is_some(),
            crashes: 0,
            recovery: Some(Recovery { at_ms, why, restored_ms, aside }),
        };
        self.save();
        self.tell();
    }

    fn save(&self) {
        if let Err(error) = record::save(&self.record, &self.path) {
            tracing::warn!(%error, "what is known of the profile cannot be written down");
        }
    }

    fn tell(&self) {
        let known =
            Known { snapshot_ms: self.store.newest().ok().flatten(), recovery: self.record.recovery.clone() };
        self.known.send_replace(known);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
