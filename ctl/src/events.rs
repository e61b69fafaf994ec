//! `colmeiactl events`: what could not be delivered, and having it tried again.

use colmeia::admin::{DeadLetter, DeadLetters, EventQueue, EventQueues, Replayed};
use hyper::Method;

use crate::CtlError;
use crate::client::Client;
use crate::commands::Out;
use crate::flags::EventsCommand;
use crate::format::ago;
use crate::table::{aligned, plain};

pub(crate) async fn run(client: &Client, out: &mut Out, command: EventsCommand) -> Result<(), CtlError> {
    match command {
        EventsCommand::Queues => {
            let queues: EventQueues = client.get("/v1/events/queues").await?;
            out.say(&queues, || queue_table(&queues.queues))
        }
        EventsCommand::Dead { user, limit } => {
            let user = user.map(|user| format!("&user={user}")).unwrap_or_default();
            let dead: DeadLetters = client.get(&format!("/v1/events/dead?limit={limit}{user}")).await?;
            out.say(&dead, || dead_table(&dead.letters))
        }
        EventsCommand::Replay { ids, user, all } => {
            let mut wishes: Vec<String> = all.then(|| "all=true".into()).into_iter().collect();
            wishes.extend(user.map(|user| format!("user={user}")));
            // Anything that is no id is refused by the service; here it must only not break the address.
            let ids: Vec<String> = ids
                .iter()
                .map(|id| id.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "-"))
                .collect();
            if !ids.is_empty() {
                wishes.push(format!("ids={}", ids.join(",")));
            }
            let path = format!("/v1/events/replay?{}", wishes.join("&"));
            let replayed: Replayed = client.ask(Method::POST, &path).await?;
            out.say(&replayed, || format!("{} dead letters are tried again\n", replayed.replayed))
        }
    }
}

fn queue_table(queues: &[EventQueue]) -> String {
    let row = |queue: &EventQueue| {
        [queue.user.to_string(), plain(&queue.receiver), queue.pending.to_string(), queue.dead.to_string()]
    };
    aligned(&["USER", "RECEIVER", "WAITING", "DEAD"].map(String::from), queues.iter().map(row))
}

fn dead_table(letters: &[DeadLetter]) -> String {
    let row = |letter: &DeadLetter| {
        [
            letter.id.clone(),
            letter.user.to_string(),
            plain(&letter.event),
            plain(&letter.receiver),
            ago(letter.created_ms),
            letter.attempts.to_string(),
            plain(&letter.error),
        ]
    };
    let titles = ["ID", "USER", "EVENT", "RECEIVER", "AGE", "ATTEMPTS", "LAST ERROR"].map(String::from);
    aligned(&titles, letters.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_is_one_line_whatever_a_receiver_said() {
        let letter = DeadLetter {
            id: "evt_01".into(),
            user: "2_1".parse().expect("an id"),
            event: "message".into(),
            receiver: "http://x".into(),
            created_ms: 0,
            died_ms: 0,
            attempts: 15,
            error: "answered 500\n\u{1b}[2J".into(),
        };
        let text = dead_table(&[letter]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.starts_with("ID      USER  EVENT") && !text.contains('\u{1b}'), "{text}");
    }
}
