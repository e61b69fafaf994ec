//! The document at `/openapi.json` (OpenAPI 3.1), made from the table, and the page at `/docs` that shows it.
//!
//! Owns the document's form. The page's files are part of the program: **nothing comes from another host**.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use axum::Router;
use axum::body::to_bytes;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::super::user::Pairs;
use super::super::{external, reply};
use super::answer::Shape;
use super::examples;
use super::route::{Does, Row, Scope};
use super::table;
use crate::errors::ErrorBody;
use crate::route::Route;
use crate::state::Http;

/// What the document begins with; the others follow by name.
const FIRST: [&str; 6] = ["sessions", "auth", "chatting", "chats", "contacts", "groups"];

/// The document of these rows.
fn document(rows: &[Row]) -> Value {
    let mut schemas = BTreeMap::new();
    let error = Shape::of::<ErrorBody<'_>>();
    schemas.extend(error.named);
    schemas.insert("Error".to_owned(), error.schema);
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for row in rows {
        let given = (row.gives)().into_iter().filter_map(|content| content.shape);
        for shape in row.takes.map(|shape| shape()).into_iter().chain(given) {
            schemas.extend(shape.named);
        }
        paths.entry(row.path).or_default().insert(row.method.as_str().to_ascii_lowercase(), operation(row));
    }
    let mut tags: Vec<_> = rows.iter().map(tag).collect::<BTreeSet<_>>().into_iter().collect();
    // In the order in which people need them.
    tags.sort_by_key(|tag| FIRST.iter().position(|first| first == tag).unwrap_or(FIRST.len()));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Colmeia",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "WhatsApp Web sessions, each in a browser of its own. The convention is WAHA's; a session's name is the user_id of Flask's routes.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags.into_iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "security": [{"key": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    })
}

/// The SDK's class: `chatting` of `chatting.send_text`.
fn tag(row: &Row) -> &'static str {
    row.operation.split('.').next().unwrap_or(row.operation)
}

fn operation(row: &Row) -> Value {
    let in_path = row.names_in_path();
    let mut parameters: Vec<Value> = Vec::new();
    let (mut fields, required) = arguments(row);
    for name in &in_path {
        let schema = fields.remove(*name).unwrap_or_else(|| json!({"type": "string"}));
        let example = examples::of(name);
        let mut parameter = json!({"name": name, "in": "path", "required": true, "schema": schema});
        if let Some(example) = example {
            parameter["example"] = example;
        }
        parameters.push(parameter);
    }
    let required: Vec<String> = required.into_iter().filter(|name| fields.contains_key(name)).collect();
    let mut described = json!({
        "operationId": row.operation,
        "tags": [tag(row)],
        "summary": row.summary,
        "responses": responses(row),
    });
    let in_query = matches!(row.method, Method::GET | Method::DELETE);
    if in_query {
        for (name, schema) in fields {
            let needed = required.contains(&name);
            let mut parameter = json!({"name": name, "in": "query", "required": needed, "schema": schema});
            if let Some(example) = examples::of(&name).filter(|_| needed || name == "session") {
                parameter["example"] = example;
            }
            parameters.push(parameter);
        }
    } else if !fields.is_empty() {
        let example = examples::body(row, &fields, &required);
        let schema = json!({"type": "object", "properties": fields, "required": required});
        let content = json!({"schema": schema, "example": example});
        let body = json!({"required": !required.is_empty(), "content": {"application/json": content}});
        described["requestBody"] = body;
    }
    if matches!(row.scope, Scope::Session(super::super::access::KeyAction::Send)) {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A request that is made again with the same key gets the first answer.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }));
    }
    described["parameters"] = parameters.into();
    if row.scope == Scope::Anyone && !row.path.starts_with("/api") {
        described["security"] = json!([]);
    }
    described
}

/// The schemas of what an operation takes, by name, but for what stands in its address and nowhere else; and which of them
/// are needed.
pub(super) fn arguments(row: &Row) -> (Map<String, Value>, Vec<String>) {
    let (mut fields, required) = row.takes.map(|shape| fields_of(&shape())).unwrap_or_default();
    if let (Scope::Session(_), false) = (row.scope, row.names_in_path().contains(&"session")) {
        let schema = json!({"type": "string", "default": "default", "description": "The session's name."});
        fields.insert("session".to_owned(), schema);
    }
    (fields, required)
}

/// The arguments' fields and which of them are needed.
fn fields_of(shape: &Shape) -> (Map<String, Value>, Vec<String>) {
    let fields =
        |schema: &Value| schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let needed = |schema: &Value| {
        let names = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        names.into_iter().filter_map(|name| name.as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let (mut all, mut required) = (fields(&shape.schema), needed(&shape.schema));
    // A flattened type is described as one of several that hold together.
    for part in shape.schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        let name = part.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next());
        let part = name
            .and_then(|name| shape.named.iter().find(|(known, _)| known == name))
            .map_or(part, |(_, s)| s);
        all.extend(fields(part));
        required.extend(needed(part));
    }
    (all, required)
}

fn responses(row: &Row) -> Value {
    let error = json!({
        "description": "What is wrong",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    });
    if let Does::NotOffered(why) = row.does {
        let mut refusal = error;
        refusal["description"] = format!("Not offered: {why}").into();
        return json!({"501": refusal});
    }
    let mut content = Map::new();
    for way in (row.gives)() {
        let schema = way.shape.map_or_else(|| json!({}), |shape| shape.schema);
        content.insert(way.mimetype.to_owned(), json!({"schema": schema}));
    }
    let done = if row.method == Method::POST { "201" } else { "200" };
    let mut all = json!({done: {"description": "Done", "content": content}, "default": error});
    if row.method == Method::GET {
        // Said by the HTTP server itself, before there is a route that could say it in words.
        all["414"] = json!({"description": "The address is too long"});
    }
    all
}

/// `/openapi.json`; with `?offered=true` without what answers 501, as the page shows it.
pub(super) fn route() -> Route {
    Route::look("/openapi.json", async |headers: HeaderMap, pairs: Pairs| {
        let document = if pairs.get("offered") == Some("true") { &*OFFERED } else { &*DOCUMENT };
        match external::prefix(&headers) {
            "" => reply::ok(document),
            prefix => {
                let server = format!(r#""servers":[{{"url":"{prefix}"}}]"#);
                let text = document.get().replacen(r#""servers":[{"url":"/"}]"#, &server, 1);
                reply::ok(&RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned()))
            }
        }
    })
}

/// `/docs`. The document is found from the page, wherever a proxy shows that.
pub(in super::super) fn docs() -> Router<Http> {
    let config = Config::new(["../openapi.json?offered=true"]).try_it_out_enabled(true).validator_url("none");
    Router::<Http>::from(SwaggerUi::new("/docs").config(config)).layer(map_response(for_phones))
}

/// More than the page has.
const LARGEST_PAGE: usize = 64 * 1024;

/// The page as it comes is as wide as a desk, and does not say whose it is.
async fn for_phones(response: Response) -> Response {
    const HEAD: &str = "<head>\n    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/html")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(page) = to_bytes(body, LARGEST_PAGE).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let page = String::from_utf8_lossy(&page).replacen("<head>", HEAD, 1);
    let page = page.replacen("<title>Swagger UI</title>", "<title>API · Colmeia</title>", 1);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, page.into())
}

/// Made when it is first asked for, and kept as the text that goes out: as values it takes a hundred times as much.
static DOCUMENT: LazyLock<Box<RawValue>> =
    LazyLock::new(|| to_raw_value(&document(&table::rows())).unwrap_or_else(|_| RawValue::NULL.to_owned()));

/// The same without what is not offered.
static OFFERED: LazyLock<Box<RawValue>> = LazyLock::new(|| {
    let mut rows = table::rows();
    rows.retain(|row| !matches!(row.does, Does::NotOffered(_)));
    to_raw_value(&document(&rows)).unwrap_or_else(|_| RawValue::NULL.to_owned())
});
