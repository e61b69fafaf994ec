//! What other people's tools are given: the Postman collection is in step with the service's own document, its requests work as
//! they stand, and so do the workflows of n8n.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::{Farm, Receiver, chat_id, new_key, repository, until};

const NUMBER: &str = "5511900000001";
const FRIEND: &str = "5511988887777";
const COLLECTION: &str = "contrib/postman/colmeia.postman_collection.json";

/// Runs a program of Node; what it printed.
async fn node(script: &str, arguments: &[&str], key: &str, given: &str) -> Result<String, String> {
    let dir = tempfile::tempdir().expect("folder");
    let input = dir.path().join("given.json");
    std::fs::write(&input, given).expect("written");
    let output = Command::new("node")
        .arg(repository(script))
        .args(arguments)
        .env("COLMEIA_KEY", key)
        .stdin(std::fs::File::open(&input).expect("there"))
        .kill_on_drop(true)
        .output()
        .await
        .expect("it runs");
    let said = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if output.status.success() {
        Ok(said(output.stdout))
    } else {
        Err(said([output.stdout, output.stderr].concat()))
    }
}

/// Has newman send these requests of the collection, as Postman does; each one's status and answer.
async fn newman(farm: &Farm, key: &str, requests: &[&str]) -> Vec<(u64, Value)> {
    let dir = tempfile::tempdir().expect("folder");
    let report = dir.path().join("report.json").display().to_string();
    let collection = repository(COLLECTION).display().to_string();
    let base = format!("baseUrl={}", farm.service.url(""));
    let key = format!("apiKey={key}");
    let mut arguments = vec!["run", &collection, "--reporters", "json", "--reporter-json-export", &report];
    for variable in [base.as_str(), key.as_str(), "session=postman", "chatId=5511988887777"] {
        arguments.extend(["--env-var", variable]);
    }
    for request in requests {
        arguments.extend(["--folder", request]);
    }
    let said = node("tests/postman/node_modules/newman/bin/newman.js", &arguments, "", "").await;
    let report: Value = match std::fs::read_to_string(&report) {
        Ok(report) => serde_json::from_str(&report).expect("JSON"),
        Err(error) => panic!("{error}: {said:?}"),
    };
    let executions = report["run"]["executions"].as_array().expect("a list").clone();
    let answer = |execution: &Value| {
        let bytes = execution["response"]["stream"]["data"].as_array().cloned().unwrap_or_default();
        let bytes: Vec<u8> = bytes.iter().filter_map(|byte| byte.as_u64()?.try_into().ok()).collect();
        let status = execution["response"]["code"].as_u64().unwrap_or_default();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    };
    executions.iter().map(answer).collect()
}

#[tokio::test]
async fn the_postman_collection_is_in_step_and_its_requests_work() {
    let farm = Farm::start().await;
    let kept = std::fs::read_to_string(repository(COLLECTION)).expect("there");
    let service = farm.service.url("");
    let made = node("contrib/postman/make.mjs", &[&service], "", "").await.expect("made");
    assert!(made == kept, "{COLLECTION} is stale: its first lines say how it is made anew");

    // On the service's own machine without a key, as the collection comes.
    let made = newman(&farm, "", &["sessions.create"]).await;
    assert_eq!((made[0].0, &made[0].1["name"]), (201, &json!("postman")), "{made:?}");
    farm.link("postman", NUMBER).await;
    let key = new_key(&farm, &["--session", "postman", "--read", "--send"]).await;
    let asked = ["sessions.get", "chatting.send_text", "chats.get_chats", "contacts.check_exists"];
    let answers = newman(&farm, &key, &asked).await;
    let statuses: Vec<u64> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses.iter().filter(|status| **status < 300).count(), asked.len(), "{answers:?}");
    let text = answers.iter().map(|(_, answer)| answer.to_string()).collect::<String>();
    for part in ["WORKING", &chat_id(FRIEND), "numberExists"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let sent = farm.phone.sent(NUMBER).await;
    assert_eq!(sent.iter().filter(|message| message["body"] == "Olá!").count(), 1, "{sent:?}");
    assert_eq!(newman(&farm, "another-key-of-some-length", &["sessions.get"]).await[0].0, 401);
}

#[tokio::test]
async fn the_workflows_of_n8n_answer_and_send() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    let receiver = Receiver::start().await;
    let config = json!({"config": {"webhooks": [{"url": receiver.url(), "events": ["message"]}]}});
    let request = farm.service.request("PUT", "/api/sessions/1").json(&config);
    assert_eq!(farm.service.send(request).await.status, 200);
    let key = new_key(&farm, &["--session", "1", "--read", "--send"]).await;
    let values = json!({"url": farm.service.url(""), "session": "1", "phone": FRIEND}).to_string();
    let workflow = async |name: &str, item: &Value| {
        let file = repository(&format!("contrib/n8n/{name}.json")).display().to_string();
        node("tests/n8n/run.mjs", &[&file, &values], &key, &item.to_string()).await
    };
    let sent = async |text: &str| {
        let sent = farm.phone.sent(NUMBER).await;
        sent.iter().filter(|message| message["body"] == text).count()
    };

    // What n8n's webhook node makes of a real event.
    farm.phone.message(NUMBER, FRIEND, "Tem vaga?").await;
    let event = until("the event came", || async { receiver.taken().pop() }).await.event;
    let ran = workflow("answer-messages", &json!({"body": event, "headers": {}, "query": {}}))
        .await
        .expect("it runs");
    assert!(ran.contains("\"Answer\""), "{ran}");
    assert_eq!(sent("Olá! Recebemos a sua mensagem: Tem vaga?").await, 1);
    // A delivery that is repeated is answered once.
    workflow("answer-messages", &json!({ "body": event })).await.expect("it runs");
    assert_eq!(sent("Olá! Recebemos a sua mensagem: Tem vaga?").await, 1);
    for (at, other) in [("event", json!("message.any")), ("from", json!("120363@g.us")), ("body", json!(""))]
    {
        let mut event = event.clone();
        let place = if at == "event" { &mut event["event"] } else { &mut event["payload"][at] };
        *place = other;
        let ran = workflow("answer-messages", &json!({ "body": event })).await.expect("it runs");
        assert!(!ran.contains("\"Answer\""), "{at}: {ran}");
    }

    let ran = workflow("send-if-on-whatsapp", &json!({})).await.expect("it runs");
    assert!(ran.contains("\"Send\""), "{ran}");
    assert_eq!(sent("Olá! O seu pedido saiu para entrega.").await, 1);
}
