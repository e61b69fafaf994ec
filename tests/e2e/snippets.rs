//! Every block that the README and `docs/` show is tried as it stands, but for addresses and for what stands for a value
//! of the reader's. Owns which block is tried here, and that no other is tried nowhere: the bare machine
//! (`tests/fresh`) and the virtual one (`tests/vm`) have the rest.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;

use crate::harness::{Farm, Options, Receiver, ctl, new_key, program, repository, until};

const NUMBER: &str = "5511900000001";
const OTHER: &str = "5511900000003";
const FRIEND: &str = "5511988887777";

/// What goes on until somebody ends it.
const ENDLESS: [&str; 2] = ["colmeiactl top", "colmeiactl logs 3 -f"];

/// What only the bare machine runs, with its first words: `tests/fresh/inside` takes the packages from the README.
const BARE: [&str; 2] = ["sudo apt install git make curl ca-certificates", "make run"];

/// What takes Docker's engine, and images from a registry. The machines of the tests reach neither: `make test-image` runs the
/// same image with podman.
const ENGINE: [&str; 3] = ["docker ", "echo \"WEBHOOK_KEY=", "make image"];

/// What takes the files of a release: `tests/release/check` runs it there, from the page.
const RELEASE: &str = "sha256sum --check --ignore-missing SHA256SUMS";

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// `README.md`, or `docs/` and a name.
    page: String,
    language: String,
    pub(crate) text: String,
}

impl Block {
    /// Its lines without their comments.
    fn commands(&self) -> Vec<String> {
        let lines =
            self.text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim().to_owned());
        lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
    }

    /// Whether these are commands that an ordinary user types beside a running service.
    fn is_tried_here(&self) -> bool {
        self.language == "sh"
            && self
                .commands()
                .iter()
                .all(|line| ["curl", "colmeiactl"].contains(&line.split(' ').next().unwrap_or("")))
    }
}

fn blocks_of(page: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(repository(page)).expect("readable");
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.trim_start().strip_prefix("```") else { continue };
        let mut text = String::new();
        for line in lines.by_ref().take_while(|line| line.trim() != "```") {
            let _ = writeln!(text, "{line}");
        }
        blocks.push(Block { page: page.to_owned(), language: language.to_owned(), text });
    }
    blocks
}

/// All of them. The README in Portuguese shows the same as the one in English (`tests/documents.rs`).
fn blocks() -> Vec<Block> {
    let docs = std::fs::read_dir(repository("docs")).expect("the folder");
    let docs = docs.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut pages: Vec<String> =
        docs.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    pages.push("README.md".into());
    pages.sort();
    let blocks: Vec<Block> = pages.iter().flat_map(|page| blocks_of(page)).collect();
    assert!(blocks.len() > 25, "{}", blocks.len());
    blocks
}

/// The only block of a page in this language.
pub(crate) fn the_block(page: &str, language: &str) -> Block {
    let mut found = blocks_of(page).into_iter().filter(|block| block.language == language);
    let block = found.next().expect("a block");
    assert!(found.next().is_none(), "one block in {language} on {page}");
    block
}

/// Somebody at a terminal of this machine, who says yes when asked.
struct Reader {
    command: Command,
}

impl Reader {
    fn new(farm: &Farm, line: &str) -> Self {
        let programs = program("colmeiactl").parent().map(PathBuf::from).expect("a folder");
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("script");
        command
            .args(["-qefc", line, "/dev/null"])
            .env("PATH", path)
            .env("COLMEIA_ADMIN_SOCKET", farm.dir.path().join("run/admin.sock"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        Self { command }
    }

    /// Until it ends: what it printed.
    async fn finish(mut self, line: &str) -> String {
        let mut child = self.command.spawn().expect("script of util-linux");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(b"y\n").await.expect("taken");
        let output = child.wait_with_output().await.expect("it ends");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{line}: {:?}\n{said}", output.status.code());
        drop(stdin);
        said
    }

    /// Until it has printed a line; then the terminal is closed.
    async fn for_a_while(mut self, line: &str) {
        let mut child = self.command.spawn().expect("script of util-linux");
        let stdin = child.stdin.take();
        let mut said = [0; 4096];
        let mut out = child.stdout.take().expect("piped");
        let count = out.read(&mut said).await.expect("readable");
        assert!(count > 0, "{line}: it ended without a word");
        assert_eq!(child.try_wait().expect("our child"), None, "{line}: it goes on");
        drop(stdin);
    }
}

async fn json_of(farm: &Farm, arguments: &[&str]) -> Value {
    let (code, text) = ctl(farm, &[&["--json"], arguments].concat()).await;
    assert_eq!(code, 0, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

/// The line with what is the reader's: the service's address, the number of a queue, an id of an event or of a key.
async fn filled_in(farm: &Farm, line: &str) -> String {
    let line = line.replace("http://127.0.0.1:5001", &farm.service.url(""));
    let (backups, key) = (farm.dir.path().join("backups"), farm.dir.path().join("colmeia.key"));
    std::fs::create_dir_all(&backups).expect("made");
    let line = line.replace("/var/backups/colmeia", &backups.display().to_string());
    let line = line.replace("colmeia.key", &key.display().to_string());
    if line.ends_with(" 12") {
        let queue = until("an event waits", || async {
            let queues = json_of(farm, &["events", "queues"]).await;
            queues["queues"].as_array()?.iter().find(|queue| queue["head"].is_object())?["id"].as_i64()
        })
        .await;
        return line.replace(" 12", &format!(" {queue}"));
    }
    if line.starts_with("colmeiactl keys remove") {
        let id = json_of(farm, &["keys", "list"]).await["keys"][0]["id"].as_str().expect("an id").to_owned();
        return line.replace("ID", &id);
    }
    if line.starts_with("colmeiactl events replay") {
        let id = until("there is a dead letter", || async {
            json_of(farm, &["events", "dead"]).await["letters"][0]["id"].as_str().map(str::to_owned)
        })
        .await;
        return line.replace("ID", &id);
    }
    line
}

/// Users 1 and 3 are linked and events of user 1 wait for a receiver that is away. Each command finds its session
/// there, whatever the one before did to it.
#[tokio::test]
async fn every_command_of_a_user_works() {
    let receiver = Receiver::away().await;
    let config = format!("[[webhooks]]\nurl = '{}'\nevents = ['message']\n", receiver.url());
    let farm = Farm::start_with(Options { config, ..Options::default() }).await;
    tokio::join!(farm.link("1", NUMBER), farm.link("3", OTHER));
    for text in ["um", "dois"] {
        farm.phone.message(NUMBER, FRIEND, text).await;
    }
    let mut seen = 0;
    for block in blocks().into_iter().filter(Block::is_tried_here) {
        for line in block.commands() {
            // A session goes on with resume where it was stopped, is restored there, and is there for everything else.
            let stopped = line == "colmeiactl resume 3" || line.starts_with("colmeiactl restore");
            let before: &[&str] = if stopped { &["stop", "3"] } else { &["start", "3", "--new"] };
            let (code, said) = ctl(&farm, before).await;
            assert_eq!(code, 0, "{said}");
            if line.starts_with("colmeiactl backup file") {
                tokio::join!(farm.ready("1"), farm.ready("3"));
            }
            let typed = filled_in(&farm, &line).await;
            if ENDLESS.contains(&line.as_str()) {
                Reader::new(&farm, &typed).for_a_while(&line).await;
            } else {
                let said = Reader::new(&farm, &typed).finish(&line).await;
                assert!(!said.contains("\"error\""), "{}: {line}: {said}", block.page);
            }
            if line.starts_with("colmeiactl drain") {
                assert_eq!(ctl(&farm, &["drain", "--undo"]).await.0, 0);
            }
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
    let sent = farm.phone.sent(NUMBER).await;
    assert_eq!(
        sent.iter().filter(|message| message["body"] == "oi").count(),
        1,
        "the README's message: {sent:?}"
    );
}

/// What a reader of the API's page runs first, with the key and the phone that it asks for.
#[tokio::test]
async fn the_program_of_the_api_page_works() {
    let farm = Farm::start().await;
    let key = new_key(&farm, &["--admin"]).await;
    let shown = the_block("docs/api.md", "python").text;
    let text = shown.replace("http://127.0.0.1:5001", &farm.service.url("")).replace('…', &key);
    assert_ne!(text, shown);
    let mut program = Command::new(repository("tests/clients/.venv/bin/python"))
        .args(["-uc", &text])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Python runs");
    let mut lines = BufReader::new(program.stdout.take().expect("piped")).lines();
    let code = lines.next_line().await.expect("readable").expect("it shows the code");
    assert!(farm.phone.scan(&code, NUMBER).await, "{code}");
    assert!(program.wait().await.expect("it ends").success());
    let (sent, to) = (farm.phone.sent(NUMBER).await, format!("{FRIEND}@c.us"));
    assert!(sent.iter().any(|message| message["body"] == "oi" && message["to"] == to), "{sent:?}");
}

/// An agent with a key for one session does what its page shows, sees no tool that the key may not use, and reaches no other
/// session.
#[tokio::test]
async fn the_program_of_the_agents_page_works() {
    let farm = Farm::start().await;
    tokio::join!(farm.link("3", NUMBER), farm.link("1", OTHER));
    let key = new_key(&farm, &["--name", "agent", "--session", "3", "--read", "--send"]).await;
    let shown = the_block("docs/agents.md", "python").text;
    let text = shown.replace("http://127.0.0.1:5001", &farm.service.url("")).replace('…', &key);
    let run = async |text: &str| {
        let mut python = Command::new(repository("tests/clients/.venv/bin/python"));
        let output = python.args(["-c", text]).kill_on_drop(true).output().await.expect("Python runs");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let (well, said) = run(&text).await;
    assert!(well, "{said}");
    assert!(said.contains("chats_get_chats") && said.contains("chatting_send_text"), "{said}");
    assert!(!said.contains("sessions_delete") && !said.contains("keys_create"), "{said}");
    let (sent, to) = (farm.phone.sent(NUMBER).await, format!("{FRIEND}@c.us"));
    assert!(sent.iter().any(|message| message["body"] == "oi" && message["to"] == to), "{sent:?}");
    let (_, said) = run(&text.replace(r#""session": "3""#, r#""session": "1""#)).await;
    assert!(said.contains("This key may not send in session 1"), "{said}");
    assert_eq!(farm.phone.sent(OTHER).await, Vec::<Value>::new());
    let (well, said) = run(&text.replace(&key, "another key")).await;
    assert!(!well && !said.contains("chats_get_chats"), "{said}");
}

/// Each configuration that is shown can be put into the file as it is.
#[test]
fn every_configuration_is_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut seen = 0;
    for block in blocks().into_iter().filter(|block| block.language == "toml") {
        let file = dir.path().join("colmeia.toml");
        std::fs::write(&file, &block.text).expect("written");
        let output = std::process::Command::new(program("colmeia-supervisor"))
            .arg("--check-config")
            .arg("--config")
            .arg(&file)
            .arg("--state-dir")
            .arg(dir.path())
            .env_clear()
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{block:?}: {}", String::from_utf8_lossy(&output.stderr));
        seen += 1;
    }
    assert!(seen > 1, "{seen}");
}

/// What the pages show as an incoming message is what comes: the same members, each of the same type.
#[tokio::test]
async fn the_message_that_is_shown_is_the_one_that_comes() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    farm.phone.message(NUMBER, FRIEND, "oi").await;
    farm.webhook.has("1", &["oi".to_owned()]).await;
    let came = farm.webhook.taken().remove(0);
    let kinds = |value: &Value| -> Vec<(String, &'static str)> {
        let kind = |value: &Value| {
            if value.is_string() {
                "text"
            } else if value.is_i64() {
                "number"
            } else {
                "other"
            }
        };
        let members = value.as_object().expect("an object").iter();
        members.map(|(name, value)| (name.clone(), kind(value))).collect()
    };
    for page in ["README.md", "docs/flask.md"] {
        let shown: Value = serde_json::from_str(&the_block(page, "json").text).expect("JSON");
        assert_eq!(kinds(&shown), kinds(&came), "{page}");
        assert_eq!((&shown["body"], &shown["phone"]), (&came["body"], &came["phone"]), "{page}");
    }
}

/// A block of commands that is not tried here is tried on the bare machine, by `make fresh`, or in the virtual one. A page
/// may show what another one shows; then one of them is enough.
#[test]
fn no_block_of_commands_is_tried_nowhere() {
    let scripts = ["first", "second"].map(|name| repository(&format!("tests/vm/{name}")));
    let scripts = scripts.map(|path| std::fs::read_to_string(path).expect("readable")).concat();
    let in_the_vm = |block: &Block| {
        let call = format!(" snippet {} '", block.page);
        let words = scripts.lines().filter_map(|line| line.split_once(&call)?.1.strip_suffix('\''));
        words.into_iter().any(|words| block.text.starts_with(words))
    };
    let on_the_bare_one = |block: &Block| block.commands().iter().all(|line| BARE.contains(&line.as_str()));
    let takes_an_engine = |block: &Block| {
        let first = block.commands().swap_remove(0);
        ENGINE.iter().any(|start| first.starts_with(start))
    };
    let mut blocks = blocks();
    blocks.retain(|block| block.language == "sh" && !takes_an_engine(block) && block.commands() != [RELEASE]);
    let (tried, rest): (Vec<&Block>, Vec<&Block>) =
        blocks.iter().partition(|block| block.is_tried_here() || on_the_bare_one(block) || in_the_vm(block));
    let nowhere = rest.iter().filter(|block| !tried.iter().any(|other| other.commands() == block.commands()));
    let nowhere: Vec<_> = nowhere.collect();
    assert!(nowhere.is_empty(), "{nowhere:#?}");
}
