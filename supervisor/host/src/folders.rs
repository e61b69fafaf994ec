//! One user's folders: making, marking, deleting. Owns no state; knows names only from the layout.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use colmeia::layout::{OWN_DIR, StateLayout};
use colmeia::{ExitReason, UserId};
use colmeia_base::{files, tasks};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use crate::blocking;
use crate::kept::{self, Unread};

/// The names of folders that are being deleted begin with this. It is no auth directory's beginning, so a folder
/// that is half deleted never comes back as a session.
const TOMBSTONE: &str = ".colmeia_deleted_";

/// The mark that no phone is linked.
const UNLINKED: &str = "unlinked";

/// Makes a folder that only we can enter, with its parents.
///
/// # Errors
/// Those of the file system.
pub fn make_private(path: &Path) -> io::Result<()> {
    files::make_folder(path)
}

/// Whether the user has a session on disk that may be linked: worth being brought back at boot.
///
/// # Errors
/// When nobody can say.
pub fn may_be_linked(layout: &StateLayout, user: &UserId) -> Result<bool, Unread> {
    Ok(kept::is_folder(&layout.auth_dir(user))?
        && !kept::is_there(&unlinked_mark(layout, user))?
        && !kept::is_there(&layout.deletion_mark(user))?)
}

/// Keeps on disk that everything of the user is being deleted, or that it is done.
///
/// # Errors
/// Those of the file system.
pub fn keep_deletion(layout: &StateLayout, user: &UserId, going_on: bool) -> io::Result<()> {
    keep(&layout.deletions(), &layout.deletion_mark(user), going_on.then(Vec::new))
}

/// Everyone of whom everything is being deleted.
///
/// # Errors
/// When nobody can say.
pub fn users_being_deleted(layout: &StateLayout) -> Result<Vec<UserId>, Unread> {
    kept::users_in(&layout.deletions())
}

/// Keeps on disk whether the user is worth being brought back at boot. A folder without a mark is: so are those
/// that another program left.
///
/// # Errors
/// Those of the file system.
pub fn remember(layout: &StateLayout, user: &UserId, linked: bool) -> io::Result<()> {
    // A worker with a user id of its own may write in there, and we may have more rights: no link is followed.
    let inside = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let kept = openat(CWD, layout.auth_dir(user), inside, Mode::empty())
        .and_then(|auth_dir| openat(auth_dir, OWN_DIR, inside, Mode::empty()))
        .and_then(|own_dir| match linked {
            true => unlinkat(own_dir, UNLINKED, AtFlags::empty()),
            false => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                openat(own_dir, UNLINKED, flags, Mode::from_raw_mode(0o600)).map(drop)
            }
        });
    match kept {
        Err(Errno::NOENT | Errno::EXIST) => Ok(()),
        kept => kept.map_err(io::Error::from),
    }
}

/// Whether an operator holds the user back.
///
/// # Errors
/// When nobody can say.
pub fn is_held(layout: &StateLayout, user: &UserId) -> Result<bool, Unread> {
    kept::is_there(&layout.hold_mark(user))
}

/// Keeps on disk whether an operator holds the user back. It is kept beside the auth directories, because it
/// outlives a session that is deleted.
///
/// # Errors
/// Those of the file system.
pub fn keep_hold(layout: &StateLayout, user: &UserId, held: bool) -> io::Result<()> {
    keep(&layout.holds(), &layout.hold_mark(user), held.then(Vec::new))
}

/// Everyone whom an operator holds back.
///
/// # Errors
/// When nobody can say.
pub fn users_held(layout: &StateLayout) -> Result<Vec<UserId>, Unread> {
    kept::users_in(&layout.holds())
}

/// Keeps on disk why the user is parked, so that a crash of the supervisor does not try again what was given up;
/// `None` when it is not parked. Beside it first: there is never half a reason.
///
/// # Errors
/// Those of the file system.
pub fn keep_parked(layout: &StateLayout, user: &UserId, reason: Option<&ExitReason>) -> io::Result<()> {
    let reason = reason.map(serde_json::to_vec).transpose()?;
    keep(&layout.parked_marks(), &layout.parked_mark(user), reason)
}

/// Keeps a mark in its folder, with this in it; none where there is nothing to keep.
fn keep(folder: &Path, mark: &Path, contents: Option<Vec<u8>>) -> io::Result<()> {
    let Some(contents) = contents else { return files::remove(mark) };
    make_private(folder)?;
    files::write(mark, &contents)
}

/// Why the user is parked, if it is.
///
/// # Errors
/// When nobody can say, or the reason makes no sense.
pub fn parked(layout: &StateLayout, user: &UserId) -> Result<Option<ExitReason>, Unread> {
    kept::json(&layout.parked_mark(user))
}

/// Everyone who is parked.
///
/// # Errors
/// When nobody can say.
pub fn users_parked(layout: &StateLayout) -> Result<Vec<UserId>, Unread> {
    kept::users_in(&layout.parked_marks())
}

/// When something last happened in the user's session, as far as the folders tell: the browser makes and removes
/// files in its profile, the worker in its spool.
pub fn last_active(layout: &StateLayout, user: &UserId) -> Option<SystemTime> {
    let folders = [layout.auth_dir(user), layout.profile_dir(user), layout.spool_dir(user)];
    folders.iter().filter_map(|folder| fs::metadata(folder).ok()?.modified().ok()).max()
}

fn unlinked_mark(layout: &StateLayout, user: &UserId) -> PathBuf {
    layout.own_dir(user).join(UNLINKED)
}

/// Takes the user's auth directory out of the way, in one step. What is returned is to be removed.
///
/// # Errors
/// Those of the file system. That there is none is none.
pub fn set_aside_for_deletion(layout: &StateLayout, user: &UserId) -> io::Result<Option<PathBuf>> {
    let number = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let aside = layout.root().join(format!("{TOMBSTONE}{user}_{number}"));
    Ok(files::if_there(files::rename(&layout.auth_dir(user), &aside))?.map(|()| aside))
}

/// What earlier deletions left, because they were interrupted.
///
/// # Errors
/// When the state directory cannot be read.
pub fn all_set_aside(layout: &StateLayout) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(layout.root())? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(TOMBSTONE)) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// All users that have an auth directory.
///
/// # Errors
/// When the state directory cannot be read.
pub fn users_on_disk(layout: &StateLayout) -> io::Result<Vec<UserId>> {
    let mut users = Vec::new();
    for entry in fs::read_dir(layout.root())? {
        let entry = entry?;
        let user = entry.file_name().to_str().and_then(StateLayout::user_of_auth_dir);
        // A link is no session, wherever it leads. One that went away meanwhile is none either.
        if let Some(user) = user
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            users.push(user);
        }
    }
    users.sort();
    Ok(users)
}

/// Removes folders in the background, one after the other: a profile has thousands of files, and what others wait for
/// must not wait for these.
pub fn remove_in_background(folders: Vec<PathBuf>) {
    tasks::passing("removing folders", async move {
        for folder in folders {
            let removed =
                blocking::in_turn(move || fs::remove_dir_all(&folder).map_err(|error| (folder, error)));
            if let Ok(Err((folder, error))) = removed.await {
                tracing::warn!(folder = %folder.display(), %error, "cannot remove a deleted session's files");
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buried_session_never_comes_back() {
        let root = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(root.path(), "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        fs::create_dir_all(layout.own_dir(&user)).expect("made");
        assert_eq!(users_on_disk(&layout).expect("read"), std::slice::from_ref(&user));
        let aside = set_aside_for_deletion(&layout, &user).expect("renamed").expect("there was one");
        assert_eq!(users_on_disk(&layout).expect("read"), []);
        assert_eq!(all_set_aside(&layout).expect("read"), [aside]);
        assert_eq!(set_aside_for_deletion(&layout, &user).expect("nothing to do"), None);
    }

    #[test]
    fn a_hold_is_kept_without_a_session() {
        let root = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(root.path(), "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        keep_hold(&layout, &user, false).expect("nothing to lift");
        keep_hold(&layout, &user, true).expect("kept");
        assert!(is_held(&layout, &user).expect("seen") && users_on_disk(&layout).expect("read").is_empty());
        assert_eq!(users_held(&layout).expect("read"), std::slice::from_ref(&user));
        keep_hold(&layout, &user, false).expect("lifted");
        assert!(!is_held(&layout, &user).expect("seen"));
    }

    #[test]
    fn why_a_user_is_parked_is_kept_without_a_session() {
        let root = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(root.path(), "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        keep_parked(&layout, &user, None).expect("nothing to remove");
        keep_parked(&layout, &user, Some(&ExitReason::Banned)).expect("kept");
        assert_eq!(parked(&layout, &user).expect("read"), Some(ExitReason::Banned));
        assert_eq!(users_parked(&layout).expect("read"), std::slice::from_ref(&user));
        fs::write(layout.parked_mark(&user), b"{").expect("written");
        assert!(
            matches!(parked(&layout, &user), Err(Unread::Damaged { .. })),
            "which is not the same as none"
        );
        keep_parked(&layout, &user, None).expect("removed");
        assert_eq!(parked(&layout, &user).expect("read"), None);
        assert!(users_parked(&layout).expect("read").is_empty());
    }

    #[test]
    fn the_profile_tells_when_a_session_was_last_active() {
        let root = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(root.path(), "ylada_bot");
        let user = |id: &str| id.parse::<UserId>().expect("valid");
        assert_eq!(last_active(&layout, &user("none")), None);
        let long_ago = SystemTime::now() - std::time::Duration::from_secs(9_000);
        for id in ["idle", "active"] {
            fs::create_dir_all(layout.profile_dir(&user(id))).expect("made");
            fs::File::open(layout.auth_dir(&user(id)))
                .and_then(|dir| dir.set_modified(long_ago))
                .expect("set");
        }
        let idle = fs::File::open(layout.profile_dir(&user("idle"))).expect("there");
        idle.set_modified(long_ago).expect("set");
        assert!(last_active(&layout, &user("active")) > last_active(&layout, &user("idle")));
    }

    #[test]
    fn only_a_mark_keeps_a_session_from_being_brought_back() {
        let root = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(root.path(), "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        assert!(!may_be_linked(&layout, &user).expect("seen"));
        remember(&layout, &user, false).expect("nothing to mark");
        assert!(!layout.auth_dir(&user).exists());
        fs::create_dir_all(layout.own_dir(&user)).expect("made");
        assert!(may_be_linked(&layout, &user).expect("seen"), "as another program left it");
        remember(&layout, &user, false).expect("marked");
        assert!(!may_be_linked(&layout, &user).expect("seen"));
        remember(&layout, &user, false).expect("marked already");
        remember(&layout, &user, true).expect("unmarked");
        assert!(may_be_linked(&layout, &user).expect("seen"));
        // What a hostile browser may have put there leads us nowhere.
        let victim = root.path().join("victim");
        fs::create_dir(&victim).expect("made");
        fs::remove_dir(layout.own_dir(&user)).expect("empty");
        std::os::unix::fs::symlink(&victim, layout.own_dir(&user)).expect("made");
        remember(&layout, &user, false).expect_err("a link");
        assert!(fs::read_dir(&victim).expect("there").next().is_none());
    }
}
