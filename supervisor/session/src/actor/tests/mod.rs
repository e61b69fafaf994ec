//! Users' tasks with real processes: the example `fake-worker` plays the worker.

mod flood;
mod life;
mod means;
mod trouble;

use std::path::PathBuf;
use std::sync::Mutex;

use colmeia::config::{LogFormat, MemoryMode, MemoryOverrides, ServiceConfig};
use colmeia::protocol::{self, Call, Reply};
use colmeia::{ChatId, SessionState};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tempfile::TempDir;
use tokio::time::timeout;

use super::*;
use crate::admission::{Admission, AdmissionQueue};
use crate::connection::{EventSink, SinkError};
use crate::handle::{CallFailure, NotReplaced, OperatorCommand};
use crate::lacks::LacksTold;
use crate::registry::Registry;
use crate::view::Phase;
use crate::worker_process::Launch;
use colmeia::layout::{RunLayout, StateLayout};
use colmeia_events::journal::StatusChange;
use colmeia_host::disk::Disk;
use colmeia_host::folders;
use colmeia_host::process::Children;
use colmeia_host::shortage::Shortage;
use colmeia_host::uids::UidAllocator;
use colmeia_host::uploads::Downloads;
use colmeia_metrics::Metrics;
use colmeia_store::Store;
use tokio_util::sync::CancellationToken;

/// Events are kept here; the first few times the disk refuses.
#[derive(Debug, Default)]
struct Memory {
    refusals: Mutex<u32>,
    kept: Mutex<Vec<u64>>,
    statuses: Mutex<Vec<(UserId, StatusChange)>>,
}

impl EventSink for Memory {
    fn append<'a>(
        &'a self,
        _: &'a UserId,
        events: Vec<(u64, protocol::Event)>,
    ) -> BoxFuture<'a, Result<(), SinkError>> {
        async move {
            let mut refusals = self.refusals.lock().expect("no panic");
            if *refusals > 0 {
                *refusals -= 1;
                return Err(SinkError("disk full".into()));
            }
            self.kept.lock().expect("no panic").extend(events.iter().map(|(seq, _)| *seq));
            Ok(())
        }
        .boxed()
    }

    fn keep_status(&self, user: &UserId, change: StatusChange) {
        self.statuses.lock().expect("no panic").push((user.clone(), change));
    }
}

struct House {
    registry: Registry,
    host: Arc<Host>,
    memory: Arc<Memory>,
    folder: TempDir,
}

/// The example lies beside the tests' own program.
fn fake_worker() -> PathBuf {
    let own = std::env::current_exe().expect("known");
    own.ancestors().nth(2).expect("target/debug").join("examples/fake-worker")
}

fn house(behaviour: &str, change: impl FnOnce(&mut ServiceConfig)) -> House {
    house_in(tempfile::tempdir().expect("folder"), behaviour, change)
}

fn house_in(folder: TempDir, behaviour: &str, change: impl FnOnce(&mut ServiceConfig)) -> House {
    let mut config = ServiceConfig {
        page_url: format!("http://fake/{behaviour}"),
        ping_interval_ms: 50,
        ping_timeout_ms: 300,
        ..ServiceConfig::default()
    };
    config.restart.base_ms = 20;
    config.deadlines.hang_ms = 700;
    change(&mut config);
    let memory = Arc::new(Memory::default());
    let state = StateLayout::new(folder.path(), "ylada_bot");
    let run = RunLayout::new(folder.path().join("r")).expect("short enough");
    let host = Arc::new(Host {
        uids: UidAllocator::off(&state, &run),
        state,
        run,
        launch: Launch { program: fake_worker(), log_format: LogFormat::Json, children: Children::default() },
        admission: AdmissionQueue::open(Admission::new(config.max_users, config.max_starting)),
        sink: Arc::clone(&memory) as Arc<dyn EventSink>,
        downloads: Downloads::open(folder.path().join("downloads")).expect("opened"),
        memory: match config.memory.mode {
            MemoryMode::Polling => {
                colmeia_host::memory::Memory::open(&config.memory).expect("nothing to refuse")
            }
            _ => colmeia_host::memory::Memory::off(),
        },
        store: Store::open(&folder.path().join("settings.db")).expect("opens"),
        disk: Disk::always(behaviour == "full-disk"),
        shortage: Shortage::never(),
        carried: Default::default(),
        metrics: Metrics::default(),
        lacks: LacksTold::default(),
        hurry: CancellationToken::new(),
        config: Arc::new(config),
    });
    House { registry: Registry::new(Arc::clone(&host)), host, memory, folder }
}

fn user(id: &str) -> UserId {
    id.parse().expect("valid")
}

impl House {
    fn wake(&self, id: &str) -> UserHandle {
        let handle = self.registry.find_or_create_known(&user(id)).expect("made");
        handle.wake();
        handle
    }

    async fn ready(&self, id: &str) -> UserHandle {
        let handle = self.wake(id);
        until(&handle, |view| view.state().is_some_and(SessionState::is_ready)).await;
        handle
    }
}

/// Waits for a condition, generously, and returns the view that met it.
async fn until(handle: &UserHandle, condition: impl FnMut(&UserView) -> bool) -> UserView {
    let mut view = handle.watch();
    let met = timeout(Duration::from_secs(120), view.wait_for(condition)).await;
    met.unwrap_or_else(|_| panic!("never; at last: {:?}", handle.view())).expect("the task lives").clone()
}

/// Waits until the disk has it.
async fn eventually(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(120), met).await.expect("in time");
}

fn send_text() -> Call {
    Call::text(ChatId::normalise("5511988887777").expect("valid"), "oi")
}

async fn send(handle: &UserHandle) -> super::super::CallResult {
    handle.call(send_text(), None, Duration::from_secs(120)).await
}

fn alive(pid: u32) -> bool {
    // Dead but not reaped counts as dead: not every process here has a parent that looks.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
