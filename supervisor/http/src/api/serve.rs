//! What happens to a request that matches a [`Row`].
//!
//! ```text
//! may this caller at all? ─▶ arguments (input) ─▶ in this session? ─▶ the session ─▶ first answer? ─▶ pace ─▶ handler
//! ```
//!
//! Owns that order. What is refused here has touched no session. Knows no operation.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use colmeia::UserId;
use colmeia_base::tasks;
use serde_json::{Map, Value};

use super::super::access::{Caller, KeyAction, Sender};
use super::context::Ctx;
use super::fields::Fields;
use super::input;
use super::route::{Does, Handler, Row, Scope};
use super::session::Session;
use super::{files, repeat};
use crate::effect::EndSlash;
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

impl Row {
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
