//! What the session's task asks of the page, and when: probes, nudges, calls, and giving memory back.
//!
//! Owns the pace of probes and who may ask for what in which state. Starts what may take long and never waits for
//! it; what follows from an answer is decided in [`super`] by the machine.

use std::sync::Arc;
use std::time::Duration;

use colmeia::errors::chain;
use colmeia::protocol::{Call, CallError, CallErrorKind, Reply};
use colmeia::session::HealthLevel;
use colmeia::{ExitReason, SessionState, passkey};
use colmeia_base::{awake, tasks};
use tokio::time::Instant;

use super::{Helper, SessionTask, in_ms};
use crate::engine::{Engine, Launcher, Nudge};
use crate::files::Body;
use crate::profile::{ProfileHandle, Snapshot};
use crate::session::machine::Event;
use crate::session::{CallResult, Command};

/// For how long nothing may have happened until a session that is ready counts as calm.
const CALM_AFTER: Duration = Duration::from_secs(60);

impl<L: Launcher> SessionTask<L> {
    /// Something is going on: the next probe comes soon, and so do those after it.
    pub(super) fn stir(&mut self) {
        self.stirred = Instant::now();
        self.next_probe =
            self.next_probe.min(self.stirred + Duration::from_millis(self.limits.probe_interval_ms));
    }

    pub(super) fn probe(&mut self) {
        let calm = self.state.public.is_ready() && self.stirred.elapsed() >= CALM_AFTER;
        let interval =
            if calm { self.limits.longest_probe_interval_ms() } else { self.limits.probe_interval_ms };
        self.next_probe = Instant::now() + Duration::from_millis(interval);
        let Some(engine) = self.engine.clone() else { return };
        if self.probing || self.reloading {
            return;
        }
        self.probing = true;
        let limit = self.limits.probe_timeout_ms;
        let helpers = self.helpers.0.clone();
        tasks::vital("probe", async move {
            let (begun, pauses) = (Instant::now(), awake::pauses());
            let result = match engine.probe_page(limit).await {
                Ok(view) => Ok(Box::new(view)),
                Err(page) => match engine.probe_browser(limit).await {
                    Ok(()) => Err((HealthLevel::Page, page)),
                    Err(browser) => Err((HealthLevel::Browser, browser)),
                },
            };
            let _ = helpers.send(Helper::Probed {
                took: begun.elapsed(),
                whole: awake::pauses() == pauses,
                result,
            });
        });
    }

    pub(super) fn nudge(&mut self, nudge: Nudge) {
        let Some(engine) = self.engine.clone() else { return };
        tracing::info!(?nudge, "asking the page");
        self.reloading |= nudge == Nudge::Reload;
        let helpers = self.helpers.0.clone();
        tasks::vital("nudge", async move {
            let result = engine.nudge(nudge).await;
            let _ = helpers.send(Helper::Nudged(nudge, result));
        });
    }

    /// Tells a new document how far the one before it was heard. What that one said is in the outbox by now. One that
    /// is not there yet asks again.
    pub(super) fn catch_up(&mut self) {
        let Some(engine) = self.engine.clone() else { return };
        let outbox = self.outbox.clone();
        tasks::passing("catching up", async move {
            if let Err(error) = engine.catch_up(outbox.marks().await).await {
                tracing::debug!(error = %chain(&error), "the page that wants to catch up does not listen");
            }
        });
    }

    pub(super) fn on_command(&mut self, command: Command) -> Option<ExitReason> {
        match command {
            Command::Stop(reason) => self.apply(Event::Stop(reason)),
            Command::RelieveMemory => {
                self.nudge(Nudge::RelieveMemory);
                None
            }
            Command::Call { call, body, deadline_ms, answer } => {
                let engine = match self.admit(&call) {
                    Ok(engine) => engine,
                    Err(error) => {
                        let _ = answer.send(Err(error));
                        return None;
                    }
                };
                self.stir();
                let exit = match *call {
                    Call::Logout => self.apply(Event::LogoutRequested),
                    Call::PasskeyAnswer { .. } => self.apply(Event::PasskeyAnswered),
                    _ => None,
                };
                let profile = self.profile.clone();
                self.calls.spawn(tasks::watched("call", async move {
                    let _ = answer.send(match *call {
                        // No business of the page's.
                        Call::Snapshot => snapshot(&profile).await,
                        call => engine.call(call, body, deadline_ms).await,
                    });
                }));
                exit
            }
        }
    }

    /// A page that has come up keeps what it needed for that until it is short of memory, which in a machine of many
    /// sessions is too late; and so with what messages leave behind. Never while somebody waits for an answer: it takes
    /// a part of a second.
    pub(super) fn settle(&mut self) {
        if self.calls.is_empty() {
            self.settles = in_ms(self.limits.settle_every_ms);
            self.nudge(Nudge::RelieveMemory);
        } else {
            self.settles = in_ms(self.limits.settle_ms);
        }
    }

    /// The engine, if the state is one in which this call makes sense.
    fn admit(&self, call: &Call) -> Result<Arc<L::Engine>, CallError> {
        let state = &self.state.public;
        let allowed = match call {
            Call::PairingCode { .. } => matches!(state, SessionState::AwaitingScan { .. }),
            Call::PasskeyAnswer { assertion } => match state {
                SessionState::Passkey { request: Some(request), .. } => {
                    passkey::check(assertion, request)
                        .map_err(|wrong| CallError::new(CallErrorKind::InvalidArgument, wrong.to_string()))?;
                    true
                }
                _ => false,
            },
            Call::PasskeyConfirm => matches!(state, SessionState::PasskeyConfirm { .. }),
            Call::PasskeyCancel => {
                matches!(state, SessionState::Passkey { me: None, .. } | SessionState::PasskeyConfirm { .. })
            }
            // A phone may have scanned in this moment; the page knows.
            Call::Logout => !self.state.is_final(),
            // Most wanted where something is wrong.
            Call::Screenshot => !self.state.is_final(),
            _ => state.is_ready(),
        };
        match &self.engine {
            Some(engine) if allowed => Ok(Arc::clone(engine)),
            _ => Err(CallError::new(
                CallErrorKind::NotReady,
                format!("{} is not possible while the session is {}", call.name(), state.name()),
            )),
        }
    }
}

async fn snapshot(profile: &ProfileHandle) -> CallResult {
    match profile.snapshot().await {
        Ok(Snapshot { taken_ms, browser }) => Ok((Reply::Snapshot { taken_ms, browser }, Body::NONE)),
        Err(error) => {
            let text = format!("no snapshot of the registration: {}", chain(&error));
            Err(CallError::new(CallErrorKind::NotReady, text))
        }
    }
}
