//! Entry point: reads flags and settings, and runs the [`service`].
//!
//! Owns the exit codes: 0 after an end that was asked for, 78 for a configuration
//! that cannot be used, 75 when another supervisor has the directories, 1 for anything else.

#![cfg_attr(test, allow(clippy::disallowed_methods))] // a test hears the end of what it begins

mod admin;
mod apart;
mod disk_recovery;
mod logging;
mod port;
mod service;
mod settings;
mod signals;
mod systemd;
mod upgrade;

use std::process::ExitCode;

use clap::Parser as _;

use colmeia_host::locks::LockError;
use service::ServiceError;

/// Answering is making many small things: glibc's own answered a fifth fewer requests a second.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `EX_CONFIG` of sysexits(3).
const BAD_CONFIGURATION: u8 = 78;
/// `EX_TEMPFAIL` of sysexits(3).
const ALREADY_RUNNING: u8 = 75;

fn main() -> ExitCode {
    // First: what was passed to us is open already, and our file may be another one later.
    let (inherited, image) = (upgrade::Inherited::receive(), upgrade::Image::own());
    let flags = settings::Flags::parse();
    if flags.routes {
        print!("{}", colmeia_http::listed());
        return ExitCode::SUCCESS;
    }
    let config = match settings::load(&flags, std::env::vars_os()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("colmeia-supervisor: {}", logging::chain(&error));
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    if flags.check_config {
        return match settings::in_force(&config) {
            Ok(text) => {
                print!("{text}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("colmeia-supervisor: {}", logging::chain(&error));
                ExitCode::FAILURE
            }
        };
    }
    logging::start(config.log_format, config.log_to);
    colmeia_host::shortage::raise_limit();
    // Whatever we and our workers make is ours alone; where others are let in, a mode is set by name.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    match service::run(config, inherited, image) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = logging::chain(&error), "the supervisor ends");
            match error {
                ServiceError::Lock(LockError::Taken { .. }) => ExitCode::from(ALREADY_RUNNING),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
