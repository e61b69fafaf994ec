//! Answers that several operations share, in the convention's shapes. Owns the mapping from what a session says;
//! pure. Fields that the SDK's types cannot do without are there even where we have nothing to say.

use colmeia::Me;
use serde::Serialize;
use utoipa::ToSchema;

/// What clients are told runs the sessions: WAHA's engine that drives WhatsApp Web in a browser, as we do.
pub(super) const ENGINE: &str = "WEBJS";

/// The linked account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeInfo {
    /// `5511999998888@c.us`.
    pub(super) id: String,
    /// The name that the phone's owner chose.
    pub(super) push_name: String,
}

impl MeInfo {
    pub(super) fn of(me: &Me) -> Self {
        Self { id: me.wid.clone(), push_name: me.pushname.clone() }
    }
}
