//! Nobody is shut out: axe-core, whose rules others wrote, finds nothing serious on any page, in both languages, on a phone
//! and on a desk, in light and in dark. What was looked at lies as pictures below `target/screenshots`.

use serde_json::{Value, json};

use crate::harness::{Farm, repository, until};
use crate::visitor::{Sight, Visitor};

const KEY: &str = "a-key-for-the-dashboard";

/// What of axe's findings counts: `minor` and `moderate` are matters of taste.
const SERIOUS: &str = "axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => [id, ...nodes.slice(0, 5).map((node) => node.target.join(' ') + ': ' + node.failureSummary)])))";

/// A page, and what is on it when it is there.
struct Shown {
    name: &'static str,
    path: &'static str,
    there: &'static str,
}

const fn shown(name: &'static str, path: &'static str, there: &'static str) -> Shown {
    Shown { name, path, there }
}

const PAGES: &[Shown] = &[
    shown("list", "/", "document.querySelectorAll('.sessions tbody tr').length === 3"),
    shown("found", "/?q=loja", "document.querySelectorAll('.sessions tbody tr').length === 1"),
    shown("session", "/sessions/1", "document.querySelector('.history') !== null"),
    shown("linking", "/sessions/2", "document.querySelector('.linking img').src.startsWith('data:')"),
    shown("chats", "/sessions/1/chats", "document.querySelectorAll('.chats li').length === 2"),
    shown(
        "chat",
        "/sessions/1/chats/5511988887777%40c.us",
        "document.querySelectorAll('.messages li').length >= 2",
    ),
    shown("log", "/sessions/1/log", "document.querySelectorAll('.log-lines li').length > 0"),
    shown("settings", "/sessions/1/settings", "document.querySelectorAll('form').length > 3"),
    shown("keys", "/keys", "document.querySelector('fieldset') !== null"),
    shown("long-name", "/sessions/3", "document.querySelector('h1').textContent.includes('W')"),
    shown(
        "long-chat",
        "/sessions/1/chats/5511977776666%40c.us",
        "document.querySelectorAll('.messages li').length >= 1",
    ),
    shown("confirm", "/sessions/1/confirm/reset", "document.querySelector('form.actions') !== null"),
    shown("nothing", "/sessions/nobody", "document.querySelector('[role=status]') !== null"),
    shown("qr", "/qr?user_id=2", "document.querySelector('#qr').src.startsWith('data:')"),
];

/// A service with a session that works, one that waits for its phone and one that is stopped.
async fn farm() -> Farm {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.phone.message("5511900000001", "5511988887777", "Olá! Vocês abrem no sábado?").await;
    let text = json!({"session": "1", "chatId": "5511988887777", "text": "Sim, das 9 às 13 h. 🐝"});
    until("the answer is sent", || async {
        (farm.service.post("/api/sendText", &text).await.status < 300).then_some(())
    })
    .await;
    let named = json!({"config": {"label": "Loja da Ana", "tags": ["vendas", "São Paulo"],
        "webhooks": [{"url": "https://example.com/hook", "events": ["message"]}]}});
    let named = farm.service.request("PUT", "/api/sessions/1").json(&named);
    assert_eq!(farm.service.send(named).await.status, 200);
    farm.qr("2").await;
    // What people and strangers choose may be long, and have no place where a line could end.
    let (name, body) = ("N".repeat(300), "W".repeat(900));
    let long = json!({"to": "5511900000001", "from": "5511977776666", "name": name, "body": body});
    farm.phone.message_with(long).await;
    let stopped = json!({"name": "3", "start": false, "config": {"label": "W".repeat(100)}});
    assert_eq!(farm.service.post("/api/sessions", &stopped).await.status, 201);
    farm
}

async fn serious(page: &Sight, axe: &str) -> Vec<Value> {
    page.ask(&format!("{axe}; true")).await.expect("axe is there");
    let found = page.ask(SERIOUS).await.expect("axe has run");
    serde_json::from_str(found.as_str().expect("text")).expect("JSON")
}

async fn look(service: &str, pages: &[Shown], language: &str, width: u32) {
    let axe = repository("tests/axe/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(axe).expect("scripts/setup test installs it");
    let visitor = Visitor::arrive_with(language, width, 900).await;
    let mut found = Vec::new();
    for theme in ["light", "dark"] {
        for Shown { name, path, there } in pages {
            let back = path.replace('%', "%25").replace('&', "%26");
            let page = visitor.open(&format!("{service}/theme/{theme}?back={back}")).await;
            page.is(there).await;
            page.keep_picture(&format!("{name}-{}-{width}-{theme}.png", &language[..2])).await;
            let serious = serious(&page, &axe).await;
            found.extend(serious.into_iter().map(|one| format!("{name} {language} {width} {theme}: {one}")));
            let wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
            let wider = page.ask(wider).await.and_then(|wider| wider.as_i64());
            if wider != Some(0) {
                found.push(format!("{name} {language} {width} {theme}: {wider:?} px wider than the window"));
            }
            page.close().await;
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn nothing_serious_is_found_on_any_page_on_a_phone() {
    let farm = farm().await;
    let service = format!("http://{}", farm.service.address());
    for language in ["pt-BR", "en-US"] {
        look(&service, PAGES, language, 390).await;
    }
}

#[tokio::test]
async fn nothing_serious_is_found_on_any_page_on_a_desk() {
    let farm = farm().await;
    let service = format!("http://{}", farm.service.address());
    for language in ["pt-BR", "en-US"] {
        look(&service, PAGES, language, 1280).await;
    }
}

#[tokio::test]
async fn nothing_serious_is_found_where_nobody_has_signed_in() {
    let (_farm, address) = Farm::start_beyond_loopback(KEY).await;
    let pages = [shown("sign-in", "/sign-in", "document.querySelector('#key') !== null")];
    for (language, width) in [("pt-BR", 390), ("en-US", 1280)] {
        look(&address, &pages, language, width).await;
    }
}
