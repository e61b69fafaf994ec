//! What WhatsApp restricts the account in, as it says now. What was said last is in the session's `me`.

use colmeia::moment::now_ms;
use colmeia::operations::{GetCapping, GetTimelock};

use super::answer::{Answered, Json};
use super::models::NoArgs;
use super::session::Session;
use colmeia_events::envelope::{MessageCappingData, ReachoutTimelockData};

pub(super) async fn timelock(session: Session, _: NoArgs) -> Answered<ReachoutTimelockData> {
    let lock = session.operate(GetTimelock {}).await?;
    Ok(Json(ReachoutTimelockData::of(&lock, now_ms())))
}

pub(super) async fn capping(session: Session, _: NoArgs) -> Answered<MessageCappingData> {
    let capping = session.operate(GetCapping {}).await?;
    Ok(Json(MessageCappingData::from(&capping)))
}
