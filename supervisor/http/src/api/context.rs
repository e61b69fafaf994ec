//! [`Ctx`]: what an operation that belongs to no session can reach, and who asks for it.

use axum::http::HeaderMap;

use crate::access::{Caller, Sender};
use crate::state::Http;
use colmeia_host::shares::Holder;
use colmeia_host::uploads::Upload;

/// What an operation that belongs to no session can reach.
pub(super) struct Ctx {
    pub(super) http: Http,
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    /// Whose part it is of what there is only so much of.
    pub(super) holder: Holder,
    /// Where it came from, for the log.
    pub(super) sender: Sender,
    /// The file that came in the body.
    pub(super) upload: Option<Upload>,
}
