//! [`Due`]: which queues have something new. The writer adds, the delivery takes; neither waits for the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The queues with something new; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Due(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    queues: Mutex<BTreeSet<i64>>,
    told: Notify,
}

impl Due {
    pub(super) fn add(&self, queues: &BTreeSet<i64>) {
        if !queues.is_empty() {
            self.0.queues.lock().extend(queues);
            self.0.told.notify_one();
        }
    }

    /// Waits until there are some, and takes them all.
    pub async fn take(&self) -> BTreeSet<i64> {
        loop {
            let told = self.0.told.notified();
            let queues = std::mem::take(&mut *self.0.queues.lock());
            if !queues.is_empty() {
                return queues;
            }
            told.await;
        }
    }
}
