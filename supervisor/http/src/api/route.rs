//! [`Row`]: one line of the table of operations: where it is, who may do it, and what it does. What happens to a request
//! that matches it is in `serve`. Knows no operation.

use std::future::Future;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use axum::response::Response;
use colmeia::operations::{self, Operate};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::access::KeyAction;
use super::answer::{Answer, Content, Shape};
use super::context::Ctx;
use super::input;
use super::session::Session;
use crate::effect::Effect;
use crate::errors::ApiError;

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
pub(super) type Handler<C> = Arc<dyn Fn(C, Map<String, Value>) -> Done + Send + Sync>;

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
}
