//! The dashboard: what it shows, who may look, and what its forms do.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use colmeia::config::{ServiceConfig, SessionSettings};
use colmeia::layout::StateLayout;
use colmeia::protocol::{Call, Reply};
use colmeia::{ExitReason, Secret, SessionState};

use super::pages::{BROWSER, Events, page};
use super::stage::*;
use colmeia_events::journal::testing::{incoming, user, waiting};
use colmeia_events::journal::{Settlement, StatusChange, URGED, now_ms};
use colmeia_host::uploads::Fetched;
use colmeia_session::{CallResult, MemoryUse, Phase, UserView};

const KEY: &str = "0123456789abcdef";
const FAR: &str = "203.0.113.9:40000";

/// The name and value of the cookie that an answer sets for the visit.
pub(super) fn visit(headers: &HeaderMap) -> String {
    let mut cookies = headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let cookie = cookies.find(|cookie| cookie.starts_with("colmeia_visit=")).expect("a visit");
    cookie.split(';').next().expect("a pair").to_owned()
}

/// The token that a page's forms carry.
pub(super) fn token(body: &str) -> String {
    let (_, rest) = body.split_once(r#"name="token" value=""#).expect(body);
    rest.split('"').next().expect("a value").to_owned()
}

/// A form, as a browser posts it.
pub(super) fn form(path: &str, cookie: &str, fields: &str) -> Request<Body> {
    Request::post(path)
        .header("host", "localhost:5001")
        .header("origin", "http://localhost:5001")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", BROWSER)
        .header("accept-language", "en")
        .header("cookie", cookie)
        .body(Body::from(fields.to_owned()))
        .expect("request")
}

#[tokio::test]
async fn the_list_shows_everyone_and_escapes_what_strangers_chose() {
    let mut hostile = me();
    hostile.pushname = "<script>alert(1)</script>".into();
    let crashed = UserView {
        restarts: 3,
        last_exit: Some(ExitReason::Crash { process: "browser".into(), signal: Some(9) }),
        memory: Some(MemoryUse { used: 300 << 20, peak: 300 << 20, cap: 1024 << 20 }),
        ..running(SessionState::Ready { me: hostile })
    };
    let stage = Cast::new(nobody)
        .with("1", crashed)
        .with("2_1", view(Phase::Queued { wait: colmeia_session::admission::Wait::Place }))
        .on_stage();
    let answer = page(&stage, "/", "pt-BR").await;
    for part in [
        "/sessions/2_1",
        "Na fila",
        "+55 (11) 99999-8888",
        "o navegador caiu",
        "300 / 1024 MiB",
        "1 de 2 conectadas",
        "/language/en?back=/",
    ] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
    let mut events = Events::open(&stage, "/sessions/events").await;
    assert!(events.next().await.expect("event").contains("session-2_1"));
    stage.cast.set("2_1", code());
    assert!(events.next().await.expect("event").contains("Aguardando o celular"));
    stage.shutdown.cancel();
    assert_eq!(events.next().await, None);
    let empty = Cast::new(nobody).on_stage();
    assert!(page(&empty, "/", "en").await.body.contains("No sessions yet"));
    assert!(empty.cast.names().is_empty(), "looking creates nobody");
}

#[tokio::test]
async fn sessions_are_found_by_name_tag_and_state_and_a_thousand_are_a_page_at_a_time() {
    let mut cast = Cast::new(nobody).with("shop", ready()).with("3", view(Phase::Held));
    for n in 100..1_100 {
        cast = cast.with(&n.to_string(), view(Phase::Stopped));
    }
    let stage = cast.on_stage();
    let named = |settings: &mut SessionSettings| {
        settings.label = Some("<b>Loja</b>".into());
        settings.tags = vec!["vendas & cia".into()];
    };
    stage.store.change_session(&user("shop"), named).await.expect("kept");
    let rows = |answer: &Answer| answer.body.matches("id=\"session-").count();
    let all = page(&stage, "/", "en").await;
    assert_eq!(rows(&all), 50);
    for part in ["1 of 1002 connected", "Off: 1001", "Page 1 of 21", "?page=2", "/?tag=vendas+%26+cia"] {
        assert!(all.body.contains(part) || part.starts_with("/?tag"), "{part}: {}", all.body);
    }
    assert!(all.body.len() < 150_000, "{} bytes", all.body.len());
    assert_eq!(rows(&page(&stage, "/?page=21", "en").await), 2);
    for path in ["/?q=loja", "/?tag=vendas+%26+cia", "/?state=ready", "/?q=99999"] {
        let found = page(&stage, path, "en").await;
        assert_eq!(rows(&found), 1, "{path}");
        assert!(
            found.body.contains("/?tag=vendas+%26+cia") && found.body.contains("&#60;b&#62;Loja"),
            "{}",
            found.body
        );
    }
    assert!(page(&stage, "/?q=nobody+is+called+so", "en").await.body.contains("No session matches"));
    let mut events = Events::open(&stage, "/sessions/events?q=loja").await;
    assert_eq!(events.next().await.expect("event").matches("id=\"session-").count(), 1);
    let by_memory = page(&stage, "/?sort=memory&order=desc", "en").await;
    assert!(by_memory.body.contains(r#"aria-sort="descending""#));
}

#[tokio::test]
async fn the_history_is_shown_with_a_figure_and_in_words() {
    let stage = Cast::new(nobody).with("3", ready()).on_stage();
    let change = |status| StatusChange { status, me: Some(me()), ..StatusChange::default() };
    for status in ["STARTING", "WORKING", "STOPPED"] {
        stage.journal.append_statuses(vec![(user("3"), change(status))]).await.expect("written");
        tokio::time::sleep(Duration::from_millis(20)).await; // a time that can be told from none
    }
    let kept = stage.journal.history(vec![user("3")], 0).await.expect("read");
    assert_eq!(kept[&user("3")].len(), 3, "{kept:?}");
    for (path, words) in [
        ("/", "Last 24 hours: connected "),
        ("/sessions/3", "Last 24 hours: connected "),
        ("/sessions/3", "Last 30 days: connected "),
    ] {
        let shown = page(&stage, path, "en").await;
        assert!(shown.body.contains(words), "{path}: {}", shown.body);
    }
    stage.cast.set("3", view(Phase::Held));
    let found = page(&stage, "/?q=99999-8888", "en").await;
    assert!(
        found.body.contains("session-3") && found.body.contains("+55 (11) 99999-8888"),
        "a number outlives its connection"
    );
    stage.deletions.delete(&user("3")).await.expect("deleted");
    assert!(stage.journal.accounts().await.expect("read").is_empty());
    let kept = stage.journal.history(vec![user("3")], 0).await.expect("read");
    assert!(kept[&user("3")].is_empty(), "a deleted session leaves no history: {kept:?}");
}

#[tokio::test]
async fn the_log_is_read_by_level_and_text() {
    let stage = Cast::new(nobody).with("3", ready()).on_stage();
    let layout = StateLayout::new(stage.folder.path(), &ServiceConfig::default().client_prefix);
    let path = layout.worker_log(&user("3"));
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let line = |level: &str, message: &str| {
        format!(
            r#"{{"timestamp":"2026-11-30T13:00:00.1Z","level":"{level}","message":"{message}","user":"3"}}"#
        ) + "\n"
    };
    std::fs::write(&path, line("INFO", "<b>quiet</b>") + &line("ERROR", "loud")).expect("written");
    let all = page(&stage, "/sessions/3/log", "pt-BR").await;
    for part in ["&#60;b&#62;quiet", "loud", "Informação", "Erro"] {
        assert!(all.body.contains(part), "{part}: {}", all.body);
    }
    for path in ["/sessions/3/log?level=warn", "/sessions/3/log?q=LOUD"] {
        let some = page(&stage, path, "en").await;
        assert!(some.body.contains("loud") && !some.body.contains("quiet"), "{path}: {}", some.body);
    }
    assert!(
        page(&stage, "/sessions/3", "en").await.body.contains("loud"),
        "the last lines stand on the session's page"
    );
    let mut events = Events::open(&stage, "/sessions/3/log/events?level=error").await;
    events.next().await.expect("event");
    std::fs::write(&path, line("ERROR", "louder")).expect("written");
    assert!(events.next().await.expect("event").contains("louder"));
    assert_eq!(page(&stage, "/sessions/9/log", "en").await.status, 404);
}

#[tokio::test]
async fn what_is_selected_is_stopped_at_once_and_what_refused_is_named() {
    let stage = Cast::new(nobody).with("3", ready()).with("4", ready()).with("5", ready()).on_stage();
    let shown = page(&stage, "/", "en").await;
    let (cookie, token) = (visit(&shown.headers), token(&shown.body));
    for wrong in ["", "token=0&"] {
        let answer = stage.ask(form("/bulk", &cookie, &format!("{wrong}operation=stop&user=3"))).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
    }
    for (fields, status) in [
        ("operation=stop", 400),
        ("user=3", 404),
        ("operation=reset&user=3", 404),
        ("operation=stop&user=a.b", 404),
    ] {
        let answer = stage.ask(form("/bulk", &cookie, &format!("token={token}&{fields}"))).await;
        assert_eq!(answer.status, status, "{fields}: {}", answer.body);
    }
    assert!(stage.cast.notes().is_empty());
    let answer =
        stage.ask(form("/bulk", &cookie, &format!("token={token}&operation=stop&user=3&user=5"))).await;
    assert!(answer.status == 200 && answer.body.contains("Sessions: 2."), "{}", answer.body);
    let mut notes = stage.cast.notes();
    notes.sort();
    assert_eq!(notes, ["3 stop", "5 stop"]);
    let answer =
        stage.ask(form("/bulk", &cookie, &format!("token={token}&operation=restart&user=9&user=4"))).await;
    assert_eq!(answer.status, 404);
    assert!(
        answer.body.contains("Sessions: 1. Not done in 1: 9: This session is not there"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn a_session_gets_a_name_and_tags_and_keeps_the_rest_of_its_configuration() {
    let stage = Cast::new(nobody).with("3", ready()).on_stage();
    let before = SessionSettings { debug: true, ..SessionSettings::default() };
    stage.store.keep_session(&user("3"), before.clone()).await.expect("kept");
    let shown = page(&stage, "/sessions/3", "en").await;
    let (cookie, token) = (visit(&shown.headers), token(&shown.body));
    let set = |fields: &str| form("/sessions/3/label", &cookie, &format!("token={token}&{fields}"));
    assert_eq!(stage.ask(form("/sessions/3/label", &cookie, "label=x")).await.status, 403);
    assert_eq!(stage.ask(set(&format!("label={}", "x".repeat(101)))).await.status, 400);
    assert_eq!(stage.store.session(&user("3")), Some(before.clone()));
    let answer = stage.ask(set("label=+Loja+da+Ana&tags=vendas,+SP,vendas")).await;
    assert!(answer.status == 200 && answer.body.contains("are saved"), "{}", answer.body);
    let (label, tags) = (Some("Loja da Ana".into()), vec!["vendas".into(), "SP".into()]);
    assert_eq!(stage.store.session(&user("3")), Some(SessionSettings { label, tags, ..before }));
    let shown = page(&stage, "/sessions/3", "en").await;
    assert!(shown.body.contains("Loja da Ana") && shown.body.contains("vendas, SP"), "{}", shown.body);
    let listed = stage.get("/api/sessions?all=true").await;
    assert!(
        listed.body.contains(r#""label":"Loja da Ana""#) && listed.body.contains(r#""tags":["vendas","SP"]"#),
        "{}",
        listed.body
    );
}

#[tokio::test]
async fn who_was_only_configured_is_listed_and_has_a_page() {
    let stage = Cast::new(nobody).on_stage();
    let named = |settings: &mut SessionSettings| settings.label = Some("Arquivo".into());
    stage.store.change_session(&user("7"), named).await.expect("kept");
    let listed = page(&stage, "/", "en").await;
    assert!(listed.body.contains("session-7") && listed.body.contains("Arquivo"), "{}", listed.body);
    assert!(stage.cast.names().is_empty(), "looking at the list creates nobody");
    assert_eq!(page(&stage, "/sessions/7", "en").await.status, 200);
}

#[tokio::test]
async fn light_and_dark_are_chosen_and_remembered() {
    let stage = Cast::new(nobody).with("3", code()).on_stage();
    assert!(page(&stage, "/", "en").await.body.contains(r#"data-theme="system""#));
    let answer = stage.get("/theme/dark?back=/sessions/3").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["location"]),
        (303, &"/sessions/3".parse().expect("value"))
    );
    assert!(answer.headers["set-cookie"].to_str().expect("text").starts_with("colmeia_theme=dark;"));
    assert!(!stage.get("/theme/pink?back=//evil.example").await.headers.contains_key("set-cookie"));
    for path in ["/", "/sessions/3", "/qr?user_id=3"] {
        let request = Request::get(path).header("accept", BROWSER).header("cookie", "colmeia_theme=dark");
        let shown = stage.ask(request.body(Body::empty()).expect("request")).await;
        assert!(shown.body.contains(r#"data-theme="dark""#), "{path}");
    }
}

#[tokio::test]
async fn a_sessions_page_follows_it_and_looking_wakes_nobody() {
    let stage = Cast::new(nobody).with("3", view(Phase::Held)).on_stage();
    let answer = page(&stage, "/sessions/3", "en").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("Stopped") && answer.body.contains("not measured"), "{}", answer.body);
    let mut events = Events::open(&stage, "/sessions/3/events").await;
    events.next().await.expect("event");
    stage.cast.set("3", code());
    let next = events.next().await.expect("event");
    assert!(next.contains("data:image/svg+xml,%3C") && !next.contains("2@abc"), "{next}");
    assert!(stage.cast.notes().is_empty());
    for nobody in ["/sessions/9", "/sessions/9/events", "/sessions/a.b", "/sessions/9/confirm/delete"] {
        assert_eq!(page(&stage, nobody, "en").await.status, 404, "{nobody}");
    }
}

#[tokio::test]
async fn an_address_without_a_page_is_told_to_a_browser_as_a_page_and_to_a_program_as_before() {
    let stage = Cast::new(nobody).with("3", ready()).on_stage();
    for (path, status) in [("/nowhere", 404), ("/sessions/3/settings/webhook", 405)] {
        let shown = page(&stage, path, "pt-BR").await;
        assert_eq!(
            (shown.status.as_u16(), &shown.headers["content-type"]),
            (status, &"text/html; charset=utf-8".parse().expect("value")),
            "{path}"
        );
        for part in ["Não há página neste endereço.", "<h1>Não encontrado</h1>", "href=\"/\">Continuar"]
        {
            assert!(shown.body.contains(part), "{path}: {part}: {}", shown.body);
        }
        let told = stage.get(path).await;
        assert!(told.status == status && told.body.starts_with("{\"error\":\""), "{path}: {}", told.body);
    }
    let api = page(&stage, "/api/nowhere", "en").await;
    assert!(api.status == 404 && api.body.starts_with("{\"statusCode\":404"), "{}", api.body);
}

#[tokio::test]
async fn a_form_does_what_it_says_once_it_comes_from_our_page() {
    let stage = Cast::new(nobody).with("3", ready()).on_stage();
    let shown = page(&stage, "/sessions/3", "en").await;
    let (cookie, token) = (visit(&shown.headers), token(&shown.body));
    let right = format!("token={token}");
    let wrong = format!("token={}", token.replace(|c| c != '0', "0"));
    // Nothing happens without cookie and token, also on this machine.
    for (cookie, fields) in
        [("", right.as_str()), (&cookie, ""), (&cookie, &wrong), ("colmeia_visit=x", &right)]
    {
        for operation in ["start", "stop", "restart", "logout", "reset", "pairing-code"] {
            let answer = stage.ask(form(&format!("/sessions/3/{operation}"), cookie, fields)).await;
            assert_eq!(answer.status, 403, "{operation}");
            assert!(answer.body.contains("Nothing was done"), "{}", answer.body);
        }
        assert_eq!(stage.ask(form("/sessions", cookie, &format!("{fields}&user_id=4"))).await.status, 403);
    }
    assert!(stage.cast.notes().is_empty() && stage.cast.names() == ["3"]);
    for operation in ["start", "stop", "restart", "reset", "logout"] {
        let answer = stage.ask(form(&format!("/sessions/3/{operation}"), &cookie, &right)).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
    }
    stage.cast.noted(&["3 start", "3 stop", "3 restart", "3 reset", "3 disconnect"]).await;
    let answer = stage.ask(form("/sessions", &cookie, &format!("{right}&user_id=4"))).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["location"]),
        (303, &"/sessions/4".parse().expect("value"))
    );
    let answer = stage.ask(form("/sessions", &cookie, &format!("{right}&user_id=..%2Fx"))).await;
    assert!(answer.status == 400 && answer.body.contains("Invalid name"), "{}", answer.body);
    assert_eq!(stage.ask(form("/sessions/3/fly", &cookie, &right)).await.status, 404);
    assert_eq!(stage.ask(form("/sessions/9/stop", &cookie, &right)).await.status, 404);
    let asked = page(&stage, "/sessions/3/confirm/reset", "en").await;
    assert!(asked.body.contains("cannot be undone") && asked.body.contains("/sessions/3/reset"));
}

#[allow(clippy::needless_pass_by_value)] // an `Acting`
fn pairs(call: Call) -> CallResult {
    let Call::PairingCode { phone } = call else { panic!("only a code is asked for") };
    assert_eq!(phone, "5511988887777");
    Ok((Reply::PairingCode { code: Secret::new("ABCD-EFGH") }, Fetched::NONE))
}

#[tokio::test]
async fn a_pairing_code_is_shown_to_who_asks_with_a_number() {
    let stage = Cast::new(pairs).with("3", code()).on_stage();
    let shown = page(&stage, "/sessions/3", "en").await;
    let (cookie, token) = (visit(&shown.headers), token(&shown.body));
    let ask =
        |phone: &str| form("/sessions/3/pairing-code", &cookie, &format!("token={token}&phone={phone}"));
    let mut request = ask("%2B55+%2811%29+98888-7777");
    request.headers_mut().insert("accept", "application/json".parse().expect("value"));
    let answer = stage.ask(request).await;
    assert!(answer.status == 200 && answer.body.contains(r#""code":"ABCD-EFGH""#), "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(stage.ask(ask("5511988887777")).await.body.contains("ABCD-EFGH"), "a page without a script");
    for wrong in ["", "123", "1234567890123456"] {
        let answer = stage.ask(ask(wrong)).await;
        assert!(answer.status == 400 && answer.body.contains("Invalid number"), "{wrong}");
    }
}

#[tokio::test]
async fn beyond_loopback_a_person_signs_in_with_a_key_and_out_again() {
    let config = ServiceConfig { api_keys: vec![Secret::new(KEY)], ..Default::default() };
    let stage = Cast::new(nobody).with("3", ready()).on_stage_at("0.0.0.0:5001", config);
    let look = |path: &str, cookie: &str, accept: &str| {
        let request = Request::get(path).header("host", "colmeia.example").header("accept", accept);
        request.header("cookie", cookie).header("accept-language", "en").body(Body::empty()).expect("request")
    };
    let post = |path: &str, cookie: &str, fields: &str| {
        let mut request = form(path, cookie, fields);
        request.headers_mut().insert("host", "colmeia.example".parse().expect("value"));
        request.headers_mut().insert("origin", "https://colmeia.example".parse().expect("value"));
        request
    };
    let answer = stage.ask_from(FAR, look("/sessions/3", "", BROWSER)).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["location"]),
        (303, &"/sign-in?next=/sessions/3".parse().expect("v"))
    );
    assert_eq!(stage.ask_from(FAR, look("/sessions/3/events", "", "text/event-stream")).await.status, 401);
    let asked = stage.ask_from(FAR, look("/sign-in?next=/sessions/3", "", BROWSER)).await;
    assert_eq!(asked.status, 200);
    let (anonymous, token_of_form) = (visit(&asked.headers), token(&asked.body));
    assert_eq!(stage.ask_from(FAR, look("/", &anonymous, BROWSER)).await.status, 303, "a visit is no key");
    let fields = |key: &str, token: &str| format!("token={token}&key={key}&next=/sessions/3");
    let wrong =
        stage.ask_from(FAR, post("/sign-in", &anonymous, &fields("fedcba9876543210", &token_of_form))).await;
    assert!(wrong.status == 401 && wrong.body.contains("none of the keys") && !wrong.body.contains("fedcba"));
    let refused = stage.ask_from(FAR, post("/sign-in", &anonymous, &fields(KEY, "0"))).await;
    assert_eq!(refused.status, 403, "signing someone in from elsewhere");
    let welcome = stage.ask_from(FAR, post("/sign-in", &anonymous, &fields(KEY, &token_of_form))).await;
    assert_eq!(
        (welcome.status.as_u16(), &welcome.headers["location"]),
        (303, &"/sessions/3".parse().expect("value"))
    );
    let cookie = visit(&welcome.headers);
    assert!(cookie != anonymous && !cookie.contains(KEY), "a new name, and no key in it");

    let shown = stage.ask_from(FAR, look("/sessions/3", &cookie, BROWSER)).await;
    assert!(shown.status == 200 && shown.body.contains("Sign out"), "{}", shown.body);
    let right = format!("token={}", token(&shown.body));
    let mut foreign = post("/sessions/3/stop", &cookie, &right);
    foreign.headers_mut().insert("origin", "https://evil.example".parse().expect("value"));
    assert_eq!(stage.ask_from(FAR, foreign).await.status, 403, "another site");
    assert_eq!(stage.ask_from(FAR, post("/sessions/3/stop", &cookie, "")).await.status, 403, "no token");
    assert_eq!(stage.ask_from(FAR, post("/sessions/3/stop", &cookie, &right)).await.status, 200);
    stage.cast.noted(&["3 stop"]).await;

    let out = stage.ask_from(FAR, post("/sign-out", &cookie, &right)).await;
    assert_eq!(out.status, 303);
    assert_eq!(stage.ask_from(FAR, look("/", &cookie, BROWSER)).await.status, 303, "the visit is over");
}

#[tokio::test]
async fn what_was_given_up_is_listed_without_its_text_and_tried_again() {
    let stage = Cast::new(nobody).with("3", ready()).on_stage();
    let (journal, user) = (&stage.journal, user("3"));
    assert!(page(&stage, "/sessions/3", "en").await.body.contains("(0)"));
    journal.append(&user, vec![incoming("false_5511988887777@c.us_A")]).await.expect("written");
    let queue = journal.waiting().await.expect("read").pop().expect("Flask's").id;
    let row = journal.pending(queue, 1).await.expect("read").pop().expect("one").event.row;
    let error = "answered 400".into();
    journal.settle(row, queue, Settlement::Dead { error }).await.expect("written");

    assert!(page(&stage, "/", "en").await.body.contains("1 given up"));
    let shown = page(&stage, "/sessions/3", "en").await;
    for part in ["given up (1)", "Flask: answered 400", "evt_"] {
        assert!(shown.body.contains(part), "{part}: {}", shown.body);
    }
    assert!(!shown.body.contains("5511988887777"), "no number and no text");
    let (cookie, token) = (visit(&shown.headers), token(&shown.body));
    assert_eq!(stage.ask(form("/sessions/3/replay", &cookie, "")).await.status, 403);
    let answer = stage.ask(form("/sessions/3/replay", &cookie, &format!("token={token}"))).await;
    assert!(answer.status == 200 && answer.body.contains("queue again: 1"), "{}", answer.body);
    assert_eq!(waiting(journal, &user).await, 1);
    assert!(page(&stage, "/sessions/3", "en").await.body.contains("(0)"));
}

#[tokio::test]
async fn what_stands_still_is_seen_with_its_reason_and_tried_now_or_discarded() {
    let stage = Cast::new(nobody).with("3", ready()).with("4", ready()).on_stage();
    let (journal, user) = (&stage.journal, user("3"));
    let events = vec![incoming("false_5511988887777@c.us_A"), incoming("false_5511988887777@c.us_B")];
    journal.append(&user, events).await.expect("written");
    let queue = journal.waiting().await.expect("read").pop().expect("Flask's").id;
    let pending = async || journal.pending(queue, 9).await.expect("read");
    let [first, second] = pending().await.try_into().expect("two");
    let hidden = r#"aria-labelledby="stuck" hidden"#;
    assert!(page(&stage, "/sessions/3", "en").await.body.contains(hidden), "nothing has failed");
    let retry = Settlement::Retry { next_ms: now_ms() + 299_000, error: "answered 503".into(), counts: true };
    journal.settle(first.event.row, queue, retry).await.expect("written");

    assert!(page(&stage, "/", "en").await.body.contains("Flask: answered 503"));
    assert!(page(&stage, "/", "pt-BR").await.body.contains("Flask: respondeu 503"));
    let shown = page(&stage, "/sessions/3", "en").await;
    let id = first.event.id.to_string();
    for part in ["<strong>Flask</strong>: answered 503", "waiting: 2", "next try: in 4 min", &id, "Retry now"]
    {
        assert!(shown.body.contains(part), "{part}: {}", shown.body);
    }
    assert!(!shown.body.contains(hidden) && !shown.body.contains("5511988887777"), "no number and no text");
    assert!(page(&stage, "/sessions/3", "pt-BR").await.body.contains("próxima tentativa: em 4 min"));
    assert!(page(&stage, "/sessions/4", "en").await.body.contains(hidden), "another session's");

    let (cookie, token) = (visit(&shown.headers), token(&shown.body));
    let right = format!("token={token}&queue={queue}&event={id}");
    for path in ["/sessions/3/retry", "/sessions/3/discard"] {
        assert_eq!(stage.ask(form(path, &cookie, &format!("queue={queue}&event={id}"))).await.status, 403);
    }
    for (path, fields) in [
        ("/sessions/4/retry", right.clone()),
        ("/sessions/4/discard", right.clone()),
        ("/sessions/3/discard", format!("token={token}&queue={queue}&event={}", second.event.id)),
        ("/sessions/3/discard", format!("token={token}&queue={queue}")),
        ("/sessions/3/retry", format!("token={token}&queue=x")),
    ] {
        let answer = stage.ask(form(path, &cookie, &fields)).await;
        assert!(answer.status == 409 && answer.body.contains("Nothing was done"), "{path} {fields}");
    }
    assert_eq!(pending().await.len(), 2);
    let answer = stage.ask(form("/sessions/3/retry", &cookie, &right)).await;
    assert!(answer.status == 200 && answer.body.contains("tried now"), "{}", answer.body);
    assert_eq!(pending().await[0].next_ms, URGED);
    assert!(page(&stage, "/sessions/3", "en").await.body.contains("next try: now"));
    let answer = stage.ask(form("/sessions/3/discard", &cookie, &right)).await;
    assert!(answer.status == 200 && answer.body.contains("was discarded"), "{}", answer.body);
    assert_eq!(pending().await[0].event.id, second.event.id);
    let shown = page(&stage, "/sessions/3", "en").await;
    assert!(shown.body.contains("discarded by an operator; before: answered 503"), "{}", shown.body);
}

#[tokio::test]
async fn a_language_is_remembered_and_leads_nowhere_else() {
    let stage = Cast::new(nobody).on_stage();
    let answer = stage.get("/language/en?back=/sessions/3").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["location"]),
        (303, &"/sessions/3".parse().expect("value"))
    );
    assert!(answer.headers["set-cookie"].to_str().expect("text").starts_with("colmeia_language=en;"));
    let answer = stage.get("/language/tlh?back=//evil.example").await;
    assert_eq!(answer.headers["location"], "/");
    assert!(!answer.headers.contains_key("set-cookie"));
    let request = Request::get("/").header("accept", BROWSER).header("accept-language", "pt-BR");
    let request = request.header("cookie", "colmeia_language=en").body(Body::empty()).expect("request");
    assert!(stage.ask(request).await.body.contains("<html lang=\"en\""));
}
