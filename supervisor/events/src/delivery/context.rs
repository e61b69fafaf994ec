//! [`Delivery`]: what all queues have in common.

use std::time::Duration;

use colmeia::config::EventsConfig;
use reqwest::Url;
use tracing::info;

use super::breakers::Breakers;
use super::client::Client;
use super::media::Media;
use super::recipients::{Recipients, shown};
use super::troubles::Troubles;
use crate::journal::{FLASK, Journal, Queue};
use colmeia_host::dns::Resolver;
use colmeia_host::shortage::Shortage;
use colmeia_metrics::Metrics;

/// What an attempt needs and tells besides the journal.
#[derive(Debug)]
pub struct DeliveryContext {
    /// Finds the addresses of names.
    pub names: Resolver,
    /// Files of messages.
    pub media: Media,
    /// What is counted.
    pub metrics: Metrics,
    /// Hears what the machine has none left of.
    pub shortage: Shortage,
}

/// Flask's receiver.
#[derive(Debug)]
pub(super) struct Flask {
    pub(super) url: Url,
    /// How long an answer is waited for.
    pub(super) patience: Duration,
}

/// What all queues have in common.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) journal: Journal,
    pub(super) recipients: Recipients,
    pub(super) client: Client,
    pub(super) flask: Flask,
    pub(super) breakers: Breakers,
    pub(super) troubles: Troubles,
    /// Files of messages.
    pub(super) media: Media,
    pub(super) metrics: Metrics,
    pub(super) shortage: Shortage,
    /// How long an event may wait at a webhook.
    pub(super) patience: Duration,
}

impl Delivery {
    pub(super) fn new(
        journal: Journal,
        recipients: Recipients,
        client: Client,
        flask: Flask,
        events: EventsConfig,
        DeliveryContext { media, metrics, shortage, .. }: DeliveryContext,
    ) -> Self {
        let patience = Duration::from_secs(u64::from(events.give_up_hours) * 3600);
        let (breakers, troubles) = (Breakers::new(), Troubles::default());
        Self { journal, recipients, client, flask, breakers, troubles, media, metrics, shortage, patience }
    }

    /// Nothing of this queue is held up any more.
    pub(super) fn is_over(&self, queue: &Queue) {
        if let Some(after) = self.troubles.end(&queue.address, queue.id) {
            let (address, secs) = (said(self, queue), after.as_secs());
            info!(
                address,
                secs, "a receiver that did not take what it was sent does not hold anything up any more"
            );
        }
    }
}

/// A queue's receiver as it is logged: without what may be a token.
pub(super) fn said(delivery: &Delivery, queue: &Queue) -> String {
    if &*queue.address == FLASK { shown(delivery.flask.url.as_str()) } else { shown(&queue.address) }
}
