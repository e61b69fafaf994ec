//! The dashboard: what it shows, who may look, and what its forms do.

use axum::body::Body;
use axum::http::{HeaderMap, Request};
use colmeia::config::ServiceConfig;
use colmeia::protocol::{Call, Reply};
use colmeia::{ExitReason, Secret, SessionState};

use super::pages::{BROWSER, Events, page};
use super::stage::*;
use colmeia_events::journal::testing::{incoming, user, waiting};
use colmeia_events::journal::{Settlement, URGED, now_ms};
use colmeia_host::uploads::Fetched;
use colmeia_session::{CallResult, MemoryUse, Phase, UserView};

const KEY: &str = "0123456789abcdef";
const FAR: &str = "203.0.113.9:40000";

/// The name and value of the cookie that an answer sets for the visit.
fn visit(headers: &HeaderMap) -> String {
    let mut cookies = headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let cookie = cookies.find(|cookie| cookie.starts_with("colmeia_visit=")).expect("a visit");
    cookie.split(';').next().expect("a pair").to_owned()
}

/// The token that a page's forms carry.
fn token(body: &str) -> String {
    let (_, rest) = body.split_once(r#"name="token" value=""#).expect(body);
    rest.split('"').next().expect("a value").to_owned()
}

/// A form, as a browser posts it.
fn form(path: &str, cookie: &str, fields: &str) -> Request<Body> {
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
    assert!(stage.ask(request).await.body.contains("<html lang=\"en\">"));
}
