//! The page's web workers: held back until the page asks one for something, and nothing that needs one fails.

use std::time::Duration;

use bytes::Bytes;
use colmeia::config::{PageConfig, PageUi, PageWorkers};
use colmeia::operations::SendOptions;
use colmeia::protocol::Call;
use serde_json::{Value, json};

use super::rig::{FRIEND, LIMIT, ME, Session, Simulator, chat, within};

const BACKEND: &str = "WAWebBackendWorker";
const SEARCH: &str = "WAWebFtsWorker";
const MEDIA: &str = "WAWebMediaWasmWorker";

impl Session {
    /// The web workers that run: each holds a lock of its name as long as it lives.
    async fn workers(&self) -> Vec<String> {
        let held = "navigator.locks.query().then(({ held }) =>
            held.map(({ name }) => /^worker (.+)/.exec(name)?.[1]).filter(Boolean).sort())";
        let names = self.engine.evaluate(held).await.expect("evaluated");
        serde_json::from_value(names).expect("names")
    }

    async fn until_workers(&self, wanted: &[&str]) {
        let mut seen = Vec::new();
        let come = async {
            while seen != wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
                seen = self.workers().await;
            }
        };
        let in_time = tokio::time::timeout(LIMIT, come).await.is_ok();
        assert!(in_time, "{seen:?} run instead of {wanted:?}");
    }

    /// All that the page does by itself after its login has been done.
    async fn come_to_rest(&self) {
        within("the end of what was missed", async {
            let over = "window.require('WAWebCmd').Cmd.isOfflineDeliveryEnd === true";
            while self.engine.evaluate(over).await.expect("evaluated") != json!(true) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }

    async fn send_file(&self, bytes: &'static [u8]) {
        let call = Call::SendMedia {
            chat: chat(FRIEND),
            mimetype: "application/octet-stream".to_owned(),
            filename: "file.bin".to_owned(),
            caption: None,
            as_document: false,
            style: None,
            options: SendOptions::default(),
        };
        self.with_body(call, Bytes::from_static(bytes)).await.expect("sent");
    }

    async fn search(&self, text: &str) -> Value {
        let search = format!(
            "window.require('WAWebCollections').Msg.search('{text}')
                .then(({{ messages }}) => messages.map(({{ body }}) => body))"
        );
        self.engine.evaluate(&search).await.expect("found")
    }
}

#[tokio::test]
async fn the_page_has_its_workers_all_of_the_time_where_it_is_told_so() {
    let simulator = Simulator::start().await;
    let page = PageConfig { workers: PageWorkers::Page, ..PageConfig::default() };
    let session = Session::linked_with(&simulator, "?workers=1", page).await;
    session.until_workers(&[BACKEND, SEARCH, MEDIA]).await;
    session.close().await;
}

#[tokio::test]
async fn each_worker_starts_when_the_page_asks_it() {
    for ui in [PageUi::Full, PageUi::None] {
        let simulator = Simulator::start().await;
        let page = PageConfig { ui, ..PageConfig::default() };
        let session = Session::linked_with(&simulator, "?workers=1", page).await;
        session.come_to_rest().await;
        assert_eq!(session.workers().await, Vec::<String>::new(), "nobody asked");

        session.send_file(b"some bytes").await;
        session.until_workers(&[MEDIA]).await;
        assert_eq!(simulator.last_sent().await["filename"], "file.bin");

        assert_eq!(session.search("needle").await, json!([]));
        session.until_workers(&[SEARCH, MEDIA]).await;

        let history = json!({ "number": ME, "chat": FRIEND, "messages":
            [{ "id": "OLD1", "body": "from the past", "timestamp": 1_700_000_000 }] });
        simulator.post("/phone/history", history).await;
        session.until_workers(&[BACKEND, SEARCH, MEDIA]).await;
        within("the history", async {
            let chats = "window.require('WAWebCollections').Chat.getModelsArray().length";
            while session.engine.evaluate(chats).await.expect("evaluated") == json!(0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        session.close().await;
    }
}

#[tokio::test]
async fn one_that_is_idle_ends_and_begins_again() {
    let simulator = Simulator::start().await;
    let page = PageConfig { worker_idle_ms: 300, ..PageConfig::default() };
    let session = Session::linked_with(&simulator, "?workers=1", page).await;
    session.come_to_rest().await;
    for round in 0..3_usize {
        session.send_file(b"some bytes").await;
        assert_eq!(simulator.sent().await.len(), round + 1);
        session.until_workers(&[]).await;
    }
    // One that was given a port cannot be told again how it began.
    session.search("needle").await;
    session.send_file(b"others").await;
    session.until_workers(&[SEARCH]).await;
    session.search("needle").await;
    session.close().await;
}

#[tokio::test]
async fn a_worker_that_nobody_can_ask_starts_with_the_page() {
    let simulator = Simulator::start().await;
    let query = "?workers=1&rename=WAWebBackendWorkerClient,WAWebMediaWorkerProxy";
    let session = Session::linked_with(&simulator, query, PageConfig::default()).await;
    session.until_workers(&[BACKEND, MEDIA]).await;
    session.close().await;
}
