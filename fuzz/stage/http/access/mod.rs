//! Whose page is behind a request.

#[path = "../../../../supervisor/src/http/access/site.rs"]
mod site;

pub(super) use site::Site;
