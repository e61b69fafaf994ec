//! Each fault is planted, and has a name; nothing that is not whole comes back.

use std::sync::Arc;
use std::time::Duration;

use colmeia::{Secret, UserId};
use colmeia_snapshots::{BucketPointer, Key, Pointed, Pointer, SnapshotError, Vault};
use futures::future::BoxFuture;

use crate::KEEP;
use crate::place::{Place, key};
use crate::session::Session;

fn is_altered(error: &SnapshotError, what: &str) -> bool {
    matches!(error, SnapshotError::Altered(name) if name.starts_with(what))
}

pub(crate) async fn what_is_not_as_it_was_written_is_refused_by_name(place: &Place) {
    let (session, vault) = (Session::new("7"), place.vault().await);
    session.backup(&vault, KEEP).await.expect("backed up");
    for (kind, called) in [("objects", "piece"), ("manifests", "manifest"), ("pointers", "pointer")] {
        for name in place.names(&format!("/{kind}/")).await {
            let whole = place.read(&name).await;
            let mut altered = whole.clone();
            let middle = altered.len() / 2;
            altered[middle] ^= 1;
            let longer = [whole.as_slice(), b"x"].concat();
            for wrong in [&altered, &whole[..whole.len() - 1].to_vec(), &Vec::new(), &longer] {
                place.write(&name, wrong).await;
                let error = session.fetch(&vault, None).await.expect_err(&name);
                assert!(is_altered(&error, called), "{kind}: {error}");
            }
            place.remove(&name).await;
            let error = session.fetch(&vault, None).await.expect_err(&name);
            match kind {
                "pointers" => assert!(matches!(error, SnapshotError::NoBackup(_)), "{error}"),
                _ => {
                    assert!(matches!(&error, SnapshotError::Missing(it) if it.starts_with(called)), "{error}")
                }
            }
            place.write(&name, &whole).await;
        }
    }
    assert_eq!(session.fetch(&vault, None).await.expect("whole again"), session.contents());
}

pub(crate) async fn a_piece_in_anothers_place_is_refused(place: &Place) {
    let (session, vault) = (Session::new("7"), place.vault().await);
    session.write("IndexedDB/x.leveldb/000005.ldb", b"one of the same size");
    session.write("Cookies", b"two of the same size");
    session.backup(&vault, KEEP).await.expect("backed up");
    let names = place.names("/objects/").await;
    for (name, other) in names.iter().zip(names.iter().cycle().skip(1)) {
        let whole = place.read(name).await;
        place.write(name, &place.read(other).await).await;
        let error = session.fetch(&vault, None).await.expect_err("swapped");
        assert!(is_altered(&error, "piece"), "{error}");
        place.write(name, &whole).await;
    }
    // An older pointer and manifest under a newer number.
    session.backup(&vault, KEEP).await.expect("backed up");
    let pointers = place.names("/pointers/").await;
    place.write(&pointers[1], &place.read(&pointers[0]).await).await;
    let error = session.fetch(&vault, None).await.expect_err("an old pointer");
    assert!(is_altered(&error, "pointer 2"), "{error}");
}

pub(crate) async fn another_key_and_another_users_backup_are_refused(place: &Place) {
    let wrong = Key::read(&Secret::new("00".repeat(32))).expect("a key");
    let empty = Vault::to_read(place.target(), key()).await.expect_err("nothing there");
    assert!(matches!(empty, SnapshotError::NoBackups));
    let (one, two, vault) = (Session::new("one"), Session::new("two"), place.vault().await);
    two.write("Cookies", b"of the other one");
    one.backup(&vault, KEEP).await.expect("backed up");
    let of_one = place.names("users/").await;
    two.backup(&vault, KEEP).await.expect("backed up");
    for opened in [
        Vault::to_read(place.target(), wrong.clone()).await,
        Vault::to_write(place.target(), wrong.clone()).await,
    ] {
        let error = opened.expect_err("another key");
        assert!(matches!(error, SnapshotError::WrongKey) && !error.to_string().contains("00000"), "{error}");
    }
    // All that is of one, where that of the other is looked for.
    let folder = |name: &str| name.split('/').nth(1).expect("a user's").to_owned();
    let all = place.names("users/").await;
    let two_folder =
        all.iter().map(|name| folder(name)).find(|it| *it != folder(&of_one[0])).expect("two users");
    for name in all.iter().filter(|name| name.contains(&two_folder)) {
        place.remove(name).await;
    }
    for name in &of_one {
        place.write(&name.replace(&folder(name), &two_folder), &place.read(name).await).await;
    }
    let error = two.fetch(&vault, None).await.expect_err("somebody else's");
    assert!(matches!(&error, SnapshotError::AnotherUsers { wanted } if *wanted == two.user), "{error}");
    assert_eq!(vault.users().await.expect("read"), std::slice::from_ref(&one.user), "it is nobody's");
    assert_eq!(one.fetch(&vault, None).await.expect("whole"), one.contents());

    place.write("colmeia-backup", format!(r#"{{"format":2,"key":"{}"}}"#, "0".repeat(32)).as_bytes()).await;
    let newer = Vault::to_write(place.target(), key()).await.expect_err("a format that we do not know");
    assert!(matches!(newer, SnapshotError::Newer(2)));
}

pub(crate) async fn a_broken_last_backup_is_no_obstacle(place: &Place) {
    let (session, vault) = (Session::new("7"), place.vault().await);
    let first = session.backup(&vault, KEEP).await.expect("backed up");
    // A piece is gone: it is written again, and only it.
    let object = place.names("/objects/").await.remove(0);
    place.remove(&object).await;
    let second = session.backup(&vault, KEEP).await.expect("backed up");
    assert_eq!((second.number, second.new_objects), (2, 1));
    // The manifest cannot be read: all is written again, and nothing is collected meanwhile.
    let manifests = place.names("/manifests/").await;
    for name in &manifests {
        place.write(name, b"damaged").await;
    }
    place.older().await;
    let hasty = vault.clone().with_grace(Duration::ZERO);
    let third = session.backup(&hasty, KEEP).await.expect("backed up");
    assert_eq!((third.number, third.new_objects), (3, first.new_objects));
    assert_eq!(place.count("manifests").await, 3);
    assert_eq!(session.fetch(&vault, None).await.expect("whole"), session.contents());
    let listed = vault.list(&session.user).await.expect("there");
    let whole: Vec<_> = listed.iter().map(|(number, manifest)| (*number, manifest.is_ok())).collect();
    assert_eq!(whole, [(3, true), (2, false), (1, false)]);
}

/// A pointer whose owner dies before it moves.
#[derive(Debug)]
struct NeverMoved(BucketPointer);

impl Pointer for NeverMoved {
    fn read<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<Vec<Pointed>, SnapshotError>> {
        self.0.read(user)
    }

    fn advance<'a>(
        &'a self,
        _: &'a UserId,
        _: Option<u64>,
        _: &'a str,
    ) -> BoxFuture<'a, Result<u64, SnapshotError>> {
        Box::pin(std::future::pending())
    }

    fn forget<'a>(&'a self, user: &'a UserId, number: u64) -> BoxFuture<'a, Result<(), SnapshotError>> {
        self.0.forget(user, number)
    }
}

/// What broke off before its pointer moved is no backup, leaves the one before, and is collected in time.
pub(crate) async fn a_backup_that_breaks_off_leaves_the_one_before(place: &Place) {
    let (session, vault) = (Session::new("7"), place.vault().await);
    session.backup(&vault, KEEP).await.expect("backed up");
    let before = session.contents();
    let broken = vault.clone().pointing(Arc::new(NeverMoved(BucketPointer::new(place.target(), key()))));
    for (manifests, text) in [(2, "a"), (3, "b")] {
        session.write("Cookies", text.as_bytes());
        let backing = session.backup(&broken, KEEP);
        let written = async {
            while place.count("manifests").await < manifests {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            done = backing => panic!("{done:?}"),
            () = written => {} // the power fails
        }
        assert_eq!(session.fetch(&vault, None).await.expect("whole"), before);
    }
    let left = place.count("objects").await;
    place.older().await;
    let second = session.backup(&vault.clone().with_grace(Duration::ZERO), KEEP).await.expect("backed up");
    assert_eq!((second.number, second.new_objects), (2, 1), "what was left is not relied on");
    assert_eq!(place.count("objects").await, left + 1 - 2);
    assert_eq!(place.count("manifests").await, 2);
    assert_eq!(session.fetch(&vault, None).await.expect("whole"), session.contents());
    assert_eq!(session.fetch(&vault, Some(1)).await.expect("whole"), before);
}

/// Files that change while they are read make no backup.
#[tokio::test]
async fn a_session_that_wrote_meanwhile_is_not_backed_up() {
    let place = Place::folder();
    let (session, vault) = (Session::new("7"), place.vault().await);
    let files = session.files();
    session.append("IndexedDB/x.leveldb/000003.log", b"more");
    let error = vault.backup(files, session.about(), KEEP).await.expect_err("changed");
    assert!(matches!(error, SnapshotError::Source(colmeia_snapshots::SourceError::Changed)), "{error}");
    assert!(place.names("/pointers/").await.is_empty());
}
