//! Looks now and then what the programs have: descriptors, threads, tasks, memory, rows and disk. Never writes, and waits
//! for nobody: what cannot be seen just now is left out.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::day::{Measure, Sample};
use crate::harness::Service;
use crate::players::client;
use crate::stage::Stage;

/// How often.
const EVERY: Duration = Duration::from_secs(5);

/// Writes samples into the notebook as long as it is let.
pub(crate) async fn take(stage: Arc<Stage>, state: PathBuf) {
    let http = client();
    let mut turns = interval(EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let (at, supervisor, folder) = (stage.now(), stage.supervisor(), state.clone());
        let seen = spawn_blocking(move || look(supervisor, &folder));
        let tasks = async {
            let answer = Service::answer(http.get(stage.url("/metrics"))).await.ok()?;
            (answer.status == 200).then(|| tasks(&answer.text))
        };
        let (seen, tasks) = tokio::join!(seen, tasks);
        let mut values = seen.unwrap_or_default();
        values.extend(tasks.map(|tasks| (Measure::SupervisorTasks, tasks)));
        stage.notes().samples.push(Sample { at, values });
    }
}

/// How many tasks and threads of the supervisor run, whatever they are called.
fn tasks(metrics: &str) -> f64 {
    let lines = metrics.lines().filter(|line| line.starts_with("colmeia_tasks{"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

fn look(supervisor: i32, state: &Path) -> Vec<(Measure, f64)> {
    let mut values = Vec::new();
    if let Some([files, threads, kib]) = of_process(supervisor) {
        values.push((Measure::SupervisorFiles, files));
        values.push((Measure::SupervisorThreads, threads));
        values.push((Measure::SupervisorKib, kib));
    }
    let workers: Vec<_> = Service::workers().iter().filter_map(|worker| of_process(worker.pid)).collect();
    let count = f64::from(u32::try_from(workers.len()).unwrap_or(u32::MAX));
    if count > 0.0 {
        let mean = |n: usize| workers.iter().map(|worker| worker[n]).sum::<f64>() / count;
        values.push((Measure::WorkerFiles, mean(0)));
        values.push((Measure::WorkerThreads, mean(1)));
        values.push((Measure::WorkerKib, mean(2)));
    }
    values.extend(rows(&state.join("colmeia.db")).map(|rows| (Measure::JournalRows, rows)));
    let journal: f64 = ["colmeia.db", "colmeia.db-wal"].map(|name| kib(&state.join(name))).iter().sum();
    values.push((Measure::JournalKib, journal));
    let own = std::fs::read_dir(state).into_iter().flatten().flatten();
    let spools = own.map(|entry| kib(&entry.path().join("colmeia/spool"))).sum();
    values.push((Measure::SpoolKib, spools));
    values.push((Measure::StateKib, kib(state)));
    values
}

/// Open files, threads and resident KiB.
fn of_process(pid: i32) -> Option<[f64; 3]> {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
    };
    Some([f64::from(u32::try_from(files).ok()?), number("Threads")?, number("VmRSS")?])
}

/// How many events the journal has. A second connection is no burden to it: it holds up no write.
fn rows(path: &Path) -> Option<f64> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
    connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).ok()
}

/// What this and everything in it takes on the disk.
fn kib(path: &Path) -> f64 {
    let Ok(own) = path.symlink_metadata() else { return 0.0 };
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    let below: f64 = if own.is_dir() { below.map(|entry| kib(&entry.path())).sum() } else { 0.0 };
    below + f64::from(u32::try_from(own.blocks() / 2).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_of_all_names_are_added_up() {
        let text = "# TYPE colmeia_tasks gauge\ncolmeia_tasks{task=\"user\"} 8\n\
                    colmeia_tasks{task=\"http\"} 1\ncolmeia_task_failures_total{task=\"user\"} 3\n";
        assert!((tasks(text) - 9.0).abs() < 0.1);
    }

    #[test]
    fn a_process_and_a_folder_are_measured() {
        let own = i32::try_from(std::process::id()).expect("a pid");
        let [files, threads, resident] = of_process(own).expect("it runs");
        assert!(files >= 3.0 && threads >= 1.0 && resident > 500.0, "{files} {threads} {resident}");
        assert!(of_process(-1).is_none());
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a"), vec![1; 100 * 1024]).expect("written");
        assert!(kib(folder.path()) >= 100.0 && kib(&folder.path().join("none")) < 0.1);
    }
}
