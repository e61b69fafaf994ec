//! The uid allocator against folders. Files are given away by workers, so nothing here takes a privilege.

use super::*;

fn user(id: &str) -> UserId {
    id.parse().expect("an id")
}

struct Place {
    state: StateLayout,
    run: RunLayout,
    _folder: tempfile::TempDir,
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("folder");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("set");
    let state = StateLayout::new(folder.path().join("state"), "ylada_bot");
    let run = RunLayout::new(folder.path().join("r")).expect("short");
    make_private(state.root()).expect("made");
    make_private(run.root()).expect("made");
    Place { state, run, _folder: folder }
}

impl Place {
    fn uids(&self, range: Option<UidRange>) -> UidAllocator {
        UidAllocator::open(InForce(range), &self.state, &self.run).expect("opened")
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").mode() & 0o777
    }
}

fn uid(ownership: Result<Ownership, UidsError>) -> u32 {
    match ownership {
        Ok(Ownership::Own { uid, .. }) => uid,
        other => panic!("no id of its own: {other:?}"),
    }
}

#[test]
fn each_user_has_one_and_keeps_it_over_a_restart_and_a_reset() {
    let place = place();
    let range = Some(UidRange::auto(7));
    let uids = place.uids(range);
    let (one, two) = (uid(uids.ownership(&user("1"))), uid(uids.ownership(&user("2"))));
    assert!(one != two && uids.expects(&user("1"), one) && !uids.expects(&user("1"), two));
    assert!(uids.expects(&user("1"), geteuid().as_raw()), "one that was adopted from before");
    assert!(uids.outdates(&user("1"), geteuid().as_raw()) && !uids.outdates(&user("1"), one));
    assert_eq!((Place::mode(place.state.root()), Place::mode(&place.run.user_dirs())), (0o711, 0o711));
    assert_eq!(Place::mode(&place.state.uids()), 0o600);

    let again = place.uids(range);
    assert_eq!((again.of(&user("1")), uid(again.ownership(&user("2")))), (Some(one), two));
    let three = uid(again.ownership(&user("3")));
    assert!(three != one && three != two, "of a user without a file");
}

#[test]
fn what_is_switched_off_is_given_back_to_whose_it_was() {
    let place = place();
    let (own, group) = (geteuid().as_raw(), getegid().as_raw());
    fs::create_dir(place.state.auth_dir(&user("1"))).expect("as another program left it");
    let given = uid(place.uids(Some(UidRange::auto(7))).ownership(&user("1")));
    let off = place.uids(None);
    assert_eq!(off.ownership(&user("1")).expect("known"), Ownership::Keep, "nothing was given yet");
    assert_eq!(off.of(&user("1")), Some(given), "its old worker is still recognised");
    assert!(off.outdates(&user("1"), given) && !off.outdates(&user("1"), own));
    assert_eq!(off.ownership(&user("9")).expect("unknown"), Ownership::Keep);
    assert_eq!(Place::mode(&place.run.user_dirs()), 0o700);
    // As if the directory had been given: the table says that it is ours.
    let text = fs::read_to_string(place.state.uids()).expect("kept");
    assert!(text.contains("\"before\""), "{text}");
    fs::write(place.state.uids(), text.replace(&given.to_string(), &own.to_string())).expect("written");
    let back = place.uids(None).ownership(&user("1")).expect("known");
    assert_eq!(back, Ownership::GiveBack { uid: own, to_uid: own, to_gid: group });
}

#[test]
fn a_damaged_or_lost_book_is_learned_from_the_disk_and_no_owner_is_doubled() {
    let place = place();
    fs::create_dir(place.state.auth_dir(&user("1"))).expect("made");
    // Our own id stands for one that a user's files have. Root gives them away, and no account has the ids beside.
    let root = geteuid().is_root();
    let own = if root { UidRange::auto(7).first } else { geteuid().as_raw() };
    if root {
        std::os::unix::fs::chown(place.state.auth_dir(&user("1")), Some(own), None).expect("given");
    }
    let range = UidRange { first: own, last: own + 3 };
    fs::write(place.state.uids(), "{").expect("written");
    let uids = place.uids(Some(range));
    assert_eq!(uids.of(&user("1")), Some(own));
    assert!(place.state.uids().with_extension("damaged").exists());
    let others: BTreeSet<u32> = ["2", "3", "4"]
        .iter()
        .filter_map(|id| match uids.ownership(&user(id)) {
            Ok(Ownership::Own { uid, .. }) => Some(uid),
            _ => None, // an account of this machine has the id
        })
        .collect();
    assert!(!others.contains(&own) && (!root || others.len() == 3), "{others:?}");
    assert!(matches!(uids.ownership(&user("5")), Err(UidsError::UsedUp(4))));
}

#[test]
fn a_range_that_cannot_be_followed_is_an_error_and_auto_goes_on_without() {
    let place = place(); // below a folder that nobody else may enter
    let mut config = ServiceConfig { browser: "/usr/bin/env".into(), ..ServiceConfig::default() };
    let decide = |config: &ServiceConfig| InForce::decide(config, place.state.root(), place.run.root());
    assert_eq!(decide(&config).expect("auto"), InForce(None));
    config.worker_uids = "200000-265535".parse().expect("a range");
    assert!(matches!(decide(&config), Err(UidsError::Obstacle(_))));
    config.worker_uids = WorkerUids::Off;
    assert_eq!(decide(&config).expect("off"), InForce(None));
}
