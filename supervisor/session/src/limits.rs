//! One user's memory limits: the service's configuration, over it the session's own ([`configured`]), and over both what an
//! operator set on the machine, kept on disk.
//!
//! Owns the files of the last. They lie in no auth directory and outlive a session that is reset, because they are settings
//! and not a session.

use std::io;

use colmeia::UserId;
use colmeia::config::{InvalidConfig, MemoryOverrides, MemoryPolicy, ServiceConfig};
use colmeia::errors::chain;
use colmeia::layout::StateLayout;
use colmeia_base::files;

use colmeia_host::folders::make_private;
use colmeia_host::kept::{self, Unread};
use colmeia_store::Store;

/// Why a user's limits cannot be changed. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// They do not fit together with what is configured for everyone.
    #[error(transparent)]
    Invalid(#[from] InvalidConfig),
    /// They cannot be kept.
    #[error("they cannot be kept on disk")]
    Disk(#[from] io::Error),
    /// What an operator set cannot be read just now.
    #[error("what is set on the machine cannot be read")]
    Unread(#[from] Unread),
    /// The supervisor ends, or has too many users.
    #[error("the user's task is busy or gone; try again")]
    Gone,
}

/// What is set for this user, if anything is. What is damaged, or no longer fits the configuration, is as if nothing was
/// set, and the log says so: a worker without its own cap is better than no worker.
///
/// # Errors
/// When the machine has nothing left to look with: then it is not known whether anything is set.
pub fn load(
    layout: &StateLayout,
    configured: MemoryPolicy,
    user: &UserId,
) -> Result<MemoryOverrides, Unread> {
    let why = match kept::json::<MemoryOverrides>(&layout.limits(user)) {
        Ok(None) => return Ok(MemoryOverrides::default()),
        Ok(Some(own)) => match configured.overridden(own).validate() {
            Ok(()) => return Ok(own),
            Err(error) => chain(&error),
        },
        Err(error) if error.lack().is_some() => return Err(error),
        Err(error) => chain(&error),
    };
    tracing::error!(%user, error = why, "the user's own limits cannot be used; the configuration's hold");
    Ok(MemoryOverrides::default())
}

/// What is configured for this user: by the service's configuration, and by the session's own over it. Limits of the session
/// that no longer fit what holds for everyone are as if nothing was set; the session's own task says so in the log.
pub fn configured(config: &ServiceConfig, store: &Store, user: &UserId) -> MemoryPolicy {
    let service = config.memory_of(user);
    store.limits(user).over(service).unwrap_or(service)
}

/// Keeps them; none at all is no file.
///
/// # Errors
/// [`LimitsError`] names the field that is wrong.
pub fn keep(
    layout: &StateLayout,
    configured: MemoryPolicy,
    user: &UserId,
    own: MemoryOverrides,
) -> Result<(), LimitsError> {
    configured.overridden(own).validate()?;
    let file = layout.limits(user);
    if own == MemoryOverrides::default() {
        return Ok(files::remove(&file)?);
    }
    make_private(&layout.all_limits())?;
    Ok(files::write(&file, &serde_json::to_vec(&own).map_err(io::Error::from)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use colmeia::config::{SessionLimits, SessionSettings};

    #[test]
    fn they_are_kept_until_they_are_taken_back_and_wrong_ones_are_never_kept() {
        let root = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(root.path(), "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        let mut config = MemoryPolicy::default();
        let own = MemoryOverrides { max_mb: Some(2000), ..MemoryOverrides::default() };
        assert_eq!(load(&layout, config, &user).expect("read"), MemoryOverrides::default());
        keep(&layout, config, &user, own).expect("kept");
        assert_eq!(load(&layout, config, &user).expect("read"), own);
        let low = MemoryOverrides { max_mb: Some(100), ..MemoryOverrides::default() };
        let error = keep(&layout, config, &user, low).expect_err("below the soft limit").to_string();
        assert!(error.contains("max_mb"), "{error}");
        assert_eq!(load(&layout, config, &user).expect("read"), own, "nothing has changed");

        config.high_mb = 3000;
        config.max_mb = 4000;
        assert_eq!(
            load(&layout, config, &user).expect("read"),
            MemoryOverrides::default(),
            "they no longer fit"
        );
        std::fs::write(layout.limits(&user), "{").expect("written");
        assert_eq!(load(&layout, config, &user).expect("read"), MemoryOverrides::default());
        keep(&layout, config, &user, MemoryOverrides::default()).expect("taken back");
        assert!(!layout.limits(&user).exists());
        keep(&layout, config, &user, MemoryOverrides::default()).expect("nothing to take back");
    }

    #[tokio::test]
    async fn a_sessions_own_limits_hold_over_the_services_and_what_no_longer_fits_does_not() {
        let folder = tempfile::tempdir().expect("folder");
        let store = Store::open(&folder.path().join("settings.db")).expect("opens");
        let (user, mut config): (UserId, _) = ("7".parse().expect("valid"), ServiceConfig::default());
        assert_eq!(configured(&config, &store, &user), config.memory);
        let limits = SessionLimits { memory_max_mb: Some(2000), ..SessionLimits::default() };
        let settings = SessionSettings { limits, ..SessionSettings::default() };
        store.keep_session(&user, settings).await.expect("kept");
        assert_eq!(configured(&config, &store, &user).max_mb, 2000);
        assert_eq!(configured(&config, &store, &"8".parse().expect("valid")).max_mb, 1024);
        config.memory = MemoryPolicy { high_mb: 3000, max_mb: 4000, ..config.memory };
        assert_eq!(configured(&config, &store, &user), config.memory);
    }
}
