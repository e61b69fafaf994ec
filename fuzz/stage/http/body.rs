//! How much of a body may be kept beside its file; less than the supervisor's, as a search makes no large bodies.

pub(super) const LIMIT: u64 = 16 * 1024;
