//! Dead processes whose parents died are handed to us and are reaped here. Ends no process.

use std::io;
use std::time::Duration;

use colmeia_base::tasks;
use colmeia_host::blocking;
use colmeia_host::process::Children;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// How often they are looked for, at most.
const REAP: Duration = Duration::from_secs(1);

/// Reaps them when a child has died, not too often.
pub(super) fn start(children: Children) -> io::Result<()> {
    let mut died = signal(SignalKind::child())?;
    tasks::vital("reaper", async move {
        let mut pace = interval(REAP);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while died.recv().await.is_some() {
            pace.tick().await;
            let children = children.clone();
            loop {
                let children = children.clone();
                match blocking::looking(move || children.reap_strangers()).await {
                    Ok(false) => drop(pace.tick().await), // a worker is just being started
                    Ok(true) | Err(_) => break,
                }
            }
        }
    });
    Ok(())
}
