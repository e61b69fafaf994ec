//! A machine that has no descriptors left, as tests play it. Compiled for tests only.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// While it is there, nothing can be opened in this process: the test's own, as nextest runs it.
pub(crate) struct NothingLeft(u64, u64);

impl NothingLeft {
    pub(crate) fn begin() -> Self {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("known");
        setrlimit(Resource::RLIMIT_NOFILE, 0, hard).expect("lowered");
        Self(soft, hard)
    }
}

impl Drop for NothingLeft {
    fn drop(&mut self) {
        setrlimit(Resource::RLIMIT_NOFILE, self.0, self.1).expect("raised");
    }
}
