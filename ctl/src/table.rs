//! The columns of `list` and `top`, and the words of `show`. Pure.

use colmeia::admin::{Backup, Key, Limits, Merged, Session, SessionDetail, When};
use colmeia::impossible;
use colmeia::moment::{Minute, now_ms};
use colmeia::session::Recovery;

use crate::format::{ago, bytes, or_dash, size, span, until};

/// The titles of the columns.
pub(crate) const TITLES: [&str; 10] =
    ["USER", "STATE", "SINCE", "PID", "MEMORY/CAP", "CPU", "RESTARTS", "LAST EXIT", "QUEUE", "NAME [TAGS]"];

/// One session's columns.
pub(crate) fn columns(session: &Session) -> [String; 10] {
    [
        session.user.to_string(),
        state(session),
        or_dash(session.since_ms.map(ago)),
        or_dash(session.pid),
        format!("{}/{}", or_dash(session.memory.map(bytes)), or_dash(session.memory_cap.map(bytes))),
        or_dash(
            session.cpu_seconds.map(|seconds| span(std::time::Duration::from_secs_f64(seconds.max(0.0)))),
        ),
        session.restarts.to_string(),
        or_dash(session.last_exit.as_ref().map(|exit| short(&exit.label))),
        session.queue.to_string(),
        called(session),
    ]
}

/// What people call it, and find it by.
fn called(session: &Session) -> String {
    let label = session.label.as_deref().map(plain).unwrap_or_default();
    match (label, session.tags.is_empty()) {
        (label, true) => or_dash(Some(label).filter(|label| !label.is_empty())),
        (label, false) => format!("{label} [{}]", plain(&session.tags.join(", "))).trim_start().to_owned(),
    }
}

/// What the session says while a worker vouches for it; else where the worker is.
pub(crate) fn state(session: &Session) -> String {
    match session.phase.as_str() {
        "running" => session.state.clone(),
        phase => phase.to_owned(),
    }
}

fn short(label: &str) -> String {
    const MOST: usize = 32;
    if label.chars().count() <= MOST {
        return label.into();
    }
    label.chars().take(MOST - 1).chain(['…']).collect()
}

/// The list as text.
pub(crate) fn list(sessions: &[Session]) -> String {
    aligned(&TITLES.map(String::from), sessions.iter().map(columns))
}

/// Backups, one per line.
pub(crate) fn backups(backups: &[Backup]) -> String {
    let titles = ["USER", "NUMBER", "AGE", "SIZE", "BROWSER", "COLMEIA"].map(String::from);
    let row = |backup: &Backup| {
        let number = backup.number.map(|number| number.to_string());
        let (age, wrong) = (backup.taken_ms.map(ago), backup.error.as_deref().map(plain));
        [
            backup.user.to_string(),
            or_dash(number),
            or_dash(age),
            or_dash(backup.bytes.map(size)),
            or_dash(wrong.or_else(|| backup.browser.as_deref().map(plain))),
            or_dash(backup.colmeia.as_deref().map(plain)),
        ]
    };
    aligned(&titles, backups.iter().map(row))
}

/// The API keys as text.
pub(crate) fn keys(keys: &[Key]) -> String {
    let titles = ["ID", "NAME", "SESSIONS", "MAY", "MADE", "ACCEPTED"].map(String::from);
    let row = |key: &Key| {
        let sessions: Vec<_> = key.sessions.iter().map(|session| session.as_str()).collect();
        [
            key.id.clone(),
            or_dash(Some(key.name.clone()).filter(|name| !name.is_empty())),
            if sessions.is_empty() { "all".into() } else { sessions.join(",") },
            if key.admin { "everything".into() } else { key.actions.join(",") },
            ago(u64::try_from(key.created_ms).unwrap_or_default()),
            if key.active { "yes" } else { "no" }.into(),
        ]
    };
    aligned(&titles, keys.iter().map(row))
}

/// A table with titles, every column as wide as it has to be.
pub(crate) fn aligned<const N: usize>(
    titles: &[String; N],
    rows: impl Iterator<Item = [String; N]>,
) -> String {
    let rows: Vec<[String; N]> = std::iter::once(titles.clone()).chain(rows).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Everything about one session.
pub(crate) fn show(detail: &SessionDetail) -> String {
    let session = &detail.session;
    let mut lines = vec![
        ("user", session.user.to_string()),
        ("called", called(session)),
        ("worker", session.phase.clone()),
        ("state", session.state.clone()),
        ("since", or_dash(session.since_ms.map(ago))),
        ("pid", or_dash(session.pid)),
        ("browser pid", or_dash(session.browser_pid)),
        (
            "memory",
            format!("{} of {}", or_dash(session.memory.map(bytes)), or_dash(session.memory_cap.map(bytes))),
        ),
        ("CPU", or_dash(session.cpu_seconds.map(|seconds| format!("{seconds:.1}s")))),
        ("restarts", session.restarts.to_string()),
        ("failures in a row", session.attempts.to_string()),
        ("undelivered", session.queue.to_string()),
        ("number", or_dash(detail.number.as_ref())),
        ("name", or_dash(detail.name.as_ref().filter(|name| !name.is_empty()))),
        ("was linked", if detail.was_linked { "yes" } else { "no" }.into()),
        ("page version", or_dash(detail.page_version.as_ref())),
        (
            "auth directory",
            format!("{}{}", detail.auth_dir, if detail.on_disk { "" } else { " (not there)" }),
        ),
    ];
    if let Some(of_session) = &session.merged {
        lines.push(("merged", merged(of_session)));
    }
    if let Some(of_user) = &detail.limits {
        lines.push(("limits", limits(of_user)));
    }
    if let Some(uid) = detail.uid {
        lines.push(("system user", uid.to_string()));
    }
    if !detail.degraded.is_empty() {
        lines.push(("degraded", detail.degraded.join(", ")));
    }
    let impossible = impossible(&detail.lacks);
    if !impossible.is_empty() {
        let why = format!("{}; `colmeiactl report {}` says why", impossible.join(", "), session.user);
        lines.push(("not possible", why));
    }
    lines.extend(restrictions(session, now_ms()));
    if let Some(exit) = &session.last_exit {
        lines.push(("last exit", format!("{}: {}", exit.label, exit.sentence)));
    }
    if let Some(next) = detail.next_start_ms {
        lines.push(("next start in", until(next)));
    }
    if let Some(parked) = &detail.parked {
        let why = format!("{} `colmeiactl resume {}` tries again.", parked.sentence, session.user);
        lines.push(("parked", why));
    }
    if let Some(taken) = detail.snapshot_ms {
        lines.push(("snapshot", format!("of {} ago", ago(taken))));
    }
    if let Some(recovery) = &detail.recovery {
        lines.push(("profile", recovered(recovery)));
    }
    if session.phase == "held" {
        lines.push((
            "held",
            format!("An operator stopped it; `colmeiactl start {}` lifts that.", session.user),
        ));
    }
    if let Some(qr) = &detail.qr {
        lines.push(("QR", qr.expose().to_owned()));
    }
    let mut text: String =
        lines.iter().map(|(name, value)| format!("{name:<18} {}\n", plain(value))).collect();
    if !detail.last_lines.is_empty() {
        text.push_str("last lines\n");
        text.extend(detail.last_lines.iter().map(|line| format!("  {}\n", plain(line))));
    }
    text
}

/// What WhatsApp restricts the account in, a line each.
fn restrictions(session: &Session, now_ms: u64) -> Vec<(&'static str, String)> {
    let until =
        |end: Option<u64>| end.map(|end| format!(" until {}", Minute::of(end).english())).unwrap_or_default();
    let mut lines = Vec::new();
    if let Some(lock) = session.restrictions.timelock.as_ref().filter(|lock| lock.is_in_force(now_ms)) {
        let what = format!("no new contacts{} ({})", until(lock.until_ms), lock.enforcement);
        lines.push(("restricted", what));
    }
    let quota = session.restrictions.capping.as_ref();
    if let Some(quota) = quota.filter(|quota| quota.is_capped(now_ms) || quota.is_warned(now_ms)) {
        let what = if quota.is_capped(now_ms) { "no new chats" } else { "few new chats left" };
        let what = format!("{what}{}: {} of {} used", until(quota.cycle_end_ms), quota.used, quota.total);
        lines.push(("restricted", what));
    }
    lines
}

/// A user's limits in one line, with what is its own, and from when on what was changed holds.
pub(crate) fn limits(limits: &Limits) -> String {
    let (now, own) = (&limits.in_force, &limits.own);
    let mark = |own: Option<u64>| if own.is_some() { "*" } else { "" };
    let mut text = format!(
        "soft {}M{}, hard {}M{}, swap {}M{}, processes {}{}, CPU weight {}{} (kept by {}",
        now.high_mb,
        mark(own.high_mb),
        now.max_mb,
        mark(own.max_mb),
        now.swap_max_mb,
        mark(own.swap_max_mb),
        now.pids_max,
        mark(own.pids_max),
        now.cpu_weight,
        mark(own.cpu_weight),
        limits.kept_by,
    );
    text.push_str(if text.contains('*') { "; * of this user alone)" } else { ")" });
    for (when, words) in [(When::NextStart, "from the next start on"), (When::Never, "not kept in this mode")]
    {
        let names: Vec<&str> = limits
            .applied
            .iter()
            .flatten()
            .filter(|(_, holds)| **holds == when)
            .map(|(name, _)| name.as_str())
            .collect();
        if !names.is_empty() {
            text.push_str(&format!("; {words}: {}", names.join(", ")));
        }
    }
    text
}

/// What the kernel merged, with what it saves and what could not be seen.
fn merged(merged: &Merged) -> String {
    let sign = if merged.profit < 0 { "-" } else { "" };
    let mut text = format!("{}, saves {sign}{}", bytes(merged.bytes), bytes(merged.profit.unsigned_abs()));
    if merged.unseen > 0 {
        text.push_str(&format!(" or more: {} processes are only shown to root", merged.unseen));
    }
    text
}

/// What was done about a damaged profile.
fn recovered(recovery: &Recovery) -> String {
    let now = match recovery.restored_ms {
        Some(taken) => format!("the snapshot of {} ago took its place", ago(taken)),
        None => "the phone has to scan a new code".into(),
    };
    let aside = recovery.aside.as_ref().map(|path| format!("; it lies in {path}")).unwrap_or_default();
    format!("damaged {} ago ({}): {now}{aside}", ago(recovery.at_ms), recovery.why)
}

/// Without what a terminal would obey: names and lines come from elsewhere.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|character| *character == '\t' || !character.is_control()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use colmeia::MissingMember;
    use colmeia::admin::PageReport;

    use super::*;

    pub(crate) fn session(user: &str) -> Session {
        let text = format!(
            r#"{{"user":"{user}","phase":"running","state":"ready","ready":true,"since_ms":null,"pid":42,
            "browser_pid":43,"memory":327155712,"memory_cap":null,"cpu_seconds":65.0,"restarts":1,"attempts":0,
            "last_exit":{{"label":"crash(worker, signal 9)","sentence":"It died.","reason":{{"reason":"oom"}}}},
            "queue":3}}"#
        );
        serde_json::from_str(&text).expect("valid")
    }

    #[test]
    fn what_people_call_a_session_is_listed_with_its_tags() {
        let of = |label: Option<&str>, tags: &[&str]| {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            called(&Session { label: label.map(Into::into), tags, ..session("1") })
        };
        assert_eq!(of(Some("Loja"), &["vendas", "SP"]), "Loja [vendas, SP]");
        assert_eq!(
            (of(None, &["SP"]), of(Some("Loja"), &[]), of(None, &[])),
            ("[SP]".into(), "Loja".into(), "-".into())
        );
        assert!(list(&[Session { label: Some("Loja".into()), ..session("1") }]).contains("Loja"));
    }

    fn lack(stand_in: bool) -> MissingMember {
        let operations = vec!["star".to_owned(), "edit_message".to_owned()];
        MissingMember {
            member: "WAWebX.y".to_owned(),
            module_absent: Some(true),
            stand_in,
            operations,
            partly: vec![],
        }
    }

    #[test]
    fn the_list_is_aligned() {
        let long = session(&"x".repeat(20));
        let text = list(&[session("1"), long]);
        let lines: Vec<&str> = text.lines().collect();
        let at = lines[0].find("STATE").expect("a title");
        assert!(lines[1..].iter().all(|line| &line[at..at + 5] == "ready"), "{text}");
        assert!(text.contains("312M/-") && text.contains("crash(worker, signal 9)"), "{text}");
    }

    #[test]
    fn what_was_merged_is_said_with_what_could_not_be_seen() {
        let text = |bytes, profit, unseen| merged(&Merged { bytes, profit, unseen });
        assert_eq!(text(130 << 20, 100 << 20, 0), "130M, saves 100M");
        assert_eq!(text(0, -(2 << 20), 3), "0M, saves -2M or more: 3 processes are only shown to root");
    }

    #[test]
    fn a_parked_session_shows_why_and_what_to_do() {
        let mut session = session("1");
        session.phase = "parked".into();
        let parked = session.last_exit.clone();
        let detail = SessionDetail {
            session,
            on_disk: true,
            auth_dir: "/x".into(),
            was_linked: true,
            number: Some("*********8888".into()),
            name: Some("An\u{1b}[2Ja".into()),
            next_start_ms: None,
            degraded: vec![],
            lacks: vec![lack(false)],
            page_version: None,
            limits: None,
            uid: None,
            parked,
            last_lines: vec!["the last word".into()],
            snapshot_ms: Some(0),
            recovery: Some(Recovery {
                at_ms: 0,
                why: "the registration is gone".into(),
                restored_ms: None,
                aside: Some("/x/damaged/0".into()),
            }),
            qr: None,
        };
        let text = show(&detail);
        assert!(
            text.contains("It died. `colmeiactl resume 1`") && text.contains("  the last word"),
            "{text}"
        );
        assert!(text.contains("(the registration is gone): the phone has to scan a new code; it lies in /x"));
        assert!(
            text.contains("not possible       edit_message, star; `colmeiactl report 1` says why"),
            "{text}"
        );
        let report = serde_json::to_string(&PageReport::from(&detail)).expect("JSON");
        assert!(
            report.contains(r#""member":"WAWebX.y""#)
                && report.contains(r#""impossible":["edit_message","star"]"#)
        );
        for private in ["8888", "2Ja", "/x", "the last word"] {
            assert!(!report.contains(private), "{private} is in {report}");
        }
        let replaced = SessionDetail { lacks: vec![lack(true)], ..detail.clone() };
        assert!(!show(&replaced).contains("not possible"), "wa-js does it");
        assert!(!text.contains('\u{1b}'), "a name does not command the terminal");
    }
}
