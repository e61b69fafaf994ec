//! What whoever runs the service sees and does: the dashboard in a real browser.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{Farm, Service, ctl, repository, until};
use crate::visitor::{Sight, Visitor};

const KEY: &str = "a-key-for-the-dashboard";

/// Types a name on the list and starts a session; the page of that session opens.
async fn start(page: &Sight, user: &str) {
    page.type_into("#user_id", user).await;
    page.click(".new button").await;
    page.is(&format!("location.pathname === '/sessions/{user}'")).await;
}

/// Scans the code that the page shows, as a phone's camera does.
async fn scan(farm: &Farm, page: &Sight, number: &str) {
    until("the code on the page is scanned", || async {
        let code = page.read_code().await?;
        farm.phone.scan(&code, number).await.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_phone_is_linked_and_a_crash_and_the_recovery_are_watched() {
    let farm = Farm::start().await;
    let visitor = Visitor::arrive_with("pt-BR", 1280, 900).await;
    let page = visitor.open(&format!("http://{}/", farm.service.address())).await;
    page.says("Nenhuma sessão ainda").await;
    page.keep_picture("dashboard-empty.png").await;
    start(&page, "3").await;
    page.is("document.querySelector('.linking img')?.src.startsWith('data:image/svg')").await;
    page.keep_picture("session-code.png").await;
    scan(&farm, &page, "5511900000003").await;
    page.says("Conectada").await;
    page.says("+55 (11) 90000-0003").await;
    assert!(page.read_code().await.is_none(), "no code is left on the page");

    // Whoever works with the keyboard is not disturbed by what changes around them.
    let focused = "document.activeElement === document.querySelector('form[action$=\"/restart\"] button')";
    page.ask("document.querySelector('form[action$=\"/restart\"] button').focus(), window.same = true").await;
    page.is(focused).await;
    page.is("document.querySelectorAll('.levels [data-status=ok]').length === 3").await;
    page.keep_picture("session-ready.png").await;
    let (_, browser) = Service::processes_of("3").await;
    browser.signal(Signal::SIGKILL);
    page.says("o navegador caiu").await;
    page.says("Conectada").await;
    page.is(&format!("window.same === true && {focused}")).await;
    assert!(page.text().await.is_some_and(|text| text.contains("sinal 9")));

    page.click("[data-picture]").await;
    page.is("(document.getElementById('picture')?.naturalWidth ?? 0) > 100").await;
    page.keep_picture("session-screenshot.png").await;
    page.prefers("dark").await;
    page.keep_picture("session-dark.png").await;

    let phone = Visitor::arrive("en-US").await;
    let list = phone.open(&format!("http://{}/", farm.service.address())).await;
    list.says("Connected").await;
    list.says("+55 (11) 90000-0003").await;
    list.is("document.querySelector('.sessions meter') !== null").await;
    list.keep_picture("dashboard-phone.png").await;
    list.click("header nav a[hreflang]").await;
    list.says("Sessões").await;
    list.click("tbody th a").await;
    list.says("Saúde").await;
    list.keep_picture("session-phone.png").await;
}

#[tokio::test]
async fn a_session_is_stopped_started_linked_by_a_code_and_deleted() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let visitor = Visitor::arrive_with("en-US", 1280, 900).await;
    let list = visitor.open(&format!("http://{}/", farm.service.address())).await;
    list.says("1 of 1 connected").await;
    let page = visitor.open(&format!("http://{}/sessions/1", farm.service.address())).await;
    page.says("Messages can be sent").await;
    page.click("form[action$='/stop'] button").await;
    page.says("The stop was asked for").await;
    page.says("Stopped on request").await;
    list.says("0 of 1 connected").await;
    until("the worker is gone", || async { Service::workers().is_empty().then_some(()) }).await;
    list.prefers("dark").await;
    list.keep_picture("dashboard-dark.png").await;
    page.click("form[action$='/start'] button").await;
    page.says("Messages can be sent").await;
    list.says("1 of 1 connected").await;
    list.prefers("light").await;
    list.keep_picture("dashboard.png").await;

    start(&list, "2").await;
    list.is("document.querySelector('.linking img')?.src.startsWith('data:image/svg')").await;
    list.type_into("#phone", "+55 (11) 90000-0002").await;
    list.click("form[action$='/pairing-code'] button").await;
    let code = until("the page shows a pairing code", || async {
        let code = list.ask("document.getElementById('code').textContent").await?.as_str()?.to_owned();
        (!code.is_empty()).then_some(code)
    })
    .await;
    list.keep_picture("session-pairing.png").await;
    assert!(farm.phone.pair(&code, "5511900000002").await, "the phone does not know the code");
    list.says("Messages can be sent").await;

    list.click("a[href$='/confirm/reset']").await;
    list.says("This cannot be undone").await;
    list.keep_picture("confirm.png").await;
    list.click("form.actions button").await;
    list.says("The session was deleted").await;
    assert!(!farm.auth_dir("2").exists());
    assert_eq!(farm.status("1").await["ready"], true);
}

#[tokio::test]
async fn limits_hold_at_once_and_what_is_wrong_is_said_beside_its_field() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let address = format!("http://{}/sessions/1/settings", farm.service.address());
    for (language, width, wrong, kept, held, max) in [
        ("pt-BR", 390, "o limite máximo vai de 32", "Valem a partir de agora", "máximo 2000 MiB", "2000"),
        ("en-US", 1280, "the hard limit is 32", "hold from now on", "3000 MiB hard", "3000"),
    ] {
        let visitor = Visitor::arrive_with(language, width, 900).await;
        let page = visitor.open(&address).await;
        page.ask("window.same = true, document.getElementById('memory_max').value = ''").await;
        page.type_into("#memory_max", "100").await;
        page.click("form[action$='/limits'] button").await;
        page.is(&format!("document.querySelector('#memory_max + .wrong')?.textContent.includes('{wrong}')"))
            .await;
        page.is(
            "document.activeElement.id === 'memory_max' && document.activeElement.ariaInvalid === 'true'",
        )
        .await;
        page.is(
            "document.activeElement.getAttribute('aria-describedby').split(' ').includes('memory_max-wrong')",
        )
        .await;
        page.keep_picture(&format!("limits-wrong-{}-{width}.png", &language[..2])).await;
        page.ask("document.getElementById('memory_max').value = ''").await;
        page.type_into("#memory_max", max).await;
        page.click("form[action$='/limits'] button").await;
        page.says(kept).await;
        page.is("window.same === true && document.querySelector('.wrong, [aria-invalid]') === null").await;
        let page = visitor.open(&address).await;
        page.says(held).await;
        page.keep_picture(&format!("limits-{}-{width}.png", &language[..2])).await;
        let (_, shown) = ctl(&farm, &["--json", "show", "1"]).await;
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(shown["limits"]["in_force"]["max_mb"].to_string(), max, "{shown}");
    }
    // What an operator sets on the machine wins, and the page says so.
    ctl(&farm, &["limits", "1", "--max", "1500"]).await;
    let visitor = Visitor::arrive_with("pt-BR", 1280, 900).await;
    let page = visitor.open(&address).await;
    page.says("definiu 1500 MiB no servidor, e isso prevalece").await;
    page.says("máximo 1500 MiB").await;
}

#[tokio::test]
async fn the_plot_of_memory_goes_on_where_it_was_when_the_service_is_back() {
    let mut farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.service.signal(Signal::SIGTERM);
    farm.service.ended().await;
    // A look each two minutes would take a day: these are of the service that was there before.
    let looks = "import sqlite3, sys, time
journal = sqlite3.connect(sys.argv[1])
for look in range(700):
    if not 300 <= look < 340:
        sample = int(time.time()) - 86_000 + look * 120, '1', 250 + look % 90, look // 250
        journal.execute('INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?)', sample)
journal.commit()";
    let python = repository("tests/clients/.venv/bin/python");
    let database = farm.state_dir().join("colmeia.db");
    let written = tokio::process::Command::new(python).args(["-c", looks]).arg(database).status().await;
    assert!(written.expect("it runs").success());
    farm.service.start_again().await;
    farm.ready("1").await;
    for (language, width, words) in [
        ("pt-BR", 390, "reinícios: 2"),
        ("en-US", 1280, "restarts: 2"),
        ("pt-BR", 1280, "reinícios: 2"),
        ("en-US", 390, "restarts: 2"),
    ] {
        let visitor = Visitor::arrive_with(language, width, 900).await;
        let page = visitor.open(&format!("http://{}/sessions/1", farm.service.address())).await;
        page.says(words).await;
        // Two pieces of a line: what nobody measured is a gap.
        page.is("document.querySelector('.plot .memory').getAttribute('d').split('M').length >= 3").await;
        page.ask("document.querySelector('.plot').scrollIntoView({ block: 'center' })").await;
        page.keep_picture(&format!("plot-{}-{width}.png", &language[..2])).await;
    }
}

#[tokio::test]
async fn another_sites_form_does_nothing() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let target = format!("http://{}", farm.service.address());
    let form = |operation: &str| {
        let action = format!("{target}/sessions/1/{operation}");
        format!("<form id={operation} method=post action='{action}'><input name=token value=0></form>")
    };
    let text = format!("<h1>Prizes</h1>{}{}", form("reset"), form("stop"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let site = Router::new().route("/", get(move || async move { Html(text) }));
    tokio::spawn(async move { axum::serve(listener, site).await });
    let visitor = Visitor::arrive("pt-BR").await;
    // They have been at the dashboard, so there is a cookie to be misused.
    let own = visitor.open(&format!("{target}/sessions/1")).await;
    own.says("Conectada").await;
    for (operation, host) in [("reset", "127.0.0.1"), ("stop", "localhost")] {
        let foreign = visitor.open(&format!("http://{host}:{}/", address.port())).await;
        foreign.says("Prizes").await;
        foreign.ask(&format!("document.getElementById('{operation}').submit()")).await;
        foreign.says("Acesso negado").await;
    }
    // Within the page, but without its token.
    let posted =
        "fetch('/sessions/1/stop', {method: 'POST', body: new URLSearchParams()}).then((a) => a.status)";
    assert_eq!(own.ask(posted).await, Some(403.into()));
    assert_eq!(farm.status("1").await["ready"], true);
}

#[tokio::test]
async fn beyond_loopback_a_key_opens_the_dashboard_and_signing_out_closes_it() {
    let (farm, address) = Farm::start_beyond_loopback(KEY).await;
    let visitor = Visitor::arrive_with("en-US", 1280, 900).await;
    let page = visitor.open(&format!("{address}/")).await;
    page.is("location.pathname === '/sign-in'").await;
    page.type_into("#key", "a-key-of-someone-else").await;
    page.click("form.stacked button").await;
    page.says("none of the keys").await;
    page.keep_picture("sign-in.png").await;
    page.type_into("#key", KEY).await;
    page.click("form.stacked button").await;
    page.is("location.pathname === '/'").await;
    page.says("No sessions yet").await;
    assert_eq!(page.ask("document.cookie").await, Some("".into()), "no script sees the cookie");
    start(&page, "3").await;
    scan(&farm, &page, "5511900000003").await;
    page.says("Messages can be sent").await;
    page.click("header form button").await;
    page.is("location.pathname === '/sign-in'").await;
    assert_eq!(farm.service.get("/sessions/3").await.status, 401);
    let metrics = farm.service.request("GET", "/metrics").header("x-api-key", KEY);
    let metrics = farm.service.send(metrics).await;
    for line in ["colmeia_sessions{state=\"ready\"} 1", "colmeia_session_ready{user=\"3\"} 1"] {
        assert!(metrics.text.contains(line), "{line}: {}", metrics.text);
    }
}

#[tokio::test]
async fn health_is_told_on_three_levels_and_a_page_can_be_seen() {
    let farm = Farm::start().await;
    assert_eq!(farm.service.get("/ready").await.json["ready"], true);
    farm.link("1", "5511900000001").await;
    let health = until("every level was probed", || async {
        let health = farm.service.get("/api/sessions/1/health").await;
        let all = ["worker", "browser", "page"].iter().all(|level| health.json[level]["took_ms"].is_u64());
        all.then_some(health)
    })
    .await;
    assert_eq!(health.status, 200, "{}", health.text);
    let picture = farm.service.get("/api/screenshot?session=1").await;
    assert_eq!((picture.status, picture.content_type.as_str()), (200, "image/png"));
    let picture = image::load_from_memory(&picture.bytes).expect("a PNG");
    assert!(picture.width() > 300 && picture.height() > 300);

    farm.phone.fault("5511900000001", "hang", json!(600_000)).await;
    let health = until("the page's silence is told", || async {
        let health = farm.service.get("/api/sessions/1/health").await;
        (health.json["page"]["status"] == "failed").then_some(health)
    })
    .await;
    assert_eq!((health.status, &health.json["worker"]["status"]), (503, &json!("ok")), "{}", health.text);
    farm.ready("1").await;
}

#[tokio::test]
async fn sessions_are_found_while_typing_and_those_that_are_selected_are_stopped_together() {
    let farm = Farm::start().await;
    for (user, number) in [("1", "5511900000001"), ("2", "5511900000002")] {
        farm.link(user, number).await;
    }
    let visitor = Visitor::arrive_with("en-US", 1280, 900).await;
    let page = visitor.open(&format!("http://{}/", farm.service.address())).await;
    page.says("2 of 2 connected").await;
    page.ask("window.same = true").await;
    let rows = |count: usize| format!("document.querySelectorAll('tbody tr[id]').length === {count}");
    page.is(&rows(2)).await;
    page.type_into("#q", "00002").await;
    page.is(&rows(1)).await;
    page.is("location.search === '?q=00002&sort=name' && document.activeElement.id === 'q' && window.same")
        .await;
    page.click("[data-all]").await;
    page.is("document.getElementById('chosen').textContent === '1 selected'").await;
    page.click("#bulk button[value=stop]").await;
    page.says("The stop was asked for. Sessions: 1.").await;
    page.says("Stopped").await;
    page.says("1 of 2 connected").await;
    assert_eq!(farm.status("1").await["ready"], true, "nobody else was selected");
    // What was selected stays so while the list changes around it.
    page.is("document.querySelector('input[name=user]').checked").await;
    page.click("#bulk button[value=start]").await;
    page.says("2 of 2 connected").await;
    page.is("window.same === true").await;
}

#[tokio::test]
async fn a_chat_is_read_as_it_comes_in_and_answered_with_a_text_and_a_file() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    farm.phone.message("5511900000001", "5511988887777", "is anybody there?").await;
    let visitor = Visitor::arrive_with("en-US", 1280, 900).await;
    let page = visitor.open(&format!("http://{}/sessions/1/chats", farm.service.address())).await;
    page.says("is anybody there?").await;
    page.click(".chats a").await;
    page.is("document.querySelectorAll('.messages li').length === 1").await;
    page.type_into("#text", "yes, <b>here</b>").await;
    page.click("form[data-clear] button").await;
    page.says("The message was sent.").await;
    page.is("document.getElementById('text').value === ''").await;
    page.says("yes, <b>here</b>").await;
    let sent = farm.phone.sent("5511900000001").await;
    assert_eq!((sent.len(), &sent[0]["body"]), (1, &json!("yes, <b>here</b>")));
    farm.phone.message("5511900000001", "5511988887777", "good to know").await;
    page.says("good to know").await;

    let choose = "(() => { const chosen = new DataTransfer();
        chosen.items.add(new File(['hello'], 'note.txt', { type: 'text/plain' }));
        document.getElementById('file').files = chosen.files; return true; })()";
    page.ask(choose).await;
    page.click("form[data-file] button").await;
    page.says("The file was sent.").await;
    let sent = farm.phone.sent("5511900000001").await;
    assert_eq!(sent.len(), 2, "{sent:?}");
    page.says("note.txt").await;
    // What is too large is not even read, and what nobody knows is not called unsent.
    page.ask(&format!("{choose}; document.querySelector('form[data-file]').dataset.largest = 4")).await;
    page.click("form[data-file] button").await;
    page.says("The file was not sent: it is larger than the limit.").await;
    let lost = "document.querySelector('form[data-file]').dataset.largest = 64;
        fetch = async () => new Response(JSON.stringify({ message: 'no' }), { status: 500 }); true";
    page.ask(lost).await;
    page.click("form[data-file] button").await;
    page.says("It is not known whether the file was sent.").await;
    assert_eq!(farm.phone.sent("5511900000001").await.len(), 2);
    // To a number that is not on WhatsApp nothing is sent, and nothing is said to be.
    let nobody =
        visitor.open(&format!("http://{}/sessions/1/chats/5511900000000", farm.service.address())).await;
    nobody.type_into("#text", "anybody?").await;
    nobody.click("form[data-clear] button").await;
    nobody.says("nothing was sent").await;
    nobody.is("document.getElementById('text').value === 'anybody?'").await;
    assert_eq!(farm.phone.sent("5511900000001").await.len(), 2);
}

#[tokio::test]
async fn a_history_outlives_the_service() {
    let mut farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let of_day = async |farm: &Farm| {
        let page = farm.service.request("GET", "/sessions/1").header("accept", "text/html");
        let page = farm.service.send(page).await.text;
        let (_, told) = page.split_once("Últimas 24 horas: ").expect("a bar");
        told.split('"').next().expect("words").to_owned()
    };
    assert!(of_day(&farm).await.starts_with("conectada "), "{}", of_day(&farm).await);
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        farm.service.signal(signal);
        farm.service.ended().await;
        farm.service.start_again().await;
        // Nobody has to link, wait or ask for it to be there.
        assert!(of_day(&farm).await.starts_with("conectada "), "{}", of_day(&farm).await);
    }
    farm.ready("1").await;
}
