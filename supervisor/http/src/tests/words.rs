//! People read words: no page shows a name that is the code's, whatever a session is doing and however it ended.

use std::time::SystemTime;

use colmeia::session::{Disruption, HealthLevel, LaunchCause, LogoutCause, PasskeyStep};
use colmeia::{ExitReason, Secret, SessionState};

use super::pages::{Events, page};
use super::stage::*;
use crate::names;
use crate::negotiate::Language::{English, Portuguese};
use colmeia_control::summary::state_name;
use colmeia_session::admission::Wait;
use colmeia_session::{Phase, UserView};

const DISRUPTIONS: [Disruption; 10] = [
    Disruption::ConnectionLost,
    Disruption::Conflict,
    Disruption::PageUnresponsive,
    Disruption::PageCrashed,
    Disruption::ServiceUnavailable,
    Disruption::TemporaryBan,
    Disruption::PageOutdated,
    Disruption::ScreenLocked,
    Disruption::ProxyRefused,
    Disruption::Other,
];

fn states() -> Vec<SessionState> {
    let mut all = vec![
        SessionState::Launching,
        SessionState::Loading,
        SessionState::AwaitingScan { qr: None },
        SessionState::AwaitingScan { qr: Some(Secret::new("2@abc,def==")) },
        SessionState::PasskeyConfirm { code: Secret::new("ABCD-EFGH") },
        SessionState::Pairing,
        SessionState::Syncing { me: None, percent: Some(4) },
        SessionState::Ready { me: me() },
        SessionState::LoggedOut { cause: LogoutCause::Phone },
        SessionState::Stopping,
        SessionState::Failed { reason: ExitReason::Oom },
    ];
    for step in [PasskeyStep::Asking, PasskeyStep::Signing, PasskeyStep::Answered, PasskeyStep::Off] {
        all.extend([passkey(None, step), passkey(Some(me()), step)]);
    }
    all.extend(DISRUPTIONS.map(|cause| SessionState::Reconnecting { me: Some(me()), cause }));
    all
}

fn ends() -> Vec<ExitReason> {
    let mut all = vec![
        ExitReason::Oom,
        ExitReason::Crash { process: "browser".into(), signal: Some(9) },
        ExitReason::Crash { process: "worker".into(), signal: None },
        ExitReason::Stuck { state: "awaiting_scan".into() },
        ExitReason::Stuck { state: "page_outdated".into() },
        ExitReason::LoggedOut,
        ExitReason::Banned,
        ExitReason::Conflict,
        ExitReason::Stopped,
        ExitReason::ProfileCorrupt,
        ExitReason::CapRecycle,
        ExitReason::DiskRecycle,
        ExitReason::Orphaned,
    ];
    all.extend(
        [HealthLevel::Ipc, HealthLevel::Browser, HealthLevel::Page].map(|level| ExitReason::Hang { level }),
    );
    let causes = [
        LaunchCause::NoBrowser,
        LaunchCause::NoSandbox,
        LaunchCause::DiskFull,
        LaunchCause::Proxy,
        LaunchCause::Unreachable,
        LaunchCause::Machine,
        LaunchCause::Other,
    ];
    all.extend(causes.map(|cause| ExitReason::LaunchFailed { cause, why: "a detail".into() }));
    all
}

/// A view of everything that a session can do, and of every way to end.
fn views() -> Vec<UserView> {
    let until = SystemTime::UNIX_EPOCH;
    let mut all: Vec<_> = [Wait::Place, Wait::Resources, Wait::Memory, Wait::Starts]
        .map(|wait| view(Phase::Queued { wait }))
        .into_iter()
        .chain(
            [
                Phase::Stopped,
                Phase::Held,
                Phase::Starting,
                Phase::Running,
                Phase::BackingOff { until },
                Phase::Stopping { back: None },
                Phase::Stopping { back: Some(ExitReason::Oom) },
            ]
            .map(view),
        )
        .chain(states().into_iter().map(running))
        .collect();
    for reason in ends() {
        let parked = view(Phase::Parked { reason: reason.clone() });
        all.push(UserView { last_exit: Some(reason), ..parked });
    }
    all
}

/// A word of both languages: the phones say it too.
const WORD: &str = "passkey";

/// Names of the code that no Portuguese text has. English ones such as `ready` are words of English as well; what has a
/// line below it is none of either.
fn raw_names() -> Vec<String> {
    let mut all: Vec<String> = views().iter().map(|view| state_name(view).to_owned()).collect();
    all.extend(states().iter().map(|state| state.name().to_owned()));
    all.extend(DISRUPTIONS.iter().map(|cause| cause.name().to_owned()));
    all.extend(ends().iter().map(ExitReason::label));
    all.sort();
    all.dedup();
    all.retain(|name| name != WORD);
    all
}

/// What is read on a page: its text without tags, and what names pictures and fields.
fn read(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        let (tag, rest) = part.split_once('>').unwrap_or(("", part));
        for attribute in ["alt=\"", "title=\"", "aria-label=\"", "placeholder=\""] {
            let value = tag.split_once(attribute).and_then(|(_, value)| value.split('"').next());
            text.extend([" ", value.unwrap_or_default()]);
        }
        text.extend([" ", rest]);
    }
    text
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect()
}

#[test]
fn every_state_has_words_in_both_languages() {
    let unknown = [Portuguese, English].map(|language| names::state("of_a_later_release", language));
    for name in views().iter().map(state_name).chain(states().iter().map(SessionState::name)) {
        let told = [Portuguese, English].map(|language| names::state(name, language));
        assert!(told.iter().all(|words| !unknown.contains(words)), "{name} has no words");
    }
}

#[tokio::test]
async fn no_page_shows_a_name_of_the_code() {
    let names = raw_names();
    assert!(names.iter().any(|name| name == "awaiting_scan") && names.len() > 40, "{names:?}");
    let stage = Cast::new(sent).with("3", view(Phase::Stopped)).on_stage();
    for shown in views() {
        stage.cast.set("3", shown.clone());
        for language in ["pt-BR", "en"] {
            for path in ["/", "/sessions/3", "/sessions/3/confirm/logout", "/qr?user_id=3"] {
                let answer = page(&stage, path, language).await;
                assert_eq!(answer.status, 200, "{path}");
                let text = read(&answer.body);
                let said = words(&text);
                for name in names.iter().filter(|name| language == "pt-BR" || name.contains(['_', '('])) {
                    // Some have more than one word.
                    let says =
                        if name.contains('(') { text.contains(name) } else { said.contains(&name.as_str()) };
                    assert!(!says, "{path} in {language} says {name}: {shown:?}\n{text}");
                }
            }
        }
    }
    let mut events = Events::open(&stage, "/sessions/events").await;
    stage.cast.set("3", running(SessionState::AwaitingScan { qr: None }));
    let told = events.next().await.expect("event");
    assert!(!told.contains("awaiting_scan"), "{told}");
}
