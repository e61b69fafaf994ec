//! [`Out`]: where answers go, as text or as JSON. Owns the form, and nothing of what is said.

use std::io::{Write as _, stdout};

use serde::Serialize;

use crate::CtlError;

/// Where answers go.
pub(crate) struct Out {
    pub(crate) json: bool,
}

impl Out {
    pub(crate) fn say(
        &mut self,
        value: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> Result<(), CtlError> {
        let text = if self.json { serde_json::to_string(value)? + "\n" } else { text() };
        let mut out = stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(CtlError::Output)
    }
}
