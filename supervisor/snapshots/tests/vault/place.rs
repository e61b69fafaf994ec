//! A target, and what somebody who holds it can do to it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use colmeia::Secret;
use colmeia_snapshots::{Key, S3Access, Target, Vault};
use futures::TryStreamExt as _;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::bucket::{BUCKET, Server};

pub(crate) struct Place {
    address: String,
    access: S3Access,
    store: Arc<dyn ObjectStore>,
    folder: Option<tempfile::TempDir>,
}

pub(crate) fn key() -> Key {
    Key::read(&Secret::new("5a".repeat(32))).expect("a key")
}

impl Place {
    pub(crate) fn folder() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        Self {
            address: format!("file://{}", folder.path().display()),
            access: S3Access::default(),
            store: Arc::new(LocalFileSystem::new_with_prefix(folder.path()).expect("opened")),
            folder: Some(folder),
        }
    }

    /// A part of the server's bucket.
    pub(crate) fn bucket(server: &Server, prefix: &str) -> Self {
        let access = server.access();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = AmazonS3Builder::new()
            .with_bucket_name(BUCKET)
            .with_endpoint(access.endpoint.clone().expect("this machine"))
            .with_allow_http(true)
            .with_access_key_id("id")
            .with_secret_access_key("hush");
        let store = PrefixStore::new(store.build().expect("an address"), prefix);
        Self { address: format!("s3://{BUCKET}/{prefix}"), access, store: Arc::new(store), folder: None }
    }

    pub(crate) fn target(&self) -> Target {
        Target::open(&self.address, &self.access).expect("opened")
    }

    pub(crate) async fn vault(&self) -> Vault {
        Vault::to_write(self.target(), key()).await.expect("opened")
    }

    /// Every object by its name.
    pub(crate) async fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        for name in self.names("").await {
            let bytes = self.read(&name).await;
            all.push((name, bytes));
        }
        all
    }

    /// The names that have this part.
    pub(crate) async fn names(&self, part: &str) -> Vec<String> {
        let found: Vec<_> = self.store.list(None).try_collect().await.expect("listed");
        let names = found.into_iter().map(|meta| meta.location.to_string());
        let mut names: Vec<String> = names.filter(|name| name.contains(part)).collect();
        names.sort();
        names
    }

    pub(crate) async fn count(&self, kind: &str) -> usize {
        self.names(&format!("/{kind}/")).await.len()
    }

    pub(crate) async fn read(&self, name: &str) -> Vec<u8> {
        self.store.get(&Path::from(name)).await.expect("there").bytes().await.expect("read").to_vec()
    }

    pub(crate) async fn write(&self, name: &str, bytes: &[u8]) {
        self.store.put(&Path::from(name), bytes.to_vec().into()).await.expect("written");
    }

    pub(crate) async fn remove(&self, name: &str) {
        self.store.delete(&Path::from(name)).await.expect("removed");
    }

    /// Makes what is there older than what comes next, by the target's own clock.
    pub(crate) async fn older(&self) {
        let Some(folder) = &self.folder else {
            // A bucket's clock counts seconds.
            return tokio::time::sleep(Duration::from_millis(1_100)).await;
        };
        for name in self.names("").await {
            let file = std::fs::File::options().write(true).open(folder.path().join(name)).expect("there");
            file.set_modified(SystemTime::now() - Duration::from_secs(10)).expect("set");
        }
    }
}
