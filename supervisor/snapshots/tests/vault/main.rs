//! Backups at both sorts of target: what comes back, what a second one writes, what each fault is called.

mod bucket;
mod faults;
mod place;
mod session;

use std::time::Duration;

use colmeia_snapshots::{BucketPointer, Pointer as _, SnapshotError, Vault};
use place::Place;
use session::Session;

const KEEP: usize = 3;

/// Small pieces come back as they were, and a second backup writes only what changed.
async fn what_changed_is_written_and_comes_back(place: &Place) {
    let (session, vault) = (Session::new("7"), place.vault().await);
    let first = session.backup(&vault, KEEP).await.expect("backed up");
    assert_eq!(
        (first.number, first.files, first.new_objects),
        (1, 6, 6),
        "one file has two pieces, two are alike"
    );
    let before = session.contents();

    session.append("IndexedDB/x.leveldb/000003.log", b"more");
    session.write("IndexedDB/x.leveldb/000009.ldb", b"a new table");
    session.remove("IndexedDB/x.leveldb/000005.ldb");
    let second = session.backup(&vault, KEEP).await.expect("backed up");
    assert_eq!((second.number, second.files, second.new_objects), (2, 6, 2), "a log's end and a table");
    assert!(second.written < 1_000, "{}", second.written);
    let same = session.backup(&vault, KEEP).await.expect("backed up");
    assert_eq!((same.number, same.new_objects, same.bytes), (3, 0, second.bytes));

    assert_eq!(session.fetch(&vault, None).await.expect("whole"), session.contents());
    assert_eq!(session.fetch(&vault, Some(1)).await.expect("whole"), before);
    let kept = vault.find(&session.user, Some(1)).await.expect("there");
    assert_eq!(kept.manifest.about, session.about());
    assert_eq!(kept.manifest.bytes(), first.bytes);
    let unknown = vault.find(&session.user, Some(9)).await.expect_err("no such");
    assert!(matches!(unknown, SnapshotError::NoSuchNumber { number: 9, .. }));
}

/// The target learns neither whose it is nor what stands in it.
async fn nothing_can_be_read_there(place: &Place) {
    let (session, vault) = (Session::new("user_of_whom_nobody_knows"), place.vault().await);
    session.backup(&vault, KEEP).await.expect("backed up");
    let secrets: [&[u8]; 5] =
        [b"user_of_whom_nobody_knows", b"a table", b"leveldb", b"hook.example", session.about_browser()];
    for (name, bytes) in place.everything().await {
        for secret in secrets {
            let shows = |text: &[u8]| text.windows(secret.len()).any(|part| part == secret);
            assert!(!shows(&bytes) && !shows(name.as_bytes()), "{name} shows {:?}", secret.escape_ascii());
        }
    }
    let other = Session::new("other");
    other.backup(&vault, KEEP).await.expect("backed up");
    assert_eq!(vault.users().await.expect("read"), [other.user.clone(), session.user.clone()]);
    let nobody = vault.list(&Session::new("nobody").user).await.expect_err("no backup");
    assert!(matches!(nobody, SnapshotError::NoBackup(_)));
}

/// What nothing names goes after the grace time, and nothing else.
async fn what_is_old_is_collected_and_nothing_that_is_named(place: &Place) {
    let (session, patient) = (Session::new("7"), place.vault().await);
    let hasty = patient.clone().with_grace(Duration::ZERO);
    for number in 1..=4_u8 {
        session.write("IndexedDB/x.leveldb/000005.ldb", &[number; 100]);
        session.backup(&patient, 2).await.expect("backed up");
    }
    assert_eq!(vault_numbers(&session, &patient).await, [4, 3], "pointers have no grace time");
    let objects = place.count("objects").await;
    assert_eq!(place.count("manifests").await, 4);
    place.older().await;
    session.write("IndexedDB/x.leveldb/000005.ldb", &[5; 100]);
    session.backup(&hasty, 2).await.expect("backed up");
    assert_eq!(vault_numbers(&session, &hasty).await, [5, 4]);
    assert_eq!(place.count("manifests").await, 2);
    assert_eq!(place.count("objects").await, objects + 1 - 3, "those of the first three");
    for number in [4, 5] {
        let found = session.fetch(&hasty, Some(number)).await.expect("whole");
        assert_eq!(
            found["Default/IndexedDB/x.leveldb/000005.ldb"],
            [u8::try_from(number).expect("small"); 100]
        );
    }
}

/// Whoever began with an old state replaces no newer one.
async fn an_old_writer_does_not_win(place: &Place) {
    let (session, vault) = (Session::new("7"), place.vault().await);
    for _ in 0..5 {
        session.backup(&vault, 2).await.expect("backed up");
    }
    let pointer = BucketPointer::new(place.target(), place::key());
    let newest = pointer.read(&session.user).await.expect("read");
    let old = newest[0].manifest.clone().expect("readable");
    // One that began with the fourth, and one that began so long ago that its number is free again.
    for began_with in [Some(4), Some(1), None] {
        let stale = pointer.advance(&session.user, began_with, &old).await.expect_err("stale");
        assert!(matches!(&stale, SnapshotError::Stale(user) if *user == session.user), "{stale}");
    }
    assert_eq!(pointer.read(&session.user).await.expect("read"), newest);
    assert_eq!(pointer.advance(&session.user, Some(5), &old).await.expect("the newest"), 6);
}

async fn vault_numbers(session: &Session, vault: &Vault) -> Vec<u64> {
    let all = vault.list(&session.user).await.expect("there");
    all.into_iter().map(|(number, manifest)| manifest.map(|_| number).expect("whole")).collect()
}

macro_rules! at_both {
    ($($case:ident in $module:path),* $(,)?) => {
        mod in_a_folder {
            $(#[tokio::test]
            async fn $case() {
                use $module as module;
                module::$case(&crate::place::Place::folder()).await;
            })*
        }

        /// All of them with one server.
        #[tokio::test]
        async fn in_a_bucket() {
            let server = crate::bucket::Server::start();
            $({
                use $module as module;
                module::$case(&crate::place::Place::bucket(&server, stringify!($case))).await;
            })*
        }
    };
}

at_both! {
    what_changed_is_written_and_comes_back in crate,
    nothing_can_be_read_there in crate,
    what_is_old_is_collected_and_nothing_that_is_named in crate,
    an_old_writer_does_not_win in crate,
    what_is_not_as_it_was_written_is_refused_by_name in crate::faults,
    a_piece_in_anothers_place_is_refused in crate::faults,
    another_key_and_another_users_backup_are_refused in crate::faults,
    a_broken_last_backup_is_no_obstacle in crate::faults,
    a_backup_that_breaks_off_leaves_the_one_before in crate::faults,
}
