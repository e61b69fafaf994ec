//! [`Client`]: one request per connection over the admin socket.
//!
//! Owns the deadlines and what each refusal means. It repeats nothing.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use colmeia::UserId;
use colmeia::admin::{Changed, Failure, Line};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Longer than anything that the service does before it answers.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest answer that is read.
const LARGEST: usize = 16 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody listens, or we may not connect.
    #[error("cannot reach the service at {} (is it running? may you use it?)", socket.display())]
    Unreachable {
        socket: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The service said so.
    #[error("{0}")]
    NoSuchUser(String),
    /// The service refused for another reason.
    #[error("{0}")]
    Refused(String),
    /// The connection broke.
    #[error("the connection to the service broke")]
    Broken(#[source] hyper::Error),
    /// No answer in time.
    #[error("the service did not answer in time")]
    Late,
    /// The answer means nothing to us.
    #[error("the service answered something else than it was asked")]
    Nonsense(#[source] serde_json::Error),
    /// The answer is too large.
    #[error("the service's answer is too large")]
    TooLarge,
}

/// Where the service is.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    socket: PathBuf,
}

impl Client {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Asks, and understands the answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(Method::GET, path).await
    }

    /// Changes something about a user. `wishes` is what stands behind the operation, such as `?new=true`.
    pub(crate) async fn change(
        &self,
        user: &UserId,
        operation: &str,
        wishes: &str,
    ) -> Result<Changed, ClientError> {
        self.ask(Method::POST, &format!("/v1/sessions/{user}/{operation}{wishes}")).await
    }

    /// Puts something there.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        value: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(value).map_err(ClientError::Nonsense)?;
        self.ask_with(Method::PUT, path, body.into()).await
    }

    /// Any method, with an answer in JSON.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
    ) -> Result<T, ClientError> {
        self.ask_with(method, path, Bytes::new()).await
    }

    async fn ask_with<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let whole = async {
            let mut response = self.send(method, path, body).await?;
            if !response.status().is_success() {
                return Err(refusal(&mut response).await?);
            }
            serde_json::from_slice(&whole(&mut response).await?).map_err(ClientError::Nonsense)
        };
        timeout(PATIENCE, whole).await.unwrap_or(Err(ClientError::Late))
    }

    /// Hands over each line of the answer as it comes. It takes as long as the service works.
    pub(crate) async fn post_lines<T: DeserializeOwned, E: From<ClientError>>(
        &self,
        path: &str,
        value: &impl Serialize,
        take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let body = serde_json::to_vec(value).map_err(ClientError::Nonsense)?;
        let mut response = self.send(Method::POST, path, body.into()).await?;
        if !response.status().is_success() {
            return Err(refusal(&mut response).await?.into());
        }
        lines(response, take).await
    }

    /// Hands over each line of a stream as it comes, until the service ends it or `take` has enough.
    pub(crate) async fn follow<E: From<ClientError>>(
        &self,
        path: &str,
        take: impl FnMut(Line) -> Result<(), E>,
    ) -> Result<(), E> {
        lines(self.send(Method::GET, path, Bytes::new()).await?, take).await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>, ClientError> {
        let unreachable = |source| ClientError::Unreachable { socket: self.socket.clone(), source };
        let stream = UnixStream::connect(&self.socket).await.map_err(unreachable)?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(ClientError::Broken)?;
        colmeia_base::tasks::passing("connection", connection);
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json");
        // Paths are made of user ids and numbers, so this cannot fail.
        let request = request.body(Full::new(body)).unwrap_or_default();
        sender.send_request(request).await.map_err(ClientError::Broken)
    }
}

async fn whole(response: &mut Response<Incoming>) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(chunk) = next(response).await? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(ClientError::TooLarge);
        }
    }
    Ok(body)
}

/// Hands over each line of an answer.
async fn lines<T: DeserializeOwned, E: From<ClientError>>(
    mut response: Response<Incoming>,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let mut rest = Vec::new();
    while let Some(chunk) = next(&mut response).await? {
        rest.extend_from_slice(&chunk);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            take(serde_json::from_slice(&line).map_err(ClientError::Nonsense)?)?;
        }
        if rest.len() > LARGEST {
            return Err(ClientError::TooLarge.into());
        }
    }
    Ok(())
}

/// What an answer that is no success says.
async fn refusal(response: &mut Response<Incoming>) -> Result<ClientError, ClientError> {
    let (body, status) = (whole(response).await?, response.status());
    let why = serde_json::from_slice(&body).map_or_else(|_| status.to_string(), |Failure { error }| error);
    Ok(match status {
        StatusCode::NOT_FOUND if why.starts_with("there is no user") => ClientError::NoSuchUser(why),
        _ => ClientError::Refused(why),
    })
}

async fn next(response: &mut Response<Incoming>) -> Result<Option<Bytes>, ClientError> {
    while let Some(frame) = response.body_mut().frame().await {
        if let Ok(data) = frame.map_err(ClientError::Broken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}
