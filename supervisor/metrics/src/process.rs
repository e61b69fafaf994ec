//! What the supervisor's own process uses, under the names that every Prometheus client library gives it.
//!
//! Reads `/proc/self`, which blocks: whoever asks does it away from async tasks.

use std::fs;
use std::io;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use colmeia::moment::now_ms;
use colmeia_base::procfs::Stat;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// This process at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    stat: Stat,
    open_fds: usize,
    /// `None`: as many as it likes.
    max_fds: Option<u64>,
    /// Since the epoch.
    started: Duration,
}

impl Process {
    /// Looks. Blocks.
    ///
    /// # Errors
    /// When there is nothing left to look with.
    pub fn look() -> io::Result<Self> {
        let stat = Stat::of(std::process::id())?;
        // The folder's own descriptor is among them.
        let open_fds = fs::read_dir("/proc/self/fd")?.count().saturating_sub(1);
        let since_boot = Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default();
        let age = since_boot.saturating_sub(Duration::from_secs_f64(seconds(stat.started_ticks)));
        let started = Duration::from_millis(now_ms()).saturating_sub(age);
        Ok(Self { stat, open_fds, max_fds: getrlimit(Resource::Nofile).current, started })
    }

    /// Its metrics.
    pub(super) fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("process");
        let whole = |registry: &mut Registry, name: &str, help: &str, value: u64| {
            let gauge: Gauge<u64, AtomicU64> = Gauge::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        };
        whole(&mut registry, "open_fds", "Open file descriptors", self.open_fds as u64);
        if let Some(most) = self.max_fds {
            whole(&mut registry, "max_fds", "How many may be open", most);
        }
        whole(&mut registry, "threads", "Threads", self.stat.threads);
        let resident = self.stat.resident_pages.saturating_mul(page_size() as u64);
        whole(&mut registry, "resident_memory_bytes", "What of its memory is not on disk", resident);
        let started: Gauge<f64, AtomicU64> = Gauge::default();
        started.set(self.started.as_secs_f64());
        registry.register("start_time_seconds", "When it began, since the epoch", started);
        let cpu: Counter<f64, AtomicU64> = Counter::default();
        cpu.inc_by(seconds(self.stat.cpu_ticks));
        registry.register(
            "cpu_seconds",
            "CPU time, with that of processes that have ended and were waited for",
            cpu,
        );
        registry
    }
}

#[allow(clippy::cast_precision_loss, reason = "centuries of clock ticks are below 2^52")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / clock_ticks_per_second() as f64
}
