//! The account at the end: the figures, what was promised and whether it held, and what to look at if it did not.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::day::Line;
use crate::ledger::{self, Incoming, Outgoing, Taken};
use crate::readiness::Wrong;
use crate::schedule::{Kind, USERS};
use crate::stage::{NAMED, Notes, Span, Stage, id, is_of, number};

/// How much of the schedule is shown around a failure.
const AROUND: Duration = Duration::from_secs(30);
/// How long after the name server's last word what was found may still be used.
const SETTLED: Duration = Duration::from_secs(1);
/// How many failures of one kind are shown.
const SHOWN: usize = 10;

/// A promise, and where it was broken.
#[derive(Debug)]
struct Check {
    promise: &'static str,
    broken: Vec<(Option<Duration>, String)>,
}

/// What one user's messages came to.
struct Account {
    out: Outgoing,
    incoming: Incoming,
    /// The same at the receiver with a name, for who has one.
    named: Option<Incoming>,
}

/// Prints everything and says whether all promises were kept. `left` are processes that outlived the service.
pub(crate) async fn print(stage: &Stage, seed: u64, left: &[String]) -> bool {
    let mut delivered = Vec::new();
    for user in 0..USERS {
        delivered.push(texts(&stage.phone.sent(&number(user)).await));
    }
    let mut notes = stage.notes();
    let accounts = reckon(stage, &mut notes, &delivered);
    figures(&notes, &accounts);
    let checks = checks(&notes, &accounts, left);
    let failed: Vec<&Check> = checks.iter().filter(|check| !check.broken.is_empty()).collect();
    println!();
    for check in &checks {
        println!("  {}  {}", if check.broken.is_empty() { "ok    " } else { "FAILED" }, check.promise);
        for (at, what) in check.broken.iter().take(SHOWN) {
            println!(
                "          {}{what}",
                at.map(|at| format!("{:.2} s: ", at.as_secs_f64())).unwrap_or_default()
            );
        }
        if check.broken.len() > SHOWN {
            println!("          and {} more", check.broken.len() - SHOWN);
        }
    }
    if !failed.is_empty() {
        println!("\nseed {seed}; what was done around the failures:");
        let times: Vec<Duration> =
            failed.iter().flat_map(|check| &check.broken).filter_map(|(at, _)| *at).collect();
        let near = |at: Duration| times.iter().any(|time| at <= *time && at + AROUND >= *time);
        for (planned, was_there) in
            notes.done.iter().filter(|(planned, _)| times.is_empty() || near(planned.at))
        {
            println!("  {planned}{}", if *was_there { "" } else { " (nobody was there)" });
        }
    }
    println!("\n{} passed, {} failed", checks.len() - failed.len(), failed.len());
    failed.is_empty()
}

fn texts(messages: &[serde_json::Value]) -> Vec<String> {
    messages.iter().map(|message| message["body"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Holds both sides' books against each other, and finds what is another's.
fn reckon(stage: &Stage, notes: &mut Notes, delivered: &[Vec<String>]) -> Vec<Account> {
    let taken = stage.webhook.log();
    let unwritten = notes.unwritten();
    let mut mixed_up = Vec::new();
    let mut accounts = Vec::new();
    for (user, delivered) in delivered.iter().enumerate() {
        for body in delivered.iter().filter(|body| !is_of(body, user)) {
            mixed_up.push((stage.now(), format!("the phone of user {} sent {body:?}", id(user))));
        }
        let own: Vec<Taken> = taken
            .iter()
            .filter(|taken| taken.message["user_id"] == id(user))
            .map(|taken| Taken {
                at: stage.at(taken.at),
                event: taken.event.clone(),
                text: taken.message["body"].as_str().unwrap_or_default().to_owned(),
            })
            .collect();
        for other in own.iter().filter(|taken| !is_of(&taken.text, user)) {
            mixed_up.push((other.at, format!("user {} was given {:?}", id(user), other.text)));
        }
        let to_named = stage.props.named.taken();
        let named = to_named.iter().filter(|taken| taken.event["session"] == id(user)).map(|taken| Taken {
            at: stage.at(taken.at),
            event: taken.event["id"].as_str().unwrap_or_default().to_owned(),
            text: taken.body().to_owned(),
        });
        let named: Option<Vec<Taken>> = (user < NAMED).then(|| named.collect());
        let written = &notes.users[user].written;
        accounts.push(Account {
            named: named.map(|own| ledger::incoming(written, &own, &unwritten)),
            out: ledger::outgoing(&notes.users[user].sent, delivered),
            incoming: ledger::incoming(written, &own, &unwritten),
        });
    }
    notes.mixed_up.extend(mixed_up);
    waited_for_names(stage, notes);
    accounts
}

/// While nobody could find the name, everyone's events went on to Flask, unless the service was dead.
fn waited_for_names(stage: &Stage, notes: &mut Notes) {
    let given: Vec<Duration> = stage.webhook.log().iter().map(|taken| stage.at(taken.at)).collect();
    let disturbed = |(from, until): Span| notes.may_be_closed(from, until) || notes.may_refuse(from, until);
    let waited = notes.silences.iter().copied().filter(|span| !disturbed(*span)).filter(|(from, until)| {
        let (from, until) = (*from + SETTLED, *until);
        given.iter().filter(|at| (from..until).contains(at)).count() < USERS
    });
    notes.waited_for_names = waited
        .map(|(from, until)| {
            (from, format!("Flask was given nearly nothing until {:.2} s", until.as_secs_f64()))
        })
        .collect();
}

fn figures(notes: &Notes, accounts: &[Account]) {
    println!("\n  disturbance          done  made not ready  median      max     felt");
    let mut recoveries: BTreeMap<Kind, Vec<Duration>> = BTreeMap::new();
    for (kind, took) in notes.users.iter().flat_map(|user| &user.readiness.recoveries) {
        recoveries.entry(*kind).or_default().push(*took);
    }
    for kind in Kind::ALL {
        let done =
            notes.done.iter().filter(|(planned, was_there)| planned.kind == kind && *was_there).count();
        let mut took = recoveries.remove(&kind).unwrap_or_default();
        took.sort_unstable();
        let seconds =
            |n: usize| took.get(n).map_or("-".into(), |took| format!("{:.1} s", took.as_secs_f64()));
        let (median, longest) = (seconds(took.len() / 2), seconds(took.len().saturating_sub(1)));
        let felt = notes.felt.get(&kind).map_or("-".into(), u64::to_string);
        println!("  {kind:<20} {done:>4}  {:>14}  {median:>7}  {longest:>7}  {felt:>7}", took.len());
    }
    let sum = |of: fn(&Account) -> usize| accounts.iter().map(of).sum::<usize>();
    println!(
        "\n  sent out: {} accepted, {} refused, {} unknown (of which {} were delivered)",
        sum(|a| a.out.accepted),
        sum(|a| a.out.refused),
        sum(|a| a.out.unknown),
        sum(|a| a.out.unknown_delivered)
    );
    let written: usize = notes.users.iter().map(|user| user.written.len()).sum();
    println!(
        "  came in: {written} written, {} arrived, {} of them twice in the window of a killed supervisor",
        sum(|a| a.incoming.arrived),
        sum(|a| a.incoming.in_the_window)
    );
    println!("  statuses asked for: {}", notes.asked);
    println!(
        "  doors knocked at: {}, the slowest opened after {:.1} s",
        notes.knocks,
        notes.slowest.as_secs_f64()
    );
    println!("  settings: {} kept, {} refused by a disk that was out of order", notes.kept, notes.not_kept);
    println!("  supervisors that ended by themselves: {}", notes.own_ends);
    if !notes.lines.is_empty() {
        println!("\n  {:<28}  second quarter  last quarter  at most", "");
    }
    for line in &notes.lines {
        let Line { measure, second, last, allowed } = line;
        println!("  {:<28}  {second:>14.1}  {last:>12.1}  {allowed:>7.0}", measure.name());
    }
    for (rows, joined) in &notes.rows {
        println!("  a page that flipped: {rows} rows in the journal, {joined} changes joined into them");
    }
}

fn checks(notes: &Notes, accounts: &[Account], left: &[String]) -> Vec<Check> {
    let out = |of: fn(&Outgoing) -> &Vec<(Duration, String)>| all(accounts.iter().flat_map(|a| of(&a.out)));
    let incoming =
        |of: fn(&Incoming) -> &Vec<(Duration, String)>| all(accounts.iter().flat_map(|a| of(&a.incoming)));
    let untimed = |texts: &[String]| -> Vec<(Option<Duration>, String)> {
        texts.iter().map(|text| (None, text.clone())).collect()
    };
    let named = |of: fn(&Incoming) -> &Vec<(Duration, String)>| {
        all(accounts.iter().filter_map(|a| a.named.as_ref()).flat_map(of))
    };
    let by_name = accounts.iter().filter_map(|a| a.named.as_ref());
    let unnamed: Vec<String> =
        by_name.flat_map(|sums| &sums.missing).map(|text| format!("{text:?} is missing")).collect();
    let by_name =
        [named(|i| &i.repeated), named(|i| &i.out_of_order), named(|i| &i.invented), untimed(&unnamed)]
            .concat();
    let missing = accounts.iter().flat_map(|a| &a.incoming.missing).map(|text| (None, format!("{text:?}")));
    let readiness = |late: bool| {
        let mut broken = Vec::new();
        for (n, user) in notes.users.iter().enumerate() {
            let of_kind = |wrong: &Wrong| matches!(wrong, Wrong::TooLate { .. }) == late;
            for (at, wrong) in user.readiness.wrong.iter().filter(|(_, wrong)| of_kind(wrong)) {
                broken.push((Some(*at), format!("user {}: {wrong:?}", id(n))));
            }
        }
        broken
    };
    let idle = |kind: &Kind| {
        let mut of_kind = notes.done.iter().filter(|(planned, _)| planned.kind == *kind).peekable();
        of_kind.peek().is_some() && !of_kind.any(|(_, was_there)| *was_there)
    };
    let without_effect: Vec<String> =
        Kind::ALL.iter().filter(|kind| idle(kind)).map(|kind| format!("{kind}: it never happened")).collect();
    let unfelt = Kind::ALL.iter().filter(|kind| {
        let mut done = notes.done.iter().filter(|(planned, was_there)| planned.kind == **kind && *was_there);
        kind.leaves_a_mark() && done.next().is_some() && notes.felt.get(kind).is_none_or(|felt| *felt == 0)
    });
    let unfelt: Vec<String> = unfelt.map(|kind| format!("{kind}: nothing was felt of it")).collect();
    let silent: Vec<String> = (0..accounts.len())
        .filter(|n| accounts[*n].out.accepted == 0 || accounts[*n].incoming.arrived == 0)
        .map(|n| format!("user {} had no messages both ways", id(n)))
        .collect();
    [
        ("what was accepted was delivered exactly once", out(|o| &o.broken_promises)),
        ("what was refused was not delivered", out(|o| &o.wrong_refusals)),
        ("nothing was delivered twice", out(|o| &o.repeated)),
        ("every message that came in reached the receiver", missing.collect()),
        ("in the order in which they were written", incoming(|i| &i.out_of_order)),
        ("once, but in the window of a supervisor that ended before its note", incoming(|i| &i.repeated)),
        ("and the receiver got nothing that nobody wrote", incoming(|i| &i.invented)),
        ("the same holds for receivers with a name, whose name server was away", by_name),
        ("and nobody else waited for that name server", all(&notes.waited_for_names)),
        ("no setting that was acknowledged was forgotten", all(&notes.forgotten)),
        ("the doors opened in time, whatever was done to disk and places", all(&notes.slow)),
        ("a page that flips stayed within its rows", all(&notes.overfull)),
        ("no user saw another's data", all(&notes.mixed_up)),
        ("whoever was disturbed was ready again within the deadlines", readiness(true)),
        ("nobody else stopped being ready", readiness(false)),
        ("no caller was turned away while there was a supervisor", all(&notes.refused_callers)),
        ("nothing that the programs have has grown, where that is looked at", untimed(&notes.grown)),
        ("no process was left over", untimed(left)),
        (
            "each kind of disturbance happened, and messages went both ways",
            untimed(&[without_effect, unfelt, silent].concat()),
        ),
        ("nothing else went wrong", all(&notes.wrong)),
    ]
    .map(|(promise, broken)| Check { promise, broken })
    .into()
}

fn all<'a>(of: impl IntoIterator<Item = &'a (Duration, String)>) -> Vec<(Option<Duration>, String)> {
    of.into_iter().map(|(at, what)| (Some(*at), what.clone())).collect()
}
