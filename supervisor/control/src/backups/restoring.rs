//! One session's restore.
//!
//! Owns its order: nothing is touched before everything is there and whole, and the profile changes last. Where that fails
//! the configuration is what it was.

use std::sync::Arc;

use colmeia::UserId;
use colmeia::admin::Backup;
use colmeia::config::{Ownership, SessionSettings};
use colmeia::session::ProfileRecord;
use colmeia_base::tasks;
use colmeia_host::blocking;
use colmeia_host::staging::Staged;
use colmeia_session::{NotReplaced, Phase, UserHandle};
use colmeia_snapshots::{Manifest, SnapshotError, check_browser};

use super::error::{BackupError, Outcome};
use super::{Job, of};

pub(super) async fn restore(job: Arc<Job>, user: UserId) -> Outcome {
    once(&job, &user).await.into()
}

async fn once(job: &Job, user: &UserId) -> Result<Backup, BackupError> {
    let inner = &job.backups.0;
    inner.operators.deletions().settled(user).await;
    let kept = job.vault.find(user, job.request.number).await?;
    let manifest = &kept.manifest;
    let program = inner.host.config.browser.clone();
    let asking = tasks::blocking("the browser's version", move || colmeia_doctor::browser_version(&program));
    check_browser(manifest.about.browser.as_deref(), asking.await.ok().flatten().as_deref())?;
    let settings = settings_of(manifest)?;
    let handle =
        inner.users.find_or_create(user).await.map_err(|error| BackupError::NoTask(Arc::new(error)))?;
    handle.settled().await;
    if runs(&handle) {
        return Err(BackupError::Runs(user.clone()));
    }
    let staged = stage(job, user, manifest).await?;
    let store = &inner.host.store;
    let before = store.session(user);
    // A session that had one and gets none is configured as a new one is; the answers to its requests stay.
    let settings = settings.or_else(|| before.as_ref().map(|_| SessionSettings::default()));
    keep(job, user, settings).await?;
    let replaced = match inner.users.find_or_create(user).await {
        Ok(handle) => {
            handle.settled().await;
            handle.replace(staged).await
        }
        Err(error) => Err(NotReplaced::Disk(Arc::new(std::io::Error::other(error)))),
    };
    if let Err(error) = replaced {
        keep(job, user, before).await?;
        return Err(match error {
            NotReplaced::Runs => BackupError::Runs(user.clone()),
            error => BackupError::NotReplaced(error),
        });
    }
    tracing::warn!(%user, number = kept.number, "a session was restored; what was there is kept aside");
    Ok(Backup { number: Some(kept.number), ..of(manifest) })
}

fn runs(handle: &UserHandle) -> bool {
    let view = handle.view();
    view.pid.is_some() || matches!(view.phase, Phase::Starting | Phase::Running | Phase::Stopping { .. })
}

fn settings_of(manifest: &Manifest) -> Result<Option<SessionSettings>, BackupError> {
    let Some(text) = &manifest.about.settings else { return Ok(None) };
    let settings: SessionSettings = serde_json::from_str(text.expose()).map_err(|wrong| {
        let (line, column) = (wrong.line(), wrong.column());
        SnapshotError::Settings { colmeia: manifest.colmeia.clone(), line, column }
    })?;
    settings.validate()?;
    Ok(Some(settings))
}

/// All files, where no worker reaches them.
async fn stage(job: &Job, user: &UserId, manifest: &Manifest) -> Result<Staged, BackupError> {
    let inner = &job.backups.0;
    let owner = match inner.host.uids.ownership(user).map_err(BackupError::Owner)? {
        Ownership::Own { uid, .. } => Some(uid),
        Ownership::Keep | Ownership::GiveBack { .. } => None,
    };
    let record = ProfileRecord {
        browser: manifest.about.browser.clone(),
        linked: true,
        // One that is not accepted any more asks for a scan, and is not taken for a damaged profile.
        on_trial: true,
        ..ProfileRecord::default()
    };
    let (state, name, taken_ms) = (inner.host.state.clone(), user.clone(), manifest.about.taken_ms);
    let beginning = blocking::in_folders(move || Staged::begin(&state, &name, owner, record, taken_ms)).await;
    let staged =
        beginning.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(BackupError::Staging)?;
    match job.vault.fetch(manifest, &staged.profile(), owner).await {
        Ok(()) => Ok(staged),
        Err(error) => {
            let _ = blocking::in_folders(move || drop(staged)).await; // the next one removes it otherwise
            Err(error.into())
        }
    }
}

/// The configuration that the session has from now on. It comes before the profile: nobody may start the session without
/// its proxy.
async fn keep(job: &Job, user: &UserId, settings: Option<SessionSettings>) -> Result<(), BackupError> {
    let store = &job.backups.0.host.store;
    match settings {
        Some(settings) => store.keep_session(user, settings).await,
        None if store.session(user).is_some() => store.forget_session(user).await,
        None => Ok(()),
    }
    .map_err(BackupError::Store)
}
