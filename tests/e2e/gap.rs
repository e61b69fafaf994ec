//! What comes while a worker stands still and is then killed. The page goes on without it and has all of it: each message
//! is told, once, and each chat's in their order.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::{Farm, Options, Service, chat_id, until};

const NUMBER: &str = "5511900000001";
/// A number for each chat.
fn friend(chat: usize) -> String {
    format!("55119888800{chat:02}")
}

/// What Flask was told, chat by chat.
fn told(farm: &Farm) -> BTreeMap<String, Vec<String>> {
    let mut chats: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in farm.webhook.taken() {
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        chats.entry(text("phone")).or_default().push(text("body"));
    }
    chats
}

async fn all_are_told(farm: &Farm, sent: &BTreeMap<String, Vec<String>>) {
    let count = |chats: &BTreeMap<String, Vec<String>>| chats.values().map(Vec::len).sum::<usize>();
    let all = count(sent);
    until(&format!("Flask has {all} messages, it has {}", count(&told(farm))), || async {
        (count(&told(farm)) >= all).then_some(())
    })
    .await;
    for (chat, texts) in &told(farm) {
        assert_eq!(Some(texts), sent.get(chat), "of {chat}");
    }
}

/// Some messages each, with the worker stopped, which is killed when the page has them all.
async fn come_while_it_stands_still(page_query: &str, counts: &[usize]) {
    let farm = Farm::start_with(Options { page_query: page_query.into(), ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // The first of each chat is told as ever.
    let mut message = async |chat: usize, text: String| {
        farm.phone.message(NUMBER, &friend(chat), &text).await;
        sent.entry(friend(chat)).or_default().push(text);
    };
    for chat in 0..counts.len() {
        message(chat, "antes".to_owned()).await;
    }
    until("the first are told", || async { (farm.webhook.taken().len() == counts.len()).then_some(()) })
        .await;

    until("it is written down how far each chat was heard", || async {
        let text = std::fs::read(farm.auth_dir("1").join("colmeia/spool/heard.json")).ok()?;
        let heard: serde_json::Value = serde_json::from_slice(&text).ok()?;
        (heard["chats"].as_object()?.len() == counts.len()).then_some(())
    })
    .await;

    let (worker, _) = Service::processes_of("1").await;
    worker.signal(Signal::SIGSTOP);
    for n in 0..*counts.iter().max().expect("chats") {
        for (chat, _) in counts.iter().enumerate().filter(|(_, count)| n < **count) {
            message(chat, format!("{n}")).await;
        }
    }
    until("the page has them", || async { (farm.phone.queued(NUMBER).await == 0).then_some(()) }).await;
    worker.signal(Signal::SIGKILL);
    // Of a chat of which nothing is known yet, and while the next worker comes up.
    message(counts.len(), "novo".to_owned()).await;
    all_are_told(&farm, &sent).await;
    farm.ready("1").await;
    for chat in 0..counts.len() {
        farm.phone.message(NUMBER, &friend(chat), "depois").await;
        sent.get_mut(&friend(chat)).expect("a chat").push("depois".to_owned());
    }
    all_are_told(&farm, &sent).await;
}

#[tokio::test]
async fn thirty_messages_of_one_chat_while_its_worker_stands_still() {
    come_while_it_stands_still("", &[30]).await;
}

#[tokio::test]
async fn sixty_messages_of_each_of_three_chats_while_their_worker_stands_still() {
    come_while_it_stands_still("?lid=1", &[60, 60, 60]).await;
}

#[tokio::test]
async fn two_hundred_messages_of_one_chat_and_some_of_others_while_their_worker_stands_still() {
    come_while_it_stands_still("?memory=1&earlier=late", &[200, 1, 25]).await;
}

#[tokio::test]
async fn a_message_a_second_while_the_worker_hangs_for_45_seconds() {
    let farm = Farm::start().await;
    farm.link("1", NUMBER).await;
    let (worker, _) = Service::processes_of("1").await;
    let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for n in 0..50 {
        match n {
            2 => worker.signal(Signal::SIGSTOP),
            47 => worker.signal(Signal::SIGKILL),
            _ => {}
        }
        let text = format!("{n}");
        farm.phone.message(NUMBER, &friend(0), &text).await;
        sent.entry(friend(0)).or_default().push(text);
        // The pace is what is tested.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    all_are_told(&farm, &sent).await;
}

#[tokio::test]
async fn what_the_page_cannot_give_is_an_event_that_says_of_which_chat_and_how_many() {
    let farm = Farm::start_with(Options { page_query: "?earlier=fails".into(), ..Options::default() }).await;
    farm.link("1", NUMBER).await;
    let (worker, _) = Service::processes_of("1").await;
    worker.signal(Signal::SIGSTOP);
    for n in 0..30 {
        farm.phone.message(NUMBER, &friend(0), &format!("{n}")).await;
    }
    farm.phone.message(NUMBER, &friend(1), "nada falta").await;
    until("the page has them", || async { (farm.phone.queued(NUMBER).await == 0).then_some(()) }).await;
    worker.signal(Signal::SIGKILL);
    let missed = until("somebody says what is missing", || async {
        let answer = farm.service.get("/api/events?session=1&events=message.missed").await;
        answer.json["events"].as_array().filter(|events| events.len() == 2).cloned()
    })
    .await;
    // Of the other chat the page counts nothing that it has not, but it could not look.
    for (chat, count) in [(0, Some(10)), (1, None)] {
        let from = chat_id(&friend(chat));
        let of: Vec<_> = missed.iter().filter(|event| event["payload"]["from"] == from).collect();
        assert_eq!(of.len(), 1, "{missed:?}");
        let payload = &of[0]["payload"];
        assert_eq!(
            (payload["count"].as_u64(), payload["reason"].as_str()),
            (count, Some("not_loaded")),
            "{payload}"
        );
    }
    let newest: Vec<String> = (10..30).map(|n| format!("{n}")).collect();
    until("the newest and the other chat's are told", || async { (told(&farm).len() == 2).then_some(()) })
        .await;
    assert_eq!(told(&farm)[&friend(0)], newest);
}
