//! Pages of other sites in a real browser: whatever such a page tries, by whatever route, nothing happens.
//!
//! The table of routes is the supervisor's own (`--routes`). That each attempt really arrived, and how it was answered,
//! is read in its log; that nothing came of it, at the phone and in what the service says of itself.

use std::collections::BTreeMap;

use axum::Router;
use axum::response::Html;
use serde_json::{Value, json};

use crate::harness::{Farm, Options, program, until};
use crate::visitor::{Sight, Visitor};

const NUMBER: &str = "5511900000003";

/// One route with the address that a page would use.
struct Target {
    method: String,
    route: String,
    path: String,
    changes: bool,
    is_page: bool,
}

fn targets() -> Vec<Target> {
    let table = std::process::Command::new(program("colmeia-supervisor")).arg("--routes").output();
    let table = String::from_utf8(table.expect("it runs").stdout).expect("text");
    let target = |line: &str| {
        let [method, route, effect] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let parts = route.split('/').map(|part| match part {
            "{session}" | "{user}" => "3",
            "{operation}" => "stop",
            "{tag}" => "en",
            _ if part.starts_with('{') => "5511988887777@c.us",
            _ => part,
        });
        let user = if route.starts_with("/qr") { "evil" } else { "3" };
        let path = parts.collect::<Vec<_>>().join("/");
        let path = format!(
            "{path}?session=3&user_id={user}&name=evil&phone=5511988887777&text=x&chatId=5511988887777@c.us"
        );
        Target {
            method: method.into(),
            route: route.into(),
            path,
            changes: effect != "looks",
            is_page: effect == "asks",
        }
    };
    let targets: Vec<_> = table.lines().map(target).collect();
    assert!(targets.len() > 200, "the whole table: {}", targets.len());
    targets
}

/// Everything that a page can do to an address without leaving itself.
const ATTACK: &str = r#"
const BODY = '{"session":"3","user_id":"3","name":"evil","phone":"5511988887777","message":"x","chatId":"5511988887777@c.us","text":"x","pad":"';
// Waits for what changes; what only looks may be a stream without an end.
const ends = (patience, begin) => new Promise((done) => { begin(done); setTimeout(done, patience); });
function framed(patience, fill) {
  const frame = document.createElement("iframe");
  frame.name = "f" + Math.random();
  document.body.append(frame);
  return ends(patience, (done) => { fill(frame); frame.onload = frame.onerror = done; }).then(() => frame.remove());
}
function form(url, method, target) {
  const form = document.createElement("form");
  Object.assign(form, { action: url, method, target, enctype: "text/plain" });
  const field = document.createElement("input");
  [field.name, field.value] = [BODY, '"}'];
  if (method === "post") form.append(field);
  document.body.append(form);
  form.submit();
  form.remove();
}
async function fetched(patience, url, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), patience);
  await fetch(url, { ...options, credentials: "include", signal: stop.signal }).catch(() => {});
  clearTimeout(timer);
}
const ways = {
  fetch: (patience, url, method) => fetched(patience, url, method === "POST" ? { method, mode: "no-cors", body: BODY + '"}' } : { mode: "no-cors" }),
  cors: (patience, url, method) => fetched(patience, url, { method, mode: "cors", headers: { "Content-Type": "application/json" }, body: method === "GET" ? undefined : BODY + '"}' }),
  frame: (patience, url, method) => framed(patience, (frame) => {
    if (method === "POST") form(url, "post", frame.name); else frame.src = url;
  }),
  image: (patience, url, method) => method === "GET" && ends(patience, (done) => {
    const image = new Image();
    image.onload = image.onerror = done;
    image.src = url;
    setTimeout(() => { image.src = "data:,"; }, patience);
  }),
  script: (patience, url, method) => method === "GET" && ends(patience, (done) => {
    const script = document.createElement("script");
    script.onload = script.onerror = done;
    script.src = url;
    document.head.append(script);
    setTimeout(() => script.remove(), patience);
  }),
  socket: (patience, url, method) => method === "GET" && ends(patience, (done) => {
    const socket = new WebSocket(url.replace("http", "ws"));
    socket.onerror = socket.onclose = done;
    socket.onopen = () => { window.opened = (window.opened ?? []).concat(url); socket.close(); };
  }),
  beacon: (patience, url, method) => method === "POST" && navigator.sendBeacon(url, BODY + '"}'),
};
async function attack(base, targets) {
  const all = targets.flatMap((target) => Object.values(ways).map((way) => [way, target]));
  const worker = async () => {
    for (let next; (next = all.pop());) {
      const [way, [method, path, changes]] = next;
      await way(changes ? 60000 : 700, base + path, method);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  window.done = true;
}
"#;

/// What the service and the phone say of everything that could have been changed. That a session is busy for a moment,
/// as the pages read a lot, is no change.
async fn state(farm: &Farm) -> Value {
    let json = async |path: &str| farm.service.get(path).await.json;
    let sessions = json("/api/sessions?all=true").await;
    let sessions = sessions.as_array().expect("a list").iter();
    json!({
        "sessions": sessions.map(|session| json!([session["name"], session["config"]])).collect::<Vec<_>>(),
        "keys": json("/api/keys").await,
        "events": json("/api/events?limit=1000&events=message.any").await,
        "sent": farm.phone.sent(NUMBER).await,
    })
}

/// How often which status was answered, by method and route, from here on in the log.
fn answers(farm: &Farm, from: usize) -> BTreeMap<(String, String), Vec<String>> {
    let log = std::fs::read(farm.dir.path().join("log")).expect("a log");
    let log = String::from_utf8_lossy(&log[from..]).into_owned();
    let mut answers = BTreeMap::<_, Vec<_>>::new();
    for line in log.lines().filter(|line| line.contains("answered status=")) {
        let value = |key: &str| {
            let rest = &line[line.find(key)? + key.len()..];
            Some(rest.split([' ', '}']).next()?.trim_matches('"').to_owned())
        };
        // A route has braces of its own, and stands in quotes.
        let route = line.split("route=\"").nth(1).and_then(|rest| rest.split('"').next());
        let key = (value("method=").unwrap_or_default(), route.unwrap_or_default().to_owned());
        answers.entry(key).or_default().push(value("status=").unwrap_or_default());
    }
    answers
}

/// Leaves a foreign page for an address, and returns the status of what is shown then.
async fn leave(sight: &Sight, from: &str, by: &str, target: &str) -> u64 {
    sight.0.goto(from).await.expect("it loads");
    sight.ask(by).await;
    until(&format!("the browser has gone to {target}"), || async {
        let seen = sight.ask("[location.href.split('?')[0], document.readyState, performance.getEntriesByType('navigation')[0]?.responseStatus]");
        let seen = seen.await?;
        let there = seen[0].as_str()?.ends_with(target) && seen[1] == "complete";
        if there { seen[2].as_u64() } else { None }
    })
    .await
}

#[tokio::test]
async fn no_page_of_another_site_changes_anything_in_any_way() {
    let farm = Farm::start_with(Options { log_to_file: true, ..Options::default() }).await;
    farm.link("3", NUMBER).await;
    let targets = targets();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let page =
        format!("<!doctype html><meta charset=utf-8><title>evil</title><body><script>{ATTACK}</script>");
    let app = Router::new().fallback(move || async { Html(page) });
    let evil = tokio::spawn(async move { axum::serve(listener, app).await });
    let base = format!("http://{}", farm.service.address());
    let before = state(&farm).await;
    let begun = std::fs::metadata(farm.dir.path().join("log")).expect("a log").len();
    let begun = usize::try_from(begun).expect("small");

    let visitor = Visitor::arrive("en-US").await;
    // Another site, and another port of ours.
    for site in ["localhost", "127.0.0.1"] {
        let from = format!("http://{site}:{port}/");
        let sight = visitor.open(&from).await;
        let all: Vec<_> =
            targets.iter().map(|target| json!([target.method, target.path, target.changes])).collect();
        sight.ask(&format!("attack({}, {}); 1", json!(base), json!(all))).await;
        sight.is("window.done === true").await;
        assert_eq!(sight.ask("(window.opened ?? []).join()").await, Some("".into()), "a socket was opened");
        for target in targets.iter().filter(|target| target.changes) {
            let url = json!(format!("{base}{}", target.path));
            let end = target.path.split('?').next().unwrap_or_default();
            let by = match target.method.as_str() {
                "GET" => format!("location.href = {url}; 1"),
                "POST" => format!("form({url}, 'post', '_top'); 1"),
                _ => continue,
            };
            let status = leave(&sight, &from, &by, end).await;
            assert_eq!(status, if target.is_page { 200 } else { 403 }, "{} {}", target.method, target.route);
        }
    }

    let answers = answers(&farm, begun);
    for Target { method, route, changes, is_page, .. } in &targets {
        let seen = answers.get(&(method.clone(), route.clone())).cloned().unwrap_or_default();
        match method.as_str() {
            "GET" | "POST" if *changes => {
                assert!(seen.len() >= 6, "{method} {route} was hardly tried: {seen:?}");
                let fine = |status: &String| status == "403" || (*is_page && status == "200");
                assert!(seen.iter().all(fine), "{method} {route}: {seen:?}");
            }
            "GET" => assert!(!seen.is_empty(), "{method} {route} was not tried"),
            _ => {
                assert!(seen.is_empty(), "the browser asks first whether it may: {method} {route}");
                assert!(answers.contains_key(&("OPTIONS".into(), route.clone())), "{route}");
            }
        }
    }
    let mut after = state(&farm).await;
    assert_eq!(after, before);

    farm.ready("3").await;
    // The same address does what it says for whoever may: the walk tried something.
    let sending = targets.iter().find(|target| target.route == "/api/sendText" && target.method == "GET");
    // `phone` and `chatId` are one field there, and the walk gave both.
    let path = sending.expect("in the table").path.replace("&chatId=5511988887777@c.us", "");
    let answer = farm.service.get(&path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    after = state(&farm).await;
    assert_eq!(after["sent"].as_array().map(Vec::len), Some(1));
    evil.abort();
}

#[tokio::test]
async fn a_link_to_the_qr_page_asks_first_and_goes_on_with_one_click() {
    let farm = Farm::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let link = format!("<a id=go href='http://{}/qr?user_id=3'>QR</a>", farm.service.address());
    let app = Router::new().fallback(move || async { Html(link) });
    let flask = tokio::spawn(async move { axum::serve(listener, app).await });
    let visitor = Visitor::arrive("en-US").await;
    let sight = visitor.open(&format!("http://127.0.0.1:{port}/")).await;
    sight.click("#go").await;
    sight.says("Nothing has been started yet").await;
    assert_eq!(farm.service.get("/api/sessions?all=true").await.json, json!([]));
    sight.click("form button").await;
    sight.is("document.querySelector('#qr:not([hidden])') !== null").await;
    assert_eq!(farm.service.get("/api/sessions?all=true").await.json[0]["name"], "3");
    flask.abort();
}
