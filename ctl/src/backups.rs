//! Backups: what is asked of the service about them, and key files.
//!
//! Owns the key file's making and reading, and how what came of each session is shown. The service does the work: it alone
//! may read sessions' files, and knows which of them run.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use colmeia::admin::{Backup, BackupRequest, BucketAccess};
use colmeia::{Secret, UserId};
use serde::Serialize;

use crate::CtlError;
use crate::client::Client;
use crate::format::size;
use crate::out::Out;
use crate::table;

/// What is asked before sessions are restored.
pub(crate) const BEFORE_A_RESTORE: &str = "Are the sessions stopped wherever else they may run, such as in the installation from which they come? Two browsers \
     for one number get it banned. Restore them here?";
/// The bytes of a key, and more than its file has.
const KEY: usize = 32;
const MOST: u64 = 4096;

/// A target and its key.
#[derive(Debug)]
pub(crate) struct Place {
    address: String,
    key_file: PathBuf,
}

/// All lines of an answer.
#[derive(Serialize)]
struct All {
    sessions: Vec<Backup>,
}

impl Place {
    pub(crate) fn of(address: String, key_file: PathBuf) -> Self {
        Self { address, key_file }
    }

    fn request(self, users: Vec<UserId>) -> Result<BackupRequest, CtlError> {
        let said = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let secret = |name| said(name).map(Secret::new);
        let s3 = BucketAccess {
            endpoint: said("AWS_ENDPOINT_URL_S3").or_else(|| said("AWS_ENDPOINT_URL")),
            region: said("AWS_REGION").or_else(|| said("AWS_DEFAULT_REGION")),
            key_id: secret("AWS_ACCESS_KEY_ID"),
            key: secret("AWS_SECRET_ACCESS_KEY"),
            token: secret("AWS_SESSION_TOKEN"),
        };
        let key = read_key(&self.key_file)?;
        Ok(BackupRequest { place: self.address, key, s3, users, keep: None, number: None })
    }
}

pub(crate) async fn back_up(
    client: &Client,
    out: &mut Out,
    place: Place,
    users: Vec<UserId>,
    all: bool,
    keep: usize,
) -> Result<(), CtlError> {
    if users.is_empty() && !all {
        return Err(CtlError::Whose);
    }
    let request = BackupRequest { keep: Some(keep), ..place.request(users)? };
    ask(client, out, "/v1/backups", &request, |line| {
        let (bytes, written) = (line.bytes.map(size), line.written.map(size));
        let (bytes, written) = (bytes.unwrap_or_default(), written.unwrap_or_default());
        format!("{}: backup {}, {bytes}, {written} of it new", line.user, line.number.unwrap_or_default())
    })
    .await
}

pub(crate) async fn restore(
    client: &Client,
    out: &mut Out,
    place: Place,
    users: Vec<UserId>,
    number: Option<u64>,
) -> Result<(), CtlError> {
    let request = BackupRequest { number, ..place.request(users)? };
    ask(client, out, "/v1/backups/restore", &request, |line| {
        let (user, number) = (&line.user, line.number.unwrap_or_default());
        format!("{user}: restored from backup {number}; `colmeiactl start {user}` starts it")
    })
    .await
}

pub(crate) async fn list(
    client: &Client,
    out: &mut Out,
    place: Place,
    users: Vec<UserId>,
) -> Result<(), CtlError> {
    let request = place.request(users)?;
    let mut sessions = Vec::new();
    let keep = |line: Backup| {
        sessions.push(line);
        Ok::<_, CtlError>(())
    };
    client.post_lines("/v1/backups/list", &request, keep).await?;
    let incomplete = sessions.iter().any(|line| line.error.is_some());
    let all = All { sessions };
    out.say(&all, || table::backups(&all.sessions))?;
    if incomplete { Err(CtlError::Incomplete) } else { Ok(()) }
}

/// Shows each line as it comes; as JSON all of them at the end.
async fn ask(
    client: &Client,
    out: &mut Out,
    path: &str,
    request: &BackupRequest,
    done: impl Fn(&Backup) -> String,
) -> Result<(), CtlError> {
    let mut sessions = Vec::new();
    let mut incomplete = false;
    let json = out.json;
    let show = |line: Backup| {
        incomplete |= line.error.is_some();
        if json {
            sessions.push(line);
            return Ok(());
        }
        let text = match &line {
            Backup { error: Some(error), user, .. } => format!("{user}: {}", table::plain(error)),
            Backup { skipped: Some(why), user, .. } => format!("{user}: skipped, {why}"),
            line => done(line),
        };
        out.say(&line, || text + "\n")
    };
    client.post_lines(path, request, show).await?;
    if json {
        out.say(&All { sessions }, String::new)?;
    }
    if incomplete { Err(CtlError::Incomplete) } else { Ok(()) }
}

/// Makes a key that nobody else can read. One that is there stays.
pub(crate) fn make_key(out: &mut Out, file: &Path) -> Result<(), CtlError> {
    let fail = |source| CtlError::KeyFile { path: file.to_owned(), source };
    let text = format!("{}\n", hex::encode(rand::random::<[u8; KEY]>()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    written
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(fail)?;
    let made = serde_json::json!({ "key_file": file });
    out.say(&made, || {
        format!("{}: keep a copy elsewhere; without this key the backups are worth nothing\n", file.display())
    })
}

/// Reads one that nobody else can read.
fn read_key(file: &Path) -> Result<Secret, CtlError> {
    let fail = |source| CtlError::KeyFile { path: file.to_owned(), source };
    let opened = fs::File::open(file).map_err(fail)?;
    let mode = opened.metadata().map_err(fail)?.permissions().mode();
    if mode & 0o077 != 0 {
        let why = format!("others may read it; run `chmod 600 {}`", file.display());
        return Err(fail(io::Error::other(why)));
    }
    let mut text = String::new();
    opened.take(MOST).read_to_string(&mut text).map_err(fail)?;
    Ok(Secret::new(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_its_owner_alone_and_never_written_over() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("key");
        make_key(&mut Out { json: true }, &file).expect("made");
        let key = read_key(&file).expect("read");
        assert!(key.expose().len() == 2 * KEY && key.expose().bytes().all(|b| b.is_ascii_hexdigit()));
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        make_key(&mut Out { json: true }, &file).expect_err("there is one");
        assert_eq!(read_key(&file).expect("read"), key);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
        let refused = colmeia::errors::chain(&read_key(&file).expect_err("others can read it"));
        assert!(refused.contains("chmod 600") && !refused.contains(key.expose()), "{refused}");
    }
}
