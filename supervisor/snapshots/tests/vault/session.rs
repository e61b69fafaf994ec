//! A session's files, as a browser leaves them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use colmeia::layout::REGISTRATION;
use colmeia::{Secret, UserId};
use colmeia_snapshots::{About, Backed, Files, SnapshotError, Vault};

const BROWSER: &str = "150.0.7871.2";

pub(crate) struct Session {
    pub(crate) user: UserId,
    folder: tempfile::TempDir,
}

impl Session {
    pub(crate) fn new(user: &str) -> Self {
        let session =
            Self { user: user.parse().expect("valid"), folder: tempfile::tempdir().expect("folder") };
        session.write("IndexedDB/x.leveldb/000003.log", b"a log");
        session.write("IndexedDB/x.leveldb/000005.ldb", b"a table");
        session.write("IndexedDB/x.leveldb/CURRENT", b"MANIFEST-000001");
        session.write("Local Storage/leveldb/CURRENT", b"MANIFEST-000001");
        // Larger than a piece, and nothing in it is like anything else.
        let large: Vec<u8> =
            (0..1_100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        session.write("IndexedDB/x.blob/1", &large);
        session.write("Cookies", b"cookies");
        session.write("Cache/data", b"no registration");
        session
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("profile/Default").join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    pub(crate) fn append(&self, name: &str, bytes: &[u8]) {
        let mut file = fs::File::options().append(true).open(self.path(name)).expect("there");
        file.write_all(bytes).expect("written");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("removed");
    }

    pub(crate) fn about(&self) -> About {
        let settings = Some(Secret::new(r#"{"webhooks":[{"url":"https://hook.example/"}]}"#));
        About {
            user: self.user.clone(),
            taken_ms: 1_700_000_000_000,
            browser: Some(BROWSER.into()),
            settings,
        }
    }

    pub(crate) fn about_browser(&self) -> &'static [u8] {
        BROWSER.as_bytes()
    }

    pub(crate) fn files(&self) -> Files {
        Files::look(self.folder.path(), Path::new("profile"), &REGISTRATION).expect("there")
    }

    pub(crate) async fn backup(&self, vault: &Vault, keep: usize) -> Result<Backed, SnapshotError> {
        vault.backup(self.files(), self.about(), keep).await
    }

    /// What the registration has.
    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = contents(&self.folder.path().join("profile"));
        found.retain(|name, _| !name.contains("Cache"));
        found
    }

    /// What a backup has.
    pub(crate) async fn fetch(
        &self,
        vault: &Vault,
        number: Option<u64>,
    ) -> Result<BTreeMap<String, Vec<u8>>, SnapshotError> {
        let into = tempfile::tempdir().expect("folder");
        let kept = vault.find(&self.user, number).await?;
        vault.fetch(&kept.manifest, into.path(), None).await?;
        Ok(contents(into.path()))
    }
}

fn contents(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("read").map(|entry| entry.expect("read").path()) {
            if entry.is_dir() {
                open.push(entry);
            } else {
                let name = entry.strip_prefix(root).expect("below").display().to_string();
                found.insert(name, fs::read(&entry).expect("read"));
            }
        }
    }
    found
}
