//! The stage: a router with users that do what a test says, and note what they are asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use colmeia::admin::When;
use colmeia::config::ServiceConfig;
use colmeia::layout::{RunLayout, StateLayout};
use colmeia::operations::SentMessage;
use colmeia::protocol::{Call, Reply};
use colmeia::session::PasskeyStep;
use colmeia::{Me, Secret, SessionReport, SessionState, UserId};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::super::server::receive;
use crate::router::router;
use crate::state::{Http, Parts};
use colmeia_control::convert::{Converter, ConverterContext};
use colmeia_control::deletion::{self, Deletions};
use colmeia_control::operators::Operators;
use colmeia_control::server_control::control;
use colmeia_control::users::Users;
use colmeia_events::delivery::Recipients;
use colmeia_events::journal::{Journal, Statuses};
use colmeia_host::dns::Resolver;
use colmeia_host::process::Children;
use colmeia_host::shortage::Shortage;
use colmeia_host::uids::UidAllocator;
use colmeia_host::uploads::{Fetched, Uploads};
use colmeia_metrics::Metrics;
use colmeia_session::registry::RegistryError;
use colmeia_session::{
    CallFailure, CallResult, Command, DisconnectOutcome, NotDeleted, OperatorCommand, Phase, PhoneNotified,
    UserHandle, UserView,
};
use colmeia_store::Store;

/// Generous: the machine may be small and busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// How a session answers.
pub(super) type Acting = fn(Call) -> CallResult;

/// What users were asked, in order, such as `1 wake` or `2_1 send_text`.
type Notes = Arc<Mutex<Vec<String>>>;

type Playing = (UserHandle, watch::Sender<UserView>);

#[derive(Clone)]
pub(super) struct Cast {
    acting: Acting,
    outcome: DisconnectOutcome,
    /// Where sessions wait before they answer a call, until [`Cast::release`].
    gate: Option<Arc<Semaphore>>,
    heard: watch::Sender<usize>,
    notes: Notes,
    users: Arc<Mutex<BTreeMap<UserId, Playing>>>,
    full: bool,
}

pub(super) struct Stage {
    pub(super) cast: Cast,
    pub(super) router: Router,
    pub(super) shutdown: CancellationToken,
    pub(super) store: Store,
    pub(super) journal: Journal,
    pub(super) uploads: Uploads,
    pub(super) deletions: Deletions,
    pub(super) folder: tempfile::TempDir,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

pub(in super::super) fn view(phase: Phase) -> UserView {
    UserView::new(phase, SystemTime::UNIX_EPOCH)
}

pub(in super::super) fn running(state: SessionState) -> UserView {
    UserView { report: Some(SessionReport::of(state)), ..view(Phase::Running) }
}

pub(in super::super) fn me() -> Me {
    Me { wid: "5511999998888@c.us".into(), lid: None, pushname: "Ana".into(), platform: "android".into() }
}

pub(super) fn ready() -> UserView {
    running(SessionState::Ready { me: me() })
}

/// What has to be signed while the page says so.
pub(in super::super) fn passkey(me: Option<Me>, step: PasskeyStep) -> SessionState {
    let request = (step == PasskeyStep::Signing)
        .then(|| Box::new(colmeia_session::request("Y2hhbGxlbmdl", 1, u64::MAX)));
    SessionState::Passkey { me, step, request, refused: 0 }
}

pub(super) fn code() -> UserView {
    running(SessionState::AwaitingScan { qr: Some(Secret::new("2@abc,def==")) })
}

pub(super) fn sent(_: Call) -> CallResult {
    Ok((Reply::Sent(SentMessage::new("true_5511988887777@c.us_3EB0", 1)), Fetched::NONE))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cast {
    pub(super) fn new(acting: Acting) -> Self {
        Self {
            acting,
            outcome: DisconnectOutcome::LoggedOut,
            gate: None,
            heard: watch::Sender::new(0),
            notes: Arc::default(),
            users: Arc::default(),
            full: false,
        }
    }

    /// Sessions answer no call until they are released.
    pub(super) fn held(self) -> Self {
        Self { gate: Some(Arc::new(Semaphore::new(0))), ..self }
    }

    /// Sessions answer from now on.
    pub(super) fn release(&self) {
        self.gate.iter().for_each(|gate| gate.add_permits(Semaphore::MAX_PERMITS));
    }

    /// Waits until so many answers of sessions were heard by who had asked.
    pub(super) async fn heard(&self, answers: usize) {
        let heard = self.heard.subscribe().wait_for(|heard| *heard >= answers).await.map(|heard| *heard);
        assert_eq!(heard.expect("the stage lives"), answers);
    }

    pub(super) fn only_here(self) -> Self {
        Self { outcome: DisconnectOutcome::OnlyHere, ..self }
    }

    /// What is on disk cannot be deleted.
    pub(super) fn stuck(self) -> Self {
        Self { outcome: DisconnectOutcome::NotDeleted, ..self }
    }

    pub(super) fn nobody_linked(self) -> Self {
        Self { outcome: DisconnectOutcome::NobodyLinked, ..self }
    }

    pub(super) fn full(self) -> Self {
        Self { full: true, ..self }
    }

    pub(super) fn with(self, user: &str, view: UserView) -> Self {
        let user: UserId = user.parse().expect("valid");
        let (published, seen) = watch::channel(view);
        let (commands, asked) = mpsc::channel(16);
        let handle = UserHandle::new(user.clone(), seen, commands, Metrics::default());
        tokio::spawn(self.clone().play(user.clone(), asked));
        locked(&self.users).insert(user, (handle, published));
        self
    }

    pub(super) fn set(&self, user: &str, view: UserView) {
        let users = locked(&self.users);
        let (_, published) = users.get(&user.parse::<UserId>().expect("valid")).expect("on stage");
        published.send_replace(view);
    }

    /// Everyone there is.
    pub(super) fn names(&self) -> Vec<String> {
        locked(&self.users).keys().map(|user| user.as_str().to_owned()).collect()
    }

    /// Waits until the users were asked this, and nothing else.
    pub(super) async fn noted(&self, expected: &[&str]) {
        let asked = async {
            while self.notes() != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let noted = tokio::time::timeout(PATIENCE, asked).await;
        noted.unwrap_or_else(|_| panic!("expected {expected:?}, but {:?} were asked", self.notes()));
    }

    pub(super) fn notes(&self) -> Vec<String> {
        locked(&self.notes).clone()
    }

    async fn play(self, user: UserId, mut asked: mpsc::Receiver<Command>) {
        while let Some(command) = asked.recv().await {
            let note = match &command {
                Command::Wake => "wake",
                Command::GiveWay => "give_way",
                Command::Call { call, .. } => call.name(),
                Command::Disconnect { .. } => "disconnect",
                Command::Operate { operation: OperatorCommand::Start, .. } => "start",
                Command::Operate { operation: OperatorCommand::Stop, .. } => "stop",
                Command::Operate { operation: OperatorCommand::Restart, .. } => "restart",
                Command::Reset { .. } => "reset",
                Command::Delete { .. } => "delete",
                Command::Renew { .. } => "renew",
                Command::Mend { .. } => "mend",
                Command::Limit { .. } => "limit",
                Command::LimitAgain { .. } => "limit_again",
                Command::Replace { .. } => "replace",
                Command::Carry { .. } => "carry",
                Command::Shutdown { .. } => "shutdown",
            };
            locked(&self.notes).push(format!("{user} {note}"));
            match command {
                Command::Call { call, answer, .. } => {
                    if let Some(gate) = &self.gate {
                        drop(gate.acquire().await);
                    }
                    if answer.send((self.acting)(*call)).is_ok() {
                        self.heard.send_modify(|heard| *heard += 1);
                    }
                }
                Command::Disconnect { answer } | Command::Reset { answer } => {
                    let _ = answer.send(self.outcome);
                }
                Command::Operate { answer, .. } => {
                    let _ = answer.send(Ok(()));
                }
                Command::Delete { answer } => {
                    if let Some(gate) = &self.gate {
                        drop(gate.acquire().await);
                    }
                    let error = || NotDeleted::Disk(Arc::new(std::io::Error::other("a full disk")));
                    let _ = answer.send(match self.outcome {
                        DisconnectOutcome::LoggedOut => Ok(PhoneNotified::Yes),
                        DisconnectOutcome::OnlyHere => Ok(PhoneNotified::No),
                        DisconnectOutcome::NobodyLinked => Ok(PhoneNotified::Nobody),
                        DisconnectOutcome::NotDeleted => Err(error()),
                    });
                }
                Command::LimitAgain { answer } => {
                    let _ = answer.send(Ok([("max_mb".to_owned(), When::Now)].into()));
                }
                Command::Wake
                | Command::GiveWay
                | Command::Renew { .. }
                | Command::Mend { .. }
                | Command::Limit { .. }
                | Command::Replace { .. }
                | Command::Carry { .. }
                | Command::Shutdown { .. } => {}
            }
        }
    }

    pub(super) fn on_stage(self) -> Stage {
        self.on_stage_at("127.0.0.1:5001", ServiceConfig::default())
    }

    pub(super) fn on_stage_at(self, local: &str, config: ServiceConfig) -> Stage {
        let folder = tempfile::tempdir().expect("folder");
        let (local, shutdown) = (local.parse().expect("address"), CancellationToken::new());
        let store = Store::open(&folder.path().join("settings.db")).expect("opens");
        let config: Arc<ServiceConfig> = config.into();
        let recipients = Recipients::new(&config.webhooks, Arc::new(store.clone())).ignoring(config.ignore);
        let journal = Journal::open(&folder.path().join("colmeia.db"), Arc::new(recipients)).expect("opens");
        let (control, state) =
            (control(shutdown.clone()).0, StateLayout::new(folder.path(), &config.client_prefix));
        let deletions = Deletions::new(deletion::Parts {
            users: Box::new(self.clone()),
            state: state.clone(),
            store: store.clone(),
            journal: journal.clone(),
            statuses: Statuses::start(journal.clone()),
            control: control.clone(),
        });
        let operators = Operators::new(
            Box::new(self.clone()),
            state,
            Arc::clone(&config),
            journal.clone(),
            control,
            deletions.clone(),
        );
        let users = Box::new(self.clone());
        let uploads = Uploads::open(folder.path().join("uploads")).expect("opened");
        let state = StateLayout::new(folder.path(), &config.client_prefix);
        let run = RunLayout::new(folder.path().join("run")).expect("short");
        let means = ConverterContext {
            worker: config.worker.clone().unwrap_or_default(),
            children: Children::default(),
            uids: UidAllocator::off(&state, &run),
        };
        let converter = Converter::new(config.conversion.clone(), config.landlock, means);
        let parts = Parts {
            config,
            journal: journal.clone(),
            store: store.clone(),
            operators,
            metrics: Metrics::default(),
            uploads: uploads.clone(),
            names: Resolver::of_system().expect("names"),
            shortage: Shortage::never(),
            converter,
        };
        let http = Http::with_users(users, parts, crate::routes::effects(), local, shutdown.clone());
        Stage { cast: self, router: router(http), shutdown, store, journal, uploads, deletions, folder }
    }
}

impl Users for Cast {
    fn find(&self, user: &UserId) -> Option<UserHandle> {
        locked(&self.users).get(user).map(|(handle, _)| handle.clone())
    }

    fn find_or_create<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Result<UserHandle, RegistryError>> {
        let made = || {
            if self.full {
                return Err(RegistryError::TooManyUsers(1));
            }
            let cast = self.clone().with(user.as_str(), view(Phase::Stopped));
            Ok(cast.find(user).expect("just made"))
        };
        std::future::ready(self.find(user).map_or_else(made, Ok)).boxed()
    }

    fn find_or_restore<'a>(&'a self, user: &'a UserId) -> BoxFuture<'a, Option<UserHandle>> {
        std::future::ready(self.find(user)).boxed()
    }

    fn others(&self) -> BoxFuture<'_, std::io::Result<Vec<UserId>>> {
        std::future::ready(Ok(Vec::new())).boxed()
    }

    fn list(&self) -> Vec<UserHandle> {
        locked(&self.users).values().map(|(handle, _)| handle.clone()).collect()
    }
}

impl Stage {
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).body(Body::empty()).expect("request")).await
    }

    pub(super) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.ask(Request::post(path).body(body.into()).expect("request")).await
    }

    /// As a caller on this machine.
    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        self.ask_from("127.0.0.1:40000", request).await
    }

    pub(super) async fn ask_from(&self, peer: &str, mut request: Request<Body>) -> Answer {
        receive(&mut request, peer.parse().expect("address"));
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("body").to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl Answer {
    /// The text of `{"error": …}`, which is all there is.
    pub(super) fn error(&self) -> String {
        let body: BTreeMap<String, String> = serde_json::from_str(&self.body).expect(&self.body);
        assert_eq!(body.len(), 1, "{}", self.body);
        body["error"].clone()
    }
}

/// A session that no test may reach.
#[allow(clippy::needless_pass_by_value)] // an `Acting`
pub(super) fn nobody(call: Call) -> CallResult {
    panic!("nobody was to be asked, but {call:?} was")
}

/// A session that is gone.
pub(super) fn gone(_: Call) -> CallResult {
    Err(CallFailure::WorkerGone)
}
