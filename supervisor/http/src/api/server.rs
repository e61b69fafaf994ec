//! The service itself: whether it is there, its version, how long it runs.

use std::time::UNIX_EPOCH;

use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Answered, Json};
use super::context::Ctx;
use super::models::{ENGINE, NoArgs};

/// That it is there.
#[derive(Serialize, ToSchema)]
pub(super) struct Pong {
    message: &'static str,
}

/// What it is.
#[derive(Serialize, ToSchema)]
pub(super) struct Environment {
    version: &'static str,
    engine: &'static str,
    tier: &'static str,
    browser: String,
    platform: String,
    worker: WorkerInfo,
}

/// Which of several servers; there is one.
#[derive(Serialize, ToSchema)]
pub(super) struct WorkerInfo {
    id: &'static str,
}

/// Since when it runs.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Uptime {
    /// In milliseconds since the epoch.
    start_timestamp: u64,
    /// In milliseconds.
    uptime: u64,
    worker: WorkerInfo,
}

pub(super) async fn ping(_: Ctx, _: NoArgs) -> Answered<Pong> {
    Ok(Json(Pong { message: "pong" }))
}

pub(super) async fn version(ctx: Ctx, _: NoArgs) -> Answered<Environment> {
    Ok(Json(Environment {
        version: env!("CARGO_PKG_VERSION"),
        engine: ENGINE,
        tier: "CORE",
        browser: ctx.http.config.browser.display().to_string(),
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        worker: WorkerInfo { id: "colmeia" },
    }))
}

pub(super) async fn status(ctx: Ctx, _: NoArgs) -> Answered<Uptime> {
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let started = ctx.http.started.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Json(Uptime {
        start_timestamp: millis(started),
        uptime: millis(ctx.http.started.elapsed().unwrap_or_default()),
        worker: WorkerInfo { id: "colmeia" },
    }))
}
