//! The token by which a worker knows its supervisor: made anew for each worker, kept for the next supervisor.
//!
//! Owns the files. They lie outside of every worker's walls, so that another user's browser, which has the same
//! user id as we have, cannot pass for us.

use std::fs;
use std::io;

use colmeia::layout::StateLayout;
use colmeia::{Secret, UserId};
use colmeia_base::files::{self, if_there};

use colmeia_host::folders::make_private;
use colmeia_host::private;

/// Makes a token for a new worker. An older one of the same user is void.
///
/// # Errors
/// Those of the file system.
pub fn mint(layout: &StateLayout, user: &UserId) -> io::Result<Secret> {
    let token = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
    make_private(&layout.tokens())?;
    files::write(&layout.token(user), token.as_bytes())?;
    Ok(Secret::new(token))
}

/// The token of a worker that runs.
///
/// # Errors
/// Those of the file system; among them that there is none.
pub fn read(layout: &StateLayout, user: &UserId) -> io::Result<Secret> {
    let token = String::from_utf8(private::read(&layout.token(user))?).map_err(io::Error::other)?;
    Ok(Secret::new(token))
}

/// The user's session is deleted.
pub fn forget(layout: &StateLayout, user: &UserId) {
    if let Err(error) = if_there(fs::remove_file(layout.token(user))) {
        tracing::warn!(%user, %error, "cannot remove a token");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn each_worker_has_a_token_of_its_own_that_only_we_can_read() {
        let root = tempfile::tempdir().expect("folder");
        let layout = StateLayout::new(root.path(), "ylada_bot");
        let user: UserId = "7".parse().expect("valid");
        let first = mint(&layout, &user).expect("made");
        let second = mint(&layout, &user).expect("made");
        assert!(!first.matches(&second) && second.expose().len() == 64);
        assert!(read(&layout, &user).expect("kept").matches(&second));
        let mode = |path| fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        assert_eq!((mode(layout.tokens()), mode(layout.token(&user))), (0o700, 0o600));
        forget(&layout, &user);
        assert_eq!(read(&layout, &user).map(drop).expect_err("gone").kind(), io::ErrorKind::NotFound);
    }
}
