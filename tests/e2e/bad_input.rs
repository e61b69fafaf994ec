//! What must not work says so in JSON, makes nothing, and disturbs nobody.

use serde_json::{Value, json};

use crate::harness::{Answer, Farm};

fn is_clear(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.content_type.starts_with("application/json"), "{answer:?}");
    assert!(answer.json["error"].as_str().is_some_and(|why| !why.is_empty()), "{answer:?}");
}

#[tokio::test]
async fn bad_input_is_refused_clearly_and_makes_nothing() {
    let farm = Farm::start().await;
    farm.link("1", "5511900000001").await;
    let service = &farm.service;

    let long = "x".repeat(300);
    let ids = ["..%2F..%2Fetc", "a/b", "%00", "", "a.b", "ç", "1&user_id=2", long.as_str()];
    for id in ids {
        for route in ["/qr", "/status", "/chats"] {
            is_clear(&service.get(&format!("{route}?user_id={id}")).await, 400);
        }
    }
    is_clear(&service.get("/qr?user_id[]=1").await, 400);
    for id in [json!(["1"]), json!({"a": 1}), json!(true), json!(""), json!("../x")] {
        let body = json!({"user_id": id, "phone": "5511988887777", "message": "x"});
        is_clear(&service.post("/send", &body).await, 400);
        is_clear(&service.post("/disconnect", &json!({"user_id": id})).await, 400);
    }

    let bodies: [(Value, &str); 8] = [
        (json!({"message": "x"}), "phone"),
        (json!({"phone": "5511988887777"}), "message"),
        (json!({"phone": "", "message": "x"}), "phone"),
        (json!({"phone": "abc", "message": "x"}), "phone"),
        (json!({"phone": "5511988887777", "message": ""}), "message"),
        (json!({"phone": ["5511988887777"], "message": "x"}), "phone"),
        (json!({"phone": "5511988887777", "message": {"a": 1}}), "message"),
        (json!({"phone": "5511988887777@evil.example", "message": "x"}), "phone"),
    ];
    for (body, field) in bodies {
        let answer = service.post("/send?user_id=1", &body).await;
        is_clear(&answer, 400);
        assert!(answer.text.contains(field), "the field is named: {answer:?}");
    }
    let request = service.request("POST", "/send?user_id=1").header("content-type", "application/json");
    is_clear(&service.send(request.body("{\"phone\": ")).await, 400);
    let request = service.request("POST", "/send?user_id=1").header("content-type", "application/json");
    is_clear(&service.send(request.body(vec![b'x'; 50 * 1024 * 1024])).await, 413);

    is_clear(&service.get("/nowhere").await, 404);
    is_clear(&service.get("/../../etc/passwd").await, 404);
    for (method, path) in [("POST", "/qr"), ("DELETE", "/status"), ("GET", "/send"), ("PUT", "/health")] {
        is_clear(&service.send(service.request(method, path)).await, 405);
    }
    is_clear(&service.get("/chats/5511988887777@c.us/messages?user_id=1&limit=ten").await, 400);
    is_clear(&service.get("/chats/x%2F..%2Fy/messages?user_id=1").await, 404);
    is_clear(&service.get("/media/nothing?user_id=1").await, 404);

    let made: Vec<String> = std::fs::read_dir(farm.state_dir())
        .expect("the state directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".wwebjs"))
        .collect();
    assert_eq!(made, [".wwebjs_auth_user_1"]);
    assert_eq!(service.get("/health").await.json["activeClients"], 1);
    assert_eq!(farm.status("1").await["ready"], true);
    assert!(farm.phone.sent("5511900000001").await.is_empty());
}

#[tokio::test]
async fn whose_port_it_is_is_said() {
    let farm = Farm::start().await;
    let port = farm.service.address().rsplit(':').next().expect("a port");
    let answer = farm.service.get("/qr?port=5009").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.text,
        format!(
            r#"{{"error":"Servidor na porta {port} não pode atender porta 5009.","hint":"Em produção, use user_id. Exemplo: /qr?user_id=3","currentPort":"{port}","requestedPort":5009}}"#
        )
    );
    assert_eq!(farm.service.get(&format!("/qr?port={port}")).await.status, 200);
}
