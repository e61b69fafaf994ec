//! The running service: [`run`] walks its phases, each of which gets what the one before it has made.
//!
//! `claim`: directories and locks, then the port. `open`: databases, and what sessions need. `running`: living
//! workers, sessions on disk, then HTTP, until somebody asks for something else. `ending`: the other way round.

mod claim;
mod ending;
mod errors;
mod open;
mod reaper;
mod running;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use colmeia::config::ServiceConfig;
use colmeia_base::awake;
use colmeia_host::blocking;

use crate::signals::{self, Signals};
use crate::upgrade::{Handover, Image, Inherited};
use claim::Claim;
pub(crate) use errors::ServiceError;
use open::Opened;
use running::{Next, Running};

/// How the service ended.
enum Ended {
    /// Everything is over.
    Over,
    /// Another image of the program takes over with these.
    Upgrade(Handover),
}

/// Runs the service until it is asked to end, or replaces the process by a newer image of the program.
///
/// # Errors
/// [`ServiceError`]; workers that run already go on.
pub(crate) fn run(
    config: Arc<ServiceConfig>,
    inherited: Inherited,
    image: io::Result<Image>,
) -> Result<(), ServiceError> {
    signals::hold_back().map_err(ServiceError::Runtime)?;
    let image = image.map_err(ServiceError::Runtime)?;
    let runtime = blocking::runtime().map_err(ServiceError::Runtime)?;
    match runtime.block_on(Box::pin(serve(config, inherited, &image))) {
        Ok(Ended::Upgrade(handover)) => {
            // The rest of this image ends with the call.
            runtime.shutdown_background();
            Err(image.replace(&handover).into())
        }
        ended => {
            // What is still running in the background (removing folders) does not hold up the end.
            runtime.shutdown_timeout(Duration::from_secs(2));
            ended.map(drop)
        }
    }
}

async fn serve(
    config: Arc<ServiceConfig>,
    mut inherited: Inherited,
    image: &Image,
) -> Result<Ended, ServiceError> {
    awake::watch();
    let signals = Signals::catch().map_err(ServiceError::Runtime)?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| ServiceError::Runtime(error.into()))?;

    let (claim, port) = Claim::take(config, &mut inherited)?;
    let opened = Opened::open(claim, Arc::clone(&port.config), &mut inherited)?;
    let mut running = Running::start(opened, port, signals).await?;
    match running.until_asked(image).await {
        Ok(Next::Upgrade) => running.hand_over().await.map(Ended::Upgrade),
        Ok(Next::End) => {
            running.shut_down(true).await;
            Ok(Ended::Over)
        }
        Err(broken) => {
            running.shut_down(false).await;
            Err(broken)
        }
    }
}
