//! [`Ctx`]: what an operation that belongs to no session can reach, and who asks for it.

use axum::http::HeaderMap;

use crate::access::{Caller, Sender};
use crate::external;
use crate::state::Http;
use colmeia_events::envelope::Origin;
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

/// Where this caller finds files: the service's `public_url`, else how it reached us.
pub(crate) fn origin(http: &Http, headers: &HeaderMap) -> Origin {
    Origin::for_caller(&http.config, &external::base(headers, http.local))
}
