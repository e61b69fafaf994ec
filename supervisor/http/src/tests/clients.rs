//! What clients send that were written for other servers: empty fields, other names, slashes, and what they are told
//! when something is wrong.

use std::collections::BTreeSet;
use std::sync::Mutex;

use axum::body::{Body, Bytes};
use axum::http::Request;
use colmeia::config::ServiceConfig;
use colmeia::operations::{self, Operation, SentMessage};
use colmeia::protocol::{Call, CallError, CallErrorKind, OtherNames, Reply};
use serde_json::{Value, json};

use super::stage::*;
use colmeia_host::uploads::Fetched;
use colmeia_session::{CallFailure, CallResult, Phase};

const GROUP: &str = "120363021234567890@g.us";
const MESSAGE: &str = "true_5511988887777@c.us_3EB0";

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

async fn ask(stage: &Stage, method: &str, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_string()));
    stage.ask(request.expect("a request")).await
}

fn not_ready(_: Call) -> CallResult {
    Err(CallFailure::NotReady)
}

#[tokio::test]
async fn what_the_n8n_node_leaves_empty_is_absent() {
    fn acting(call: Call) -> CallResult {
        let Call::SendText { options, .. } = &call else { panic!("{call:?}") };
        assert!(options.is_default());
        sent(call)
    }
    let stage = Cast::new(acting).with("default", ready()).on_stage();
    let body = json!({
        "session": "", "chatId": "5511988887777@c.us", "text": "Hi there!", "reply_to": "", "id": "",
        "mentions": null, "linkPreview": "",
    });
    let answer = ask(&stage, "POST", "/api/sendText", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[tokio::test]
async fn an_emptied_reaction_and_description_arrive_as_such() {
    fn acting(call: Call) -> CallResult {
        let Call::Operate { operation } = call else { panic!("{call:?}") };
        match operation {
            Operation::React(args) => assert_eq!(args.reaction, ""),
            Operation::SetGroupDescription(args) => assert_eq!(args.description, ""),
            Operation::SetAbout(args) => assert_eq!(args.about, ""),
            _ => panic!("another operation"),
        }
        not_ready(Call::Chats)
    }
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    for (path, body) in [
        ("/api/reaction".to_owned(), json!({"session": "1", "messageId": MESSAGE, "reaction": ""})),
        (format!("/api/1/groups/{GROUP}/description"), json!({"description": ""})),
        ("/api/1/profile/status".to_owned(), json!({"status": ""})),
    ] {
        assert_eq!(ask(&stage, "PUT", &path, &body).await.status, 422, "{path}");
    }
    assert_eq!(stage.cast.notes().len(), 3);
}

#[tokio::test]
async fn a_plain_row_asks_for_what_its_address_says() {
    static ASKED: Mutex<Vec<Value>> = Mutex::new(Vec::new());
    fn acting(call: Call) -> CallResult {
        let Call::Operate { operation } = call else { panic!("{call:?}") };
        ASKED.lock().expect("no panic").push(serde_json::to_value(operation).expect("JSON"));
        Ok((Reply::Value { value: operations::OperationResult(json!({})) }, Fetched::NONE))
    }
    const CHAT: &str = "5511988887777@c.us";
    let (chat, group) = (format!("/api/1/chats/{CHAT}"), format!("/api/1/groups/{GROUP}"));
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let who = json!({"session": "1", "contactId": CHAT});
    for (method, path, body, asked) in [
        ("DELETE", chat.clone(), json!({}), json!({"name": "delete_chat", "chat": CHAT})),
        ("DELETE", format!("{chat}/messages"), json!({}), json!({"name": "clear_chat", "chat": CHAT})),
        (
            "POST",
            format!("{chat}/archive"),
            json!({}),
            json!({"name": "archive_chat", "chat": CHAT, "archived": true}),
        ),
        (
            "POST",
            format!("{chat}/unarchive"),
            json!({}),
            json!({"name": "archive_chat", "chat": CHAT, "archived": false}),
        ),
        ("POST", format!("{chat}/unread"), json!({}), json!({"name": "mark_unread", "chat": CHAT})),
        ("DELETE", "/api/1/labels/5".into(), json!({}), json!({"name": "delete_label", "id": "5"})),
        (
            "POST",
            "/api/contacts/block".into(),
            who.clone(),
            json!({"name": "block", "contact": CHAT, "blocked": true}),
        ),
        (
            "POST",
            "/api/contacts/unblock".into(),
            who,
            json!({"name": "block", "contact": CHAT, "blocked": false}),
        ),
        (
            "DELETE",
            format!("/api/1/contacts/{CHAT}"),
            json!({}),
            json!({"name": "delete_contact", "contact": CHAT}),
        ),
        (
            "DELETE",
            "/api/1/profile/picture".into(),
            json!({}),
            json!({"name": "set_profile_picture", "mimetype": null}),
        ),
        (
            "POST",
            "/api/1/calls/reject".into(),
            json!({"id": "C1"}),
            json!({"name": "reject_call", "call": "C1"}),
        ),
        (
            "PUT",
            "/api/reaction".into(),
            json!({"session": "1", "messageId": MESSAGE, "reaction": "👍"}),
            json!({"name": "react", "message": MESSAGE, "reaction": "👍"}),
        ),
        (
            "PUT",
            "/api/star".into(),
            json!({"session": "1", "messageId": MESSAGE, "star": true}),
            json!({"name": "star", "message": MESSAGE, "starred": true}),
        ),
        ("POST", "/api/1/groups/refresh".into(), json!({}), json!({"name": "refresh_groups"})),
        ("POST", format!("{group}/leave"), json!({}), json!({"name": "leave_group", "group": GROUP})),
        (
            "DELETE",
            format!("{group}/picture"),
            json!({}),
            json!({"name": "set_group_picture", "group": GROUP, "mimetype": null}),
        ),
        (
            "PUT",
            format!("{group}/description"),
            json!({"description": "olá"}),
            json!({"name": "set_group_description", "group": GROUP, "description": "olá"}),
        ),
    ] {
        let answer = ask(&stage, method, &path, &body).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.body);
        assert_eq!(ASKED.lock().expect("no panic").pop(), Some(asked), "{method} {path}");
    }
}

#[tokio::test]
async fn a_slash_at_the_end_is_the_same_route_with_its_method_and_body() {
    let stage = Cast::new(sent).with("1", ready()).on_stage();
    let text = json!({"session": "1", "chatId": "5511988887777", "text": "oi"});
    let flask = json!({"user_id": "1", "phone": "5511988887777", "message": "oi"});
    for (method, path, body, status) in [
        ("POST", "/api/sendText/", &text, 201),
        ("POST", "/send/", &flask, 200),
        ("GET", "/status/?user_id=1", &Value::Null, 200),
        ("GET", "/health/", &Value::Null, 200),
        ("GET", "/ping/", &Value::Null, 200),
        ("GET", "/api/sessions/", &Value::Null, 200),
        ("GET", "/api/sessions/1//", &Value::Null, 200),
        ("GET", "/api/events/?limit=0", &Value::Null, 200),
        ("GET", "/metrics/", &Value::Null, 200),
        ("GET", "/docs/", &Value::Null, 200),
    ] {
        let answer = ask(&stage, method, path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    assert_eq!(stage.cast.notes(), ["1 send_text", "1 send_text"]);
    // The id of one message that was not filled in must not delete all.
    let answer = ask(&stage, "DELETE", "/api/1/chats/5511988887777@c.us/messages/", &Value::Null).await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["field"]), (400, &json!("messageId")));
    assert_eq!(stage.cast.notes().len(), 2);
}

#[tokio::test]
async fn a_part_of_the_address_that_is_missing_is_named() {
    let stage = Cast::new(nobody).with("1", ready()).on_stage();
    for (method, path, field) in [
        ("GET", "/api/1/labels//chats", "labelId"),
        ("POST", "/api/1/channels/follow", "id"),
        ("PUT", "/api/1/chats//messages/x", "chatId"),
        ("GET", "/api//groups", "session"),
    ] {
        let answer = ask(&stage, method, path, &Value::Null).await;
        assert_eq!(
            (answer.status.as_u16(), &json(&answer)["field"]),
            (400, &json!(field)),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn names_of_files_are_last_parts_in_any_script_and_types_have_no_case() {
    fn acting(call: Call) -> CallResult {
        let Call::SendMedia { mimetype, filename, .. } = &call else { panic!("{call:?}") };
        assert_eq!(mimetype, "application/PDF; Name=A".replace("PDF", "pdf").as_str());
        assert_eq!(filename, "relatório 報告.pdf");
        sent(call)
    }
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    for name in [
        "relatório 報告.pdf",
        "/home/ana/relatório 報告.pdf",
        "C:\\x\\relatório 報告.pdf",
        "a/relatório 報告.pdf/",
    ] {
        let file = json!({"mimetype": "Application/PDF; Name=A", "filename": name, "data": "AAAA"});
        let body = json!({"session": "1", "chatId": "5511988887777", "file": file});
        let answer = ask(&stage, "POST", "/api/sendFile", &body).await;
        assert_eq!(answer.status, 201, "{name}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_file_that_goes_out_has_its_whole_name() {
    fn acting(_: Call) -> CallResult {
        let filename = Some("relatório.pdf".into());
        Ok((Reply::Media { mimetype: "application/pdf".into(), filename }, Bytes::from("%PDF").into()))
    }
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let answer = stage.get(&format!("/api/files/1/{MESSAGE}")).await;
    let expected = "attachment; filename=\"relat_rio.pdf\"; filename*=UTF-8''relat%C3%B3rio.pdf";
    assert_eq!(answer.headers["content-disposition"], expected);
}

#[tokio::test]
async fn a_pin_lasts_a_day_and_all_are_mentioned_in_groups_only() {
    fn acting(call: Call) -> CallResult {
        match call {
            Call::Operate { operation: Operation::PinMessage(args) } => assert_eq!(args.seconds, 86_400),
            Call::SendText { options, .. } => {
                let mentions: Vec<_> = options.mentions.iter().map(colmeia::ChatId::as_str).collect();
                assert_eq!(mentions, [GROUP], "the group stands for everyone in it");
            }
            other => panic!("{other:?}"),
        }
        not_ready(Call::Chats)
    }
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let pin = format!("/api/1/chats/5511988887777@c.us/messages/{MESSAGE}/pin");
    for body in [Value::Null, json!({"duration": ""}), json!({"duration": 86400.0})] {
        assert_eq!(ask(&stage, "POST", &pin, &body).await.status, 422, "{body}");
    }
    let text = |chat: &str| json!({"session": "1", "chatId": chat, "text": "@all", "mentions": ["all"]});
    assert_eq!(ask(&stage, "POST", "/api/sendText", &text(GROUP)).await.status, 422);
    let alone = ask(&stage, "POST", "/api/sendText", &text("5511988887777")).await;
    assert_eq!((alone.status.as_u16(), &json(&alone)["field"]), (400, &json!("mentions[0]")));
    assert_eq!(stage.cast.notes().len(), 4);
}

#[tokio::test]
async fn a_send_says_both_names_of_whom_it_went_to_as_its_event_does() {
    fn acting(_: Call) -> CallResult {
        let other_names = OtherNames::of([("77@lid", "5511988887777@c.us")]);
        let sent = SentMessage { other_names, ..SentMessage::new("true_77@lid_3EB0", 1) };
        Ok((Reply::Sent(sent), Fetched::NONE))
    }
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let body = json!({"session": "1", "chatId": "5511988887777", "text": "oi"});
    let answer = ask(&stage, "POST", "/api/sendText", &body).await;
    assert_eq!(
        json(&answer)["_data"]["chat"],
        json!({"pn": "5511988887777@c.us", "lid": "77@lid"}),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn an_own_id_that_is_taken_is_refused_by_name() {
    fn acting(_: Call) -> CallResult {
        let text = "id is that of a message which is there already";
        Err(CallFailure::Session(CallError::new(CallErrorKind::InvalidArgument, text)))
    }
    let stage = Cast::new(acting).with("1", ready()).on_stage();
    let body = json!({"session": "1", "chatId": "5511988887777", "text": "oi", "id": "3EB0"});
    let answer = ask(&stage, "POST", "/api/sendText", &body).await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["field"]), (400, &json!("id")), "{}", answer.body);
}

#[tokio::test]
async fn a_configuration_keeps_what_it_knows_and_refuses_the_rest() {
    let stage = Cast::new(nobody).on_stage();
    let config = json!({
        "metadata": {"empty": "", "nothing": null}, "client": {"browserName": "Firefox"},
        "noweb": {"markOnline": false}, "gows": {"storage": {"chats": true}}, "webjs": {"tagsEventsOn": true},
    });
    let mut given = config.clone();
    given["webhooks"] = Value::Null;
    given["proxy"] = json!("");
    let answer =
        ask(&stage, "POST", "/api/sessions", &json!({"name": "7", "start": "False", "config": given})).await;
    assert_eq!((answer.status.as_u16(), &json(&answer)["config"]), (201, &config), "{}", answer.body);
    assert_eq!(json(&stage.get("/api/sessions/7").await)["config"], config);
    for (config, field) in [
        (json!({"webhook": []}), "config.webhook"),
        (json!({"typo": ""}), "config.typo"),
        (json!({"proxy": {"server": "p:1", "user": "me"}}), "config.proxy.user"),
        (
            json!({"webhooks": [{"url": "http://x/", "events": ["message"], "secret": "s"}]}),
            "config.webhooks[0].secret",
        ),
    ] {
        let answer = ask(&stage, "PUT", "/api/sessions/7", &json!({"config": config})).await;
        assert_eq!(
            (answer.status.as_u16(), &json(&answer)["field"]),
            (400, &json!(field)),
            "{}",
            answer.body
        );
    }
    assert_eq!(json(&stage.get("/api/sessions/7").await)["config"], config);
}

/// A name is reserved where one of the API's or the dashboard's routes with a session in it would be another one's.
#[tokio::test]
async fn names_that_routes_would_hide_are_refused() {
    let stage = Cast::new(nobody).on_stage();
    let document = json(&stage.get("/openapi.json").await);
    let routes = document["paths"].as_object().expect("paths").keys().map(String::as_str);
    let others = ["/api/events", "/api/events/stream", "/api/events/dead", "/api/events/replay"];
    let dashboard = ["/sessions/events", "/sessions/{session}", "/sessions/{session}/events"];
    let routes: Vec<Vec<&str>> =
        routes.chain(others).chain(dashboard).map(|path| path.split('/').collect()).collect();
    let open = |part: &str| part.starts_with('{');
    let mut hidden = BTreeSet::new();
    for (route, other) in routes.iter().flat_map(|route| routes.iter().map(move |other| (route, other))) {
        let Some(at) = route.iter().position(|part| *part == "{session}") else { continue };
        // An address of both goes to the one that is not open where they first differ.
        let meet = route.len() == other.len()
            && route[..at] == other[..at]
            && route[at + 1..]
                .iter()
                .zip(&other[at + 1..])
                .all(|(one, two)| one == two || open(one) || open(two));
        if meet && !open(other[at]) {
            hidden.insert(other[at]);
        }
    }
    assert_eq!(hidden, BTreeSet::from(colmeia::user::RESERVED));
    for name in hidden {
        for path in ["/api/sessions", "/api/sessions/start"] {
            let answer = ask(&stage, "POST", path, &json!({"name": name})).await;
            assert_eq!((answer.status.as_u16(), &json(&answer)["field"]), (400, &json!("name")), "{name}");
            assert!(answer.body.contains("take another"), "{}", answer.body);
        }
        let answer = stage.get(&format!("/qr?user_id={name}")).await;
        assert!(answer.status == 400 && answer.error().contains("reservada"), "{}", answer.body);
    }
    assert!(stage.cast.names().is_empty());
}

/// Values of every kind for a schema, most of them wrong.
fn values(schema: &Value, document: &Value) -> Vec<Value> {
    let schema = match schema["$ref"].as_str() {
        Some(name) => document.pointer(&name[1..]).expect("described"),
        None => schema,
    };
    let one_of = schema["oneOf"].as_array().into_iter().flatten();
    let all_of = schema["allOf"].as_array().into_iter().flatten();
    let mut all: Vec<Value> = one_of.chain(all_of).flat_map(|schema| values(schema, document)).collect();
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        all.extend(values(inner, document).into_iter().map(|value| json!({name: value})));
    }
    if let Some(items) = schema.get("items") {
        all.extend(values(items, document).into_iter().map(|value| json!([value])));
    }
    let wrong = [
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(true),
        json!("x\u{1f}"),
        json!(""),
        json!([]),
        json!([[1]]),
        json!({}),
    ];
    all.extend(wrong);
    all
}

fn is_plain(answer: &Answer, what: &str) {
    let body = json(answer);
    assert_eq!(body["statusCode"], answer.status.as_u16(), "{what}: {}", answer.body);
    let message = body["message"].as_str().unwrap_or_else(|| panic!("{what}: {}", answer.body));
    assert_eq!(body["error"], message, "{what}");
    let ours = [
        "struct",
        "enum",
        "Option",
        "variant",
        "tuple",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "f32",
        "f64",
        "bool",
        "str",
        "Vec",
        "String",
        "borrowed",
        "sequence",
        "serde",
        "unit",
        "map",
        "newtype",
        "deserialize",
        "flatten",
        "identifier",
        "Value",
        "Args",
        "Arg",
    ];
    let word = message.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| ours.contains(word));
    assert!(word.is_none() && !message.contains("::"), "{what}: {word:?} in {message}");
}

#[tokio::test]
async fn no_error_of_any_operation_names_a_type_of_this_program() {
    let config = ServiceConfig { sends_per_minute: 0, ..Default::default() };
    let stage = Cast::new(not_ready).with("1", view(Phase::Held)).with("2", ready());
    let stage = stage.on_stage_at("127.0.0.1:5001", config);
    let document = json(&stage.get("/openapi.json").await);
    let mut refused = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let filled: String = path
            .split('/')
            .map(|part| match part {
                "{session}" => "2",
                "{chatId}" => "5511988887777@c.us",
                "{messageId}" | "{message}" => MESSAGE,
                "{id}" if path.contains("/groups/") => GROUP,
                _ if part.starts_with('{') => "1",
                _ => part,
            })
            .collect::<Vec<_>>()
            .join("/");
        for (method, operation) in methods.as_object().expect("methods") {
            let method = method.to_uppercase();
            let mut requests = Vec::new();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
                let with = |value: Value| (filled.clone(), json!({"session": "2", name: value}));
                requests.extend(values(inner, &document).into_iter().map(with));
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                let texts = ["x%1F", "-1", "1.5", "99999999999999999999", "[]"];
                match parameter["in"].as_str() {
                    Some("query") => requests.extend(texts.map(|text| {
                        let session = if name == "session" { "" } else { "&session=2" };
                        (format!("{filled}?{name}={text}{session}"), Value::Null)
                    })),
                    Some("path") => {
                        let places = path.split('/').zip(filled.split('/'));
                        let hole = format!("{{{name}}}");
                        let wrong: Vec<_> =
                            places.map(|(part, given)| if part == hole { "x%1F" } else { given }).collect();
                        requests.push((wrong.join("/"), Value::Null));
                    }
                    _ => {}
                }
            }
            for (path, body) in requests {
                let answer = ask(&stage, &method, &path, &body).await;
                if !answer.status.is_success() {
                    refused += 1;
                    is_plain(&answer, &format!("{method} {path} {body}"));
                }
            }
        }
    }
    assert!(refused > 1000, "{refused}");
    let error = &document["components"]["schemas"]["Error"];
    for name in ["statusCode", "message", "error", "field"] {
        assert!(error["properties"].get(name).is_some(), "{name} is not described");
    }
    // What no operation answers has the same form.
    for (method, path) in [
        ("GET", "/api/none"),
        ("PATCH", "/api/sessions"),
        ("GET", "/api/events?limit=many"),
        ("GET", "/api/events?session=../x"),
        ("POST", "/api/events/replay?id=x"),
    ] {
        is_plain(&ask(&stage, method, path, &Value::Null).await, path);
    }
    for body in ["[", "[]", "\"x\""] {
        is_plain(&stage.post("/api/sendText", body).await, body);
        is_plain(&stage.post("/api/sendImage", body).await, body);
    }
}
