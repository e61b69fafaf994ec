//! The time in which this process was awake. What judges others by how long they were silent asks here: nobody is silent
//! while we do not listen.
//!
//! Owns the measure of our own pauses: a stopped process, a hypervisor that gives no time, a machine too busy to let us
//! run, a suspended machine. A task of ours looks at the clock each second; when more than two have passed since the last
//! look, the rest was a pause. Whoever asks looks, too, so that nobody acts on the old time before the task has its turn.
//! Before [`watch`] is called, and in tests, there are no pauses.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::tasks;

/// How often the task looks.
const LOOK: Duration = Duration::from_secs(1);
/// How much later than that it may be for want of a processor alone.
const LATE: Duration = Duration::from_secs(1);
/// A pause that is worth a line in the log.
const LONG: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct State {
    looked: Option<Instant>,
    paused: Duration,
    pauses: u64,
    /// How much longer the machine has been up than it ran.
    suspended: Duration,
}

static STATE: Mutex<State> =
    Mutex::new(State { looked: None, paused: Duration::ZERO, pauses: 0, suspended: Duration::ZERO });

fn state() -> MutexGuard<'static, State> {
    STATE.lock()
}

impl State {
    /// Takes note of what has passed since the last look; how long the pause was that this shows.
    fn look(&mut self, now: Instant, suspended: Duration) -> Option<Duration> {
        let before = self.looked.replace(now)?;
        let late = now.saturating_duration_since(before).saturating_sub(LOOK);
        let own = if late > LATE { late } else { Duration::ZERO };
        // The monotonic clock stands still while the machine is suspended, so this is not in it.
        let asleep = suspended.saturating_sub(self.suspended);
        self.suspended = self.suspended.max(suspended);
        self.paused += own;
        let pause = own + if asleep > LATE { asleep } else { Duration::ZERO };
        if pause.is_zero() {
            return None;
        }
        self.pauses += 1;
        Some(pause)
    }
}

fn looked() -> MutexGuard<'static, State> {
    let mut state = state();
    if state.looked.is_some()
        && let Some(pause) = state.look(Instant::now(), suspended())
        && pause >= LONG
    {
        tracing::warn!(
            seconds = pause.as_secs(),
            "this process did not run for a while; it counts against nobody"
        );
    }
    state
}

/// For how long the machine was suspended since it was switched on.
fn suspended() -> Duration {
    clock(ClockId::Boottime).saturating_sub(clock(ClockId::Monotonic))
}

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Begins to measure.
pub fn watch() -> JoinHandle<()> {
    {
        let mut state = state();
        (state.looked, state.suspended) = (Some(Instant::now()), suspended());
    }
    tasks::vital("awake", async {
        loop {
            sleep(LOOK).await;
            drop(looked());
        }
    })
}

/// How long we have not run, all in all.
#[must_use]
pub fn paused() -> Duration {
    looked().paused
}

/// How many pauses there were, suspensions of the machine included. What was measured over a change of it says nothing.
#[must_use]
pub fn pauses() -> u64 {
    looked().pauses
}

/// A clock that stands still while we do.
#[derive(Debug, Clone, Copy)]
pub struct Awake {
    begun: Instant,
    paused: Duration,
}

impl Awake {
    /// Begins now.
    #[must_use]
    pub fn begin() -> Self {
        let paused = paused();
        Self { begun: Instant::now(), paused }
    }

    /// How long we have been awake since it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let paused = paused().saturating_sub(self.paused);
        self.begun.elapsed().saturating_sub(paused)
    }

    /// When it will be so late, if we do not pause before.
    #[must_use]
    pub fn at(&self, elapsed: Duration) -> Instant {
        self.begun + elapsed + paused().saturating_sub(self.paused)
    }

    /// Waits until it is so late.
    pub async fn reached(&self, elapsed: Duration) {
        while self.elapsed() < elapsed {
            tokio::time::sleep_until(self.at(elapsed)).await;
        }
    }
}

/// The outcome of this work, if it comes before we have been awake for so long.
pub async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let clock = Awake::begin();
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => Some(done),
        () = clock.reached(limit) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn what_is_late_for_more_than_a_second_was_a_pause_and_less_was_none() {
        let begin = Instant::now();
        let mut state = State { looked: Some(begin), ..State::default() };
        assert_eq!(state.look(begin + S(1), S(0)), None);
        assert_eq!(state.look(begin + Duration::from_millis(2900), S(0)), None, "a busy machine");
        assert_eq!(state.look(begin + Duration::from_millis(43_900), S(0)), Some(S(40)));
        assert_eq!((state.paused, state.pauses), (S(40), 1));
        assert_eq!(state.look(begin + S(44), S(0)), None, "who asks again is told the same");
        assert_eq!(state.paused, S(40));
    }

    #[test]
    fn a_suspended_machine_is_a_pause_that_the_clock_does_not_show() {
        let begin = Instant::now();
        let mut state = State { looked: Some(begin), suspended: S(7), ..State::default() };
        assert_eq!(state.look(begin + S(1), S(3607)), Some(S(3600)));
        assert_eq!((state.paused, state.pauses), (S(0), 1));
        assert_eq!(state.look(begin + S(2), S(3607)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_who_does_not_measure_pauses() {
        let clock = Awake::begin();
        sleep(S(3600)).await;
        assert_eq!(clock.elapsed(), S(3600));
        assert_eq!(within(S(10), std::future::pending::<()>()).await, None);
        assert_eq!(within(S(10), async { 7 }).await, Some(7));
    }
}
