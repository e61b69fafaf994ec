//! `/mcp`: the operations of the table as tools for agents, by the Model Context Protocol (streamable HTTP, no sessions).
//!
//! A call becomes the request that its operation takes over HTTP, with who calls as the guard has found them, and goes to the
//! same handler: a row's scope, pace and refusals hold for agents too. Who lists tools is shown those that their key may use.
//!
//! Owns how a row is a tool, and how an answer is the result of one. Knows no operation. What an operation answers is told
//! as it is; a file of a message is none of it.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    ToolAnnotations,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::access::Caller;
use super::openapi::arguments;
use super::route::{Does, Row, Scope};
use super::table;
use crate::effect::{Effect, EndSlash};
use crate::errors::ApiError;
use crate::route::Route;
use crate::state::Http;

/// The most that the answer of one call may have. A list of a thousand messages is far below.
const ANSWER: usize = 16 << 20;

const INSTRUCTIONS: &str = "Sessions of WhatsApp Web. `session` is the name of one; sessions_list shows them. A session has to \
be WORKING before it can send or read. Send only what people asked for: unwanted messages get a number banned.";

/// An operation as a tool.
struct Offer {
    tool: Tool,
    method: Method,
    path: &'static str,
    scope: Scope,
}

/// All of them; made when they are first asked for.
static OFFERS: LazyLock<Vec<Offer>> =
    LazyLock::new(|| table::rows().iter().filter(|row| is_offered(row)).map(Offer::of).collect());

/// What calls go to.
static OPERATIONS: LazyLock<Router<Http>> = LazyLock::new(|| {
    let routes = super::operations();
    routes.into_iter().fold(Router::new(), |router, route| router.route(route.path, route.serve))
});

/// Whether an agent can do something with what the operation answers: JSON, or a picture.
fn is_offered(row: &Row) -> bool {
    let told = |kind: &str| kind == "application/json" || kind.starts_with("image/");
    let old = row.operation.contains("deprecated") || row.operation.contains("depracated");
    !old && !matches!(row.does, Does::NotOffered(_))
        && (row.gives)().iter().all(|content| told(content.mimetype))
}

impl Offer {
    fn of(row: &Row) -> Self {
        // A name with a dot is one that some clients refuse.
        let name = row.operation.replace('.', "_");
        let looks = row.effect == Effect::None;
        let destroys = row.method == Method::DELETE || name.ends_with("logout");
        let hints = ToolAnnotations::new().read_only(looks).destructive(destroys);
        let tool = Tool::new(name, row.summary, Arc::new(schema(row))).with_annotations(hints);
        Self { tool, method: row.method.clone(), path: row.path, scope: row.scope }
    }

    fn is_for(&self, caller: &Caller) -> bool {
        match self.scope {
            Scope::Anyone => true,
            Scope::Admin => caller.is_admin(),
            Scope::Session(action) => caller.may_somewhere(action),
        }
    }

    /// The request that the call stands for.
    ///
    /// # Errors
    /// When something is wrong with what stands in the address.
    fn request(&self, arguments: JsonObject, caller: &Parts) -> Result<Request, ApiError> {
        let mut fields = arguments;
        let mut path = String::new();
        for part in self.path.split('/').skip(1) {
            path.push('/');
            let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
                path.push_str(part);
                continue;
            };
            let text = match fields.remove(name) {
                Some(Value::String(text)) if !text.is_empty() => text,
                Some(Value::Number(number)) => number.to_string(),
                Some(_) => return Err(ApiError::field(name, "has to be a text, and not an empty one")),
                None => return Err(ApiError::field(name, "is needed")),
            };
            path.extend(utf8_percent_encode(&text, NON_ALPHANUMERIC));
        }
        let body = if matches!(self.method, Method::GET | Method::DELETE) {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs(fields)).finish();
            if !query.is_empty() {
                path = format!("{path}?{query}");
            }
            Body::empty()
        } else {
            Body::from(Value::Object(fields).to_string())
        };
        let uri = path
            .parse::<Uri>()
            .map_err(|_| ApiError::bad_request("The arguments are too long for an address"))?;
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = caller.headers.clone();
        for name in [ACCEPT, CONTENT_LENGTH, TRANSFER_ENCODING] {
            request.headers_mut().remove(name);
        }
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.extensions_mut() = caller.extensions.clone();
        request.extensions_mut().remove::<EndSlash>();
        Ok(request)
    }
}

/// What a query has of these: a list's items one by one, and nothing of what is not filled in.
fn pairs(fields: JsonObject) -> Vec<(String, String)> {
    let text = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    let mut pairs = Vec::new();
    for (name, value) in fields {
        let values = if let Value::Array(items) = value { items } else { vec![value] };
        pairs.extend(values.into_iter().filter_map(text).map(|text| (name.clone(), text)));
    }
    pairs
}

/// A tool's arguments: one object, with what its parts are made of.
fn schema(row: &Row) -> JsonObject {
    let (mut fields, mut required) = arguments(row);
    for name in row.names_in_path() {
        fields.entry(name).or_insert_with(|| json!({"type": "string"}));
        required.push(name.to_owned());
    }
    let known: HashSet<&String> = fields.keys().collect();
    required.retain(|name| known.contains(name));
    required.sort();
    required.dedup();
    let named: JsonObject = row.takes.map(|shape| shape().named).unwrap_or_default().into_iter().collect();
    let mut schema = json!({"type": "object", "properties": fields, "required": required});
    if !named.is_empty() {
        schema["$defs"] = Value::Object(named);
    }
    let text = schema.to_string().replace("#/components/schemas/", "#/$defs/");
    serde_json::from_str(&text).unwrap_or_default() // it was JSON before
}

/// The server's side of the protocol, for one request.
struct Tools {
    http: Http,
}

impl Tools {
    async fn call(&self, called: CallToolRequestParams, caller: &Parts) -> Result<CallToolResult, ErrorData> {
        let offer = OFFERS.iter().find(|offer| offer.tool.name == called.name);
        let offer = offer.ok_or_else(|| ErrorData::invalid_params("There is no such tool", None))?;
        let response = match offer.request(called.arguments.unwrap_or_default(), caller) {
            Ok(request) => {
                let operations = OPERATIONS.clone().with_state(self.http.clone());
                operations.oneshot(request).await.unwrap_or_else(|never| match never {})
            }
            Err(error) => error.into_response(),
        };
        told(response).await
    }
}

/// An answer as a result. An error is one too, so that the agent reads what is wrong and not only its program.
async fn told(response: Response) -> Result<CallToolResult, ErrorData> {
    let (parts, body) = response.into_parts();
    let kind =
        parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    let bytes = to_bytes(body, ANSWER).await;
    let bytes =
        bytes.map_err(|_| ErrorData::internal_error("The answer is too large: ask for less", None))?;
    let content = if kind.starts_with("image/") {
        ContentBlock::image(STANDARD.encode(&bytes), kind)
    } else {
        ContentBlock::text(String::from_utf8_lossy(&bytes))
    };
    let result = if parts.status.is_success() { CallToolResult::success } else { CallToolResult::error };
    Ok(result(vec![content]))
}

/// Who calls, as the request brought them.
fn parts(context: &RequestContext<RoleServer>) -> Result<&Parts, ErrorData> {
    context.extensions.get::<Parts>().ok_or_else(|| ErrorData::internal_error("There is no request", None))
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("colmeia", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = parts(&context)?.extensions.get::<Caller>();
        let offers = OFFERS.iter().filter(|offer| caller.is_some_and(|caller| offer.is_for(caller)));
        Ok(ListToolsResult::with_all_items(offers.map(|offer| offer.tool.clone()).collect()))
    }

    async fn call_tool(
        &self,
        called: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(self.call(called, parts(&context)?).await?.into())
    }
}

/// `POST /mcp`. The guard has looked at the key, at `Host` and at where a browser's page comes from.
pub(super) fn route() -> Route {
    Route::post("/mcp", async |State(http): State<Http>, request: Request| {
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let sessions = Arc::new(NeverSessionManager::default());
        let service = StreamableHttpService::new(move || Ok(Tools { http: http.clone() }), sessions, config);
        service.handle(request).await.map(Body::new)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_name_that_clients_take_and_a_schema_that_is_whole() {
        let mut names = HashSet::new();
        for offer in OFFERS.iter() {
            let name = &offer.tool.name;
            assert!(names.insert(name.clone()), "{name} twice");
            assert!(
                name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
                "{name}"
            );
            assert!(
                offer.tool.description.as_ref().is_some_and(|text| !text.is_empty()),
                "{name} says what it is for"
            );
            let schema = Value::Object((*offer.tool.input_schema).clone());
            assert_eq!(schema["type"], "object", "{name}");
            for part in schema.to_string().split("\"$ref\":\"").skip(1) {
                let target = part.split('"').next().expect("its end");
                let defined = target.strip_prefix("#/$defs/").expect("a definition of its own");
                assert!(schema["$defs"][defined].is_object(), "{name}: {target}");
            }
            for needed in schema["required"].as_array().expect("a list") {
                assert!(
                    schema["properties"][needed.as_str().expect("a name")].is_object(),
                    "{name}: {needed}"
                );
            }
        }
        for name in ["sessions_list", "chatting_send_text", "sessions_delete"] {
            assert!(names.contains(name), "{name} in {names:?}");
        }
    }

    #[test]
    fn a_call_is_the_request_that_the_operation_takes() {
        let offer = |name: &str| OFFERS.iter().find(|offer| offer.tool.name == name).expect("offered");
        let request = |name: &str, arguments: Value| {
            let caller = Request::new(Body::empty()).into_parts().0;
            let Value::Object(arguments) = arguments else { panic!("an object") };
            offer(name).request(arguments, &caller)
        };
        let stop = request("sessions_stop", json!({"session": "a/b c"})).expect("whole");
        assert_eq!((stop.method().as_str(), stop.uri().path()), ("POST", "/api/sessions/a%2Fb%20c/stop"));
        let chats =
            request("chats_get_chats", json!({"session": "3", "limit": 2, "sortBy": null})).expect("whole");
        assert_eq!(chats.uri().to_string(), "/api/3/chats?limit=2");
        let lacking = request("sessions_stop", json!({})).expect_err("no session");
        assert!(lacking.text.contains("session"), "{lacking:?}");
    }
}
