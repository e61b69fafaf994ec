//! The policy against a world that obeys it: processes start and die only when they can.

mod endings;
mod examples;
mod history;
mod moments;
mod properties;

use colmeia::session::LaunchCause;

use super::*;

const RULES: Rules = Rules {
    base: Duration::from_millis(500),
    cap: Duration::from_secs(60),
    stable: Duration::from_secs(60),
    burst: 5,
    burst_window: Duration::from_secs(30),
    idle: Duration::from_secs(600),
    hello: Duration::from_secs(10),
    settle: Duration::from_secs(135),
    stop: Duration::from_secs(15),
    disconnect: Duration::from_millis(4500),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    None,
    Wished,
    Held,
    Resting,
}

/// What may happen to a user.
#[derive(Debug, Clone)]
enum Step {
    Happen(Event),
    Admit,
    Exit(ExitReason),
    Pass(u64),
}

/// What surrounds a policy. It panics where the policy asks for what must not be.
#[derive(Debug, Clone)]
struct World {
    lifecycle: Lifecycle,
    at: Duration,
    process: bool,
    killed: bool,
    place: Place,
    spawned: usize,
    /// Since when a disconnect waits for its answer.
    asked: Option<Duration>,
    auth: bool,
    held: bool,
    /// What is on disk.
    parked: bool,
    finished: bool,
}

impl World {
    fn new(keep: bool) -> Self {
        Self {
            lifecycle: Lifecycle::new(RULES, keep, Duration::ZERO),
            at: Duration::ZERO,
            process: false,
            killed: false,
            place: Place::None,
            spawned: 0,
            asked: None,
            auth: true,
            held: false,
            parked: false,
            finished: false,
        }
    }

    fn feed(&mut self, event: Event) -> Vec<Action> {
        self.feed_with(event, 0.5)
    }

    fn feed_with(&mut self, event: Event, chance: f64) -> Vec<Action> {
        match &event {
            Event::Admitted => self.place = Place::Held,
            Event::Exited(_) | Event::NoMeans(_) => (self.process, self.killed) = (false, false),
            Event::Disconnect | Event::Reset | Event::Delete => self.asked = self.asked.or(Some(self.at)),
            _ => {}
        }
        self.finished = false;
        let connected = event == Event::Connected;
        let was_running = matches!(self.lifecycle.state, State::Running { .. });
        let (policy, actions) = self.lifecycle.clone().step(event, Now { at: self.at, chance });
        self.lifecycle = policy;
        if matches!(self.lifecycle.state, State::Running { .. }) {
            assert!(was_running || connected, "running without a Hello");
        }
        for action in &actions {
            self.obey(*action);
        }
        let parked = matches!(self.lifecycle.state, State::Parked { .. });
        assert_eq!(parked, self.parked, "what is on disk about {:?}", self.lifecycle.state);
        let living = matches!(
            self.lifecycle.state,
            State::Starting { .. }
                | State::Running { .. }
                | State::LoggingOut { .. }
                | State::Stopping { .. }
        );
        assert_eq!(living, self.process, "{:?}", self.lifecycle.state);
        // So nobody has to ask for that where something is to take the place of one that does.
        if matches!(self.lifecycle.state, State::Starting { .. } | State::Running { .. }) {
            let ends = self.lifecycle.shutting_down || self.lifecycle.forget.is_some();
            assert!(!ends, "it starts or runs, and is to end: {:?}", self.lifecycle);
        }
        if living {
            assert_eq!(self.place, Place::Held, "a process without a place");
        }
        actions
    }

    fn obey(&mut self, action: Action) {
        match action {
            Action::RequestPlace => {
                assert!(matches!(self.place, Place::None | Place::Resting), "{:?}", self.place);
                self.place = Place::Wished;
            }
            Action::Spawn => {
                assert!(!self.process, "two processes for one user");
                self.process = true;
                self.auth = true;
                self.spawned += 1;
            }
            Action::Kill => {
                assert!(self.process, "nothing to kill");
                self.killed = true;
            }
            Action::Stop | Action::Connect | Action::Logout => assert!(self.process, "{action:?}"),
            Action::RestPlace => self.place = Place::Resting,
            Action::ReleasePlace => self.place = Place::None,
            Action::DeleteAuth { .. } => {
                assert!(!self.process, "deleted under a living browser");
                self.auth = false;
            }
            Action::AnswerDisconnect { .. } => {
                let asked = self.asked.take().expect("an answer that nobody waits for");
                assert!(self.at <= asked + RULES.disconnect, "an answer after its deadline");
            }
            Action::Finish => self.finished = true,
            Action::KeepHold { held } => {
                assert_ne!(held, self.held, "said twice");
                self.held = held;
            }
            Action::KeepParked { parked } => {
                assert_ne!(parked, self.parked, "said twice");
                self.parked = parked;
            }
            Action::Settle | Action::Remember { .. } | Action::Watch { .. } => {}
        }
    }

    /// Lets time pass, with every deadline on the way.
    fn pass(&mut self, time: Duration) {
        let until = self.at + time;
        for _ in 0..10_000 {
            match self.lifecycle.deadline().filter(|due| *due <= until) {
                Some(due) => {
                    self.at = self.at.max(due);
                    self.feed(Event::Tick);
                }
                None => break,
            }
        }
        self.at = until;
    }

    fn take(&mut self, step: Step) {
        match step {
            // The world does not say what cannot be.
            Step::Happen(Event::Connected) if !self.process => {}
            Step::Happen(event) => drop(self.feed(event)),
            Step::Admit if self.place == Place::Wished => drop(self.feed(Event::Admitted)),
            Step::Exit(reason @ ExitReason::LaunchFailed { cause: LaunchCause::Machine, .. })
                if matches!(self.lifecycle.state, State::Starting { .. }) =>
            {
                drop(self.feed(Event::NoMeans(reason)));
            }
            Step::Exit(reason) if self.process => drop(self.feed(Event::Exited(reason))),
            Step::Admit | Step::Exit(_) => {}
            Step::Pass(ms) => self.pass(Duration::from_millis(ms)),
        }
    }

    fn start(&mut self) {
        self.feed(Event::Wake);
        self.feed(Event::Admitted);
        self.feed(Event::Connected);
    }

    fn crash(&mut self) {
        self.feed(Event::Exited(crash()));
    }
}

fn crash() -> ExitReason {
    ExitReason::Crash { process: "worker".into(), signal: Some(9) }
}

fn running(keep: bool) -> World {
    let mut world = World::new(keep);
    world.start();
    assert!(matches!(world.lifecycle.state, State::Running { .. }));
    world
}

fn linked() -> World {
    let mut world = running(true);
    world.feed(Event::Report(Standing::Linked));
    world
}
