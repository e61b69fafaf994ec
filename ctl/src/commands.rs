//! What each word does. Owns the waiting for what was asked to come to pass, and the question before something
//! is deleted.

use std::io::{IsTerminal as _, stdin};
use std::time::Duration;

use colmeia::UserId;
use colmeia::admin::{
    Changed, Drain, Key, Keys, Limits, Lines, PageReport, Service, Session, SessionDetail, Sessions,
};
use colmeia::config::MemoryOverrides;
use hyper::Method;
use tokio::time::{Instant, sleep};

use crate::backups::{self, Place};
use crate::client::{Client, ClientError};
use crate::flags::{Command, Flags, KeysCommand, Patience};
use crate::out::Out;
use crate::{CtlError, diagnosis, events, table, top};

/// How often the service is asked whether it has come to pass.
const LOOK: Duration = Duration::from_millis(150);

pub(crate) async fn run(client: &Client, Flags { json, command, .. }: Flags) -> Result<(), CtlError> {
    let mut out = Out { json };
    match command {
        Command::List => {
            let all: Sessions = client.get("/v1/sessions").await?;
            let note = if all.draining { "draining: nobody starts\n" } else { "" };
            out.say(&all, || note.to_owned() + &table::list(&all.sessions))
        }
        Command::Show { user, qr, number } => {
            let detail: SessionDetail =
                client.get(&format!("/v1/sessions/{user}?qr={qr}&number={number}")).await?;
            out.say(&detail, || table::show(&detail))
        }
        Command::Report { user } => {
            let detail: SessionDetail = client.get(&format!("/v1/sessions/{user}")).await?;
            Out { json: true }.say(&PageReport::from(&detail), String::new)
        }
        Command::Top => top::run(client).await,
        Command::Logs { user, follow: true, lines } => {
            let path = format!("/v1/sessions/{user}/logs?follow=true&lines={lines}");
            // A stream has no room for a refusal, so the user is looked for first.
            let _: SessionDetail = client.get(&format!("/v1/sessions/{user}")).await?;
            client.follow(&path, |line| out.say(&line, || table::plain(&line.line) + "\n")).await
        }
        Command::Logs { user, follow: false, lines } => {
            let found: Lines = client.get(&format!("/v1/sessions/{user}/logs?lines={lines}")).await?;
            out.say(&found, || found.lines.iter().map(|line| table::plain(line) + "\n").collect())
        }
        Command::Start { user, new, patience } => {
            let wishes = if new { "?new=true" } else { "" };
            change(client, &mut out, &user, "start", wishes, patience).await
        }
        Command::Stop { user, patience } => change(client, &mut out, &user, "stop", "", patience).await,
        Command::Restart { user, patience } => change(client, &mut out, &user, "restart", "", patience).await,
        Command::Resume { user, patience } => change(client, &mut out, &user, "resume", "", patience).await,
        Command::Logout { user, yes } => {
            confirm(yes, &format!("Log out the phone of user {user} and delete the session?"))?;
            let changed = client.change(&user, "logout", "").await?;
            out.say(&changed, || format!("{user}: logged out{}\n", of_phone(&changed)))
        }
        Command::Delete { user, yes } => {
            confirm(yes, &format!("Delete everything of user {user}: profile, configuration, events?"))?;
            let changed = client.change(&user, "delete", "").await?;
            out.say(&changed, || format!("{user}: deleted{}\n", of_phone(&changed)))
        }
        Command::Reset { user, yes } => {
            confirm(yes, &format!("Delete the session of user {user}? The phone has to be linked again."))?;
            let changed = client.change(&user, "reset", "").await?;
            out.say(&changed, || format!("{user}: reset; the next /qr shows a new code\n"))
        }
        Command::Limits { user, soft, max, swap, pids, cpu_weight, clear } => {
            let path = format!("/v1/sessions/{user}/limits");
            let asked = [soft, max, swap, pids, cpu_weight].iter().any(Option::is_some);
            let limits: Limits = if clear {
                client.ask(Method::DELETE, &path).await?
            } else if asked {
                // What is not named stays as it is.
                let own = client.get::<Limits>(&path).await?.own;
                let own = MemoryOverrides {
                    high_mb: soft.or(own.high_mb),
                    max_mb: max.or(own.max_mb),
                    swap_max_mb: swap.or(own.swap_max_mb),
                    pids_max: pids.or(own.pids_max),
                    cpu_weight: cpu_weight.or(own.cpu_weight),
                };
                client.put(&path, &own).await?
            } else {
                client.get(&path).await?
            };
            out.say(&limits, || format!("{user}: {}\n", table::limits(&limits)))
        }
        Command::Drain { undo } => {
            let method = if undo { Method::DELETE } else { Method::POST };
            let drain: Drain = client.ask(method, "/v1/drain").await?;
            out.say(&drain, || match drain.draining {
                true => format!("draining: {} workers stop one by one; nobody starts\n", drain.running),
                false => "everyone comes back\n".into(),
            })
        }
        Command::Keys { command } => keys(client, &mut out, command).await,
        Command::Events { command } => events::run(client, &mut out, command).await,
        Command::Backup { make_key: Some(file), .. } => backups::make_key(&mut out, &file),
        Command::Backup { target, user, all, key_file, keep, make_key: None } => {
            let place = Place::of(target.unwrap_or_default(), key_file.unwrap_or_default());
            backups::back_up(client, &mut out, place, user, all, keep).await
        }
        Command::Restore { source, user, all: _, key_file, number, yes } => {
            confirm(yes, backups::BEFORE_A_RESTORE)?;
            backups::restore(client, &mut out, Place::of(source, key_file), user, number).await
        }
        Command::Backups { target, user, key_file } => {
            backups::list(client, &mut out, Place::of(target, key_file), user).await
        }
        Command::Doctor => {
            let diagnosis = diagnosis::diagnose(client).await?;
            out.say(&diagnosis, || diagnosis::text(&diagnosis))?;
            if diagnosis::is_unwell(&diagnosis) { Err(CtlError::Unwell) } else { Ok(()) }
        }
        Command::Health => {
            let service: Service = client.get("/v1/service").await?;
            out.say(&service, || format!("it answers: version {}\n", service.version))
        }
        Command::Completions { .. } => Ok(()), // done before there was a client
    }
}

async fn keys(client: &Client, out: &mut Out, command: KeysCommand) -> Result<(), CtlError> {
    match command {
        KeysCommand::List => {
            let all: Keys = client.get("/v1/keys").await?;
            out.say(&all, || table::keys(&all.keys))
        }
        KeysCommand::Add { name, admin, session, read, send, control, media } => {
            let actions = [("read", read), ("send", send), ("control", control), ("media", media)];
            let actions: Vec<_> = actions.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect();
            let sessions: Vec<_> = session.iter().map(UserId::as_str).collect();
            let (actions, sessions) = (actions.join(","), sessions.join(","));
            let wishes = format!("name={name}&admin={admin}&sessions={sessions}&actions={actions}");
            let made: Key = client.ask(Method::POST, &format!("/v1/keys?{wishes}")).await?;
            let text = made.key.as_ref().map(|key| key.expose().to_owned()).unwrap_or_default();
            out.say(&made, || format!("{text}\n"))?;
            if !out.json {
                eprintln!("{}: this key is shown once", made.id);
            }
            Ok(())
        }
        KeysCommand::Remove { id } => {
            let left: Keys = client.ask(Method::DELETE, &format!("/v1/keys/{id}")).await?;
            out.say(&left, || format!("{id}: ended\n"))
        }
    }
}

fn of_phone(changed: &Changed) -> &'static str {
    if changed.phone_told == Some(false) { " (the phone could not be told)" } else { "" }
}

async fn change(
    client: &Client,
    out: &mut Out,
    user: &UserId,
    operation: &str,
    wishes: &str,
    patience: Patience,
) -> Result<(), CtlError> {
    // Who is not known yet has no process before either.
    let before = match client.get::<SessionDetail>(&format!("/v1/sessions/{user}")).await {
        Ok(detail) => detail.session.pid,
        Err(ClientError::NoSuchUser(_)) if !wishes.is_empty() => None,
        Err(error) => return Err(error.into()),
    };
    let changed = client.change(user, operation, wishes).await?;
    if patience.no_wait {
        return out.say(&changed, || format!("{user}: {operation} asked for\n"));
    }
    let deadline = Instant::now() + Duration::from_secs(patience.timeout);
    loop {
        let detail: SessionDetail = client.get(&format!("/v1/sessions/{user}")).await?;
        let session = &detail.session;
        if has_come_to_pass(operation, session, before) {
            return out.say(session, || format!("{user}: {}\n", table::state(session)));
        }
        if Instant::now() >= deadline {
            return Err(CtlError::Late(patience.timeout));
        }
        sleep(LOOK).await;
    }
}

fn has_come_to_pass(operation: &str, session: &Session, before: Option<u32>) -> bool {
    match operation {
        "stop" => session.phase == "held" && session.pid.is_none(),
        "restart" => session.phase == "running" && session.pid != before,
        _ => session.phase == "running",
    }
}

fn confirm(yes: bool, question: &str) -> Result<(), CtlError> {
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        eprintln!("{question} Nobody is here to say so; use --yes.");
        return Err(CtlError::NotConfirmed);
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(CtlError::Terminal)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(CtlError::NotConfirmed) }
}
