//! The program replaces itself: same process, same port, same locks, new image.
//!
//! ```text
//! SIGHUP ─▶ check: does the file work? ─▶ a quiet moment ─▶ accept no more, finish ─▶ journal closed ─▶ execve
//!               no: the old image goes on                    callers wait in the port's queue             │
//!                                   workers are adopted, the port is served again ◀───────────────────────┘
//! ```
//!
//! `image` knows the program's file and runs it, `handover` what passes from one image to the next, `carry` what the
//! first one knows that is on no disk, `renew` replaces workers of the older version afterwards. **Nothing here touches a session:** workers do not notice.

mod carry;
mod handover;
mod image;
mod renew;

pub(crate) use carry::Carry;
pub(crate) use handover::{ACTIVATED, Handover, Inherited, VARIABLE};
pub(crate) use image::{Image, ReplaceError};
pub(crate) use renew::{back, renew};
