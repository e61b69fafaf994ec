//! The profile on real folders: what is put where, and that it never goes round in a circle.

use colmeia::session::LogoutCause;
use colmeia::{Me, SessionState};

use super::*;
use crate::want::NothingLeft;

struct Home {
    dir: tempfile::TempDir,
    layout: StateLayout,
    user: UserId,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let home = Self {
            layout: StateLayout::new(dir.path(), "ylada_bot"),
            user: "7".parse().expect("valid"),
            dir,
        };
        fs::create_dir_all(home.layout.own_dir(&home.user)).expect("made");
        home.register("first");
        home
    }

    fn register(&self, text: &str) {
        let folder = self.layout.profile_dir(&self.user).join("Default/IndexedDB/x.leveldb");
        fs::create_dir_all(&folder).expect("made");
        fs::write(folder.join("000005.ldb"), text).expect("written");
    }

    fn registration(&self) -> Option<String> {
        let profile = self.layout.profile_dir(&self.user);
        fs::read_to_string(profile.join("Default/IndexedDB/x.leveldb/000005.ldb")).ok()
    }

    fn open(&self) -> ProfileHandle {
        start(&self.layout, &self.user).expect("looked at")
    }

    fn damaged(&self) -> usize {
        fs::read_dir(self.layout.damaged_dir(&self.user)).map_or(0, Iterator::count)
    }

    fn record(&self) -> ProfileRecord {
        record::load(&self.layout.profile_record(&self.user)).expect("read")
    }
}

fn ready() -> SessionState {
    SessionState::Ready {
        me: Me { wid: "1@c.us".into(), lid: None, pushname: String::new(), platform: String::new() },
    }
}

fn code() -> SessionState {
    SessionState::AwaitingScan { qr: Some(colmeia::Secret::new("2@x")) }
}

async fn snapshot(handle: &ProfileHandle) -> u64 {
    let mut known = handle.known.clone();
    let seen = known.wait_for(|known| known.snapshot_ms.is_some()).await;
    seen.expect("the task lives").snapshot_ms.expect("just seen")
}

/// Worker after worker on one home: ready, damaged, restored, refused.
#[tokio::test(start_paused = true)]
async fn a_damaged_profile_is_replaced_once_and_then_asked_for_a_scan() {
    let home = Home::new();
    let handle = home.open();
    assert!(!handle.expects_link(), "nothing is known of it");
    handle.session_is(&ready());
    let taken = snapshot(&handle).await;
    handle.ended(None, false).await;

    home.register("emptied by the browser");
    let handle = home.open();
    assert!(handle.expects_link());
    handle.ended(Some("the registration is gone".into()), true).await;
    assert_eq!(home.registration().as_deref(), Some("first"));
    assert_eq!(home.damaged(), 1);
    let recovery = handle.known().recovery.expect("told");
    assert_eq!((recovery.restored_ms, recovery.why.as_str()), (Some(taken), "the registration is gone"));
    assert!(recovery.aside.is_some_and(|path| path.contains("/damaged/")));

    let handle = home.open();
    assert!(!handle.expects_link(), "it is not replaced again for the same sign");
    handle.session_is(&code());
    handle.ended(None, true).await;
    assert!(!home.record().linked && !home.record().on_trial);
    assert_eq!(home.record().recovery.and_then(|recovery| recovery.restored_ms), None);
    assert!(!home.open().expects_link());
}

#[tokio::test(start_paused = true)]
async fn a_restored_session_that_is_ready_is_as_good_as_any() {
    let home = Home::new();
    let handle = home.open();
    handle.session_is(&ready());
    snapshot(&handle).await;
    handle.ended(Some("broken".into()), true).await;
    let handle = home.open();
    handle.session_is(&ready());
    snapshot(&handle).await;
    let record = home.record();
    assert!(record.linked && !record.on_trial && record.recovery.is_some());
    assert!(home.open().expects_link());
}

#[tokio::test(start_paused = true)]
async fn without_a_snapshot_the_profile_is_new_and_nothing_is_expected_of_it() {
    let home = Home::new();
    home.open().ended(Some("the browser ends with it".into()), false).await;
    assert_eq!((home.registration(), home.damaged()), (None, 1));
    let handle = home.open();
    assert!(!handle.expects_link());
    assert_eq!(handle.known().recovery.expect("told").restored_ms, None);
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_is_gone_or_no_folder_is_replaced_before_a_browser_sees_it() {
    for leave in [false, true] {
        let home = Home::new();
        let handle = home.open();
        handle.session_is(&ready());
        snapshot(&handle).await;
        let profile = home.layout.profile_dir(&home.user);
        fs::remove_dir_all(&profile).expect("removed");
        if leave {
            fs::write(&profile, b"no folder").expect("written");
        }
        let handle = home.open();
        assert_eq!(home.registration().as_deref(), Some("first"));
        assert_eq!(home.damaged(), usize::from(leave));
        assert!(handle.known().recovery.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_takes_the_snapshots_with_it() {
    let home = Home::new();
    let handle = home.open();
    handle.session_is(&ready());
    snapshot(&handle).await;
    handle.session_is(&SessionState::LoggedOut { cause: LogoutCause::Phone });
    handle.known.clone().wait_for(|known| known.snapshot_ms.is_none()).await.expect("lives");
    handle.ended(None, true).await;
    assert!(!home.record().linked);
    assert!(home.dir.path().exists());
}

#[tokio::test(start_paused = true)]
async fn another_version_of_the_browser_finds_a_snapshot_taken_before_it() {
    let home = Home::new();
    let handle = home.open();
    handle.launching(Some("1.0".into())).await;
    assert_eq!(handle.known().snapshot_ms, None, "nothing was linked");
    handle.session_is(&ready());
    let first = snapshot(&handle).await;
    handle.launching(Some("1.0".into())).await;
    assert_eq!(handle.known().snapshot_ms, Some(first));
    handle.launching(Some("2.0".into())).await;
    assert!(handle.known().snapshot_ms > Some(first));
    assert_eq!(home.record().browser.as_deref(), Some("2.0"));
}

#[tokio::test(start_paused = true)]
async fn a_clean_stop_takes_a_snapshot_and_a_kill_does_not() {
    for (flushed, expected) in [(true, true), (false, false)] {
        let home = Home::new();
        let handle = home.open();
        handle.session_is(&ready());
        handle.ended(None, flushed).await;
        assert_eq!(handle.known().snapshot_ms.is_some(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_profile_that_nobody_can_look_at_is_neither_damaged_nor_new() {
    let home = Home::new();
    let handle = home.open();
    handle.session_is(&ready());
    snapshot(&handle).await;
    let nothing_left = NothingLeft::begin();
    let opened = start(&home.layout, &home.user).map(drop);
    handle.ended(Some("the browser ends with it".into()), false).await;
    drop(nothing_left);
    assert!(lack_of(&opened.expect_err("nobody can say what it is")).is_some());
    // What was to be repaired is repaired by the next one, and the snapshot is still there for it.
    let handle = home.open();
    assert!(handle.expects_link() || home.record().on_trial, "{:?}", home.record());
    assert_eq!(home.registration().as_deref(), Some("first"));
}
