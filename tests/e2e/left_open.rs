//! The pages for people, left open: the QR page and the dashboard of a session in each state, for twenty minutes. `make
//! left-open-drill` runs it and prints what each page took; the other tests leave it out, because it takes that long.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::log::{self, LogEntryLevel};
use chromiumoxide::cdp::browser_protocol::network::{self, EventRequestWillBeSent};
use chromiumoxide::cdp::browser_protocol::page::EventLoadEventFired;
use chromiumoxide::cdp::browser_protocol::performance;
use chromiumoxide::cdp::js_protocol::heap_profiler::CollectGarbageParams;
use chromiumoxide::cdp::js_protocol::runtime::{
    ConsoleApiCalledType, EventConsoleApiCalled, EventExceptionThrown,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::harness::{Farm, Options, Service, until};
use crate::passkey::{Owner, WHATSAPP};
use crate::visitor::{Sight, Visitor};

const FRIEND: &str = "5511988887777";
/// When a page is measured for the first time: until then it comes up.
const SETTLED: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_secs(20);

/// What a page may have more after all that time.
const MORE_HEAP: f64 = 1024.0 * 1024.0;
const MORE_NODES: f64 = 300.0;
const MORE_LISTENERS: f64 = 20.0;
/// And how often it may ask for something: the stream of its changes is one request.
const REQUESTS_PER_MINUTE: u32 = 1;

/// How long the pages stay open: twenty minutes, or what `LEFT_OPEN_MINUTES` says.
fn minutes() -> u32 {
    std::env::var("LEFT_OPEN_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// What a browser tells of one page.
#[derive(Default)]
struct Seen {
    requests: u32,
    loads: u32,
    errors: Vec<String>,
}

/// What a page takes, garbage aside.
#[derive(Debug, Clone, Copy)]
struct Taken {
    heap: f64,
    nodes: f64,
    listeners: f64,
}

/// A page that nobody touches.
struct Left {
    name: String,
    address: String,
    sight: Sight,
    seen: Arc<Mutex<Seen>>,
    before: Option<Taken>,
}

impl Left {
    async fn open(visitor: &Visitor, name: &str, address: String) -> Self {
        let sight = visitor.open_apart("about:blank").await;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let page = &sight.0;
        page.execute(network::EnableParams::default()).await.expect("enabled");
        page.execute(log::EnableParams::default()).await.expect("enabled");
        page.execute(performance::EnableParams::default()).await.expect("enabled");
        let mut requests = page.event_listener::<EventRequestWillBeSent>().await.expect("a listener");
        let mut loads = page.event_listener::<EventLoadEventFired>().await.expect("a listener");
        let mut console = page.event_listener::<EventConsoleApiCalled>().await.expect("a listener");
        let mut thrown = page.event_listener::<EventExceptionThrown>().await.expect("a listener");
        let mut logged = page.event_listener::<log::EventEntryAdded>().await.expect("a listener");
        let noted = Arc::clone(&seen);
        tokio::spawn(async move {
            loop {
                let error = tokio::select! {
                    Some(request) = requests.next() => {
                        // What a page carries with itself is no request of anybody.
                        if request.request.url.starts_with("http") {
                            noted.lock().expect("no panic").requests += 1;
                        }
                        None
                    }
                    Some(_) = loads.next() => {
                        noted.lock().expect("no panic").loads += 1;
                        None
                    }
                    Some(call) = console.next() => {
                        (call.r#type == ConsoleApiCalledType::Error).then(|| format!("{:?}", call.args))
                    }
                    Some(thrown) = thrown.next() => Some(format!("{:?}", thrown.exception_details)),
                    Some(entry) = logged.next() => {
                        (entry.entry.level == LogEntryLevel::Error).then(|| format!("{:?}", entry.entry))
                    }
                    else => break,
                };
                if let Some(error) = error {
                    noted.lock().expect("no panic").errors.push(error);
                }
            }
        });
        // What was there before counts for nothing.
        sight.is("location.href === 'about:blank'").await;
        *seen.lock().expect("no panic") = Seen::default();
        sight.0.goto(&address).await.expect("it loads");
        Self { name: name.to_owned(), address, sight, seen, before: None }
    }

    async fn takes(&self) -> Taken {
        let page = &self.sight.0;
        page.execute(CollectGarbageParams::default()).await.expect("collected");
        let metrics = page.metrics().await.expect("measured");
        let of =
            |name: &str| metrics.iter().find(|metric| metric.name == name).map_or(0.0, |metric| metric.value);
        Taken { heap: of("JSHeapUsedSize"), nodes: of("Nodes"), listeners: of("JSEventListeners") }
    }

    /// Everything that is on the page, shown or not.
    async fn everything(&self) -> String {
        let source = "document.documentElement.outerHTML + [...document.querySelectorAll('input, textarea')].map((one) => one.value).join()";
        let all = until("the page can be read", || async { self.sight.ask(source).await });
        all.await.as_str().expect("a text").to_owned()
    }

    /// Where the session stands, in the page's words.
    async fn words(&self) -> Option<Value> {
        words(&self.sight).await
    }
}

/// Title and sentence of either page.
async fn words(sight: &Sight) -> Option<Value> {
    let source =
        "[...document.querySelectorAll('#title, #detail, .now [role=status]')].map((one) => one.innerText)";
    sight.ask(source).await
}

/// Everything that stays open, and what was asked of the accounts' owners meanwhile.
struct Scene {
    visitor: Visitor,
    left: Vec<Left>,
    secrets: BTreeSet<String>,
}

impl Scene {
    /// The QR page and the dashboard of this user, which say this.
    async fn leave(&mut self, farm: &Farm, user: &str, owner: &str, operator: &str) {
        let base = format!("http://{}", farm.service.address());
        for (kind, address, says) in [
            ("qr", format!("{base}/qr?user_id={user}"), owner),
            ("dashboard", format!("{base}/sessions/{user}"), operator),
        ] {
            let left = Left::open(&self.visitor, &format!("{user} {kind}"), address).await;
            left.sight.says(says).await;
            self.left.push(left);
        }
    }

    fn page(&self, name: &str) -> &Left {
        self.left.iter().find(|left| left.name == name).expect("it was left open")
    }

    /// Notes what is secret now, and that none of what is over is on a page.
    async fn look(&mut self, farm: &Farm, users: &[&str]) {
        let mut now = BTreeSet::new();
        for user in users {
            for (path, field) in [("challenge", "challenge"), ("confirmation", "code")] {
                let answer = farm.service.get(&format!("/api/{user}/auth/passkey/{path}")).await;
                now.extend(answer.json[field].as_str().map(str::to_owned));
            }
        }
        self.secrets.extend(now.iter().cloned());
        let over: Vec<String> = self.secrets.difference(&now).cloned().collect();
        for left in &self.left {
            until(&format!("nothing that is over is on {}", left.name), || async {
                let all = left.everything().await;
                (!over.iter().any(|secret| all.contains(secret))).then_some(())
            })
            .await;
        }
    }
}

async fn give_passkey(farm: &Farm, owner: &Owner, number: &str) {
    let passkey = json!({ "number": number, "id": owner.id, "public_key": owner.public_key });
    let (status, answer) = farm.phone.post("/phone/passkey", passkey).await;
    assert_eq!(status, 200, "{answer}");
}

async fn challenge(farm: &Farm, user: &str) -> Value {
    until("something has to be signed", || async {
        let answer = farm.service.get(&format!("/api/{user}/auth/passkey/challenge")).await;
        (answer.status == 200).then_some(answer.json)
    })
    .await
}

async fn sign(farm: &Farm, owner: &Owner, user: &str) {
    let signed = owner.sign(&challenge(farm, user).await).await;
    let answer = farm.service.post(&format!("/api/{user}/auth/passkey"), &signed).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

async fn until_state(farm: &Farm, user: &str, state: &str) {
    until(&format!("{user} is {state}"), || async {
        (farm.status(user).await["state"] == state).then_some(())
    })
    .await;
}

#[tokio::test]
async fn pages_that_are_left_open_stay_true_quiet_and_small() {
    const ASKED: &str = "5511900000071";
    const CODE: &str = "5511900000072";
    const CHECKPOINT: &str = "5511900000073";
    const READY: &str = "5511900000074";
    const OUT: &str = "5511900000075";
    const WAITS: &str = "5511900000076";
    const OFF: &str = "5511900000077";
    const LINKED: [&str; 6] = ["asked", "code", "checkpoint", "ready", "out", "waits"];
    let time = Duration::from_secs(u64::from(minutes()) * 60);
    // As they come; only a shorter drill has a shorter request.
    let passkey_ms = u128::from(600_000_u32).min(time.as_millis() / 2);
    let deadlines = format!("passkey_ms = {passkey_ms}");
    let farm = Farm::start_with(Options {
        config: format!("max_users = {}", LINKED.len()),
        deadlines: deadlines.clone(),
        page_query: "?handoff=1".into(),
        ..Options::default()
    })
    .await;
    let off = Farm::start_with(Options {
        config: "passkey = \"off\"".into(),
        deadlines: deadlines.clone(),
        ..Options::default()
    })
    .await;
    let slow = Farm::start_with(Options { deadlines: deadlines.clone(), ..Options::default() }).await;
    slow.phone.stand_still();
    let broken =
        Farm::start_with(Options { deadlines, browser: Some("/bin/false".into()), ..Options::default() })
            .await;
    let owner = Owner::on(WHATSAPP).await;
    let mut scene =
        Scene { visitor: Visitor::arrive("en-US").await, left: Vec::new(), secrets: BTreeSet::new() };

    // ---- each state, and its pages ----
    farm.link("ready", READY).await;
    scene.leave(&farm, "ready", "WhatsApp connected", "Connected").await;
    farm.link("out", OUT).await;
    scene.leave(&farm, "out", "WhatsApp connected", "Connected").await;
    farm.phone.log_out(OUT).await;
    farm.link("checkpoint", CHECKPOINT).await;
    give_passkey(&farm, &owner, CHECKPOINT).await;
    let (status, told) = farm.phone.post("/phone/passkey/checkpoint", json!({ "number": CHECKPOINT })).await;
    assert_eq!(status, 200, "{told}");
    scene.leave(&farm, "checkpoint", "WhatsApp wants to know that it is you", "Waiting for a passkey").await;
    farm.qr("waits").await;
    scene.leave(&farm, "waits", "Scan the QR code", "Waiting for a phone").await;
    give_passkey(&farm, &owner, CODE).await;
    farm.scan("code", CODE).await;
    sign(&farm, &owner, "code").await;
    scene.leave(&farm, "code", "Compare the codes", "Compare the code").await;
    give_passkey(&farm, &owner, ASKED).await;
    farm.scan("asked", ASKED).await;
    let first = challenge(&farm, "asked").await;
    scene.leave(&farm, "asked", "Confirm with your passkey", "Waiting for a passkey").await;
    farm.service.get("/qr?user_id=queued").await;
    scene.leave(&farm, "queued", "Service at capacity", "Queued").await;
    give_passkey(&off, &owner, OFF).await;
    off.scan("off", OFF).await;
    scene.leave(&off, "off", "This account cannot be linked here", "Passkeys are switched off").await;
    slow.service.get("/qr?user_id=loads").await;
    until_state(&slow, "loads", "loading").await;
    scene.leave(&slow, "loads", "Preparing the QR code", "Under way").await;
    broken.service.get("/qr?user_id=parked").await;
    until_state(&broken, "parked", "failed").await;
    scene.leave(&broken, "parked", "Could not connect", "Failed").await;
    let list = format!("http://{}/", farm.service.address());
    let list = Left::open(&scene.visitor, "list", list).await;
    list.sight.says("of 7 connected").await;
    scene.left.push(list);

    // ---- left alone ----
    let mut pids = Vec::new();
    for user in LINKED {
        pids.push(Service::processes_of(user).await.0.pid);
    }
    let begun = Instant::now();
    let asked = ["asked", "code", "checkpoint"];
    while begun.elapsed() < time {
        tokio::time::sleep(LOOK.min(time.saturating_sub(begun.elapsed()))).await;
        scene.look(&farm, &asked).await;
        // A page that is open harms nobody.
        farm.ready("ready").await;
        if begun.elapsed() >= SETTLED.min(time / 2) {
            for left in scene.left.iter_mut().filter(|left| left.before.is_none()) {
                left.before = Some(left.takes().await);
            }
        }
    }

    // ---- what is there in the end ----
    println!("page | requests | loads | heap KiB before, after | nodes | listeners | says");
    for left in &scene.left {
        let (before, after) = (left.before.expect("measured"), left.takes().await);
        let (requests, loads, errors) = {
            let seen = left.seen.lock().expect("no panic");
            (seen.requests, seen.loads, seen.errors.clone())
        };
        println!(
            "{} | {requests} | {loads} | {:.0}, {:.0} | {}, {} | {}, {} | {}",
            left.name,
            before.heap / 1024.0,
            after.heap / 1024.0,
            before.nodes,
            after.nodes,
            before.listeners,
            after.listeners,
            left.words().await.unwrap_or_default(),
        );
        assert_eq!(errors, Vec::<String>::new(), "{}", left.name);
        assert_eq!(loads, 1, "{} was never loaded again", left.name);
        assert!(requests <= 10 + REQUESTS_PER_MINUTE * minutes(), "{} asked {requests} times", left.name);
        assert!(after.heap <= before.heap + MORE_HEAP, "{}: {before:?} {after:?}", left.name);
        assert!(after.nodes <= before.nodes + MORE_NODES, "{}: {before:?} {after:?}", left.name);
        assert!(after.listeners <= before.listeners + MORE_LISTENERS, "{}: {before:?} {after:?}", left.name);
        // A new page says the same. Who is parked is started by one, so that one is not opened.
        if left.name != "parked qr" && left.name != "loads qr" {
            let fresh = scene.visitor.open_apart(&left.address).await;
            until(&format!("{} says what a new page says", left.name), || async {
                let (old, new) = (left.words().await?, words(&fresh).await?);
                (old == new).then_some(())
            })
            .await;
            let _ = fresh.0.close().await;
        }
    }
    for user in LINKED {
        let state = farm.status(user).await["state"].clone();
        println!("{user} is {state}");
    }
    for (at, user) in LINKED.into_iter().enumerate() {
        assert_eq!(Service::processes_of(user).await.0.pid, pids[at], "{user} runs as it ran");
    }
    // The page never came: it is loading, or was given up meanwhile.
    let (state, told) = (slow.status("loads").await["state"].clone(), scene.page("loads qr").words().await);
    println!("loads is {state}");
    let title = if state == "failed" { "Could not connect" } else { "Preparing the QR code" };
    assert_eq!(told.unwrap_or_default()[0], title, "{state}");
    let over = scene.page("asked qr");
    over.sight.says("The time to use the passkey is over").await;
    scene.page("asked dashboard").sight.says("The time to use the passkey is over").await;
    over.sight.keep_picture("left-open-expired.png").await;
    let all = over.everything().await;
    assert!(
        !all.contains(first["challenge"].as_str().expect("a text")),
        "nothing of the old request is left"
    );
    scene.page("out qr").sight.says("Scan the QR code").await;
    scene.page("parked qr").sight.says("Could not connect").await;
    scene.page("parked dashboard").sight.says("Failed").await;
    scene.page("queued qr").sight.says("Service at capacity").await;
    scene.page("checkpoint qr").sight.says("The phone stays linked").await;
    assert!(farm.phone.is_listed(CHECKPOINT).await && farm.phone.is_listed(READY).await);

    // ---- and every session goes on from its page ----
    for (user, number, name) in
        [("waits", WAITS, "waits qr"), ("asked", ASKED, "asked qr"), ("out", OUT, "out qr")]
    {
        let page = scene.page(name);
        until(&format!("a phone reads the code of {name}"), || async {
            let code = page.sight.read_code().await?;
            farm.phone.scan(&code, number).await.then_some(())
        })
        .await;
        if user == "asked" {
            sign(&farm, &owner, user).await;
            page.sight.click("#pk-confirm").await;
        }
        farm.ready(user).await;
        page.sight.says("WhatsApp connected").await;
    }
    sign(&farm, &owner, "checkpoint").await;
    farm.ready("checkpoint").await;
    scene.page("checkpoint qr").sight.says("WhatsApp connected").await;
    farm.phone.message(READY, FRIEND, "still there").await;
    until("a message arrives", || async {
        farm.webhook.bodies("ready").iter().any(|body| body == "still there").then_some(())
    })
    .await;
    scene.page("off qr").sight.says("asks for a passkey, and whoever runs this service").await;
    let (status, told) = off.phone.post("/phone/passkey", json!({ "number": OFF })).await;
    assert_eq!(status, 200, "{told}");
    off.link("off", OFF).await;
    scene.page("off qr").sight.says("WhatsApp connected").await;
}
