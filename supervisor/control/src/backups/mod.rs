//! [`Backups`]: backing sessions up and restoring them, one after the other.
//!
//! Owns who is meant, the order of a restore, and that one thing at a time goes on at all; it goes on when whoever asked
//! hangs up. What a backup is and how it is kept is `colmeia_snapshots`'. Never reads a running browser's files: a session
//! that runs is asked for a snapshot, and only one that does not run is read where it lies, or gets another profile.
//!
//! ```text
//! restore: manifest ─▶ browser new enough? ─▶ session stopped? ─▶ all files, staged and whole
//!                      ─▶ configuration ─▶ profile, in one rename (by the user's own task) ─▶ what was there lies aside
//! ```

mod error;
mod restoring;
mod taking;

use std::io;
use std::sync::Arc;

use colmeia::UserId;
use colmeia::admin::{Backup, BackupRequest, BucketAccess};
use colmeia::errors::chain;
use colmeia_base::tasks;
use colmeia_session::Host;
use colmeia_snapshots::{Key, Manifest, S3Access, SnapshotError, Target, Vault};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc};

use crate::operators::{Asker, Operators};
use crate::server_control::ServerControl;
use crate::users::Users;

pub use error::BackupError;
use error::Outcome;

/// How many backups of a user are kept when nobody says how many.
const USUALLY_KEPT: usize = 7;

/// Cheap to clone.
#[derive(Clone)]
pub struct Backups(Arc<Inner>);

struct Inner {
    users: Box<dyn Users>,
    host: Arc<Host>,
    operators: Operators,
    /// What is under way here is waited for as requests are.
    control: ServerControl,
    one: Arc<Mutex<()>>,
}

/// The lines of an answer, one for each user, as they come.
pub type Lines = mpsc::Receiver<Backup>;

/// A request that was understood.
struct Asked {
    vault: Vault,
    users: Vec<UserId>,
    /// Whether they were named.
    named: bool,
    request: BackupRequest,
    turn: OwnedMutexGuard<()>,
}

impl Backups {
    /// Puts it together.
    pub fn new(users: Box<dyn Users>, host: Arc<Host>, operators: Operators, control: ServerControl) -> Self {
        Self(Arc::new(Inner { users, host, operators, control, one: Arc::default() }))
    }

    /// Backs sessions up.
    ///
    /// # Errors
    /// When nothing has begun.
    pub async fn back_up(&self, request: BackupRequest, by: Asker) -> Result<Lines, BackupError> {
        let turn = self.turn()?;
        let (target, key) = open(&request)?;
        let mut users = request.users.clone();
        for user in &users {
            self.0.operators.known(user).await?;
        }
        let named = !users.is_empty();
        if !named {
            users = self.everyone().await.map_err(BackupError::Look)?;
        }
        let vault = Vault::to_write(target, key).await?;
        tracing::info!(place = %request.place, users = users.len(), %by, "a backup was asked for");
        Ok(self.each(Asked { vault, users, named, request, turn }, taking::back_up))
    }

    /// Restores sessions.
    ///
    /// # Errors
    /// When nothing has begun.
    pub async fn restore(&self, request: BackupRequest, by: Asker) -> Result<Lines, BackupError> {
        let asked = self.asked(request).await?;
        let place = &asked.request.place;
        tracing::warn!(%place, users = asked.users.len(), %by, "a restore was asked for");
        Ok(self.each(asked, restoring::restore))
    }

    /// What is there: of each user who was named all, of everyone the newest.
    ///
    /// # Errors
    /// When it cannot be looked.
    pub async fn list(&self, request: BackupRequest) -> Result<Vec<Backup>, BackupError> {
        let Asked { vault, users, named, .. } = self.asked(request).await?;
        let mut lines = Vec::new();
        for user in users {
            let all = vault.list(&user).await?;
            let shown = all.into_iter().take(if named { usize::MAX } else { 1 });
            lines.extend(shown.map(|(number, manifest)| match manifest {
                Ok(manifest) => Backup { number: Some(number), ..of(&manifest) },
                Err(error) => Backup { number: Some(number), error: Some(chain(&error)), ..nothing(&user) },
            }));
        }
        Ok(lines)
    }

    async fn asked(&self, request: BackupRequest) -> Result<Asked, BackupError> {
        let turn = self.turn()?;
        let (target, key) = open(&request)?;
        let vault = Vault::to_read(target, key).await?;
        let named = !request.users.is_empty();
        let users = if named { request.users.clone() } else { vault.users().await? };
        Ok(Asked { vault, users, named, request, turn })
    }

    fn turn(&self) -> Result<OwnedMutexGuard<()>, BackupError> {
        Arc::clone(&self.0.one).try_lock_owned().map_err(|_| BackupError::Busy)
    }

    /// Does it for one after the other.
    fn each<F>(&self, asked: Asked, work: impl Fn(Arc<Job>, UserId) -> F + Send + 'static) -> Lines
    where
        F: Future<Output = Outcome> + Send,
    {
        let (lines, following) = mpsc::channel(asked.users.len().max(1));
        let backups = self.clone();
        tasks::passing("backups", async move {
            let _busy = backups.0.control.busy();
            let Asked { vault, users, named, request, turn } = asked;
            let job = Arc::new(Job { backups, vault, request, named });
            for user in users {
                let line = match work(Arc::clone(&job), user.clone()).await {
                    Outcome::Done(line) => *line,
                    Outcome::Skipped(why) => Backup { skipped: Some(why.to_string()), ..nothing(&user) },
                    Outcome::Failed(error) => {
                        tracing::warn!(%user, error = chain(&error), "no backup, or nothing restored");
                        Backup { error: Some(chain(&error)), ..nothing(&user) }
                    }
                };
                let _ = lines.send(line).await; // it goes on without whoever asked
            }
            drop(turn);
        });
        following
    }

    /// Everyone who may have a registration.
    async fn everyone(&self) -> io::Result<Vec<UserId>> {
        let mut users: Vec<UserId> = self.0.users.list().into_iter().map(|handle| handle.user).collect();
        users.extend(self.0.users.others().await?);
        users.sort();
        users.dedup();
        Ok(users)
    }
}

/// What is the same for all users of one request.
struct Job {
    backups: Backups,
    vault: Vault,
    request: BackupRequest,
    named: bool,
}

fn open(request: &BackupRequest) -> Result<(Target, Key), BackupError> {
    let key = Key::read(&request.key)?;
    let BucketAccess { endpoint, region, key_id, key: secret, token } = request.s3.clone();
    let access = S3Access { endpoint, region, key_id, key: secret, token };
    let target = Target::open(&request.place, &access).map_err(SnapshotError::from)?;
    Ok((target, key))
}

fn of(manifest: &Manifest) -> Backup {
    Backup {
        taken_ms: Some(manifest.about.taken_ms),
        bytes: Some(manifest.bytes()),
        browser: manifest.about.browser.clone(),
        colmeia: Some(manifest.colmeia.clone()),
        ..nothing(&manifest.about.user)
    }
}

fn nothing(user: &UserId) -> Backup {
    Backup {
        user: user.clone(),
        number: None,
        taken_ms: None,
        bytes: None,
        written: None,
        browser: None,
        colmeia: None,
        skipped: None,
        error: None,
    }
}

impl std::fmt::Debug for Backups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Backups")
    }
}
