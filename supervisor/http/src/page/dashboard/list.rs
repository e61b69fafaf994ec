//! The page with the sessions, and the stream of its changes: what a [`Query`] finds of them, and the machine.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use colmeia::{Me, UserId};
use colmeia_base::tasks;
use futures::future::select_all;
use tokio::sync::watch;
use tokio::time::Instant;

use super::super::super::external;
use super::super::super::names;
use super::super::super::negotiate::Language::{self, English};
use super::super::super::user::Pairs;
use super::super::events::{Source, follow};
use super::history::{Bar, Past};
use super::machine::MachinePanel;
use super::query::{KINDS, Key, Query, Selected, Sort};
use super::rows::{Memory, Outgoing, SessionRow, key};
use super::{Frame, html, words};
use crate::state::Http;
use colmeia_events::journal::{HistoryPoint, now_ms};
use colmeia_session::{UserHandle, UserView};

/// How often what nobody announces (memory, queues, who is new) is looked at for a page that is open.
const LOOK: Duration = Duration::from_secs(2);
/// How soon after a change the next one is told: many at once are told together.
const PACE: Duration = Duration::from_millis(400);
/// How often the journal is looked at for a page that is open.
const SELDOM: Duration = Duration::from_secs(30);
/// How many tags are offered to choose from.
const TAGS: usize = 200;

#[derive(Template)]
#[template(path = "dashboard/list.html")]
struct ListPage {
    frame: Frame,
    query: Query,
    /// The kinds of states, and what they are called.
    kinds: Vec<(&'static str, &'static str)>,
    /// All tags that any session has.
    tags: Vec<String>,
    live: String,
}

#[derive(Template)]
#[template(path = "dashboard/list_live.html")]
struct Live<'a> {
    english: bool,
    base: &'a str,
    query: &'a Query,
    machine: MachinePanel,
    ready: usize,
    total: usize,
    /// How many there are of each kind but those that are connected, where there are any.
    others: Vec<(&'static str, &'static str, usize)>,
    heads: Vec<Head>,
    rows: Vec<SessionRow>,
    /// How many were found on all pages.
    found: usize,
    page: usize,
    pages: usize,
}

/// A column.
struct Head {
    title: &'static str,
    /// Where it is sorted by it; absent where it cannot be.
    sorted: Option<String>,
    /// `ascending` or `descending` where it is.
    direction: &'static str,
    number: bool,
}

/// The page as it stands now.
pub(in super::super::super) async fn list(http: &Http, headers: &HeaderMap, pairs: &Pairs) -> Response {
    let query = Query::of(pairs);
    let (frame, cookie) = Frame::new(http, headers, format!("/{}", query.address()));
    let live = live(http, frame.language, &frame.base, &query, &mut Known::default()).await;
    let settings = http.store.sessions();
    let tags: BTreeSet<&String> = settings.values().flat_map(|settings| &settings.tags).collect();
    let kinds = KINDS.map(|kind| (kind, words::of_kind(kind, frame.language))).into();
    let tags = tags.into_iter().take(TAGS).cloned().collect();
    super::begin(html(&ListPage { frame, query, kinds, tags, live }), cookie)
}

/// `GET /sessions/events`: the live part of the page whenever it changes.
pub(super) async fn events(State(http): State<Http>, headers: HeaderMap, pairs: Pairs) -> Response {
    let shutdown = http.shutdown.clone();
    let (base, query) = (external::prefix(&headers).to_owned(), Query::of(&pairs));
    let (language, known) = (Language::of(&headers), Known::default());
    follow(Following { language, http, views: Vec::new(), base, query, known }, shutdown)
}

struct Following {
    http: Http,
    language: Language,
    /// Everyone's, as they were when the text was made.
    views: Vec<watch::Receiver<UserView>>,
    /// What stands before our paths.
    base: String,
    query: Query,
    known: Known,
}

impl Source for Following {
    async fn text(&mut self) -> String {
        self.views = self.http.users.list().iter().map(UserHandle::watch).collect();
        self.views.iter_mut().for_each(watch::Receiver::mark_unchanged);
        live(&self.http, self.language, &self.base, &self.query, &mut self.known).await
    }

    async fn changed(&mut self) -> bool {
        tokio::time::sleep(PACE).await;
        // A task that ends is a change too.
        let changes = self.views.iter_mut().map(|view| Box::pin(async { view.changed().await.is_ok() }));
        let changes: Vec<_> = changes.collect();
        let any = async {
            if changes.is_empty() { std::future::pending().await } else { select_all(changes).await.0 }
        };
        let _ = tokio::time::timeout(LOOK, any).await;
        true
    }
}

async fn live(http: &Http, language: Language, base: &str, query: &Query, known: &mut Known) -> String {
    let (outgoing, accounts) = (outgoing(http, language).await, known.accounts(http).await);
    let (seen, asked) = (http.clone(), query.clone());
    let chosen = tasks::blocking("dashboard", move || Chosen::of(&seen, &asked, outgoing, &accounts)).await;
    let Ok(chosen) = chosen else { return String::new() };
    let history = known.history(http, chosen.users()).await;
    let (http, base, query) = (http.clone(), base.to_owned(), query.clone());
    let made = tasks::blocking("dashboard", move || render(&http, language, &base, &query, chosen, &history));
    made.await.unwrap_or_default()
}

type History = HashMap<UserId, Vec<HistoryPoint>>;
type Accounts = HashMap<UserId, Me>;

/// What the journal knows and is looked at seldom: a bar of a day does not change within seconds.
#[derive(Default)]
struct Known {
    history: Option<(Instant, Arc<History>)>,
    accounts: Option<(Instant, Arc<Accounts>)>,
}

impl Known {
    /// The history of those on the page.
    async fn history(&mut self, http: &Http, users: Vec<UserId>) -> Arc<History> {
        let fresh = self.history.as_ref().filter(|(read, _)| read.elapsed() < SELDOM).map(|(_, known)| known);
        match fresh.filter(|known| users.iter().all(|user| known.contains_key(user))) {
            Some(known) => Arc::clone(known),
            None => {
                // What cannot be read now is read the next time.
                let read = http.journal.history(users, now_ms() - Past::Month.ms()).await.unwrap_or_default();
                Arc::clone(&self.history.insert((Instant::now(), Arc::new(read))).1)
            }
        }
    }

    /// The account that each session has, or had.
    async fn accounts(&mut self, http: &Http) -> Arc<Accounts> {
        match self.accounts.as_ref().filter(|(read, _)| read.elapsed() < SELDOM) {
            Some((_, known)) => Arc::clone(known),
            None => {
                let read = http.journal.accounts().await.unwrap_or_default();
                Arc::clone(&self.accounts.insert((Instant::now(), Arc::new(read))).1)
            }
        }
    }
}

/// What waits for whom. The page says it anew every few seconds: what cannot be read now is in it then.
async fn outgoing(http: &Http, language: Language) -> HashMap<UserId, Outgoing> {
    let queues = http.operators.event_queues().await.map(|told| told.queues).unwrap_or_default();
    let mut all: HashMap<UserId, Outgoing> = HashMap::new();
    for queue in queues {
        let of = all.entry(queue.user).or_default();
        of.waiting += queue.pending;
        of.dead += queue.dead;
        let error = queue.head.and_then(|head| head.error);
        if let (None, Some(error)) = (&of.stuck, error) {
            of.stuck = Some((queue.receiver, names::delivery(&error, language)));
        }
    }
    all
}

/// What a query found: of all sessions only what finds and orders them was read.
struct Chosen {
    /// Those on the page.
    sessions: Vec<(UserId, Option<UserView>, Key, Outgoing)>,
    kinds: BTreeMap<&'static str, usize>,
    /// What all sessions take together, in bytes.
    memory: u64,
    total: usize,
    found: usize,
    page: usize,
    pages: usize,
}

impl Chosen {
    /// Reads a directory.
    fn of(http: &Http, query: &Query, mut outgoing: HashMap<UserId, Outgoing>, accounts: &Accounts) -> Self {
        let (everyone, settings) = (http.operators.everyone_seen(), http.store.sessions());
        let waiting = |user: &UserId| outgoing.get(user).map_or(0, |outgoing| outgoing.waiting);
        let (sessions, keys): (Vec<_>, Vec<_>) = everyone
            .into_iter()
            .map(|(user, view)| {
                let key = key(&user, view.as_ref(), settings.get(&user), accounts.get(&user), waiting(&user));
                ((user, view), key)
            })
            .unzip();
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for key in &keys {
            *kinds.entry(key.kind).or_default() += 1;
        }
        let Selected { places, all: found, page, pages } = query.select(&keys);
        let on_page = places.into_iter().map(|at| {
            let (user, view) = sessions[at].clone();
            let outgoing = outgoing.remove(&user).unwrap_or_default();
            (user, view, keys[at].clone(), outgoing)
        });
        let sessions = on_page.collect();
        let memory = keys.iter().map(|key| key.memory).sum();
        Self { sessions, kinds, memory, total: keys.len(), found, page, pages }
    }

    fn users(&self) -> Vec<UserId> {
        self.sessions.iter().map(|(user, ..)| user.clone()).collect()
    }
}

/// Reads the limits of those on the page.
fn render(
    http: &Http,
    language: Language,
    base: &str,
    query: &Query,
    chosen: Chosen,
    history: &History,
) -> String {
    let Chosen { sessions, kinds, memory, total, found, page, pages } = chosen;
    let (now, at) = (SystemTime::now(), now_ms());
    let rows = sessions.into_iter().map(|(user, view, key, outgoing)| {
        let cap = http.operators.cap(&user);
        let points = history.get(&user).map(Vec::as_slice).unwrap_or_default();
        let bars = [Past::Day, Past::Month].map(|past| Bar::of(points, past, at, language));
        SessionRow::of(user, key, view.as_ref(), cap, outgoing, bars, now, language)
    });
    let others = KINDS.into_iter().filter(|kind| *kind != "ready");
    let others = others.filter_map(|kind| Some((kind, words::of_kind(kind, language), *kinds.get(kind)?)));
    let live = Live {
        english: language == English,
        base,
        machine: MachinePanel::of(http.operators.vitals(), memory, language),
        ready: kinds.get("ready").copied().unwrap_or_default(),
        total,
        others: others.collect(),
        heads: heads(query, base, language),
        rows: rows.collect(),
        query,
        found,
        page,
        pages,
    };
    live.render().unwrap_or_default() // writing into a String does not fail
}

fn heads(query: &Query, base: &str, language: Language) -> Vec<Head> {
    let titles: [(&str, &str, Option<Sort>, bool); 8] = [
        ("Sessão", "Session", Some(Sort::Name), false),
        ("Situação", "State", Some(Sort::State), false),
        ("Histórico", "History", None, false),
        ("Número", "Number", None, false),
        ("Memória", "Memory", Some(Sort::Memory), false),
        ("Reinícios", "Restarts", Some(Sort::Restarts), true),
        ("Última saída", "Last exit", None, false),
        ("A entregar", "To deliver", Some(Sort::Waiting), true),
    ];
    let head = |(portuguese, english, sort, number): (_, _, Option<Sort>, _)| Head {
        title: language.pick(portuguese, english),
        sorted: sort.map(|sort| format!("{base}/{}", query.sorted_by(sort).address())),
        direction: match (sort == Some(query.sort), query.descending) {
            (false, _) => "",
            (true, false) => "ascending",
            (true, true) => "descending",
        },
        number,
    };
    titles.map(head).into()
}
