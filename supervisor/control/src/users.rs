//! [`Users`]: what HTTP asks of the registry. It is a trait so that tests can play the users.

use std::io;

use colmeia::UserId;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use colmeia_session::UserHandle;
use colmeia_session::registry::{Registry, RegistryError};

/// Finds users; see [`Registry`] for what each does.
pub trait Users: Send + Sync {
    /// Never makes one.
    fn find(&self, user: &UserId) -> Option<UserHandle>;
    /// Makes one that does nothing until it is woken.
    fn find_or_create<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<UserHandle, RegistryError>>;
    /// Makes one only for a user that has an auth directory.
    fn find_or_restore<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Option<UserHandle>>;
    /// Those who are known by a folder or an operator's hold, whether or not they have a task.
    ///
    /// # Errors
    /// When nobody can say.
    fn others(&self) -> BoxFuture<'_, io::Result<Vec<UserId>>>;
    /// Everyone who has a task, sorted.
    fn list(&self) -> Vec<UserHandle>;
}

impl Users for Registry {
    fn find(&self, user: &UserId) -> Option<UserHandle> {
        self.find(user)
    }

    fn find_or_create<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<UserHandle, RegistryError>> {
        self.find_or_create(user).boxed()
    }

    fn find_or_restore<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Option<UserHandle>> {
        self.find_or_restore(user).boxed()
    }

    fn others(&self) -> BoxFuture<'_, io::Result<Vec<UserId>>> {
        self.on_disk().boxed()
    }

    fn list(&self) -> Vec<UserHandle> {
        self.list()
    }
}
