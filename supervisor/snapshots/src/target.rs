//! [`Target`]: the folder or the bucket where the objects lie.
//!
//! Owns the addresses, the deadlines and what each refusal means. Knows no format: bytes under names.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use colmeia::Secret;
use colmeia::errors::{is_disk_full, os_codes};
use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error as StoreError, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    RetryConfig,
};

/// How long one request may take: an object has 4 MiB.
const REQUEST: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);
/// How long a request is tried again.
const PATIENCE: Duration = Duration::from_secs(60);
const ATTEMPTS: usize = 5;

/// Why the target does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No address of a target.
    #[error("a target is file:///folder or s3://bucket/prefix, such as file:///var/backups/colmeia")]
    Address,
    /// The folder is not there.
    #[error("there is no folder {0}; make it (the service must be able to write there, see docs/backup.md)")]
    NoFolder(String),
    /// Nobody said how to get into the bucket.
    #[error("s3:// needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of colmeiactl")]
    NoAccess,
    /// The settings of the bucket.
    #[error("the bucket cannot be used as it is configured")]
    Settings(#[source] Answer),
    /// No room there.
    #[error("the target's disk is full; make room there, and run it again")]
    Full,
    /// Not allowed.
    #[error(
        "the target lets the service not do this; check its rights, or the access key's (docs/backup.md)"
    )]
    Denied(#[source] Answer),
    /// Something else.
    #[error("the target does not answer as it should")]
    Failed(#[source] Answer),
}

/// What the store said. It says its causes itself, so it has no source.
#[derive(Debug)]
pub struct Answer(StoreError);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Answer {}

/// How a bucket is reached; what `AWS_…` variables say.
#[derive(Debug, Clone, Default)]
pub struct S3Access {
    /// `AWS_ENDPOINT_URL`: another host than Amazon's.
    pub endpoint: Option<String>,
    /// `AWS_REGION`.
    pub region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub key_id: Option<Secret>,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub key: Option<Secret>,
    /// `AWS_SESSION_TOKEN`.
    pub token: Option<Secret>,
}

/// What a name leads to.
pub(crate) enum Got {
    Bytes(Bytes),
    /// Nothing is there.
    Nothing,
    /// More than anything that is written there.
    TooLarge,
}

/// What came of writing where nothing must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Created {
    New,
    /// Something is there already, and still is.
    Taken,
}

/// A folder, or a part of a bucket.
#[derive(Clone)]
pub struct Target {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    shown: String,
}

impl Target {
    /// Opens what this address says. Asks nobody anything yet.
    ///
    /// # Errors
    /// [`TargetError`] when it cannot be one.
    pub fn open(address: &str, access: &S3Access) -> Result<Self, TargetError> {
        if let Some(folder) = address.strip_prefix("file://") {
            return Self::folder(FilePath::new(folder));
        }
        let rest = address.strip_prefix("s3://").ok_or(TargetError::Address)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = Path::parse(prefix.trim_matches('/')).map_err(|_| TargetError::Address)?;
        if bucket.is_empty() || rest.contains(['?', '#', '@']) {
            return Err(TargetError::Address);
        }
        let store = Arc::new(bucket_store(bucket, access)?);
        Ok(Self { store, prefix, shown: address.to_owned() })
    }

    /// A folder of this machine.
    fn folder(folder: &FilePath) -> Result<Self, TargetError> {
        if !folder.is_absolute() {
            return Err(TargetError::Address);
        }
        let shown = folder.display().to_string();
        if !folder.is_dir() {
            return Err(TargetError::NoFolder(shown));
        }
        // What was said to be written is on disk.
        let store = LocalFileSystem::new_with_prefix(folder).map_err(failure)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), prefix: Path::default(), shown: format!("file://{shown}") })
    }

    /// The whole object, if it has at most so many bytes.
    pub(crate) async fn get(&self, name: &str, most: usize) -> Result<Got, TargetError> {
        let found = match self.store.get(&self.path(name)).await {
            Err(StoreError::NotFound { .. }) => return Ok(Got::Nothing),
            found => found.map_err(failure)?,
        };
        if found.meta.size > most as u64 {
            return Ok(Got::TooLarge);
        }
        match found.bytes().await {
            Err(StoreError::NotFound { .. }) => Ok(Got::Nothing),
            bytes => Ok(Got::Bytes(bytes.map_err(failure)?)),
        }
    }

    /// Writes an object where none may be.
    pub(crate) async fn create(&self, name: &str, bytes: Bytes) -> Result<Created, TargetError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&self.path(name), bytes.into(), options).await {
            Ok(_) => Ok(Created::New),
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(Created::Taken),
            Err(error) => Err(failure(error)),
        }
    }

    /// Removes an object; that it is gone already is fine.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), TargetError> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    /// The objects right below a folder, and when each was written.
    pub(crate) async fn list(&self, folder: &str) -> Result<BTreeMap<String, SystemTime>, TargetError> {
        let found: Vec<_> = self.store.list(Some(&self.path(folder))).try_collect().await.map_err(failure)?;
        let named = found.into_iter().filter_map(|meta| {
            Some((meta.location.filename()?.to_owned(), SystemTime::from(meta.last_modified)))
        });
        Ok(named.collect())
    }

    /// The folders right below a folder.
    pub(crate) async fn folders(&self, folder: &str) -> Result<Vec<String>, TargetError> {
        let found = self.store.list_with_delimiter(Some(&self.path(folder))).await.map_err(failure)?;
        Ok(found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.shown)
    }
}

fn bucket_store(bucket: &str, access: &S3Access) -> Result<object_store::aws::AmazonS3, TargetError> {
    let (Some(key_id), Some(key)) = (&access.key_id, &access.key) else { return Err(TargetError::NoAccess) };
    // A second one is refused, and the first is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let endpoint = access.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    let options = ClientOptions::new().with_timeout(REQUEST).with_connect_timeout(CONNECT);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_access_key_id(key_id.expose())
        .with_secret_access_key(key.expose())
        .with_region(access.region.as_deref().unwrap_or("us-east-1"))
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_client_options(options.with_allow_http(endpoint.is_some_and(|url| url.starts_with("http://"))))
        .with_retry(RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: ATTEMPTS,
            retry_timeout: PATIENCE,
        });
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(token) = &access.token {
        builder = builder.with_token(token.expose());
    }
    builder.build().map_err(|error| TargetError::Settings(Answer(error)))
}

fn failure(error: StoreError) -> TargetError {
    let lacks_rights = os_codes(&error)
        .map(|code| io::Error::from_raw_os_error(code).kind())
        .any(|kind| matches!(kind, io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem));
    match error {
        error if is_disk_full(&error) => TargetError::Full,
        error @ (StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. }) => {
            TargetError::Denied(Answer(error))
        }
        error if lacks_rights => TargetError::Denied(Answer(error)),
        error => TargetError::Failed(Answer(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> S3Access {
        let secret = |text| Some(Secret::new(text));
        S3Access { key_id: secret("id"), key: secret("hush"), ..S3Access::default() }
    }

    #[test]
    fn a_full_disk_and_a_lack_of_rights_have_names_of_their_own() {
        let said = |code| StoreError::Generic {
            store: "folder",
            source: Box::new(io::Error::other(io::Error::from_raw_os_error(code))),
        };
        assert!(matches!(failure(said(28)), TargetError::Full));
        assert!(matches!(failure(said(13)), TargetError::Denied(_)));
        assert!(matches!(failure(said(30)), TargetError::Denied(_)));
        let other = failure(said(5));
        assert!(matches!(&other, TargetError::Failed(_)));
        assert_eq!(colmeia::errors::chain(&other).matches("os error 5").count(), 1, "said once");
    }

    #[test]
    fn an_address_is_a_folder_or_a_bucket() {
        let folder = tempfile::tempdir().expect("folder");
        let there = format!("file://{}", folder.path().display());
        assert_eq!(Target::open(&there, &access()).expect("a folder").path("a/b").as_ref(), "a/b");
        let gone = Target::open(&format!("{there}/none"), &access()).expect_err("no folder");
        assert!(matches!(&gone, TargetError::NoFolder(name) if name.ends_with("/none")), "{gone}");
        let bucket = Target::open("s3://box/deep/er/", &access()).expect("a bucket");
        assert_eq!(bucket.path("a/b").as_ref(), "deep/er/a/b");
        assert_eq!(Target::open("s3://box", &access()).expect("a bucket").path("a").as_ref(), "a");
        for address in
            ["", "/var", "file://relative", "s3://", "s3:///x", "s3://box/../x", "https://x", "s3://u@box/x"]
        {
            assert!(matches!(Target::open(address, &access()), Err(TargetError::Address)), "{address}");
        }
        assert!(matches!(Target::open("s3://box", &S3Access::default()), Err(TargetError::NoAccess)));
        assert!(!format!("{:?} {bucket:?}", access()).contains("hush"));
    }
}
