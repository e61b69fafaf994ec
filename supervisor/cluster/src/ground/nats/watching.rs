//! Watches records: what is there, and then each change in order.
//!
//! Owns one consumer at a time. When it breaks, another one goes on after the last change that was told, so that nothing
//! is told twice and nothing stays untold.

use std::time::Duration;

use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::push::OrderedConfig;
use bytes::Bytes;
use colmeia_base::tasks;
use futures::StreamExt as _;
use tokio::sync::mpsc;

use super::Nats;
use crate::ground::{Entry, GroundError, WAITING, Watch, Watched};
use crate::names::Key;
use crate::records::Revision;

/// How long to wait before a consumer is made again.
const AGAIN: Duration = Duration::from_millis(200);

/// Nobody listens any more.
struct Unheard;

struct Teller {
    ground: Nats,
    filter: String,
    told: mpsc::Sender<Watched>,
    last: u64,
    is_listed: bool,
}

pub(super) async fn watch(ground: &Nats, first: Option<&Key>) -> Result<Watch, GroundError> {
    let words = first.map(|first| format!("{first}.")).unwrap_or_default();
    let filter = format!("{}{words}>", ground.prefixes.records);
    let (told, changes) = mpsc::channel(WAITING);
    let mut teller = Teller { ground: ground.clone(), filter, told, last: 0, is_listed: false };
    let task = tasks::passing("cluster-watch", async move {
        while teller.tell().await.is_ok() && teller.say(Watched::Lost).await.is_ok() {
            tokio::time::sleep(AGAIN).await;
        }
    });
    Ok(Watch { changes, task })
}

impl Teller {
    async fn say(&self, what: Watched) -> Result<(), Unheard> {
        self.told.send(what).await.map_err(|_| Unheard)
    }

    /// Tells until the consumer breaks.
    async fn tell(&mut self) -> Result<(), Unheard> {
        let deliver_policy = match self.last {
            0 => DeliverPolicy::LastPerSubject,
            last => DeliverPolicy::ByStartSequence { start_sequence: last + 1 },
        };
        let config = OrderedConfig {
            deliver_subject: self.ground.client.new_inbox(),
            filter_subject: self.filter.clone(),
            deliver_policy,
            ..OrderedConfig::default()
        };
        let (patience, made) = (self.ground.patience, self.ground.records.create_consumer(config));
        let Ok(Ok(consumer)) = tokio::time::timeout(patience, made).await else { return Ok(()) };
        let has_none = consumer.cached_info().num_pending == 0;
        let Ok(mut messages) = consumer.messages().await else { return Ok(()) };
        if has_none {
            self.listed().await?;
        }
        while let Some(Ok(message)) = messages.next().await {
            let Ok(info) = message.info() else { return Ok(()) };
            let (revision, is_last) = (info.stream_sequence, info.pending == 0);
            if revision > self.last
                && let Some(key) = self.key(message.subject.as_str())
            {
                self.last = revision;
                self.changed(key, revision, message.payload.clone()).await?;
            }
            if is_last {
                self.listed().await?;
            }
        }
        Ok(())
    }

    /// A subject that is none of our keys is not ours.
    fn key(&self, subject: &str) -> Option<Key> {
        subject.strip_prefix(&self.ground.prefixes.records)?.parse().ok()
    }

    async fn changed(&self, key: Key, revision: u64, value: Bytes) -> Result<(), Unheard> {
        self.say(Watched::Changed(Entry { key, revision: Revision(revision), value })).await
    }

    async fn listed(&mut self) -> Result<(), Unheard> {
        if std::mem::replace(&mut self.is_listed, true) { Ok(()) } else { self.say(Watched::Listed).await }
    }
}
