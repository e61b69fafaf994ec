//! What can be seen: the list, one session. Owns the reading of a view for operators; changes nothing.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use colmeia::admin::{Session, SessionDetail};
use colmeia::config::{MemoryMode, MemoryOverrides, MemoryPolicy};
use colmeia::text::plain;
use colmeia::{Me, SessionState, UserId};
use colmeia_base::tasks;

use super::sentences::explain;
use super::{Inner, Machine, OperationError, Operators};
use crate::summary::state_name;
use colmeia_host::folders;
use colmeia_host::memory::Limits;
use colmeia_session::{Phase, UserView, limits};

/// How many of its lines are shown with a session.
const LAST_LINES: usize = 10;

/// What is shown only to who asks for it by name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Details {
    /// The code to scan.
    pub qr: bool,
    /// The whole number.
    pub number: bool,
}

/// What holds for one user's memory, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldLimits {
    /// What the service's configuration says; the session's own goes over it.
    pub service: MemoryPolicy,
    /// What an operator set on the machine, over both.
    pub by_operator: MemoryOverrides,
    /// What follows from all three.
    pub in_force: MemoryPolicy,
}

impl Operators {
    /// Everyone who is known, sorted.
    ///
    /// # Errors
    /// When the journal or the machine cannot be read.
    pub async fn sessions(&self) -> Result<Vec<Session>, OperationError> {
        self.lines(Self::everyone).await
    }

    /// The same as far as it can be seen: whoever watches us has to see that the machine has nothing left to look with.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn sessions_seen(&self) -> Result<Vec<Session>, OperationError> {
        self.lines(|own| Ok(own.everyone_seen())).await
    }

    async fn lines(
        &self,
        who: impl FnOnce(&Self) -> Result<BTreeMap<UserId, Option<UserView>>, OperationError> + Send + 'static,
    ) -> Result<Vec<Session>, OperationError> {
        let queues = self.queues().await?;
        let own = self.clone();
        let look = move || {
            let machine = Machine::look().unwrap_or_default();
            let all = who(&own)?;
            Ok(all.iter().map(|(user, view)| own.0.line(user, view.as_ref(), &machine, &queues)).collect())
        };
        tasks::blocking("look", look).await.map_err(OperationError::Look)?
    }

    /// Everything about one of them.
    ///
    /// # Errors
    /// When nobody of this name is known, or the journal or the machine cannot be read.
    pub async fn session(&self, user: UserId, wishes: Details) -> Result<SessionDetail, OperationError> {
        let queues = self.queues().await?;
        let own = self.clone();
        let look = move || {
            let view = own.everyone()?.remove(&user).ok_or_else(|| OperationError::Unknown(user.clone()))?;
            let session = own.0.line(&user, view.as_ref(), &Machine::look().unwrap_or_default(), &queues);
            Ok(own.0.detail(session, view.as_ref(), wishes))
        };
        tasks::blocking("look", look).await.map_err(OperationError::Look)?
    }

    /// Who has a task, and who has only a folder, a hold or a configuration. Reads a directory: not for a task that may not
    /// wait.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn everyone(&self) -> Result<BTreeMap<UserId, Option<UserView>>, OperationError> {
        let state = &self.0.state;
        let on_disk = folders::users_on_disk(state).map_err(OperationError::Unread)?;
        let held = folders::users_held(state).map_err(|error| OperationError::Unread(error.into()))?;
        let mut all = self.with_settings();
        all.extend(on_disk.into_iter().chain(held).map(|user| (user, None)));
        all.extend(self.with_a_task());
        Ok(all)
    }

    /// The same as far as it can be seen: those with a task or a configuration at least.
    pub fn everyone_seen(&self) -> BTreeMap<UserId, Option<UserView>> {
        self.everyone().unwrap_or_else(|_| {
            let mut all = self.with_settings();
            all.extend(self.with_a_task());
            all
        })
    }

    fn with_settings(&self) -> BTreeMap<UserId, Option<UserView>> {
        self.0.deletions.with_settings().into_iter().map(|user| (user, None)).collect()
    }

    fn with_a_task(&self) -> BTreeMap<UserId, Option<UserView>> {
        let users = self.0.users.list().into_iter();
        users.map(|handle| (handle.user.clone(), Some(handle.view()))).collect()
    }

    /// How many events of each user wait to be delivered.
    ///
    /// # Errors
    /// When the journal cannot be read.
    async fn queues(&self) -> Result<HashMap<UserId, i64>, OperationError> {
        Ok(self.0.journal.count_pending().await?)
    }

    /// What the configuration allows this user, in bytes, where somebody sees to it.
    pub fn cap(&self, user: &UserId) -> Option<u64> {
        self.0.cap(user)
    }

    /// What holds for the user's memory, and why; absent where nobody sees to it, or where it cannot be read. Reads a file.
    pub fn memory_limits(&self, user: &UserId) -> Option<HeldLimits> {
        self.0.memory_limits(user)
    }
}

impl Inner {
    fn line(
        &self,
        user: &UserId,
        view: Option<&UserView>,
        machine: &Machine,
        queues: &HashMap<UserId, i64>,
    ) -> Session {
        let pid = view.and_then(|view| view.pid);
        let measured = view.and_then(|view| view.memory);
        let state = view.and_then(UserView::state);
        let settings = self.deletions.settings(user).unwrap_or_default();
        Session {
            user: user.clone(),
            label: settings.label,
            tags: settings.tags,
            phase: view.map_or("stopped", |view| phase_name(&view.phase)).into(),
            state: view.map_or("disconnected", state_name).into(),
            ready: state.is_some_and(SessionState::is_ready),
            since_ms: view.map(|view| millis(view.since)),
            pid,
            browser_pid: view.and_then(|view| view.report.as_ref()?.browser_pid),
            // A worker that has just started, or that nobody measures, is looked at now.
            memory: measured.map(|memory| memory.used).or_else(|| machine.memory(pid?)),
            memory_cap: measured.map(|memory| memory.cap).or_else(|| self.cap(user)),
            merged: pid.filter(|_| self.config.memory_merge).and_then(|pid| machine.merged(pid)),
            cpu_seconds: pid.and_then(|pid| machine.cpu_seconds(pid)),
            restarts: view.map_or(0, |view| view.restarts),
            attempts: view.map_or(0, |view| view.attempts),
            last_exit: view.and_then(|view| view.last_exit.as_ref()).map(explain),
            queue: queues.get(user).copied().and_then(|count| count.try_into().ok()).unwrap_or_default(),
            restrictions: view
                .filter(|_| state.is_some_and(SessionState::is_ready))
                .and_then(|view| view.report.as_ref())
                .map(|report| (*report.restrictions).clone())
                .unwrap_or_default(),
        }
    }

    /// What the configuration allows this user, where somebody sees to it, and where it can be read.
    fn cap(&self, user: &UserId) -> Option<u64> {
        self.memory_limits(user).map(|held| Limits::of(&held.in_force).max)
    }

    fn memory_limits(&self, user: &UserId) -> Option<HeldLimits> {
        let config = &self.config;
        if config.memory.mode == MemoryMode::Off {
            return None;
        }
        let configured = self.deletions.memory_of(config, user);
        let by_operator = limits::load(&self.state, configured, user).ok()?;
        let (service, in_force) = (config.memory_of(user), configured.overridden(by_operator));
        Some(HeldLimits { service, by_operator, in_force })
    }

    fn detail(&self, session: Session, view: Option<&UserView>, wishes: Details) -> SessionDetail {
        let layout = &self.state;
        let auth_dir = layout.auth_dir(&session.user);
        let state = view.and_then(UserView::state);
        let report = view.and_then(|view| view.report.as_ref());
        let me = state.and_then(SessionState::me);
        SessionDetail {
            on_disk: auth_dir.is_dir(),
            auth_dir: auth_dir.display().to_string(),
            was_linked: view.is_some_and(|view| view.was_linked),
            number: me.map(|me| if wishes.number { digits(me).to_owned() } else { masked(me) }),
            name: me.map(|me| plain(&me.pushname).into_owned()),
            next_start_ms: match view.map(|view| &view.phase) {
                Some(Phase::BackingOff { until }) => Some(millis(*until)),
                _ => None,
            },
            degraded: report.map(|report| report.degraded.clone()).unwrap_or_default(),
            lacks: report.map(|report| report.lacks.clone()).unwrap_or_default(),
            page_version: report.and_then(|report| report.page_version.clone()),
            // The host's business, and added by whoever knows it.
            limits: None,
            uid: None,
            parked: match view.map(|view| &view.phase) {
                Some(Phase::Parked { reason }) => Some(explain(reason)),
                _ => None,
            },
            // With a parked user they are part of the reason: those of that time, and of that worker.
            last_lines: match view.filter(|view| matches!(view.phase, Phase::Parked { .. })) {
                Some(view) => view.last_lines.to_vec(),
                None => super::LogTail::of(layout, &session.user).last(LAST_LINES).0,
            },
            snapshot_ms: report.and_then(|report| report.snapshot_ms),
            recovery: report.and_then(|report| report.recovery.as_deref().cloned()),
            qr: match state {
                Some(SessionState::AwaitingScan { qr }) if wishes.qr => qr.clone(),
                _ => None,
            },
            session,
        }
    }
}

fn digits(me: &Me) -> &str {
    me.wid.split(['@', ':']).next().unwrap_or_default()
}

/// Enough to recognise one's own number by, and no other.
fn masked(me: &Me) -> String {
    let digits: Vec<char> = digits(me).chars().collect();
    let hidden = digits.len().saturating_sub(4);
    digits.iter().enumerate().map(|(at, digit)| if at < hidden { '*' } else { *digit }).collect()
}

/// The phase's name on the wire.
pub(super) fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Stopped => "stopped",
        Phase::Held => "held",
        Phase::Queued { .. } => "queued",
        Phase::Starting => "starting",
        Phase::Running => "running",
        Phase::BackingOff { .. } => "backing_off",
        Phase::Stopping { .. } => "stopping",
        Phase::Parked { .. } => "parked",
    }
}

/// Milliseconds since the epoch.
pub fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_number_keeps_its_last_four_digits() {
        let me = Me {
            wid: "5511999998888:12@c.us".into(),
            lid: None,
            pushname: String::new(),
            platform: String::new(),
        };
        assert_eq!((masked(&me).as_str(), digits(&me)), ("*********8888", "5511999998888"));
    }
}
