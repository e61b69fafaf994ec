//! After the disk was full: every session that ran meanwhile is replaced, a few at a time, each in a moment for it.
//!
//! Owns the order and the pauses. Whether it is the moment is decided by the user's own policy. What a page could not
//! write to its own storage it may never write again: it looks connected then, and takes nothing in. A fresh browser
//! on the same profile has what was stored, and WhatsApp gives it the rest.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::sleep;

use crate::upgrade::back;
use colmeia_host::disk::Disk;
use colmeia_session::Renewal;
use colmeia_session::registry::Registry;

/// How long to wait between two questions.
const PAUSE: Duration = Duration::from_secs(1);

/// Replaces whoever met a full disk, now for what an earlier supervisor left undone, and then each time that there is
/// room again; so many at once. Never ends.
pub(crate) async fn replace_browsers(registry: Registry, disk: Disk, at_once: usize) {
    let mut followed = disk.watch();
    loop {
        let mut left = registry.list();
        while !left.is_empty() {
            let asked = futures::stream::iter(left).map(async |user| match user.mend().await {
                Renewal::Begun => {
                    tracing::warn!(user = %user.user, "the disk was full under this session; its browser is replaced");
                    back(&user).await;
                    None
                }
                Renewal::Later => Some(user),
                Renewal::Needless => None,
            });
            left = asked.buffer_unordered(at_once.max(1)).filter_map(async |user| user).collect().await;
            if !left.is_empty() {
                sleep(PAUSE).await;
            }
        }
        followed.has_room_again().await;
    }
}
