//! What travels between supervisor and worker: versions, frames, messages.
//!
//! The worker listens, the supervisor connects. Both say Hello first; then requests go down and are answered
//! by id, states come up as they change, and events come up numbered until they are acknowledged.
//! Wire types only: no socket, no task.

mod calls;
mod events;
mod frame;
mod messages;
mod names;
mod output;
mod records;

pub use calls::{Call, CallError, CallErrorKind, Reply, TypingState};
pub use events::{
    ArchiveNotice, CallNotice, CallState, ChatLabelNotice, Event, GroupChange, GroupNotice, GroupParticipant,
    GroupRules, LabelNotice, MissedNotice, MissedReason, PollVoteNotice, PresenceNotice, ReactionNotice,
};
pub use frame::{Frame, FrameCodec, FrameError, MAX_BODY, MAX_HEAD, Part, PartCodec, SMALL_BODY};
pub use messages::{FromWorker, SupervisorHello, ToWorker, WorkerHello};
pub use names::OtherNames;
pub use output::output;
pub use records::{ChatSummary, ContactRecord, GroupRecord, MessageRecord};

/// The protocol's version. It is part of the run directory's name, so that a supervisor of one version
/// never meets a worker of another by accident.
pub const PROTOCOL_VERSION: u32 = 1;
