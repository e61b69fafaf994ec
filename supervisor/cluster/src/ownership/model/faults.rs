//! What goes wrong in one schedule. Each schedule has only some kinds of it, at rates of its own: all at once hide each
//! other.

use super::dice::Dice;

const SECOND: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The supervisor stands still, the workers do not.
    Stop,
    /// The whole host stands still.
    Sleep,
    /// Nothing reaches the engine.
    CutOut,
    /// Nothing comes back from it.
    CutIn,
    /// Neither.
    Cut,
    /// The engine is away.
    Gap,
    /// The supervisor dies, and its workers live on.
    Crash,
    /// The supervisor is replaced by another, which goes on with the lease.
    Upgrade,
    /// The host is switched off and on again.
    Reboot,
    /// Somebody else opened a user's profile.
    Conflict,
    /// An operator stops a user, or lets it run.
    Want,
    /// A user is to go to another host.
    Move,
    /// A host is to leave.
    Leave,
}

const KINDS: [Fault; 13] = [
    Fault::Stop,
    Fault::Sleep,
    Fault::CutOut,
    Fault::CutIn,
    Fault::Cut,
    Fault::Gap,
    Fault::Crash,
    Fault::Upgrade,
    Fault::Reboot,
    Fault::Conflict,
    Fault::Want,
    Fault::Move,
    Fault::Leave,
];

/// The character of one schedule.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) kinds: Vec<Fault>,
    /// The longest time between two.
    every: u64,
    /// How many of a hundred messages are slow, answers are lost, and programs stop just after they decided something.
    pub(super) slow: u64,
    pub(super) lost: u64,
    pub(super) stumbles: u64,
}

impl Faults {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let chance = [15, 35, 70][dice.index(3)];
        let kinds = KINDS.into_iter().filter(|_| dice.percent(chance)).collect();
        let some = |dice: &mut Dice, most| if dice.percent(50) { dice.range(0, most) } else { 0 };
        let (slow, lost, stumbles) = (some(dice, 8), some(dice, 10), some(dice, 4));
        Self { kinds, every: dice.range(3, 30) * SECOND, slow, lost, stumbles }
    }

    /// When the next one comes.
    pub(super) fn pause(&self, dice: &mut Dice) -> u64 {
        dice.range(SECOND / 10, self.every)
    }

    /// How long one lasts: about the deadlines, or far beyond them.
    pub(super) fn length(dice: &mut Dice) -> u64 {
        match dice.range(0, 4) {
            0 => dice.range(SECOND / 100, 3 * SECOND),
            1 => dice.range(3 * SECOND, 14 * SECOND),
            2 => dice.range(10 * SECOND, 22 * SECOND),
            _ => dice.range(20 * SECOND, 50 * SECOND),
        }
    }
}
