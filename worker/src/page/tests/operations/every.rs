//! Every operation: done, refused, and left unknown. The cases are in `cases.rs`; here is what must hold of each, also on
//! a page that has changed.

use colmeia::operations::{Effect, Operation, Provider};
use colmeia::protocol::CallErrorKind;
use serde_json::json;

use super::cases::{self, Case, Refusal, Unknown};
use super::stage::Stage;
use crate::engine::Engine;

/// For what must be answered, however busy the machine is.
const LONG_MS: u64 = 30_000;
/// For what is not answered.
const SHORT_MS: u64 = 5_000;

const EVERYDAY_CALLS: [(&str, Effect); 4] = [
    ("send_text", Effect::Send),
    ("send_media", Effect::Send),
    ("mark_seen", Effect::Change),
    ("typing", Effect::Change),
];

fn effects() -> impl Iterator<Item = (&'static str, Effect)> {
    Operation::ALL.iter().map(|(name, effect, _)| (*name, *effect)).chain(EVERYDAY_CALLS)
}

fn effect_of(name: &str) -> Effect {
    effects().find(|(one, _)| *one == name).unwrap_or_else(|| panic!("{name} is nothing")).1
}

#[test]
fn every_operation_has_a_case_and_what_cannot_happen_is_written_down() {
    let table = include_str!("../../../../../docs/operations.md");
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').collect()).collect();
    for (name, effect) in effects() {
        let cases: Vec<&Case> = cases::all().filter(|case| case.name == name).collect();
        let [case] = cases[..] else { panic!("{name} has {} cases", cases.len()) };
        let row = rows.iter().find(|row| row[1].split('`').any(|word| word == name));
        let row = row.unwrap_or_else(|| panic!("{name} is not in docs/operations.md"));
        let is_never = |cell: &str| cell.trim().strip_prefix("never: ").is_some_and(|why| why.len() > 5);
        let never = [matches!(case.refused, Refusal::Never), matches!(case.unknown, Unknown::Never)];
        assert_eq!([is_never(row[4]), is_never(row[5])], never, "{name}: {row:?}");
        assert!(row[4].trim().len() > 5 && row[5].trim().len() > 5, "{name} says too little");
        assert!(effect != Effect::Read || never[1], "{name} is a read");
    }
    for case in cases::all() {
        effect_of(case.name);
    }
}

/// What is wrong, in words; several cases may be.
type Verdict = Result<(), String>;

fn hold(holds: bool, wrong: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// What comes before a try.
async fn prepare(stage: &Stage, case: &Case) {
    if let Some(before) = case.before {
        let before = before(stage);
        let name = before["name"].as_str().expect("a name").to_owned();
        stage.try_it(&name, before, LONG_MS).await.expect("what comes before");
    }
}

async fn is_refused(stage: &Stage, case: &Case) -> Verdict {
    let mut arguments = (case.ask)(stage);
    prepare(stage, case).await;
    let before = stage.outside().await;
    let (what, said) = match &case.refused {
        Refusal::By(what, said, _) => (*what, (*said).to_owned()),
        Refusal::Each(what, code) => (*what, code.to_string()),
        Refusal::With(other, _) => {
            let other = other(stage);
            for (name, value) in arguments.as_object_mut().expect("arguments") {
                if let Some(other) = other.get(name) {
                    value.clone_from(other);
                }
            }
            ("nothing", String::new())
        }
        Refusal::Never => return Ok(()),
    };
    stage.answers(what, Some(&said)).await;
    let answer = stage.try_it(case.name, arguments, LONG_MS).await;
    stage.answers(what, None).await;
    let is_it = match (&answer, &case.refused) {
        (Err(error), Refusal::By(_, _, kind) | Refusal::With(_, kind)) => error.kind == *kind,
        (Ok(outcomes), Refusal::Each(_, code)) => {
            outcomes[0]["done"] == json!(false) && outcomes[0]["code"] == json!(code)
        }
        _ => false,
    };
    hold(is_it, || format!("the refusal is {answer:?}"))?;
    hold(stage.outside().await == before, || "it was refused, and something changed".to_owned())
}

async fn is_unknown(stage: &Stage, case: &Case) -> Verdict {
    let (what, said, limit) = match case.unknown {
        Unknown::Lost(what) => (what, "lost", LONG_MS),
        Unknown::Silent(what) => (what, "silent", SHORT_MS),
        Unknown::Never => return Ok(()),
    };
    prepare(stage, case).await;
    stage.answers(what, Some(said)).await;
    let answer = stage.try_it(case.name, (case.ask)(stage), limit).await;
    stage.answers(what, None).await;
    let is_it = answer.as_ref().is_err_and(|error| error.kind == CallErrorKind::OutcomeUnknown);
    hold(is_it, || format!("without an answer it is {answer:?}"))
}

async fn is_done(stage: &Stage, case: &Case) -> Verdict {
    prepare(stage, case).await;
    let before = stage.seen().await;
    let answer = stage.try_it(case.name, (case.ask)(stage), LONG_MS).await;
    hold(answer.is_ok(), || format!("it is not done: {answer:?}"))?;
    let leaves_a_trace = effect_of(case.name) != Effect::Read;
    let changed = stage.seen().await != before;
    hold(changed == leaves_a_trace, || format!("done, and whether anybody outside sees it: {changed}"))
}

async fn walk(stage: &Stage, cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        for verdict in
            [is_refused(stage, case).await, is_unknown(stage, case).await, is_done(stage, case).await]
        {
            wrong.extend(verdict.err().map(|why| format!("{}: {why}", case.name)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn everyday_operations_are_done_refused_and_left_unknown() {
    let stage = Stage::set("?ui=0", true).await;
    walk(&stage, cases::EVERYDAY).await;
    stage.session.close().await;
}

#[tokio::test]
async fn operations_on_groups_are_done_refused_and_left_unknown() {
    let stage = Stage::set("?ui=0", true).await;
    walk(&stage, cases::GROUPS).await;
    stage.session.close().await;
}

#[tokio::test]
async fn the_rest_of_the_operations_is_done_refused_and_left_unknown() {
    let mut stage = Stage::set("?ui=0", true).await;
    stage.post_status().await;
    walk(&stage, cases::REST).await;
    stage.session.close().await;
}

/// The modules of the members that single operations need, but for those that the others are in, too.
fn rare_modules() -> Vec<&'static str> {
    let (table, members) = (include_str!("../../bridge/table.js"), include_str!("../../bridge/members.js"));
    let mut modules: Vec<&str> =
        members.split('\'').filter(|word| word.starts_with("WA") && !word.ends_with(".react")).collect();
    modules.sort_unstable();
    modules.dedup();
    let is_rare = |module: &&str| !table.contains(&format!("'{module}'")) && !module.contains("Loadable");
    modules.retain(is_rare);
    modules
}

#[tokio::test]
async fn what_a_changed_page_lacks_fails_by_name_and_everything_else_goes_on() {
    let renamed = rare_modules();
    let stage = Stage::set(&format!("?ui=0&rename={}", renamed.join(",")), false).await;
    let mut refused = Vec::new();
    for case in cases::all() {
        // Long enough for what is done, and too short for whoever waits for something that does not come.
        if let Err(error) = stage.try_it(case.name, (case.ask)(&stage), SHORT_MS).await {
            let named = renamed.iter().any(|module| error.message.contains(module));
            assert_eq!(error.kind, CallErrorKind::Unsupported, "{}: {error}", case.name);
            assert!(named || error.message.contains("needs wa-js"), "{}: {error}", case.name);
            refused.push(case.name);
        }
    }
    let view = stage.session.engine.probe_page(LONG_MS).await.expect("it answers");
    // With these arguments it needs what is missing; and that there is no wa-js is nothing that the page lacks.
    let only_wa_js =
        |name: &str| Operation::ALL.iter().any(|(one, _, by)| *one == name && *by == Provider::WaJs);
    refused.retain(|name| *name != "picture" && !only_wa_js(name));
    refused.sort_unstable();
    assert_eq!(refused, colmeia::impossible(&view.lacks));
    assert!(refused.len() > 40 && cases::all().count() - refused.len() > 20, "{refused:?}");
    let archive = view.lacks.iter().find(|lack| lack.member == "WAWebSetArchiveChatAction.setArchive");
    let archive = archive.expect("it is missing");
    assert_eq!((archive.module_absent, archive.stand_in), (Some(true), false));
    assert_eq!(archive.operations, ["archive_chat"]);
    stage.session.close().await;
}
