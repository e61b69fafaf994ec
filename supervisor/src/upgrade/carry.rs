//! [`Carry`]: what one image of the program knows that is on no disk, for the next.
//!
//! Owns its form: JSON in a file without a name, whose open descriptor is passed on. New fields are optional and
//! unknown ones ignored, so that either image may be the newer one. What cannot be read is forgotten, as after a crash.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::time::Duration;

use colmeia::UserId;
use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use colmeia_session::Carried;
use colmeia_session::registry::Registry;

/// How long one user's task may take; one that is stuck is no reason not to go on.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than ten thousand users need.
const MOST: u64 = 16 * 1024 * 1024;

/// What is passed on.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Carry {
    /// Whether a drain is under way.
    pub(crate) draining: bool,
    /// Counters and delays. Who is parked or held back is on disk.
    pub(crate) users: HashMap<UserId, Carried>,
}

impl Carry {
    /// Of everyone who has a task.
    pub(crate) async fn collect(registry: &Registry, draining: bool) -> Self {
        let users = registry.list().into_iter().map(|handle| async move {
            let carried = timeout(PATIENCE, handle.carry()).await.ok()??;
            (carried != Carried::default()).then_some((handle.user, carried))
        });
        let users = futures::future::join_all(users).await.into_iter().flatten().collect();
        Self { draining, users }
    }

    /// Reads what the image before this one has passed on.
    pub(crate) fn receive(descriptor: Option<OwnedFd>) -> Self {
        let Some(descriptor) = descriptor else { return Self::default() };
        let mut text = Vec::new();
        let read = File::from(descriptor).take(MOST).read_to_end(&mut text);
        let carry = read.and_then(|_| serde_json::from_slice(&text).map_err(io::Error::from));
        carry.unwrap_or_else(|error| {
            tracing::warn!(%error, "what the image before this one knew cannot be read");
            Self::default()
        })
    }

    /// The descriptor to pass on.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn pass_on(&self) -> io::Result<OwnedFd> {
        let mut file = File::from(memfd_create("colmeia-carry", MemfdFlags::CLOEXEC)?);
        file.write_all(&serde_json::to_vec(self)?)?;
        file.rewind()?;
        Ok(file.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_on_is_received_and_nonsense_is_forgotten() {
        let user: UserId = "2_1".parse().expect("valid");
        let carry = Carry { draining: true, users: HashMap::from([(user, Carried::default())]) };
        assert_eq!(Carry::receive(Some(carry.pass_on().expect("made"))), carry);
        assert_eq!(Carry::receive(None), Carry::default());
        let nonsense = File::open("/dev/null").expect("there").into();
        assert_eq!(Carry::receive(Some(nonsense)), Carry::default());
        let later = r#"{"draining":true,"users":{"7":{"attempts":2,"later":1}},"later":{}}"#;
        let read: Carry = serde_json::from_str(later).expect("of a later release");
        assert!(read.draining && read.users.len() == 1);
    }
}
