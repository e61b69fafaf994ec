//! [`Staged`]: a profile that is being restored, from the first byte until it is in the session's place.
//!
//! Owns the folder in which it grows, where no worker reaches it, and the one step that puts it in place: the two profiles
//! change places in one rename, and the one that was there lies among the damaged ones from then on. A crash before leaves
//! what was there, and one after it leaves the new one. What is done in the user's folder follows no link: whoever wrote
//! there may have been hostile. The caller sees to it that no worker runs.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use colmeia::UserId;
use colmeia::layout::{HEARD, PROFILE_RECORD as RECORD, StateLayout};
use colmeia::moment::now_ms;
use colmeia::session::ProfileRecord;
use colmeia_base::files::{self, give};
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, mkdirat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;

/// How a folder is entered that may belong to somebody else.
const INSIDE: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const PROFILE: &str = "profile";
const OLD_SNAPSHOTS: &str = "snapshots";
/// More than any record has.
const MOST_RECORD: u64 = 64 * 1024;

/// A profile that is not in place yet. What is left of it goes when this does, which takes as long as removing it takes.
#[derive(Debug)]
pub struct Staged {
    folder: PathBuf,
    owner: Option<u32>,
    record: ProfileRecord,
    taken_ms: u64,
}

impl Staged {
    /// An empty one, for this owner. What an earlier one has left is removed.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn begin(
        layout: &StateLayout,
        user: &UserId,
        owner: Option<u32>,
        record: ProfileRecord,
        taken_ms: u64,
    ) -> io::Result<Self> {
        let folder = layout.staging().join(user.as_str());
        remove(&folder)?;
        let staged = Self { folder, owner, record, taken_ms };
        files::make_folder(&staged.profile())?;
        give(&File::open(staged.profile())?, owner)?;
        Ok(staged)
    }

    /// Where its files belong.
    pub fn profile(&self) -> PathBuf {
        self.folder.join(PROFILE)
    }

    /// Puts it in the place of the user's profile, whose snapshots are removed: they are of another registration.
    ///
    /// # Errors
    /// Those of the file system; the profile that was there still is.
    pub fn put_in_place(self, layout: &StateLayout, user: &UserId) -> io::Result<()> {
        let auth = layout.auth_dir(user);
        files::make_folder(&auth)?;
        let auth = openat(CWD, &auth, INSIDE, Mode::empty())?;
        let own = self.folder_in(&auth, &base(&layout.own_dir(user)))?;
        let damaged = self.folder_in(&own, &base(&layout.damaged_dir(user)))?;
        let staged = openat(CWD, &self.folder, INSIDE, Mode::empty())?;
        let (profile, aside) = (base(&layout.profile_dir(user)), now_ms().to_string());
        let before = read_record(&own);
        // First: with the record of another one a worker would take a code to scan for damage.
        self.write_record(&own, &serde_json::to_vec(&self.record)?)?;
        self.keep_heard(&own, layout, user)?;
        let placed = renameat(&staged, PROFILE, &damaged, &*aside).and_then(|()| {
            exchange(&damaged, &aside, &auth, &profile).inspect_err(|_| {
                let _ = renameat(&damaged, &*aside, &staged, PROFILE); // it goes with the rest
            })
        });
        if let Err(error) = placed {
            if let Some(before) = before {
                self.write_record(&own, &before)?;
            }
            return Err(error.into());
        }
        match renameat(&own, base(&layout.snapshots_dir(user)), &staged, OLD_SNAPSHOTS) {
            Err(Errno::NOENT) => {}
            moved => moved?,
        }
        for folder in [&damaged, &own, &auth, &staged] {
            files::sync_open(&File::from(folder.try_clone()?))?;
        }
        Ok(())
    }

    /// Where nobody has heard the page yet, it is told from the moment on from which the profile is: what came since was
    /// told to nobody here.
    fn keep_heard(&self, own: &OwnedFd, layout: &StateLayout, user: &UserId) -> io::Result<()> {
        let spool = self.folder_in(own, &base(&layout.spool_dir(user)))?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = match openat(&spool, HEARD, flags, Mode::RUSR | Mode::WUSR) {
            Err(Errno::EXIST) => return Ok(()),
            file => File::from(file?),
        };
        give(&file, self.owner)?;
        file.write_all(b"{}")?;
        file.set_modified(UNIX_EPOCH + Duration::from_millis(self.taken_ms))?;
        file.sync_all()
    }

    /// A folder in one of the user's, made where it is missing.
    fn folder_in(&self, above: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
        let made = match mkdirat(above, name, Mode::RWXU) {
            Err(Errno::EXIST) => false,
            made => made.map(|()| true)?,
        };
        let folder = openat(above, name, INSIDE, Mode::empty())?;
        if made {
            give(&File::from(folder.try_clone()?), self.owner)?;
        }
        Ok(folder)
    }

    fn write_record(&self, own: &OwnedFd, record: &[u8]) -> io::Result<()> {
        let draft = format!(".{RECORD}");
        match unlinkat(own, &*draft, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(openat(own, &*draft, flags, Mode::RUSR | Mode::WUSR)?);
        give(&file, self.owner)?;
        file.write_all(record)?;
        file.sync_all()?;
        Ok(renameat(own, &*draft, own, RECORD)?)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            tracing::warn!(folder = %self.folder.display(), %error, "what is left of a restore cannot be removed");
        }
    }
}

/// Removes what restores that were interrupted have left.
///
/// # Errors
/// Those of the file system.
pub fn tidy(layout: &StateLayout) -> io::Result<()> {
    remove(&layout.staging())
}

/// Which version of the browser the session's profile is of, as its worker wrote it down.
///
/// # Errors
/// Those of the file system; that nobody wrote it down is none.
pub fn record(layout: &StateLayout, user: &UserId) -> io::Result<ProfileRecord> {
    let below: PathBuf =
        [base(&layout.auth_dir(user)), base(&layout.own_dir(user)), RECORD.to_owned()].iter().collect();
    let opened =
        File::open(layout.root()).and_then(|root| files::open_beneath(&root, &below, OFlags::RDONLY));
    let mut text = Vec::new();
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ProfileRecord::default()),
        opened => opened?.take(MOST_RECORD).read_to_end(&mut text)?,
    };
    Ok(serde_json::from_slice(&text).unwrap_or_default())
}

/// The two change places; where there was none, ours takes the place.
fn exchange(damaged: &OwnedFd, ours: &str, auth: &OwnedFd, profile: &str) -> Result<(), Errno> {
    match renameat_with(damaged, ours, auth, profile, RenameFlags::EXCHANGE) {
        Err(Errno::NOENT) => renameat_with(damaged, ours, auth, profile, RenameFlags::NOREPLACE),
        // A file system that cannot: a crash between the two leaves a session without a profile, which its worker's own
        // snapshot then replaces.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            let aside = format!("{ours}0");
            renameat(auth, profile, damaged, &*aside)?;
            renameat(damaged, ours, auth, profile).inspect_err(|_| {
                let _ = renameat(damaged, &*aside, auth, profile);
            })
        }
        done => done,
    }
}

fn read_record(own: &OwnedFd) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(own, RECORD, flags, Mode::empty()).ok()?);
    let mut text = Vec::new();
    file.take(MOST_RECORD).read_to_end(&mut text).ok()?;
    Some(text)
}

fn remove(folder: &Path) -> io::Result<()> {
    files::if_there(fs::remove_dir_all(folder)).map(drop)
}

/// The last part of a name that the layout made.
fn base(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ground {
        _root: tempfile::TempDir,
        layout: StateLayout,
        user: UserId,
    }

    impl Ground {
        fn new() -> Self {
            let root = tempfile::tempdir().expect("folder");
            let layout = StateLayout::new(root.path(), "ylada_bot");
            Self { _root: root, layout, user: "7".parse().expect("valid") }
        }

        fn stage(&self) -> Staged {
            let record = ProfileRecord { linked: true, on_trial: true, ..ProfileRecord::default() };
            let staged = Staged::begin(&self.layout, &self.user, None, record, 7_000).expect("made");
            fs::write(staged.profile().join("data"), "restored").expect("written");
            staged
        }

        fn has(&self, text: &str) {
            let data = fs::read_to_string(self.layout.profile_dir(&self.user).join("data"));
            assert_eq!(data.expect("there"), text);
        }

        fn lived(&self) {
            for folder in
                [self.layout.profile_dir(&self.user), self.layout.snapshots_dir(&self.user).join("1")]
            {
                fs::create_dir_all(&folder).expect("made");
                fs::write(folder.join("data"), "lived").expect("written");
            }
            let record = ProfileRecord { crashes: 2, ..ProfileRecord::default() };
            let text = serde_json::to_vec(&record).expect("JSON");
            fs::write(self.layout.profile_record(&self.user), text).expect("written");
        }

        fn aside(&self) -> Vec<PathBuf> {
            let entries = fs::read_dir(self.layout.damaged_dir(&self.user)).expect("there");
            entries.map(|entry| entry.expect("an entry").path()).collect()
        }
    }

    #[test]
    fn a_profile_takes_its_place_where_none_was() {
        let ground = Ground::new();
        ground.stage().put_in_place(&ground.layout, &ground.user).expect("placed");
        ground.has("restored");
        assert!(ground.aside().is_empty());
        assert!(!ground.layout.staging().join("7").exists());
        assert!(record(&ground.layout, &ground.user).expect("read").on_trial);
        // Told from when the profile is, and from then on as far as it was heard.
        let heard = || {
            fs::metadata(ground.layout.heard(&ground.user)).and_then(|file| file.modified()).expect("there")
        };
        assert_eq!(heard(), UNIX_EPOCH + Duration::from_secs(7));
        fs::write(ground.layout.heard(&ground.user), "{}").expect("written");
        let later = heard();
        ground.stage().put_in_place(&ground.layout, &ground.user).expect("placed");
        assert_eq!(heard(), later);
    }

    #[test]
    fn what_was_there_is_kept_aside_and_its_snapshots_are_not() {
        let ground = Ground::new();
        ground.lived();
        ground.stage().put_in_place(&ground.layout, &ground.user).expect("placed");
        ground.has("restored");
        let aside = ground.aside();
        assert_eq!(aside.len(), 1);
        assert_eq!(fs::read_to_string(aside[0].join("data")).expect("there"), "lived");
        assert!(!ground.layout.snapshots_dir(&ground.user).exists());
        let record = record(&ground.layout, &ground.user).expect("read");
        assert_eq!((record.linked, record.on_trial, record.crashes), (true, true, 0));
    }

    #[test]
    fn what_breaks_off_leaves_what_was_there() {
        let ground = Ground::new();
        ground.lived();
        drop(ground.stage());
        ground.has("lived");
        assert!(!ground.layout.staging().join("7").exists(), "nothing is left of it");
        // A crash in the middle, and the next supervisor.
        std::mem::forget(ground.stage());
        tidy(&ground.layout).expect("removed");
        assert!(!ground.layout.staging().exists());
        ground.has("lived");
        // The place cannot be taken.
        let staged = ground.stage();
        fs::remove_dir_all(staged.profile()).expect("removed");
        staged.put_in_place(&ground.layout, &ground.user).expect_err("nothing to put there");
        ground.has("lived");
        assert_eq!(record(&ground.layout, &ground.user).expect("read").crashes, 2, "its record too");
        assert!(ground.layout.snapshots_dir(&ground.user).exists());
    }

    #[test]
    fn links_in_the_users_folder_lead_nowhere() {
        let ground = Ground::new();
        ground.lived();
        let victim = ground.layout.root().join("victim");
        for place in [ground.layout.damaged_dir(&ground.user), ground.layout.own_dir(&ground.user)] {
            fs::create_dir_all(&victim).expect("made");
            let _ = fs::rename(&place, place.with_extension("away"));
            std::os::unix::fs::symlink(&victim, &place).expect("linked");
            ground.stage().put_in_place(&ground.layout, &ground.user).expect_err("a link");
            ground.has("lived");
            assert!(fs::read_dir(&victim).expect("there").next().is_none());
        }
        record(&ground.layout, &ground.user).expect_err("a link");
    }
}
