//! `colmeiactl events`: what waits for whom and what could not be delivered, and having it tried again or given up.

use colmeia::admin::{
    DeadLetter, DeadLetters, Discarded, EventQueue, EventQueues, QueueHead, Replayed, Retried,
};
use hyper::Method;

use crate::CtlError;
use crate::client::Client;
use crate::flags::EventsCommand;
use crate::format::{ago, or_dash, until};
use crate::out::Out;
use crate::table::{aligned, plain};

pub(crate) async fn run(client: &Client, out: &mut Out, command: EventsCommand) -> Result<(), CtlError> {
    match command {
        EventsCommand::Queues => {
            let queues: EventQueues = client.get("/v1/events/queues").await?;
            out.say(&queues, || queue_table(&queues.queues))
        }
        EventsCommand::Retry { queue, user, all } => {
            let wishes = [
                queue.map(|queue| format!("queue={queue}")),
                user.map(|user| format!("user={user}")),
                all.then(|| "all=true".into()),
            ];
            let wishes: Vec<String> = wishes.into_iter().flatten().collect();
            let path = format!("/v1/events/retry?{}", wishes.join("&"));
            let retried: Retried = client.ask(Method::POST, &path).await?;
            out.say(&retried, || format!("tried now in {} queues\n", retried.retried))
        }
        EventsCommand::Discard { queue, event } => {
            let event = event.map(|event| format!("&event={}", harmless(&event))).unwrap_or_default();
            let path = format!("/v1/events/discard?queue={queue}{event}");
            let discarded: Discarded = client.ask(Method::POST, &path).await?;
            out.say(&discarded, || {
                let id = &discarded.discarded;
                format!("{id} is a dead letter now; `colmeiactl events replay {id}` takes it back\n")
            })
        }
        EventsCommand::Dead { user, limit } => {
            let user = user.map(|user| format!("&user={user}")).unwrap_or_default();
            let dead: DeadLetters = client.get(&format!("/v1/events/dead?limit={limit}{user}")).await?;
            out.say(&dead, || dead_table(&dead.letters))
        }
        EventsCommand::Replay { ids, user, all } => {
            let mut wishes: Vec<String> = all.then(|| "all=true".into()).into_iter().collect();
            wishes.extend(user.map(|user| format!("user={user}")));
            let ids: Vec<String> = ids.iter().map(|id| harmless(id)).collect();
            if !ids.is_empty() {
                wishes.push(format!("ids={}", ids.join(",")));
            }
            let path = format!("/v1/events/replay?{}", wishes.join("&"));
            let replayed: Replayed = client.ask(Method::POST, &path).await?;
            out.say(&replayed, || format!("{} dead letters are tried again\n", replayed.replayed))
        }
    }
}

/// Anything that is no id is refused by the service; here it must only not break the address.
fn harmless(id: &str) -> String {
    id.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "-")
}

fn queue_table(queues: &[EventQueue]) -> String {
    let row = |queue: &EventQueue| {
        let head = queue.head.as_ref();
        let next = |head: &QueueHead| head.next_ms.map_or("now".into(), until);
        [
            queue.id.to_string(),
            queue.user.to_string(),
            plain(&queue.receiver),
            queue.pending.to_string(),
            or_dash(head.map(|head| ago(head.since_ms))),
            or_dash(head.map(next)),
            queue.dead.to_string(),
            or_dash(head.and_then(|head| head.error.as_deref()).map(plain)),
        ]
    };
    let titles = ["QUEUE", "USER", "RECEIVER", "WAITING", "OLDEST", "NEXT TRY", "DEAD", "LAST ERROR"];
    aligned(&titles.map(String::from), queues.iter().map(row))
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
    fn a_queue_says_what_stands_in_the_way_and_when_it_is_tried_again() {
        let mut queue = EventQueue {
            id: 12,
            user: "2_1".parse().expect("an id"),
            receiver: "http://x".into(),
            pending: 3,
            dead: 1,
            head: Some(QueueHead {
                id: "evt_01".into(),
                since_ms: 0,
                attempts: 2,
                error: Some("answered 500\n\u{1b}[2J".into()),
                next_ms: None,
            }),
        };
        let text = queue_table(std::slice::from_ref(&queue));
        let words = |text: &str| {
            text.lines().nth(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        let line = words(&text).expect("a row");
        assert!(line.starts_with("12 2_1 http://x 3 ") && line.contains(" now 1 answered 500"), "{line}");
        assert!(text.lines().count() == 2 && !text.contains('\u{1b}'), "{text}");
        queue.head = None;
        assert_eq!(words(&queue_table(&[queue])).as_deref(), Some("12 2_1 http://x 3 - - 1 -"));
    }

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
