//! Groups: made, changed, left; and who may do it.

use bytes::Bytes;
use colmeia::ChatId;
use colmeia::operations::{
    AnswerJoinRequests, ChangeParticipants, CountGroups, CreateGroup, GetGroup, GetPicture, GroupRole,
    GroupSetting, InviteCode, InviteInfo, JoinGroup, LeaveGroup, ListGroups, ListJoinRequests,
    ParticipantChange, ParticipantOutcome, RefreshGroups, RevokeInviteCode, SetGroupDescription,
    SetGroupPicture, SetGroupSetting, SetGroupSubject,
};
use colmeia::protocol::CallErrorKind;
use serde_json::{Value, json};

use super::{OTHER, PIXEL};
use crate::page::tests::rig::{FRIEND, ME, Session, Simulator, chat};

const FOREIGN: &str = "120363000000000077@g.us";

fn members(group: &Value) -> Vec<&str> {
    let all = group["participants"].as_array().expect("members");
    all.iter().map(|member| member["id"].as_str().expect("an id")).collect()
}

fn done(id: &str) -> ParticipantOutcome {
    ParticipantOutcome { id: format!("{id}@c.us"), done: true, code: None }
}

fn refused(id: &str, code: u32) -> ParticipantOutcome {
    ParticipantOutcome { id: format!("{id}@c.us"), done: false, code: Some(code) }
}

#[tokio::test]
async fn an_own_group_is_made_and_changed() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    let create =
        |participant: &str| CreateGroup { subject: "Time".to_owned(), participants: vec![chat(participant)] };
    assert_eq!(session.refusal(create("5511900000000")).await, CallErrorKind::NotOnWhatsapp);
    let made = session.operate(create(FRIEND)).await.expect("made");
    let roles: Vec<_> = made.participants.iter().map(|member| member.role).collect();
    assert_eq!(roles, [GroupRole::SuperAdmin, GroupRole::Member]);
    let group = ChatId::normalise(&made.id).expect("a group");
    let record = || async { simulator.records("group", false).await[&made.id].take() };
    assert_eq!(record().await["subject"], "Time");
    assert_eq!(session.operate(CountGroups {}).await.expect("counted").count, 1);

    session
        .operate(SetGroupSubject { group: group.clone(), subject: "Equipe".to_owned() })
        .await
        .expect("set");
    let description = "Para todos".to_owned();
    session.operate(SetGroupDescription { group: group.clone(), description }).await.expect("set");
    let settings = [
        GroupSetting::InfoAdminsOnly,
        GroupSetting::MessagesAdminsOnly,
        GroupSetting::MembersAdd,
        GroupSetting::MembersShareHistory,
        GroupSetting::JoinApproval,
    ];
    for on in [false, true] {
        for setting in settings {
            session.operate(SetGroupSetting { group: group.clone(), setting, on }).await.expect("set");
        }
        let shown = session.operate(GetGroup { group: group.clone() }).await.expect("told");
        let flags = [
            shown.info_admins_only,
            shown.messages_admins_only,
            shown.members_add,
            shown.members_share_history,
            shown.join_approval,
        ];
        assert_eq!(flags, [on; 5]);
        assert_eq!((shown.subject.as_str(), shown.description.as_deref()), ("Equipe", Some("Para todos")));
    }
    for (mimetype, there) in [(Some("image/gif".to_owned()), true), (None, false)] {
        let set = SetGroupPicture { group: group.clone(), mimetype };
        session.operate_with(set, Bytes::from_static(PIXEL)).await.expect("set");
        let picture = session.operate(GetPicture { of: made.id.clone(), refresh: true }).await.expect("told");
        assert_eq!(picture.url.is_some(), there);
    }

    let change = |change, ids: &[&str]| ChangeParticipants {
        group: group.clone(),
        change,
        participants: ids.iter().map(|id| chat(id)).collect(),
    };
    let (nobody, shy) = ("5511900000000", "5511922229403");
    let add = change(ParticipantChange::Add, &[OTHER, FRIEND, nobody, shy]);
    let expected = [done(OTHER), refused(FRIEND, 409), refused(nobody, 404), refused(shy, 403)];
    assert_eq!(session.operate(add).await.expect("tried"), expected);
    for (change_to, role) in [(ParticipantChange::Promote, "admin"), (ParticipantChange::Demote, "member")] {
        assert_eq!(session.operate(change(change_to, &[OTHER])).await.expect("done"), [done(OTHER)]);
        assert_eq!(record().await["participants"][2]["role"], role);
    }
    // What refuses the whole change is only so while nothing was done; then it is what became of the others.
    let forbid = json!({ "id": format!("{ME}/promote"), "value": 403 });
    simulator.post("/phone/records/refusal", forbid.clone()).await;
    let promote = change(ParticipantChange::Promote, &[OTHER]);
    assert_eq!(session.operate(promote).await.expect("tried"), [refused(OTHER, 403)]);
    simulator.post("/phone/records/refusal", json!({ "id": forbid["id"], "value": null })).await;
    let remove = change(ParticipantChange::Remove, &[OTHER, nobody]);
    assert_eq!(session.operate(remove).await.expect("tried"), [done(OTHER), refused(nobody, 404)]);
    assert_eq!(members(&record().await), [format!("{ME}@c.us"), format!("{FRIEND}@c.us")]);

    let requests = json!([{ "id": format!("{OTHER}@c.us"), "method": "InviteLink", "t": 1_700_000_000 }, { "id": "5511933332222@c.us" }]);
    simulator.post("/phone/group", json!({ "id": made.id, "set": { "requests": requests } })).await;
    let asked = session.operate(ListJoinRequests { group: group.clone() }).await.expect("listed");
    assert_eq!(asked.len(), 2);
    assert_eq!((asked[0].method.as_deref(), asked[0].timestamp_ms), (Some("InviteLink"), 1_700_000_000_000));
    let answer =
        |approve, id: &str| AnswerJoinRequests { group: group.clone(), approve, requesters: vec![chat(id)] };
    assert_eq!(session.operate(answer(true, OTHER)).await.expect("let in"), [done(OTHER)]);
    assert_eq!(session.operate(answer(false, "5511933332222")).await.expect("not"), [done("5511933332222")]);
    assert_eq!(session.operate(answer(false, OTHER)).await.expect("tried"), [refused(OTHER, 404)]);
    assert_eq!(members(&record().await).len(), 3);

    let code = session.operate(InviteCode { group: group.clone() }).await.expect("told").code;
    assert_eq!(record().await["invite"], code);
    let renewed = session.operate(RevokeInviteCode { group: group.clone() }).await.expect("renewed").code;
    assert!(renewed != code && record().await["invite"] == renewed);
    let info = session.operate(InviteInfo { code: renewed }).await.expect("told");
    assert_eq!((info.id.as_str(), info.size), (made.id.as_str(), 3));
    assert_eq!(session.refusal(InviteInfo { code }).await, CallErrorKind::NotFound);
    session.close().await;
}

#[tokio::test]
async fn a_foreign_group_is_joined_read_and_left() {
    let simulator = Simulator::start().await;
    let session = Session::linked(&simulator, "").await;
    let group = ChatId::normalise(FOREIGN).expect("a group");
    let admin = json!([{ "id": format!("{FRIEND}@c.us"), "role": "super_admin" }]);
    let set = json!({ "subject": "Outro", "invite": "CODE77", "participants": admin });
    simulator.post("/phone/group", json!({ "id": FOREIGN, "set": set })).await;
    assert_eq!(session.refusal(GetGroup { group: group.clone() }).await, CallErrorKind::NotFound);
    let joined = session.operate(JoinGroup { code: "CODE77".to_owned() }).await.expect("joined");
    assert_eq!((joined.id.as_str(), joined.waiting), (FOREIGN, false));
    let record = simulator.records("group", false).await[FOREIGN].take();
    assert_eq!(members(&record), [format!("{FRIEND}@c.us"), format!("{ME}@c.us")]);

    let setting = SetGroupSetting { group: group.clone(), setting: GroupSetting::JoinApproval, on: true };
    assert_eq!(session.refusal(setting).await, CallErrorKind::Forbidden);
    assert_eq!(session.refusal(InviteCode { group: group.clone() }).await, CallErrorKind::Forbidden);
    let add = ChangeParticipants {
        group: group.clone(),
        change: ParticipantChange::Add,
        participants: vec![chat(OTHER)],
    };
    assert_eq!(session.refusal(add).await, CallErrorKind::Forbidden);
    let subject = SetGroupSubject { group: group.clone(), subject: "Nosso".to_owned() };
    session.operate(subject).await.expect("members may");
    let set = json!({ "announce": true, "restrict": true });
    simulator.post("/phone/group", json!({ "id": FOREIGN, "set": set })).await;
    session.operate(RefreshGroups {}).await.expect("refreshed");
    let listed =
        session.operate(ListGroups { by_subject: true, ..ListGroups::default() }).await.expect("listed");
    assert_eq!(
        (listed.len(), listed[0].subject.as_str(), listed[0].messages_admins_only),
        (1, "Nosso", true)
    );
    let subject = SetGroupSubject { group: group.clone(), subject: "Meu".to_owned() };
    assert_eq!(session.refusal(subject).await, CallErrorKind::Forbidden);
    session.operate(LeaveGroup { group: group.clone() }).await.expect("left");
    let record = simulator.records("group", false).await[FOREIGN].take();
    assert_eq!(members(&record), [format!("{FRIEND}@c.us")]);
    session.close().await;
}
