//! Backups with real Chromium: a session that was restored is ready without a scan and hears its messages, in the same
//! installation and in another one; a second backup writes what changed; what would harm is refused with what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::{Farm, Options, Service, default_browser, program, short_dir, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";

/// Where backups go, and their key.
struct Vault {
    folder: tempfile::TempDir,
}

impl Vault {
    async fn new() -> Self {
        let vault = Self { folder: tempfile::tempdir().expect("folder") };
        fs::create_dir(vault.folder.path().join("target")).expect("made");
        let (code, said) = operator(Path::new("/nowhere"), &["backup", "--make-key", &vault.key()]).await;
        assert_eq!(code, 0, "{said}");
        vault
    }

    fn key(&self) -> String {
        self.folder.path().join("key").display().to_string()
    }

    fn target(&self) -> String {
        format!("file://{}", self.folder.path().join("target").display())
    }

    /// Runs a command of `colmeiactl` on it.
    async fn ask(&self, dir: &Path, word: &str, more: &[&str]) -> (i32, String) {
        let (target, key) = (self.target(), self.key());
        operator(dir, &[&[word, &target, "--key-file", &key], more].concat()).await
    }

    async fn json(&self, dir: &Path, word: &str, more: &[&str]) -> Value {
        let (code, said) = self.ask(dir, word, &[more, &["--json"]].concat()).await;
        assert_eq!(code, 0, "{said}");
        serde_json::from_str(&said).expect("JSON")
    }
}

async fn operator(dir: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(program("colmeiactl"));
    command.arg("--socket").arg(dir.join("run/admin.sock")).args(arguments);
    let output = command.output().await.expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("no signal"), String::from_utf8(said).expect("UTF-8"))
}

async fn hears(farm: &Farm, heard: &mut Vec<String>, text: &str) {
    heard.push(text.to_owned());
    farm.phone.message(NUMBER, FRIEND, text).await;
    farm.webhook.has("1", heard).await;
}

async fn ready_without_a_code(service: &Service) {
    until("user 1 is ready without a code", || async {
        let answer = service.get("/qr?user_id=1").await.json;
        assert!(answer["qr"].is_null(), "user 1 was asked to scan");
        (answer["ready"] == true).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_session_moves_to_another_installation_without_a_scan() {
    let (farm, vault) = (Farm::start().await, Vault::new().await);
    let here = farm.dir.path();
    farm.link("1", NUMBER).await;
    let config = json!({ "config": { "label": "Padaria", "metadata": { "shop": "7" } } });
    let request = farm.service.request("PUT", "/api/sessions/1").json(&config);
    assert_eq!(farm.service.send(request).await.status, 200);
    farm.ready("1").await;
    let mut heard = Vec::new();
    hears(&farm, &mut heard, "antes").await;

    // The session runs all the while: its worker is asked for a snapshot.
    let first = vault.json(here, "backup", &["--all"]).await["sessions"][0].clone();
    assert_eq!((&first["user"], &first["number"]), (&json!("1"), &json!(1)));
    hears(&farm, &mut heard, "depois").await;
    let second = vault.json(here, "backup", &["--user", "1"]).await["sessions"][0].clone();
    let bytes = |of: &Value, what: &str| of[what].as_u64().expect("a number");
    let (all, new) = (bytes(&second, "bytes"), bytes(&second, "written"));
    println!("first: {first}\nsecond: {second}");
    assert!(bytes(&first, "written") > 0 && new > 0 && new < all, "{first} {second}");
    assert!(new < bytes(&first, "written"), "{first} {second}");

    // Not over a session that runs.
    let (code, said) = vault.ask(here, "restore", &["--user", "1", "--yes"]).await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("colmeiactl stop 1"), "{said}");
    farm.service.get("/status?user_id=1").await;
    let (code, said) = vault.ask(here, "restore", &["--user", "1"]).await;
    assert!(code == 1 && said.contains("banned") && said.contains("--yes"), "{said}");

    // The last state, of the stopped session, and then elsewhere.
    let (code, said) = operator(here, &["stop", "1"]).await;
    assert_eq!(code, 0, "{said}");
    let third = vault.json(here, "backup", &["--all"]).await["sessions"][0].clone();
    assert_eq!(third["number"], 3, "{third}");
    // What comes while it runs nowhere is told where it runs next.
    farm.phone.message(NUMBER, FRIEND, "no caminho").await;
    let there = short_dir();
    let other = Service::start(there.path(), &farm.phone, &farm.webhook, Options::default()).await;
    let listed = vault.json(there.path(), "backups", &[]).await["sessions"].clone();
    assert_eq!((&listed[0]["user"], &listed[0]["number"]), (&json!("1"), &json!(3)), "{listed}");
    assert!(listed[0]["browser"].as_str().is_some_and(|version| version.contains('.')), "{listed}");
    let restored = vault.json(there.path(), "restore", &["--all", "--yes"]).await;
    assert_eq!(restored["sessions"][0]["number"], 3, "{restored}");
    ready_without_a_code(&other).await;
    farm.phone.message(NUMBER, FRIEND, "noutra casa").await;
    heard.extend(["no caminho".to_owned(), "noutra casa".to_owned()]);
    until("everything is told", || async {
        // Another installation tells the last minute before the backup once more: it cannot know what was told.
        let mut told: Vec<String> = Vec::new();
        for body in farm.webhook.taken().iter().filter_map(|message| message["body"].as_str()) {
            if !told.iter().any(|before| before == body) {
                told.push(body.to_owned());
            }
        }
        (told == heard).then_some(())
    })
    .await;
    let session = other.get("/api/sessions/1").await.json;
    assert_eq!(
        (&session["config"]["label"], &session["config"]["metadata"]["shop"]),
        (&"Padaria".into(), &"7".into())
    );
    assert_eq!(farm.status("1").await["ready"], false, "it stays stopped where it came from");
}

#[tokio::test]
async fn what_was_lost_comes_back_and_what_was_there_lies_aside() {
    let (farm, vault) = (Farm::start().await, Vault::new().await);
    let here = farm.dir.path();
    farm.link("1", NUMBER).await;
    let mut heard = Vec::new();
    hears(&farm, &mut heard, "um").await;
    vault.json(here, "backup", &["--all"]).await;
    // The profile is lost; the phone knows nothing of that.
    let (code, said) = operator(here, &["reset", "1", "--yes"]).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = vault.ask(here, "backup", &["--user", "1"]).await;
    assert!(code == 3 || said.contains("no registration"), "{said}");
    assert_eq!(vault.ask(here, "restore", &["--user", "1", "--yes"]).await.0, 0);
    ready_without_a_code(&farm.service).await;
    hears(&farm, &mut heard, "dois").await;

    // Once more, over a session that is there.
    assert_eq!(operator(here, &["stop", "1"]).await.0, 0);
    assert_eq!(vault.ask(here, "restore", &["--user", "1", "--yes", "--number", "1"]).await.0, 0);
    let aside: Vec<PathBuf> = fs::read_dir(farm.auth_dir("1").join("colmeia/damaged"))
        .expect("there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert!(aside.len() == 1 && aside[0].join("Default/IndexedDB").is_dir(), "{aside:?}");
    assert!(!farm.state_dir().join("colmeia_staging/1").exists());
    assert_eq!(operator(here, &["start", "1"]).await.0, 0);
    ready_without_a_code(&farm.service).await;
    hears(&farm, &mut heard, "três").await;
}

#[tokio::test]
async fn what_would_harm_a_session_is_refused_with_what_to_do() {
    let (farm, vault) = (Farm::start().await, Vault::new().await);
    let here = farm.dir.path();
    let (code, said) = vault.ask(here, "backup", &["--user", "9"]).await;
    assert_eq!(code, 3, "{said}");
    let (code, said) = vault.ask(here, "restore", &["--all", "--yes"]).await;
    assert!(code == 1 && said.contains("no backups"), "{said}");
    farm.link("1", NUMBER).await;
    vault.json(here, "backup", &["--all"]).await;
    assert_eq!(operator(here, &["stop", "1"]).await.0, 0);
    let profile = farm.auth_dir("1").join("session-ylada_bot_user_1");
    fs::write(profile.join("mark"), "the one that was there").expect("written");
    let refused = async |dir: &Path, what: &str| {
        let (code, said) = vault.ask(dir, "restore", &["--user", "1", "--yes"]).await;
        assert!(code == 1 && said.contains(what), "{what}: {said}");
        assert!(profile.join("mark").exists(), "{what}: nothing was touched");
        assert!(!farm.state_dir().join("colmeia_staging/1").exists(), "{what}: nothing is left");
    };

    // A piece that was altered, and one that is gone.
    let folder = |kind: &str| {
        let mut open = vec![vault.folder.path().join("target/users")];
        let mut found = Vec::new();
        while let Some(next) = open.pop() {
            for path in fs::read_dir(next).expect("read").map(|entry| entry.expect("an entry").path()) {
                if path.is_dir() {
                    open.push(path);
                } else if path.parent().is_some_and(|folder| folder.ends_with(kind)) {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    };
    let piece = folder("objects").pop().expect("a piece");
    let whole = fs::read(&piece).expect("read");
    fs::write(&piece, [&whole[..whole.len() - 1], &[!whole[whole.len() - 1]]].concat()).expect("written");
    refused(here, "altered or damaged").await;
    fs::remove_file(&piece).expect("removed");
    refused(here, "is missing").await;
    fs::write(&piece, &whole).expect("written");

    // Another key, and a key that others can read.
    let key = fs::read(vault.key()).expect("read");
    fs::write(vault.key(), "0".repeat(64)).expect("written");
    refused(here, "another key").await;
    fs::set_permissions(vault.key(), fs::Permissions::from_mode(0o644)).expect("set");
    refused(here, "chmod 600").await;
    fs::set_permissions(vault.key(), fs::Permissions::from_mode(0o600)).expect("set");
    fs::write(vault.key(), key).expect("written");

    // A browser that is older than the one of the backup.
    let there = short_dir();
    let older = there.path().join("browser");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo Chromium 1.2.3.4 && exit\nexec {} \"$@\"\n",
        default_browser().display()
    );
    fs::write(&older, script).expect("written");
    fs::set_permissions(&older, fs::Permissions::from_mode(0o755)).expect("set");
    let options = Options { browser: Some(older), ..Options::default() };
    let other = Service::start(there.path(), &farm.phone, &farm.webhook, options).await;
    refused(there.path(), "update the browser").await;
    assert!(!there.path().join("state/.wwebjs_auth_user_1").exists(), "nothing was made");
    drop(other);
}
