//! One session's backup: where its files are read, and what is known beside them.
//!
//! Owns the choice between a worker's snapshot and the profile itself. A worker is believed about nothing but its own
//! user: the snapshot's name is a number, and its files are read as those of a stranger are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use colmeia::admin::Backup;
use colmeia::layout::REGISTRATION;
use colmeia::moment::now_ms;
use colmeia::protocol::{Call, Reply};
use colmeia::{Secret, UserId};
use colmeia_base::tasks;
use colmeia_host::staging;
use colmeia_session::CallFailure;
use colmeia_snapshots::{About, Files, SnapshotError, SourceError};

use super::error::{BackupError, Outcome};
use super::{Job, USUALLY_KEPT, nothing};

/// How long a worker may take for a snapshot: copying 512 MiB, and some attempts under a browser that writes.
const SNAPSHOT: Duration = Duration::from_secs(120);
/// How often it is begun anew when a session comes or goes meanwhile.
const ATTEMPTS: usize = 3;
/// More than any version of a browser has.
const LONGEST_VERSION: usize = 32;

pub(super) async fn back_up(job: Arc<Job>, user: UserId) -> Outcome {
    let mut attempt = 1;
    loop {
        return match once(&job, &user).await {
            Err(BackupError::Snapshot(SnapshotError::Source(SourceError::Changed))) if attempt < ATTEMPTS => {
                attempt += 1;
                continue;
            }
            Err(BackupError::Snapshot(SnapshotError::Source(SourceError::Nothing))) if !job.named => {
                Outcome::Skipped("it has no registration")
            }
            Err(BackupError::NotReady(_)) if !job.named && !is_linked(&job, &user) => {
                Outcome::Skipped("no phone is linked")
            }
            done => done.into(),
        };
    }
}

fn is_linked(job: &Job, user: &UserId) -> bool {
    job.backups.0.users.find(user).is_some_and(|handle| handle.view().was_linked)
}

async fn once(job: &Job, user: &UserId) -> Result<Backup, BackupError> {
    let inner = &job.backups.0;
    inner.operators.deletions().settled(user).await;
    let (state, store) = (inner.host.state.clone(), &inner.host.store);
    if store.unreadable_sessions().contains_key(user.as_str()) {
        return Err(BackupError::Unreadable);
    }
    // Its form is the store's, and it holds secrets: it stays one.
    let settings =
        store.session(user).and_then(|settings| serde_json::to_string(&settings).ok()).map(Secret::new);
    let runs = inner.users.find(user).filter(|handle| handle.view().pid.is_some());
    let (folder, taken_ms, browser) = match runs {
        Some(handle) => match handle.call(Call::Snapshot, None, SNAPSHOT).await {
            Ok((Reply::Snapshot { taken_ms, browser }, _)) => {
                (state.snapshots_dir(user).join(taken_ms.to_string()), taken_ms, browser)
            }
            Ok(_) | Err(CallFailure::NotReady) => return Err(BackupError::NotReady(user.clone())),
            Err(failure) => return Err(BackupError::NoSnapshot(failure)),
        },
        None => {
            let (of, name) = (state.clone(), user.clone());
            let reading = tasks::blocking("reading a record", move || staging::record(&of, &name));
            let record = reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
            (state.profile_dir(user), now_ms(), record.map_err(BackupError::Record)?.browser)
        }
    };
    let browser = browser.filter(|version| version.len() <= LONGEST_VERSION);
    let below = folder.strip_prefix(state.root()).unwrap_or(Path::new("")).to_owned();
    let files = look(state.root().to_owned(), below).await?;
    let about = About { user: user.clone(), taken_ms, browser: browser.clone(), settings };
    let backed = job.vault.backup(files, about, job.request.keep.unwrap_or(USUALLY_KEPT)).await?;
    tracing::info!(%user, number = backed.number, bytes = backed.bytes, written = backed.written, "backed up");
    Ok(Backup {
        number: Some(backed.number),
        taken_ms: Some(taken_ms),
        bytes: Some(backed.bytes),
        written: Some(backed.written),
        browser,
        ..nothing(user)
    })
}

async fn look(root: PathBuf, below: PathBuf) -> Result<Files, BackupError> {
    let looking =
        tasks::blocking("looking at a session's files", move || Files::look(&root, &below, &REGISTRATION));
    let found = looking.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    Ok(found.map_err(SnapshotError::from)?)
}
