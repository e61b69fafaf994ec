//! Snapshots that travel: a session's registration, encrypted, on another disk or in a bucket.
//!
//! ```text
//! <target>/colmeia-backup                         what this is, and with which key
//!          users/<keyed name>/objects/<content>-<random>    a piece of a file
//!                             manifests/<content>-<random>  which pieces make which files, and all else that is known
//!                             pointers/<number>             which manifest; the highest number is the newest
//! ```
//!
//! A backup writes pieces that the last one does not have, then the manifest, then the pointer, and collects what nothing
//! names any more. Whoever holds the target learns how much there is and when it changed, and can read and alter nothing
//! without being found out; only that a newer backup was taken away does not show.
//!
//! Owns the format. Knows no session: where the files are, and when nothing writes them, is its callers' business. The
//! pointer is a trait, so that it can lie elsewhere than in the target.
//!
//! **Invariants:** a piece that a manifest names was there before the manifest; one that is to be collected is named by no
//! manifest that is kept. Nothing is put in place that was not authenticated. The key is in no log, error or `Debug`.

mod backing;
mod error;
mod fetching;
mod key;
mod manifest;
mod plan;
mod pointer;
mod seal;
mod source;
mod target;
mod vault;

pub use backing::Backed;
pub use error::SnapshotError;
pub use key::{InvalidKey, Key};
pub use manifest::{About, FileEntry, Manifest, check_browser};
pub use pointer::{BucketPointer, Pointed, Pointer};
pub use source::{Files, SourceError};
pub use target::{S3Access, Target, TargetError};
pub use vault::{Kept, Vault};
