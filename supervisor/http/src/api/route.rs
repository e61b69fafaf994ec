//! [`Row`]: one line of the table of operations, and what happens to a request that matches it.
//!
//! ```text
//! may this caller at all? ─▶ arguments (input) ─▶ in this session? ─▶ the session ─▶ first answer? ─▶ pace ─▶ handler
//! ```
//!
//! Owns that order. What is refused here has touched no session. Knows no operation.

use std::future::Future;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use colmeia::UserId;
use colmeia::operations::{self, Operate};
use colmeia_base::tasks;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::access::{Caller, KeyAction, Sender};
use super::answer::{Answer, Content, Shape};
use super::context::Ctx;
use super::fields::Fields;
use super::input;
use super::session::Session;
use super::{files, repeat};
use crate::effect::{Effect, EndSlash};
use crate::errors::ApiError;
use crate::route::Route;
use crate::state::Http;
use colmeia::errors::chain;
use colmeia_control::pacing::TooSoon;
use colmeia_host::shares::Holder;

/// The session of a request that names none, as in WAHA.
const DEFAULT_SESSION: &str = "default";
/// Why a paced operation was not begun.
const TOO_FAST: &str =
    "This session sends faster than its limit, which protects the number; nothing was sent";

/// What a caller needs for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Nothing, or what the handler itself looks at.
    Anyone,
    /// A key without limits.
    Admin,
    /// This, with the session that the request names.
    Session(KeyAction),
}

type Done = BoxFuture<'static, Result<Response, ApiError>>;
/// A handler that reads its arguments itself.
type Handler<C> = Arc<dyn Fn(C, Map<String, Value>) -> Done + Send + Sync>;

/// What an operation does.
#[derive(Clone)]
pub(super) enum Does {
    /// Something with the service.
    Anywhere(Handler<Ctx>),
    /// Something with a session.
    InSession(Handler<Session>),
    /// Nothing, and why.
    NotOffered(&'static str),
}

/// One operation.
pub(super) struct Row {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The SDK's name of it: `class.method`.
    pub(super) operation: &'static str,
    pub(super) summary: &'static str,
    pub(super) scope: Scope,
    pub(super) does: Does,
    /// The arguments' schema; absent where there are none. Made only for the document: all of them together are large.
    pub(super) takes: Option<fn() -> Shape>,
    /// The answer.
    pub(super) gives: fn() -> Vec<Content>,
    /// Whether it changes anything.
    pub(super) effect: Effect,
    /// Whether it counts against the session's send limit.
    pub(super) paced: bool,
    /// Where in its body a file may stand, in base64.
    pub(super) file_at: Option<&'static [&'static str]>,
}

/// Where an operation is, and the SDK's name of it: what every row begins with.
pub(super) struct Address {
    method: Method,
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
}

pub(super) fn get(path: &'static str, operation: &'static str) -> Address {
    Address::new(Method::GET, path, operation)
}

pub(super) fn post(path: &'static str, operation: &'static str) -> Address {
    Address::new(Method::POST, path, operation)
}

pub(super) fn put(path: &'static str, operation: &'static str) -> Address {
    Address::new(Method::PUT, path, operation)
}

pub(super) fn delete(path: &'static str, operation: &'static str) -> Address {
    Address::new(Method::DELETE, path, operation)
}

impl Address {
    fn new(method: Method, path: &'static str, operation: &'static str) -> Self {
        Self { method, path, operation, summary: "" }
    }

    /// What it is for.
    pub(super) fn says(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// A row of the service's own.
    pub(super) fn anywhere<A, R, F, Fut>(self, scope: Scope, handler: F) -> Row
    where
        A: DeserializeOwned + ToSchema + 'static,
        R: Answer,
        F: Fn(Ctx, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ApiError>> + Send + 'static,
    {
        let does = Does::Anywhere(typed(success(&self.method), handler));
        self.row::<A, R>(scope, does)
    }

    /// A row of a session's.
    pub(super) fn session<A, R, F, Fut>(self, action: KeyAction, handler: F) -> Row
    where
        A: DeserializeOwned + ToSchema + 'static,
        R: Answer,
        F: Fn(Session, A) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, ApiError>> + Send + 'static,
    {
        let does = Does::InSession(typed(success(&self.method), handler));
        self.row::<A, R>(Scope::Session(action), does)
    }

    /// A row of a session's that is one operation and has nothing to tell but that it is done. Who only asks needs to read,
    /// everybody else to send.
    pub(super) fn plain<A, O>(self, ask: fn(A) -> O) -> Row
    where
        A: DeserializeOwned + ToSchema + 'static,
        O: Operate + Send + 'static,
    {
        let action = if O::EFFECT == operations::Effect::Read { KeyAction::Read } else { KeyAction::Send };
        self.session(action, move |session: Session, arguments: A| {
            let asked = ask(arguments);
            async move { session.carry_out(asked).await }
        })
    }

    /// A row of the convention that is not offered.
    pub(super) fn absent(self, why: &'static str) -> Row {
        let row = self.row::<(), ()>(Scope::Anyone, Does::NotOffered(why));
        Row { takes: None, gives: Vec::new, ..row }
    }

    fn row<A: ToSchema, R: Answer>(self, scope: Scope, does: Does) -> Row {
        let Self { method, path, operation, summary } = self;
        let looks =
            method == Method::GET && !matches!(scope, Scope::Session(KeyAction::Send | KeyAction::Control));
        Row {
            effect: if looks { Effect::None } else { Effect::Change },
            method,
            path,
            operation,
            summary,
            scope,
            does,
            takes: Some(Shape::of::<A>),
            gives: R::document,
            paced: false,
            file_at: None,
        }
    }
}

/// Reads the arguments for a handler, and writes its answer.
fn typed<C, A, R, F, Fut>(status: StatusCode, handler: F) -> Handler<C>
where
    C: 'static,
    A: DeserializeOwned + 'static,
    R: Answer,
    F: Fn(C, A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, ApiError>> + Send + 'static,
{
    Arc::new(move |context, fields| match input::read(fields) {
        Ok(arguments) => {
            let working = handler(context, arguments);
            async move { Ok(working.await?.respond(status)) }.boxed()
        }
        Err(error) => futures::future::err(error).boxed(),
    })
}

/// What the convention's server answers: 201 to every `POST`.
fn success(method: &Method) -> StatusCode {
    if *method == Method::POST { StatusCode::CREATED } else { StatusCode::OK }
}

impl Row {
    /// Counts against the session's send limit.
    pub(super) fn paced(self) -> Self {
        Self { paced: true, ..self }
    }

    /// May carry a file, as base64 at this place of its body.
    pub(super) fn with_file(self, at: &'static [&'static str]) -> Self {
        Self { file_at: Some(at), ..self }
    }

    /// Changes something although it is a `GET` that needs no more than reading.
    pub(super) fn changes(self) -> Self {
        Self { effect: Effect::Change, ..self }
    }

    /// The arguments that stand in the address, in their order.
    pub(super) fn names_in_path(&self) -> Vec<&'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    /// The name at the end of the address of another operation that changes something and becomes this one when nothing
    /// was filled in there: deleting one message without its id would delete all.
    pub(super) fn deeper(&self, rows: &[Self]) -> Option<&'static str> {
        let end = |row: &Self| row.path.strip_prefix(self.path)?.strip_prefix("/{")?.strip_suffix('}');
        let changes = rows.iter().filter(|row| row.method == self.method && row.method != Method::GET);
        changes.filter_map(end).find(|name| !name.contains('/'))
    }

    /// The caller, as far as it is known without the body whether they may do this.
    fn lets_in<'a>(
        &self,
        caller: Caller,
        given: impl IntoIterator<Item = &'a (String, String)>,
    ) -> Result<Caller, ApiError> {
        match self.scope {
            Scope::Admin if !caller.is_admin() => {
                Err(ApiError::forbidden("Only a key without limits may do this"))
            }
            Scope::Session(action) if !caller.may_somewhere(action) => {
                Err(ApiError::forbidden(format!("This key may not {}", action.name())))
            }
            Scope::Session(action) => {
                let named = given.into_iter().find(|(name, _)| name == "session");
                match named.and_then(|(_, user)| user.parse().ok()) {
                    Some(user) if !caller.may(action, &user) => Err(may_not(action, &user)),
                    _ => Ok(caller),
                }
            }
            Scope::Admin | Scope::Anyone => Ok(caller),
        }
    }

    /// As it is served.
    pub(super) fn route(self, deeper: Option<&'static str>) -> Route {
        let (method, path, effect) = (self.method.clone(), self.path, self.effect);
        let known = self.takes.map(|shape| Fields::of(&shape())).unwrap_or_default();
        let known = if matches!(self.scope, Scope::Session(_)) { known.and_text("session") } else { known };
        let served = Arc::new(Served { row: self, known, deeper });
        Route::new(method, path, effect, move |State(http): State<Http>, request: Request| async move {
            served.serve(http, request).await.unwrap_or_else(ApiError::into_response)
        })
    }
}

/// A row with what is known of its arguments.
struct Served {
    row: Row,
    known: Fields,
    /// See [`Row::deeper`].
    deeper: Option<&'static str>,
}

impl Served {
    async fn serve(&self, http: Http, request: Request) -> Result<Response, ApiError> {
        let row = &self.row;
        if let Does::NotOffered(why) = row.does {
            return Err(ApiError::not_offered(row.operation, why));
        }
        let (mut parts, body) = request.into_parts();
        if let (Some(name), Some(EndSlash)) = (self.deeper, parts.extensions.get()) {
            let rule = "is empty, and without it this would be another operation; leave out the slash if you mean that";
            return Err(ApiError::field(name, rule));
        }
        // Put there by the guard, which lets nobody else pass but to what is open to all.
        let caller = parts.extensions.get::<Caller>().cloned();
        let path = Path::<Vec<(String, String)>>::from_request_parts(&mut parts, &http).await;
        let path = path.map_err(|_| ApiError::bad_request("The path is not valid UTF-8"))?.0;
        if let Some((name, _)) = path.iter().find(|(_, text)| text.is_empty()) {
            return Err(ApiError::field(name, "is empty in the address"));
        }
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let query = query.map_err(|_| ApiError::bad_request("The query cannot be decoded"))?.0;
        // Put there before anything else is looked at.
        let holder = parts.extensions.get::<Holder>().cloned().unwrap_or(Holder::Here);
        let caller = caller.or((row.scope == Scope::Anyone).then(Caller::unlimited));
        let caller = caller.ok_or_else(|| ApiError::forbidden("This operation needs a key"));
        let caller = match caller.and_then(|caller| row.lets_in(caller, path.iter().chain(&query))) {
            Ok(caller) => caller,
            // Nothing of what it sends is taken in; it is only heard out, to see the answer.
            Err(refused) => {
                files::refuse(body).await;
                return Err(refused);
            }
        };
        let sender = Sender::of(&parts.extensions);
        let (body, upload) = match row.file_at {
            Some(at) => files::receive(&http, at, &parts.headers, &holder, body).await?,
            None => (input::object(&collected(body).await?)?, None),
        };
        let fields = input::gather(&self.known, path, query, body);
        let ctx = Ctx { http, caller, headers: parts.headers, holder, sender, upload };
        match (&row.does, row.scope) {
            (Does::Anywhere(handler), _) if row.method == Method::GET => handler(ctx, fields).await,
            (Does::Anywhere(handler), _) => to_its_end(row.operation, handler(ctx, fields)).await,
            (Does::InSession(handler), Scope::Session(action)) => {
                let user = session_of(&fields)?;
                tracing::Span::current().record("user", user.as_str());
                if !ctx.caller.may(action, &user) {
                    return Err(may_not(action, &user));
                }
                let Some(session) = Session::find(ctx, &user).await else {
                    return Err(ApiError::no_session(&user));
                };
                files::count(&session, row.file_at)?;
                let work = Work { row, session, handler: Arc::clone(handler), fields };
                self.work(work, action).await
            }
            // Only `session` makes rows of sessions.
            (Does::InSession(_) | Does::NotOffered(_), _) => Err(ApiError::bug()),
        }
    }

    /// In a task of its own where something is changed or sent: a caller who hangs up stops nothing half-way, and the
    /// answer to what is sent is kept for the repetition.
    async fn work(&self, work: Work<'_>, action: KeyAction) -> Result<Response, ApiError> {
        let Work { row, session, handler, fields } = work;
        match action {
            KeyAction::Send => {}
            _ if row.method == Method::GET => return handler(session, fields).await,
            _ => return to_its_end(row.operation, handler(session, fields)).await,
        }
        let key = repeat::key(&session.headers)?;
        let (paced, operation) = (row.paced, row.operation);
        let request = repeat::digest(operation, &fields);
        let (http, user) = (session.http.clone(), session.user().clone());
        let (store, owner) = (http.store.clone(), user.clone());
        let paced_work = async move {
            let acted = session.acted();
            let work = async move { acted.judge(handler(session, fields).await) };
            if !paced {
                return work.await;
            }
            let done = http.paced(&user, ApiError::nothing_was_done, work).await;
            done.unwrap_or_else(|TooSoon { secs }| Err(ApiError::too_many(TOO_FAST, secs)))
        };
        let working = async move {
            match key {
                None => paced_work.await,
                Some(key) => repeat::once(&store, &owner, &key, request, paced_work).await,
            }
        };
        to_its_end(operation, working).await
    }
}

fn may_not(action: KeyAction, user: &UserId) -> ApiError {
    ApiError::forbidden(format!("This key may not {} in session {user}", action.name()))
}

/// Waits for the work, which goes on when nobody waits any more.
async fn to_its_end(
    operation: &'static str,
    work: impl Future<Output = Result<Response, ApiError>> + Send + 'static,
) -> Result<Response, ApiError> {
    tasks::passing("operation", work).await.unwrap_or_else(|panic| {
        tracing::error!(operation, error = chain(&panic), "a handler panicked");
        Err(ApiError::bug())
    })
}

/// A request that is let in.
struct Work<'a> {
    row: &'a Row,
    session: Session,
    handler: Handler<Session>,
    fields: Map<String, Value>,
}

/// The session that a request names.
fn session_of(fields: &Map<String, Value>) -> Result<UserId, ApiError> {
    match fields.get("session") {
        None => DEFAULT_SESSION.parse().map_err(|_| ApiError::bug()),
        Some(Value::String(name)) => name.parse().map_err(|error| ApiError::field("session", error)),
        Some(_) => Err(ApiError::field("session", "has to be a text")),
    }
}

/// The body, which the `body` middleware has collected already.
async fn collected(body: Body) -> Result<Bytes, ApiError> {
    axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|_| ApiError::bad_request("The body came in incomplete"))
}
