//! A stand-in for web.whatsapp.com and for the phone, for demo and tests.
//!
//! `/` is the page that a browser opens, `/sim/…` its own server, `/phone…` the phone that the
//! demo and the tests hold in their hands.

#![allow(clippy::disallowed_methods)] // no product: whoever runs it sees it fail

mod account;
mod assets;
mod ceremonies;
mod channel;
mod clock;
mod error;
mod faults;
mod files;
mod limits;
mod line;
mod media;
mod passkey;
mod phone;
mod records;
mod settings;
mod state_file;
mod weight;
mod wire;
mod world;

use std::{error::Error, io::Write, process::ExitCode};

use axum::{Router, extract::DefaultBodyLimit, routing::get};
use clap::Parser;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{settings::Settings, world::Shared};

/// Media up to WhatsApp's own limit for documents fits, even in base64.
const LARGEST_BODY: usize = 256 << 20;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run(Settings::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut chain = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                chain = format!("{chain}: {cause}");
                source = cause.source();
            }
            eprintln!("colmeia-simulator: {chain}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(settings: Settings) -> Result<(), Box<dyn Error>> {
    let lasting = settings.state.as_deref().map(state_file::load).transpose()?.unwrap_or_default();
    let listener = TcpListener::bind(settings.listen).await?;
    let address = listener.local_addr()?;
    let state = settings.state.clone();
    let shared = Shared::new(settings, lasting);
    if let Some(path) = state.clone() {
        tokio::spawn(state_file::keep(shared.clone(), path));
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")?;
    stdout.flush()?;
    drop(stdout);

    // Open channels never end by themselves, so the server is dropped rather than shut down.
    tokio::select! {
        served = axum::serve(listener, routes(shared.clone())).into_future() => served?,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    if let Some(path) = state {
        state_file::save(&shared, &path)?;
    }
    Ok(())
}

fn routes(shared: Shared) -> Router {
    Router::new()
        .merge(assets::routes())
        .merge(files::routes())
        .merge(phone::routes())
        .merge(weight::routes())
        .merge(line::routes())
        .route("/sim/channel", get(channel::open))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(shared)
}
