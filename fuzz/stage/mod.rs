//! What the supervisor's readers of requests need around them, so that they can be searched alone: the real files, and
//! uploads that stay in memory. Belongs at the root of whatever includes it, with `use stage::uploads`.
#![allow(dead_code, unused_imports, unreachable_pub, missing_docs)]

pub mod http;
pub mod uploads;
