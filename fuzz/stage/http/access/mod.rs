//! Whose page is behind a request.

#[path = "../../../../supervisor/http/src/access/site.rs"]
mod site;

pub(super) use site::Site;
