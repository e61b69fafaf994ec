//! What of the page is laid out and drawn, and that a picture shows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use colmeia::config::{PageConfig, PageUi};
use colmeia::protocol::Call;
use serde_json::{Value, json};

use super::rig::{FRIEND, ME, Session, Simulator};
use crate::engine::{Engine, PagePhase};

const BARE: PageConfig =
    PageConfig { ui: PageUi::None, workers: colmeia::config::PageWorkers::Page, worker_idle_ms: 60_000 };

impl Session {
    async fn evaluated(&self, expression: &str) -> Value {
        self.engine.evaluate(expression).await.expect("evaluated")
    }

    async fn picture(&self) -> Bytes {
        self.with_body(Call::Screenshot, Bytes::new()).await.expect("a picture").1
    }

    /// How many of the picture's pixels differ from its first one, as the page itself reads it.
    async fn drawn_pixels(&self, png: &Bytes) -> u64 {
        let count = format!(
            "(async () => {{
                const bytes = Uint8Array.from(atob('{}'), (letter) => letter.charCodeAt(0));
                const image = await createImageBitmap(new Blob([bytes], {{ type: 'image/png' }}));
                const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
                canvas.drawImage(image, 0, 0);
                const pixels = new Uint32Array(canvas.getImageData(0, 0, image.width, image.height).data.buffer);
                return pixels.filter((pixel) => pixel !== pixels[0]).length;
            }})()",
            BASE64.encode(png)
        );
        self.evaluated(&count).await.as_u64().expect("a number")
    }

    async fn is_laid_out(&self) -> bool {
        self.evaluated("getComputedStyle(document.querySelector('#app')).contentVisibility === 'visible'")
            .await
            == json!(true)
    }

    async fn has_main_screen(&self) -> bool {
        self.evaluated("document.querySelector('#main-screen') !== null").await == json!(true)
    }
}

#[tokio::test]
async fn the_page_is_laid_out_only_for_whoever_looks() {
    let simulator = Simulator::start().await;
    let mut session = Session::open(&simulator, "").await;
    let qr = session.qr().await;
    assert!(!session.is_laid_out().await);
    // A code is thousands of dark pixels on light ones.
    let code = session.picture().await;
    assert!(session.drawn_pixels(&code).await > 5_000, "the code is drawn");
    assert!(!session.is_laid_out().await, "nobody looks any more");

    simulator.scan(&qr, ME).await;
    session.phase(PagePhase::Main).await;
    session.send_text(FRIEND, "a chat to be seen").await.expect("sent");
    let main = session.picture().await;
    assert!(session.drawn_pixels(&main).await > 500, "the chats are drawn");
    assert!(!session.is_laid_out().await);
    assert!(session.has_main_screen().await, "it is there all the same");
    session.close().await;
}

#[tokio::test]
async fn whoever_looks_and_is_never_heard_of_again_looks_away() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    let looks = |ms: u64| {
        format!(
            "window[Object.getOwnPropertyNames(window).find((name) => /^_[0-9a-f]{{32}}$/.test(name))].look({ms})"
        )
    };
    session.evaluated(&looks(60_000)).await;
    assert!(session.is_laid_out().await);
    let other = session.picture().await;
    assert!(session.drawn_pixels(&other).await > 500);
    assert!(session.is_laid_out().await, "the first one still looks");
    session.close().await;

    let session = Session::linked(&simulator, "").await;
    session.evaluated(&looks(1)).await;
    super::rig::within("the end of the look", async {
        while session.is_laid_out().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    session.close().await;
}

#[tokio::test]
async fn without_a_main_screen_all_goes_on_and_a_picture_has_it() {
    let simulator = Simulator::start().await;
    let mut session = Session::linked_with(&simulator, "", BARE).await;
    assert!(!session.has_main_screen().await);
    session.send_text(FRIEND, "a chat to be seen").await.expect("sent");
    simulator.post("/phone/message", json!({ "to": ME, "from": FRIEND, "name": "B", "body": "heard" })).await;
    assert_eq!(session.message().await.body, "heard");
    assert!(!session.has_main_screen().await);

    // Two at once, and one after them.
    let (first, second) = tokio::join!(session.picture(), session.picture());
    for picture in [first, second, session.picture().await] {
        assert!(session.drawn_pixels(&picture).await > 500, "the chats are drawn");
    }
    assert!(!session.has_main_screen().await, "nobody looks any more");

    // What arrived with the main screen's start is asked for by itself.
    let view = session.engine.probe_page(3_000).await.expect("it answers");
    assert_eq!(view.degraded, Vec::<String>::new());
    session.close().await;
}
