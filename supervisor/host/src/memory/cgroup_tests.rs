//! Groups against a folder that imitates the kernel's files.

use std::sync::Mutex;

use super::*;
use proptest::prelude::*;

const OWN: &str = "1:name=x:/y\n0::/system.slice/colmeia.service\n";
const FILES: [&str; 14] = [
    "cgroup.procs",
    "cgroup.kill",
    "cgroup.subtree_control",
    "memory.max",
    "memory.high",
    "memory.swap.max",
    "memory.oom.group",
    "memory.current",
    "memory.stat",
    "memory.reclaim",
    "memory.swap.current",
    "memory.events",
    "pids.max",
    "cpu.weight",
];

/// Makes a group's files as the kernel does, keeps a list of what was written, and refuses one file.
#[derive(Debug)]
struct Imitation {
    root: tempfile::TempDir,
    /// Which group is delegated.
    unit: &'static str,
    written: Mutex<Vec<String>>,
    refused: Option<&'static str>,
}

impl Imitation {
    /// Our own group is delegated.
    fn new(controllers: &str, refused: Option<&'static str>) -> Arc<Self> {
        Self::of("system.slice/colmeia.service", controllers, refused)
    }

    /// The one beside ours is, as the installed units have it.
    fn beside(refused: Option<&'static str>) -> Arc<Self> {
        let imitation = Self::of("colmeia.slice/colmeia-sessions.service", "memory pids cpu", refused);
        fs::write(imitation.root.path().join("colmeia.slice/cgroup.procs"), "").expect("written");
        imitation
    }

    fn of(unit: &'static str, controllers: &str, refused: Option<&'static str>) -> Arc<Self> {
        let root = tempfile::tempdir().expect("folder");
        let folder = root.path().join(unit);
        fs::create_dir_all(&folder).expect("made");
        fs::write(folder.join("cgroup.controllers"), controllers).expect("written");
        fs::write(folder.join("cgroup.subtree_control"), "").expect("written");
        Arc::new(Self { root, unit, written: Mutex::default(), refused })
    }

    fn groups(self: &Arc<Self>) -> Result<Groups, CgroupError> {
        Groups::set_up(Arc::clone(self) as Arc<dyn Files>, OWN, self.root.path())
    }

    /// Moves half of what is wanted, and says that it was less. A kernel before 6.8 knows no swappiness.
    fn reclaim(&self, path: &Path, text: &str) -> io::Result<()> {
        let without_files = text.strip_suffix(" swappiness=200");
        if without_files.is_some() && self.refused == Some("swappiness") {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let wanted: u64 = without_files.unwrap_or(text).parse().expect("a number");
        fs::write(path.with_file_name("memory.swap.current"), (wanted / 2).to_string())?;
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// `path=value`, without the unit's own path.
    fn written(&self) -> Vec<String> {
        self.written.lock().expect("no panic").clone()
    }
}

impl Files for Imitation {
    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        if self.refused.is_some_and(|name| path.ends_with(name)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        if !path.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        if path.ends_with("memory.reclaim") {
            return self.reclaim(path, text);
        }
        let name = path.strip_prefix(self.root.path()).expect("below the mount");
        let name = name.strip_prefix(self.unit).expect("below the unit").display();
        self.written.lock().expect("no panic").push(format!("{name}={text}"));
        fs::write(path, text)
    }

    fn may_write(&self, path: &Path) -> io::Result<()> {
        if self.refused.is_some_and(|name| path.ends_with(name)) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        fs::OpenOptions::new().write(true).open(path).map(drop)
    }

    fn make(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)?;
        FILES.iter().try_for_each(|name| fs::write(path.join(name), ""))
    }

    /// As the kernel: only when no group is left in it.
    fn remove(&self, path: &Path) -> io::Result<()> {
        if !self.children(path)?.is_empty() {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        fs::remove_dir_all(path)
    }
}

fn user(id: &str) -> UserId {
    id.parse().expect("an id")
}

fn message(error: &CgroupError) -> String {
    colmeia::errors::chain(error)
}

#[test]
fn we_move_out_of_the_way_and_the_caps_stand_before_anything_runs() {
    let kernel = Imitation::new("cpuset cpu io memory pids\n", None);
    let groups = kernel.groups().expect("delegated");
    assert_eq!(
        kernel.written(),
        [
            "supervisor/cgroup.procs=0",
            "cgroup.subtree_control=+memory +pids +cpu",
            "users/cgroup.subtree_control=+memory +pids +cpu",
        ]
    );
    let before = kernel.written().len();
    let policy = MemoryPolicy { high_mb: 200, max_mb: 280, swap_max_mb: 1, ..MemoryPolicy::default() };
    let group = groups.create(&user("2_1"), &policy).expect("made");
    assert_eq!(
        kernel.written()[before..],
        [
            "cgroup.subtree_control=+memory +pids +cpu",
            "users/cgroup.subtree_control=+memory +pids +cpu",
            "users/2_1/memory.max=293601280",
            "users/2_1/memory.high=283115520",
            "users/2_1/memory.swap.max=1048576",
            "users/2_1/pids.max=512",
            "users/2_1/cpu.weight=100",
            "users/2_1/cgroup.subtree_control=+memory +pids",
            "users/2_1/browser/memory.oom.group=1",
        ]
    );
    assert!(group.worker_entrance().is_ok() && group.browser_entrance().is_file());
    // Other caps while something runs, and the worker's own user id, which is ours here.
    let before = kernel.written().len();
    groups.limit(&group, &MemoryPolicy { max_mb: 2000, ..policy }).expect("written");
    assert_eq!(kernel.written()[before], "users/2_1/memory.max=2097152000");
    assert_eq!(kernel.written().len(), before + 5);
    let closed = Permissions::from_mode(0o700);
    let browser = group.path.join("browser");
    let folders = [group.path.parent().expect("all users'"), group.path.as_path(), browser.as_path()];
    folders.iter().for_each(|folder| fs::set_permissions(folder, closed.clone()).expect("ours"));
    group.give_to(rustix::process::geteuid().as_raw()).expect("given");
    for folder in folders {
        let mode = folder.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o711, "a stranger gets to what is given, through {}", folder.display());
    }
    assert!(kernel.groups().is_ok(), "a second start finds what the first has made");
}

#[test]
fn use_and_kills_are_read_and_a_group_is_removed_with_its_leaves() {
    let kernel = Imitation::new("cpu memory pids", None);
    let groups = kernel.groups().expect("delegated");
    let group = groups.create(&user("1"), &MemoryPolicy::default()).expect("made");
    assert_eq!((group.used(), group.kills(), group.peak()), (None, 0, None));
    fs::write(group.path.join("memory.current"), "5000\n").expect("written");
    fs::write(group.path.join("memory.stat"), "file 9\ninactive_file 1000\n").expect("written");
    fs::write(group.path.join("memory.events"), "oom 1\noom_kill 3\noom_group_kill 1\n").expect("written");
    fs::write(group.path.join("memory.peak"), "7000\n").expect("written");
    assert_eq!((group.used(), group.kills(), group.peak()), (Some(4000), 3, Some(7000)));
    groups.create(&user("2"), &MemoryPolicy::default()).expect("made");
    groups.clear_away_all_but(&[user("1")]);
    assert!(groups.find(&user("1")).is_some() && groups.find(&user("2")).is_none());
    assert!(kernel.written().contains(&"users/2/cgroup.kill=1".to_owned()));
    group.remove();
    assert!(!group.path.exists());
}

#[test]
fn what_nobody_touches_is_moved_into_swap_also_by_an_older_kernel() {
    for refused in [None, Some("swappiness")] {
        let kernel = Imitation::new("memory pids cpu", refused);
        let groups = kernel.groups().expect("delegated");
        let group = groups.create(&user("1"), &MemoryPolicy::default()).expect("made");
        fs::write(group.path.join("memory.stat"), "anon 1000\nfile 7\n").expect("written");
        assert_eq!(group.move_out().expect("moved"), 500);
        assert_eq!(group.move_out().expect("moved"), 0, "it was there before");
        fs::remove_file(group.path.join("memory.reclaim")).expect("removed");
        let error = message(&group.move_out().expect_err("Linux before 5.19"));
        assert!(error.contains("users/1/memory.reclaim"), "{error}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let error = |controllers, own: &str| {
        let kernel = Imitation::new(controllers, None);
        let groups = Groups::set_up(Arc::clone(&kernel) as Arc<dyn Files>, own, kernel.root.path());
        assert!(kernel.written().is_empty());
        message(&groups.expect_err("refused"))
    };
    assert!(error("memory pids", OWN).contains("controller cpu"));
    assert!(error("memory pids cpu", "4:memory:/x\n").contains("not mounted"));
    for strange in ["0::/\n", "0::/../x\n", "0::/a/../../x\n"] {
        assert!(error("memory pids cpu", strange).contains("our own group"), "{strange}");
    }
    let kernel = Imitation::new("memory pids cpu", Some("users/1/memory.max"));
    let groups = kernel.groups().expect("delegated");
    let refused = groups.create(&user("1"), &MemoryPolicy::default()).expect_err("refused");
    assert!(message(&refused).contains("users/1/memory.max"), "{refused}");
    let again = "0::/system.slice/colmeia.service/supervisor\n";
    assert!(Groups::set_up(Arc::clone(&kernel) as Arc<dyn Files>, again, kernel.root.path()).is_ok());
}

#[test]
fn beside_a_unit_for_sessions_our_own_group_stays_as_it_is() {
    let own = "0::/colmeia.slice/colmeia.service\n";
    let set_up = |kernel: &Arc<Imitation>| {
        Groups::set_up(Arc::clone(kernel) as Arc<dyn Files>, own, kernel.root.path())
    };
    let kernel = Imitation::beside(None);
    let groups = set_up(&kernel).expect("delegated");
    assert_eq!(
        kernel.written(),
        ["cgroup.subtree_control=+memory +pids +cpu", "users/cgroup.subtree_control=+memory +pids +cpu"]
    );
    let sessions = kernel.root.path().join(kernel.unit);
    let group = groups.create(&user("1"), &MemoryPolicy::default()).expect("made");
    assert!(group.browser_entrance().starts_with(&sessions));

    // The unit was restarted without us: its group is a new one.
    fs::remove_dir_all(sessions.join("users")).expect("removed");
    assert!(groups.create(&user("1"), &MemoryPolicy::default()).is_ok());

    // The lowest of the caps above counts.
    assert_eq!(groups.unit_limit(), None);
    fs::write(sessions.join("memory.max"), "max\n").expect("written");
    fs::write(kernel.root.path().join("colmeia.slice/memory.max"), "5000\n").expect("written");
    assert_eq!(groups.unit_limit(), Some(5000));
    fs::write(sessions.join("memory.max"), "4000\n").expect("written");
    assert_eq!(groups.unit_limit(), Some(4000));

    // The same where nothing was delegated.
    let own = format!("0::/{}\n", kernel.unit);
    let files: &dyn Files = &Kernel;
    let around = |own: &str| limit_around(files, own, kernel.root.path());
    assert_eq!(around(&own), Some(4000));
    // The slice's is lower, and whoever shows what is in use asks the slice.
    fs::write(sessions.join("memory.max"), "6000\n").expect("written");
    let slice = kernel.root.path().join("colmeia.slice");
    assert_eq!(capped_around(files, &own, kernel.root.path()), Some((slice, 5000)));
    assert_eq!(around("0::/\n"), None, "the machine's root has no cap");
    // A container sees its own group as the root of all, or by a path of which it sees nothing.
    fs::write(kernel.root.path().join("memory.max"), "3000\n").expect("written");
    for own in ["0::/\n", "0::/../../elsewhere\n", "0::/system.slice/its.scope\n"] {
        assert_eq!(around(own), Some(3000), "{own}");
    }
    assert_eq!(around("4:memory:/x\n"), None, "the old hierarchy says nothing");

    // Without leave to move workers across there are no groups, and nothing was changed.
    let kernel = Imitation::beside(Some("colmeia.slice/cgroup.procs"));
    let refused = message(&set_up(&kernel).expect_err("refused"));
    assert!(refused.contains("colmeia.slice/cgroup.procs is closed to us"), "{refused}");
    assert!(kernel.written().is_empty());
}

proptest! {
    // Each case makes some thirty files.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the caps: the hard one is written first, the brake lies between soft and hard, and no attribute
    /// of the unit's own group is ever written but the one that hands controllers down.
    #[test]
    fn the_order_holds_for_all_caps(high in 32u64..5000, above in 0u64..5000, id in "[a-z0-9_-]{1,20}") {
        let kernel = Imitation::new("memory pids cpu", None);
        let groups = kernel.groups().expect("delegated");
        let policy = MemoryPolicy { high_mb: high, max_mb: high + above, ..MemoryPolicy::default() };
        let Ok(user) = id.parse::<UserId>() else { return Ok(()) };
        groups.create(&user, &policy).expect("made");
        let written = kernel.written();
        let caps: Vec<u64> = written[5..7]
            .iter()
            .map(|line| line.rsplit_once('=').and_then(|(_, value)| value.parse().ok()).expect("a number"))
            .collect();
        prop_assert_eq!(caps[0], (high + above) * MIB);
        prop_assert!(high * MIB <= caps[1] && caps[1] <= caps[0]);
        for line in &written {
            prop_assert!(line.contains('/') || line.starts_with("cgroup.subtree_control="), "{}", line);
        }
    }
}
