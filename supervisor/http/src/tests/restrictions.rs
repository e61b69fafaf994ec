//! What WhatsApp restricts an account in: in `me`, by the two operations, on the dashboard, and in the answer to a send
//! that was refused for it.

use axum::http::header::RETRY_AFTER;
use colmeia::operations::{Operation, OperationResult};
use colmeia::protocol::{Call, CallError, CallErrorKind, Reply};
use colmeia::{MessageCapping, ReachoutTimelock, Restriction, RestrictionName, Restrictions, SessionReport};
use serde_json::{Value, json};

use super::pages::page;
use super::stage::*;
use colmeia_events::journal::now_ms;
use colmeia_host::uploads::Fetched;
use colmeia_session::{CallFailure, CallResult, UserView};

const HOUR_MS: u64 = 3_600_000;

fn ends_ms() -> u64 {
    now_ms().unsigned_abs() / 1000 * 1000 + 2 * HOUR_MS
}

fn lock(until_ms: u64) -> ReachoutTimelock {
    ReachoutTimelock { active: true, enforcement: "DEFAULT".into(), until_ms: Some(until_ms) }
}

fn quota() -> MessageCapping {
    MessageCapping {
        status: "SECOND_WARNING".into(),
        total: 50,
        used: 49,
        cycle_start_ms: Some(1_782_874_800_000),
        cycle_end_ms: Some(ends_ms()),
        mv_status: "NOT_ELIGIBLE".into(),
        ote_status: "NOT_ELIGIBLE".into(),
    }
}

fn restricted(timelock: ReachoutTimelock) -> UserView {
    let restrictions = Restrictions { timelock: Some(timelock), capping: Some(quota()) };
    let ready = ready();
    UserView {
        report: ready.report.map(|report| SessionReport { restrictions: Box::new(restrictions), ..report }),
        ..ready
    }
}

/// A session whose account is locked: it says so, and refuses every send for it.
#[allow(clippy::needless_pass_by_value, reason = "as all who act")]
fn locked(call: Call) -> CallResult {
    let value = |value: Value| Ok((Reply::Value { value: OperationResult(value) }, Fetched::NONE));
    match call {
        Call::Operate { operation: Operation::GetTimelock(_) } => {
            value(json!({ "active": true, "enforcement": "WEB_COMPANION_ONLY", "until_ms": ends_ms() }))
        }
        Call::Operate { operation: Operation::GetCapping(_) } => {
            value(serde_json::to_value(quota()).expect("plain data"))
        }
        _ => {
            let name = RestrictionName::ReachoutTimelock;
            let restriction = Restriction { name, until_ms: Some(ends_ms()) };
            let error = CallError::new(CallErrorKind::Refused, "a reason").for_restriction(Some(restriction));
            Err(CallFailure::Session(error))
        }
    }
}

fn parsed(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

#[tokio::test]
async fn me_has_what_is_in_force_and_the_operations_ask_the_session() {
    let end = ends_ms();
    let stage = Cast::new(locked).with("1", restricted(lock(end))).on_stage();
    let me = parsed(&stage.get("/api/sessions/1/me").await);
    let expected =
        json!({ "enforcementType": "DEFAULT", "isActive": true, "timeEnforcementEnds": end / 1000 });
    assert_eq!(me["reachoutTimelock"], expected);
    assert_eq!(me["messageCapping"]["cappingStatus"], "SECOND_WARNING");
    let session = parsed(&stage.get("/api/sessions/1").await);
    assert_eq!((&session["status"], &session["me"]), (&json!("WORKING"), &me), "it works as ever");
    let told = parsed(&stage.get("/api/sessions/1/timelock").await);
    assert_eq!((&told["enforcementType"], &told["isActive"]), (&json!("WEB_COMPANION_ONLY"), &json!(true)));
    let told = parsed(&stage.get("/api/sessions/1/capping").await);
    assert_eq!((&told["usedQuota"], &told["cycleStart"]), (&json!(49), &json!(1_782_874_800)));
    stage.cast.set("1", restricted(lock(now_ms().unsigned_abs() - 1)));
    assert_eq!(parsed(&stage.get("/api/sessions/1/me").await)["reachoutTimelock"], Value::Null, "it is over");
}

#[tokio::test]
async fn a_refused_send_names_the_restriction_and_its_end_in_the_callers_words() {
    let stage = Cast::new(locked).with("1", restricted(lock(ends_ms()))).on_stage();
    let text = json!({ "session": "1", "chatId": "5511955554444@c.us", "text": "oi" }).to_string();
    let message = json!({ "user_id": "1", "phone": "5511955554444", "message": "oi" }).to_string();
    for (answer, says) in [
        (stage.post("/api/sendText", text).await, "to people who never wrote to it until"),
        (stage.post("/send", message).await, "escrever a quem nunca escreveu para ela até"),
    ] {
        assert_eq!(answer.status, 429, "{}", answer.body);
        let wait: u64 = answer.headers[RETRY_AFTER].to_str().expect("ascii").parse().expect("seconds");
        assert!((7_100..=7_200).contains(&wait), "{wait}");
        let body = parsed(&answer);
        assert!(body["error"].as_str().is_some_and(|text| text.contains(says)), "{body}");
        assert_eq!(body["restriction"], "reachout_timelock");
        let until = body["until"].as_u64().expect("seconds");
        assert!(until.abs_diff(ends_ms() / 1000) < 60, "{until}");
        assert_eq!(body.get("success"), None);
    }
}

#[tokio::test]
async fn the_dashboard_says_it_in_both_languages_and_not_of_a_session_that_is_not_there() {
    let stage = Cast::new(locked).with("1", restricted(lock(ends_ms()))).on_stage();
    for (path, language, parts) in [
        ("/sessions/1", "pt-BR", ["Sem novos contatos", "até ", "Poucas conversas novas", "49 de 50 usadas"]),
        ("/sessions/1", "en", ["No new contacts", "until ", "Few new chats left", "49 of 50 are used"]),
        ("/", "pt-BR", ["Sem novos contatos", "Conectada", "Poucas conversas novas", "1 de 1 conectadas"]),
        ("/", "en", ["No new contacts", "Connected", "Few new chats left", "1 of 1 connected"]),
    ] {
        let answer = page(&stage, path, language).await;
        for part in parts {
            assert!(answer.body.contains(part), "{part}: {}", answer.body);
        }
    }
    stage.cast.set("1", ready());
    assert!(!page(&stage, "/sessions/1", "en").await.body.contains("No new contacts"));
}
