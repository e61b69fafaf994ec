//! The examples whose clients are generated from our own document, by other people's generators: what these make of
//! `/openapi.json` has to send a message and read the chats, and they warn of nothing.

use tokio::process::Command;

use crate::harness::{Farm, chat_id, new_key, repository};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";

/// Runs an example with a key of its own; what it printed.
async fn run(farm: &Farm, example: &str, text: &str) -> String {
    let key = new_key(farm, &["--session", "1", "--read", "--send"]).await;
    let tools = repository("tests/clients/.venv/bin");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new(repository(&format!("examples/{example}/run")))
        .args(["1", FRIEND, text])
        .env("COLMEIA_URL", farm.service.url(""))
        .env("COLMEIA_KEY", key)
        .env("PATH", path)
        .kill_on_drop(true)
        .output()
        .await
        .expect("it runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{example}: {said}");
    said
}

#[tokio::test]
async fn generated_clients_send_and_read() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    for example in ["typescript", "python"] {
        let text = format!("de {example}");
        let said = run(&farm, example, &text).await;
        assert!(
            said.contains("sent: true_") && said.contains(&format!("chat: {}", chat_id(FRIEND))),
            "{said}"
        );
        let sent = farm.phone.sent(NUMBER).await;
        assert_eq!(sent.iter().filter(|message| message["body"] == text).count(), 1, "{example}: {sent:?}");
    }
}
