//! `colmeiactl`: what operators type.
//!
//! Owns the words, the order of things and the exit codes: 0 done, 1 it did not work, 2 a wrong command line,
//! 3 no such user, 4 the service cannot be reached. It knows the supervisor only through the admin socket.

mod backups;
mod client;
mod commands;
mod diagnosis;
mod events;
mod flags;
mod format;
mod out;
mod table;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use client::{Client, ClientError};
use flags::{Command, Flags};

/// Why a command did not work.
#[derive(Debug, thiserror::Error)]
enum CtlError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("not confirmed; nothing was done")]
    NotConfirmed,
    #[error("it did not come to pass within {0} s; `colmeiactl list` shows how it goes on")]
    Late(u64),
    #[error("say whose: --user USER, or --all")]
    Whose,
    #[error("not all of it was done")]
    Incomplete,
    #[error("cannot use the key file {}", path.display())]
    KeyFile {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the machine has a problem")]
    Unwell,
    #[error("the terminal cannot be used")]
    Terminal(#[source] std::io::Error),
    #[error("the answer cannot be written")]
    Output(#[source] std::io::Error),
    #[error("no JSON form")]
    Json(#[from] serde_json::Error),
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Command::Completions { shell } = flags.command {
        clap_complete::generate(shell, &mut Flags::command(), "colmeiactl", &mut std::io::stdout());
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, 1),
    };
    let client = Client::new(flags.socket.clone().unwrap_or_else(flags::usual_socket));
    match runtime.block_on(commands::run(&client, flags)) {
        Ok(()) => ExitCode::SUCCESS,
        // Who closed the pipe has read enough.
        Err(CtlError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            let code = match &error {
                CtlError::Client(ClientError::NoSuchUser(_)) => 3,
                CtlError::Client(ClientError::Unreachable { .. }) => 4,
                _ => 1,
            };
            fail(&error, code)
        }
    }
}

fn fail(error: &dyn std::error::Error, code: u8) -> ExitCode {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    eprintln!("colmeiactl: {text}");
    ExitCode::from(code)
}
