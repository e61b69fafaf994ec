//! How large files get into the page and out of it: the browser reads and writes them, so that no message of the debugger
//! carries a whole one and the page's script none of their bytes.
//!
//! ```text
//! in    file ─DOM.setFileInputFiles─▶ an input that is in no document ─take─▶ a copy that the browser keeps
//! out   a Blob of the page ─IO.resolveBlob─▶ its name in the browser ─IO.read─▶ piece by piece
//! ```
//!
//! The page gets a copy and not the file itself: it keeps what it has sent, to show, forward or give it out again, and a
//! file that is gone cannot be read. Owns what the browser keeps for a call beside the bridge: its objects and its stream.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use chromiumoxide::cdp::browser_protocol::dom::SetFileInputFilesParams;
use chromiumoxide::cdp::browser_protocol::io::{self, StreamHandle};
use chromiumoxide::cdp::js_protocol::runtime::{
    CallArgument, CallFunctionOnParams, EvaluateParams, ReleaseObjectGroupParams, RemoteObjectId,
};
use colmeia_base::tasks;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::calling::left;
use super::tab::Tab;
use crate::engine::ProbeError;

/// How much is read at once: no message is so long that it holds up a probe.
const PIECE: i64 = 1024 * 1024;
/// How long the browser may take to forget what it kept.
const LET_GO: Duration = Duration::from_secs(5);

/// The large files of one call in one tab. When it is dropped the browser forgets what it kept for them.
pub(super) struct Passage {
    tab: Arc<Tab>,
    call: u64,
    stream: Mutex<Option<StreamHandle>>,
}

impl Passage {
    pub(super) fn new(tab: Arc<Tab>, call: u64) -> Self {
        Self { tab, call, stream: Mutex::new(None) }
    }

    fn group(&self) -> String {
        format!("call-{}", self.call)
    }

    /// Gives the call a copy of this file. `None` where there is no bridge (yet); otherwise how many bytes the copy has.
    /// The file is not needed any more then.
    pub(super) async fn hand_in(&self, file: &Path, end: Instant) -> Result<Option<u64>, ProbeError> {
        let Some(input) = self.object("receiver", &[], end).await? else { return Ok(None) };
        let mut chosen = SetFileInputFilesParams::new(vec![file.to_string_lossy().into_owned()]);
        chosen.object_id = Some(input.clone());
        self.tab.run(chosen, left(end)).await?;

        let mut take = CallFunctionOnParams::new(self.tab.method("take"));
        take.object_id = Some(input);
        take.arguments =
            Some(vec![CallArgument { value: Some(json!(self.call)), ..CallArgument::default() }]);
        take.return_by_value = Some(true);
        take.await_promise = Some(true);
        take.silent = Some(true);
        let taken = self.tab.run(take, left(end)).await?;
        if taken.exception_details.is_some() {
            return Err(ProbeError::Failed("the browser could not copy the file".to_owned()));
        }
        Ok(taken.result.value.as_ref().and_then(Value::as_u64))
    }

    /// Finds the bytes that wait in the page for this call.
    pub(super) async fn find(&self, end: Instant) -> Result<(), ProbeError> {
        let gone = || ProbeError::Failed("the page lost the file".to_owned());
        let blob = self.object("result", &[json!(self.call)], end).await?.ok_or_else(gone)?;
        let name = self.tab.run(io::ResolveBlobParams::new(blob), left(end)).await?.uuid;
        *self.stream.lock() = Some(StreamHandle::new(format!("blob:{name}")));
        Ok(())
    }

    /// A piece of them from this byte on; empty where there is none.
    pub(super) async fn piece(&self, from: u64, end: Instant) -> Result<Bytes, ProbeError> {
        let unreadable = || ProbeError::Failed("what the browser read cannot be decoded".to_owned());
        let stream = self.stream.lock().clone().ok_or_else(unreadable)?;
        let mut read = io::ReadParams::new(stream);
        read.offset = Some(i64::try_from(from).map_err(|_| unreadable())?);
        read.size = Some(PIECE);
        let piece = self.tab.run(read, left(end)).await?;
        match piece.base64_encoded {
            Some(true) => BASE64.decode(piece.data).map(Bytes::from).map_err(|_| unreadable()),
            _ => Ok(Bytes::from(piece.data)),
        }
    }

    /// An object of the page that one of the inlet's functions gives.
    async fn object(
        &self,
        function: &str,
        arguments: &[Value],
        end: Instant,
    ) -> Result<Option<RemoteObjectId>, ProbeError> {
        let mut params = EvaluateParams::new(self.tab.asking(function, arguments));
        params.object_group = Some(self.group());
        params.silent = Some(true);
        let returned = self.tab.run(params, left(end)).await?;
        Ok(returned.result.object_id)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        let (tab, group, stream) = (Arc::clone(&self.tab), self.group(), self.stream.lock().take());
        if tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        tasks::passing("letting a file go", async move {
            // A page or a browser that is gone has forgotten all of it.
            let _ = tab.run(ReleaseObjectGroupParams::new(group), LET_GO).await;
            if let Some(stream) = stream {
                let _ = tab.run(io::CloseParams::new(stream), LET_GO).await;
            }
        });
    }
}
