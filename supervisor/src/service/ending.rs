//! The last phase, the start the other way round: no new requests, workers stopped, what is delivered finished. Or,
//! before another image of the program takes over: no new requests, the journal closed; workers are left alone.
//!
//! Every step has a bound.

use std::time::Duration;

use colmeia_base::tasks;
use colmeia_events::journal::Statuses;
use tokio::time::{sleep, timeout};

use super::errors::ServiceError;
use super::open::CARRY;
use super::running::{FINISH_DELIVERIES, Running};
use crate::systemd;
use crate::upgrade::{Carry, Handover};

/// How long requests under way may take after the end was asked for.
const FINISH_REQUESTS: Duration = Duration::from_secs(16);
/// How long the disk may take for what is still to be written down at the end.
const FLUSH: Duration = Duration::from_secs(3);

impl Running {
    /// Ends everything but the workers, and gives what another image of the program goes on with.
    pub(super) async fn hand_over(mut self) -> Result<Handover, ServiceError> {
        self.tasks.leave_workers_alone();
        let mut handover = Handover::default();
        let (name, port) = self.port;
        handover.add(name, port);
        self.locks.pass_on(&mut handover, &self.host.run, &self.host.state)?;
        self.control.stop();
        // The next image makes the admin socket anew: the file is gone before it begins.
        let ended = async { tokio::join!(&mut self.tasks.http, &mut self.tasks.admin) };
        if timeout(FINISH_REQUESTS, ended).await.is_err() {
            tracing::warn!("requests under way were cut off");
        }
        self.tasks.pulse.abort();
        flush(&self.statuses).await;
        match Carry::collect(&self.registry, self.drain.is_on()).await.pass_on() {
            Ok(carry) => handover.add(CARRY, carry),
            Err(error) => tracing::warn!(%error, "restart counters and a drain are forgotten"),
        }
        self.journal.close().await;
        Ok(handover)
    }

    /// Ends everything. A second signal, or the end of the time that it may take (`stop_within_ms`), ends it without
    /// waiting for anybody. `serving`: whether HTTP still answers.
    pub(super) async fn shut_down(mut self, serving: bool) {
        self.tasks.leave_workers_alone();
        systemd::stopping();
        let (mut signals, hurry) = (self.signals, self.host.hurry.clone());
        let within = self.host.config.stop_within_ms;
        let second = tasks::vital("second signal", async move {
            let late = async {
                match within {
                    0 => std::future::pending().await,
                    within => sleep(Duration::from_millis(within)).await,
                }
            };
            tokio::select! {
                name = signals.end() => tracing::warn!(signal = name, "ending at once"),
                () = late => tracing::warn!(stop_within_ms = within, "the end takes too long; ending at once"),
            }
            hurry.cancel();
        });
        drop(self.port);
        self.control.stop();
        let hurried = &self.host.hurry;
        let requests = async {
            if serving && timeout(FINISH_REQUESTS, &mut self.tasks.http).await.is_err() {
                tracing::warn!("requests under way were cut off");
                self.tasks.http.abort();
            }
        };
        // Workers stop while the last requests are answered: what still runs is answered first by its worker.
        tokio::join!(self.registry.shut_down(), async {
            tokio::select! { () = requests => {} () = hurried.cancelled() => {} }
        });
        let _ = self.tasks.admin.await;
        flush(&self.statuses).await;
        self.tasks.stop_delivery.cancel();
        tokio::select! {
            late = timeout(FINISH_DELIVERIES, self.tasks.delivery) => if late.is_err() {
                tracing::warn!("deliveries under way were cut off; they are repeated at the next start");
            },
            () = hurried.cancelled() => {}
        }
        second.abort();
        self.tasks.pulse.abort();
        let _ = std::fs::remove_file(self.address_file);
        tracing::info!("ended");
    }
}

/// What users' tasks say of their sessions is on disk when this returns, unless the disk does not take it.
async fn flush(statuses: &Statuses) {
    if timeout(FLUSH, statuses.flush()).await.is_err() {
        tracing::warn!("how sessions ended could not be written down");
    }
}
