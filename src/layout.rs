//! Where files lie. Owns every folder and file name that two parts of Colmeia must agree on.
//!
//! Pure: it joins names and never looks at the disk.
//!
//! ```text
//! <state_dir>/
//!   colmeia.db                              the supervisor's journal
//!   colmeia-settings.db                     API keys, sessions' configurations, answers to repeated requests
//!   colmeia.lock                            held by the one supervisor of this directory
//!   colmeia_uids.json                       which user id of the system each user's processes have
//!   colmeia_limits/<uid>                    what an operator set for the user's memory
//!   colmeia-held/<uid>                      a mark: an operator holds the user back
//!   colmeia-parked/<uid>                    why the user was given up, until somebody asks again
//!   colmeia-deleting/<uid>                  a mark: everything of the user is being deleted
//!   colmeia_tokens/<uid>                    what the supervisor says to the user's worker to be believed
//!   colmeia_uploads/                        files on their way to a worker; they have no names in it
//!   colmeia_staging/<uid>/                  a profile that is being restored, before it is whole
//!   colmeia_downloads/                      files on their way from a worker, likewise
//!   .wwebjs_auth_user_<uid>/                one per user; deleting it means scanning again
//!     session-<prefix>_user_<uid>/          Chromium's user data directory (whatsapp-web.js's layout)
//!     colmeia/worker.lock                   held by the worker that owns the directory
//!     colmeia/unlinked                      a mark: no phone is linked, so nobody is brought back at boot
//!     colmeia/spool/                        events that the supervisor has not acknowledged yet
//!     colmeia/home/                         the browser's home
//!     colmeia/files/                        files between supervisor and page; the browser may read them
//!     colmeia/profile.json                  what the worker knows of the profile
//!     colmeia/snapshots/                    copies of the registration, for a profile that is damaged
//!     colmeia/damaged/                      profiles that were damaged
//! <runtime_dir>/
//!   supervisor.lock                         held by the one supervisor of this directory
//!   disk-was-full                           its time says when; the epoch's beginning says never
//!   v<protocol>/<uid>/worker.sock           the worker's own socket
//!   v<protocol>/<uid>/log                   the pipe of what the worker writes to its standard error
//!   v<protocol>/<uid>/tmp/                  the browser's temporary files
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::UserId;
use crate::protocol::PROTOCOL_VERSION;
use crate::user::MAX_USER_ID;

/// The part of an auth directory's name before the user id.
pub const AUTH_PREFIX: &str = ".wwebjs_auth_user_";

/// The folder of an auth directory that is Colmeia's.
pub const OWN_DIR: &str = "colmeia";

/// The file of Colmeia's folder that says what is known of the profile.
pub const PROFILE_RECORD: &str = "profile.json";

/// The file in a user's spool that says how far the page was heard.
pub const HEARD: &str = "heard.json";

/// The pipe in a user's runtime folder through which the worker's standard error comes.
pub const LOG_PIPE: &str = "log";

/// The longest path of a Unix socket on Linux, without the closing NUL (`sockaddr_un`, unix(7)).
pub const MAX_SOCKET_PATH: usize = 107;

/// With fewer bytes free the disk is full: nothing is sent, no browser is started, and what is left is for events.
pub const DISK_FULL: u64 = 16 * 1024 * 1024;

/// With so many bytes free nobody fills the disk within seconds, so it is looked at each [`DISK_SELDOM`] only.
pub const DISK_PLENTY: u64 = 4 * 1024 * 1024 * 1024;

/// How often the disk is looked at where there is plenty.
pub const DISK_SELDOM: Duration = Duration::from_secs(5);

/// What makes a registration: WhatsApp Web's databases, its local storage and its cookies. Caches, and what the
/// browser keeps for itself, it makes anew. The last two are where the full browser keeps cookies.
pub const REGISTRATION: [&str; 7] = [
    "Default/IndexedDB",
    "Default/Local Storage",
    "Default/WebStorage",
    "Default/Cookies",
    "Default/Cookies-journal",
    "Default/Network/Cookies",
    "Default/Network/Cookies-journal",
];

/// The most bytes of a registration that is copied. Seen: up to 200 MB after months of messages.
pub const MOST_REGISTRATION_BYTES: u64 = 512 * 1024 * 1024;

/// The most files of a registration that is copied.
pub const MOST_REGISTRATION_FILES: usize = 20_000;

/// What a copy of a registration leaves free on the disk: the events of running sessions need it more.
pub const COPY_LEAVES_FREE: u64 = 256 * 1024 * 1024;

/// Whether it is one of LevelDB's files that hold nothing of it.
#[must_use]
pub fn holds_nothing(file: &Path) -> bool {
    file.file_name().is_some_and(|name| ["LOCK", "LOG", "LOG.old"].iter().any(|word| name == *word))
}

/// The control group that systemd delegates for the users' processes, given the supervisor's own: that of the unit
/// `<name>-sessions.service` beside `<name>.service`. `None` where the supervisor's group is no service's.
#[must_use]
pub fn sessions_group(own: &Path) -> Option<PathBuf> {
    let name = own.file_name()?.to_str()?.strip_suffix(".service")?;
    Some(own.with_file_name(format!("{name}-sessions.service")))
}

/// Names below the state directory.
#[derive(Debug, Clone)]
pub struct StateLayout {
    root: PathBuf,
    client_prefix: String,
}

impl StateLayout {
    /// `client_prefix` is the first part of whatsapp-web.js's `clientId`, by default `ylada_bot`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, client_prefix: impl Into<String>) -> Self {
        Self { root: root.into(), client_prefix: client_prefix.into() }
    }

    /// The state directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The supervisor's database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.root.join("colmeia.db")
    }

    /// The supervisor's database of keys, sessions' configurations and answers to repeated requests.
    #[must_use]
    pub fn settings_database(&self) -> PathBuf {
        self.root.join("colmeia-settings.db")
    }

    /// Held by the one supervisor of this directory.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("colmeia.lock")
    }

    /// Which user id of the system each user's processes have.
    #[must_use]
    pub fn uids(&self) -> PathBuf {
        self.root.join("colmeia_uids.json")
    }

    /// The folder of what operators set for single users.
    #[must_use]
    pub fn all_limits(&self) -> PathBuf {
        self.root.join("colmeia_limits")
    }

    /// What an operator set for the user.
    #[must_use]
    pub fn limits(&self, user: &UserId) -> PathBuf {
        self.all_limits().join(user.as_str())
    }

    /// The folder of the marks of those whom an operator holds back.
    #[must_use]
    pub fn holds(&self) -> PathBuf {
        self.root.join("colmeia-held")
    }

    /// The mark that an operator holds the user back.
    #[must_use]
    pub fn hold_mark(&self, user: &UserId) -> PathBuf {
        self.holds().join(user.as_str())
    }

    /// The folder of what is known of those who are parked.
    #[must_use]
    pub fn parked_marks(&self) -> PathBuf {
        self.root.join("colmeia-parked")
    }

    /// Why the user is parked.
    #[must_use]
    pub fn parked_mark(&self, user: &UserId) -> PathBuf {
        self.parked_marks().join(user.as_str())
    }

    /// The folder of the marks of those of whom everything is being deleted.
    #[must_use]
    pub fn deletions(&self) -> PathBuf {
        self.root.join("colmeia-deleting")
    }

    /// The mark that everything of the user is being deleted; a crash in between does not end that.
    #[must_use]
    pub fn deletion_mark(&self, user: &UserId) -> PathBuf {
        self.deletions().join(user.as_str())
    }

    /// The folder of the workers' tokens. It lies in no auth directory, so no worker can read it.
    #[must_use]
    pub fn tokens(&self) -> PathBuf {
        self.root.join("colmeia_tokens")
    }

    /// The token of the user's worker.
    #[must_use]
    pub fn token(&self, user: &UserId) -> PathBuf {
        self.tokens().join(user.as_str())
    }

    /// Where files lie on their way from a caller to a worker. It lies in no auth directory, so no worker can read it.
    #[must_use]
    pub fn uploads(&self) -> PathBuf {
        self.root.join("colmeia_uploads")
    }

    /// Where files lie on their way from a worker to whoever asked for them; no worker can read that either.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.root.join("colmeia_downloads")
    }

    /// The folder of profiles that are being restored. It lies in no auth directory, so no worker can change them.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.root.join("colmeia_staging")
    }

    /// The user's auth directory.
    #[must_use]
    pub fn auth_dir(&self, user: &UserId) -> PathBuf {
        self.root.join(format!("{AUTH_PREFIX}{user}"))
    }

    /// The Chromium user data directory.
    #[must_use]
    pub fn profile_dir(&self, user: &UserId) -> PathBuf {
        self.auth_dir(user).join(format!("session-{}_user_{user}", self.client_prefix))
    }

    /// What Colmeia itself keeps beside the profile.
    #[must_use]
    pub fn own_dir(&self, user: &UserId) -> PathBuf {
        self.auth_dir(user).join(OWN_DIR)
    }

    /// The lock that the directory's worker holds.
    #[must_use]
    pub fn worker_lock(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join("worker.lock")
    }

    /// What the user's workers logged last; the one before it ends with `.1`.
    #[must_use]
    pub fn worker_log(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join("worker.log")
    }

    /// The browser's home.
    #[must_use]
    pub fn home_dir(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join("home")
    }

    /// The browser's `TMPDIR`. On the disk: the browser moves there what it has in memory and does not need for long, and
    /// the runtime folder usually is memory itself.
    #[must_use]
    pub fn browser_tmp(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join("tmp")
    }

    /// Files on their way between supervisor and page. The browser may read them, and write none.
    #[must_use]
    pub fn files_dir(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join("files")
    }

    /// What the worker knows of the profile.
    #[must_use]
    pub fn profile_record(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join(PROFILE_RECORD)
    }

    /// Copies of the registration.
    #[must_use]
    pub fn snapshots_dir(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join("snapshots")
    }

    /// Profiles that were damaged.
    #[must_use]
    pub fn damaged_dir(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join("damaged")
    }

    /// Events that wait for the supervisor.
    #[must_use]
    pub fn spool_dir(&self, user: &UserId) -> PathBuf {
        self.own_dir(user).join("spool")
    }

    /// How far the page was heard: what it says, and by its time up to which moment.
    #[must_use]
    pub fn heard(&self, user: &UserId) -> PathBuf {
        self.spool_dir(user).join(HEARD)
    }

    /// The user whose auth directory has this file name; `None` for anything else.
    #[must_use]
    pub fn user_of_auth_dir(file_name: &str) -> Option<UserId> {
        file_name.strip_prefix(AUTH_PREFIX)?.parse().ok()
    }
}

/// Names below the runtime directory.
#[derive(Debug, Clone)]
pub struct RunLayout {
    root: PathBuf,
}

/// The runtime directory's path leaves no room for a socket's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "runtime_dir is {length} bytes long; at most {max} leave room for a Unix socket's name: choose a shorter one, such as /run/colmeia"
)]
pub struct RuntimeDirTooLong {
    /// The path's length in bytes.
    pub length: usize,
    /// The longest that is allowed.
    pub max: usize,
}

impl RunLayout {
    /// # Errors
    /// When a socket of the longest user id would not fit into the kernel's limit.
    pub fn new(root: impl Into<PathBuf>) -> Result<Self, RuntimeDirTooLong> {
        let layout = Self { root: root.into() };
        let longest = layout.user_dirs().join("x".repeat(MAX_USER_ID)).join("worker.sock");
        let over = longest.as_os_str().len().saturating_sub(MAX_SOCKET_PATH);
        let length = layout.root.as_os_str().len();
        if over > 0 {
            Err(RuntimeDirTooLong { length, max: length.saturating_sub(over) })
        } else {
            Ok(layout)
        }
    }

    /// The runtime directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The lock that keeps a second supervisor away.
    #[must_use]
    pub fn supervisor_lock(&self) -> PathBuf {
        self.root.join("supervisor.lock")
    }

    /// The mark whose time says when the disk of the state directory was last full.
    #[must_use]
    pub fn full_disk_mark(&self) -> PathBuf {
        self.root.join("disk-was-full")
    }

    /// Where operators reach the supervisor.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.root.join("admin.sock")
    }

    /// The folder that has one folder per running worker; its name carries the protocol's version.
    #[must_use]
    pub fn user_dirs(&self) -> PathBuf {
        self.root.join(format!("v{PROTOCOL_VERSION}"))
    }

    /// The user's own folder; also the worker's `TMPDIR`.
    #[must_use]
    pub fn user_dir(&self, user: &UserId) -> PathBuf {
        self.user_dirs().join(user.as_str())
    }

    /// The worker's socket.
    #[must_use]
    pub fn worker_socket(&self, user: &UserId) -> PathBuf {
        self.user_dir(user).join("worker.sock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_servers_folders_are_ours() {
        let layout = StateLayout::new("/var/lib/colmeia", "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        assert_eq!(
            layout.profile_dir(&user),
            Path::new("/var/lib/colmeia/.wwebjs_auth_user_7/session-ylada_bot_user_7")
        );
        assert_eq!(StateLayout::user_of_auth_dir(".wwebjs_auth_user_7"), Some(user));
        assert_eq!(StateLayout::user_of_auth_dir(".wwebjs_auth_user_../x"), None);
        assert_eq!(StateLayout::user_of_auth_dir(".wwebjs_cache"), None);
    }

    #[test]
    fn a_runtime_dir_that_leaves_no_room_is_refused_with_the_limit() {
        let layout = RunLayout::new("/run/colmeia").expect("fits");
        let user: UserId = "x".repeat(64).parse().expect("valid");
        assert!(layout.worker_socket(&user).as_os_str().len() <= MAX_SOCKET_PATH);
        let error = RunLayout::new(format!("/{}", "d".repeat(60))).expect_err("too long");
        assert!(RunLayout::new(format!("/{}", "d".repeat(error.max - 1))).is_ok());
        assert!(RunLayout::new(format!("/{}", "d".repeat(error.max))).is_err());
    }
}
