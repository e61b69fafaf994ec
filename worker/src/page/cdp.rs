//! One command of the debugger, with a limit of its own: the client library's limits do not fire reliably.

use std::future::Future;
use std::time::Duration;

use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use chromiumoxide::error::CdpError;
use chromiumoxide::types::Command;
use chromiumoxide::{Browser, Page};
use serde_json::Value;

use crate::engine::ProbeError;

/// Runs a command of the page.
pub(super) async fn page<C: Command>(
    page: &Page,
    command: C,
    limit: Duration,
) -> Result<C::Response, ProbeError> {
    within(limit, page.execute(command)).await.map(|response| response.result)
}

/// Runs a command of the browser.
pub(super) async fn browser<C: Command>(
    browser: &Browser,
    command: C,
    limit: Duration,
) -> Result<C::Response, ProbeError> {
    within(limit, browser.execute(command)).await.map(|response| response.result)
}

/// Evaluates an expression in the page and waits for its promise, if it is one.
pub(super) async fn evaluate(page: &Page, expression: String, limit: Duration) -> Result<Value, ProbeError> {
    let mut params = EvaluateParams::new(expression);
    params.return_by_value = Some(true);
    params.await_promise = Some(true);
    // Not a user's gesture, and nothing for the console.
    params.silent = Some(true);
    let returned = self::page(page, params, limit).await?;
    match returned.exception_details {
        // The text may quote what was evaluated.
        Some(_) => Err(ProbeError::Failed("the page threw an error".to_owned())),
        None => Ok(returned.result.value.unwrap_or(Value::Null)),
    }
}

/// Awaits with a limit.
pub(super) async fn within<T>(
    limit: Duration,
    future: impl Future<Output = Result<T, CdpError>>,
) -> Result<T, ProbeError> {
    match tokio::time::timeout(limit, future).await {
        Err(_) => Err(ProbeError::Timeout(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX))),
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(ProbeError::Failed(in_words(&error))),
    }
}

/// Without what the library may quote of the message.
fn in_words(error: &CdpError) -> String {
    match error {
        CdpError::Chrome(error) => format!("the browser refused: {} ({})", error.message, error.code),
        CdpError::ChannelSendError(_) | CdpError::NoResponse => "the browser is gone".to_owned(),
        CdpError::Timeout => "no answer".to_owned(),
        CdpError::Ws(_) | CdpError::Io(_) => "the connection to the browser failed".to_owned(),
        CdpError::ChromeMessage(message) => message.clone(),
        _ => "the browser's answer is none".to_owned(),
    }
}
