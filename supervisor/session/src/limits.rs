//! What an operator set for one user's memory, kept on disk beside the configuration's own.
//!
//! Owns the files. They lie in no auth directory and outlive a session that is deleted, because they are settings
//! and not a session.

use std::io;

use colmeia::UserId;
use colmeia::config::{InvalidConfig, MemoryOverrides, MemoryPolicy, ServiceConfig};
use colmeia::errors::chain;
use colmeia::layout::StateLayout;
use colmeia_base::files;

use colmeia_host::folders::make_private;
use colmeia_host::kept::{self, Unread};

/// Why a user's limits cannot be changed. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// They do not fit together with what is configured for everyone.
    #[error(transparent)]
    Invalid(#[from] InvalidConfig),
    /// They cannot be kept.
    #[error("they cannot be kept on disk")]
    Disk(#[from] io::Error),
    /// The supervisor ends, or has too many users.
    #[error("the user's task is busy or gone; try again")]
    Gone,
}

/// What is set for this user, if anything is. What is damaged, or no longer fits the configuration, is as if nothing was
/// set, and the log says so: a worker without its own cap is better than no worker.
///
/// # Errors
/// When the machine has nothing left to look with: then it is not known whether anything is set.
pub fn load(layout: &StateLayout, config: &ServiceConfig, user: &UserId) -> Result<MemoryOverrides, Unread> {
    let why = match kept::json::<MemoryOverrides>(&layout.limits(user)) {
        Ok(None) => return Ok(MemoryOverrides::default()),
        Ok(Some(own)) => match in_force(config, user, own).validate() {
            Ok(()) => return Ok(own),
            Err(error) => chain(&error),
        },
        Err(error) if error.lack().is_some() => return Err(error),
        Err(error) => chain(&error),
    };
    tracing::error!(%user, error = why, "the user's own limits cannot be used; the configuration's hold");
    Ok(MemoryOverrides::default())
}

/// The limits that hold for this user with these of its own.
pub fn in_force(config: &ServiceConfig, user: &UserId, own: MemoryOverrides) -> MemoryPolicy {
    config.memory_of(user).overridden(own)
}

/// Keeps them; none at all is no file.
///
/// # Errors
/// [`LimitsError`] names the field that is wrong.
pub fn keep(
    layout: &StateLayout,
    config: &ServiceConfig,
    user: &UserId,
    own: MemoryOverrides,
) -> Result<(), LimitsError> {
    in_force(config, user, own).validate()?;
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

    #[test]
    fn they_are_kept_until_they_are_taken_back_and_wrong_ones_are_never_kept() {
        let root = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(root.path(), "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        let mut config = ServiceConfig::default();
        let own = MemoryOverrides { max_mb: Some(2000), ..MemoryOverrides::default() };
        assert_eq!(load(&layout, &config, &user).expect("read"), MemoryOverrides::default());
        keep(&layout, &config, &user, own).expect("kept");
        assert_eq!(load(&layout, &config, &user).expect("read"), own);
        assert_eq!(in_force(&config, &user, own).max_mb, 2000);
        let low = MemoryOverrides { max_mb: Some(100), ..MemoryOverrides::default() };
        let error = keep(&layout, &config, &user, low).expect_err("below the soft limit").to_string();
        assert!(error.contains("max_mb"), "{error}");
        assert_eq!(load(&layout, &config, &user).expect("read"), own, "nothing has changed");

        config.memory.high_mb = 3000;
        config.memory.max_mb = 4000;
        assert_eq!(
            load(&layout, &config, &user).expect("read"),
            MemoryOverrides::default(),
            "they no longer fit"
        );
        std::fs::write(layout.limits(&user), "{").expect("written");
        assert_eq!(load(&layout, &config, &user).expect("read"), MemoryOverrides::default());
        keep(&layout, &config, &user, MemoryOverrides::default()).expect("taken back");
        assert!(!layout.limits(&user).exists());
        keep(&layout, &config, &user, MemoryOverrides::default()).expect("nothing to take back");
    }
}
