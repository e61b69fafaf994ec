//! What to attack, as the test wrote it down.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The contents of `targets.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Targets {
    /// Whose browser is hostile.
    pub(crate) hostile_user: String,
    /// The browser of everyone else.
    pub(crate) browser: PathBuf,
    /// Everything of the service.
    pub(crate) state_dir: PathBuf,
    pub(crate) run_dir: PathBuf,
    /// The other user's id.
    pub(crate) victim: String,
    pub(crate) victim_worker: i32,
    pub(crate) supervisor: i32,
    /// `host:port` of the page, which may be reached, and of what may not.
    pub(crate) page: String,
    pub(crate) http: String,
    pub(crate) stranger: String,
    /// Somebody's abstract socket.
    pub(crate) abstract_socket: String,
    /// A folder that everyone may write to.
    pub(crate) open_folder: PathBuf,
}

impl Targets {
    /// Reads the file beside this program.
    pub(crate) fn beside(program: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(program.with_file_name("targets.json"))?)?)
    }
}
