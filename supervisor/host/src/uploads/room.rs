//! How many bytes of uploads may be under way, altogether, for one session and for one caller ([`of_caller`]). [`Room`]
//! is pure; [`ReservedRoom`] takes a part of it and gives it back when it is dropped, on whichever path.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use colmeia::UserId;
use parking_lot::Mutex;

use crate::shares::{Holder, NoShare, Share, Shares};

/// Altogether: sixteen of the largest files. They lie on the disk, and a worker takes one in moments.
pub(super) const WHOLE: u64 = 16 * super::LARGEST;
/// Of one session: four of the largest files.
pub(super) const OF_ONE: u64 = 4 * super::LARGEST;

/// How much of so much one caller may have: a quarter, and the machine itself, which is many, a half.
pub(super) fn of_caller(holder: &Holder, whole: u64) -> u64 {
    match holder {
        Holder::Here => whole / 2,
        Holder::Key(_) | Holder::Address(_) | Holder::Session(_) => whole / 4,
    }
}

impl From<NoShare> for NoRoom {
    fn from(none: NoShare) -> Self {
        match none {
            NoShare::All => Self::Whole,
            NoShare::Own => Self::OfCaller,
        }
    }
}

/// Who has taken how many bytes.
#[derive(Debug)]
pub(super) struct Room {
    most: u64,
    most_of_one: u64,
    taken: u64,
    by: BTreeMap<UserId, u64>,
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// All sessions together have too much under way.
    #[error("too many files are on their way already")]
    Whole,
    /// This session has.
    #[error("too many files of this session are on their way already")]
    OfOne,
    /// Whoever sends it has.
    #[error("too many files of this caller are on their way already")]
    OfCaller,
}

impl Room {
    pub(super) fn new(most: u64, most_of_one: u64) -> Self {
        Self { most, most_of_one, taken: 0, by: BTreeMap::new() }
    }

    /// Takes so many bytes for somebody who is not known yet.
    fn take(&mut self, bytes: u64) -> Result<(), NoRoom> {
        if bytes > self.most - self.taken {
            return Err(NoRoom::Whole);
        }
        self.taken += bytes;
        Ok(())
    }

    /// Counts so many bytes, which are taken already, as this user's.
    fn assign(&mut self, user: &UserId, bytes: u64) -> Result<(), NoRoom> {
        let own = self.by.get(user).copied().unwrap_or_default();
        if bytes > self.most_of_one - own {
            return Err(NoRoom::OfOne);
        }
        self.by.insert(user.clone(), own + bytes);
        Ok(())
    }

    /// Gives back what was taken, and assigned if there is a user.
    fn give_back(&mut self, user: Option<&UserId>, bytes: u64) {
        self.taken -= bytes;
        let Some(user) = user else { return };
        match self.by.get_mut(user) {
            Some(own) if *own > bytes => *own -= bytes,
            _ => drop(self.by.remove(user)),
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }
}

/// A part of the room. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct ReservedRoom {
    room: Arc<Mutex<Room>>,
    user: OnceLock<UserId>,
    bytes: u64,
    /// The same bytes, as the caller's.
    share: Option<Share>,
}

impl ReservedRoom {
    /// Takes so many bytes.
    pub(super) fn take(room: &Arc<Mutex<Room>>, bytes: u64) -> Result<Self, NoRoom> {
        room.lock().take(bytes)?;
        Ok(Self { room: Arc::clone(room), user: OnceLock::new(), bytes, share: None })
    }

    /// Counts it as this caller's too.
    pub(super) fn of(mut self, holder: &Holder, shares: &Shares) -> Result<Self, NoRoom> {
        self.share = Some(shares.take(holder, self.bytes, of_caller(holder, WHOLE))?);
        Ok(self)
    }

    /// Counts it as this user's; the first one counts.
    pub(super) fn assign(&self, user: &UserId) -> Result<(), NoRoom> {
        let mut room = self.room.lock();
        if self.user.get().is_none() {
            room.assign(user, self.bytes)?;
            let _ = self.user.set(user.clone()); // nobody else does while the room is locked
        }
        Ok(())
    }

    /// Keeps no more than so many bytes.
    pub(super) fn shrink_to(&mut self, bytes: u64) {
        let Some(over) = self.bytes.checked_sub(bytes).filter(|over| *over > 0) else { return };
        self.room.lock().give_back(self.user.get(), over);
        self.bytes = bytes;
        self.share.iter_mut().for_each(|share| share.shrink_to(bytes));
    }

    /// How many bytes it has.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for ReservedRoom {
    fn drop(&mut self) {
        let mut room = self.room.lock();
        room.give_back(self.user.get(), self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Take(u64),
        Assign(usize, u8),
        Shrink(usize, u64),
        Drop(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u64..60).prop_map(Step::Take),
            (0_usize..8, 0_u8..3).prop_map(|(place, user)| Step::Assign(place, user)),
            (0_usize..8, 0_u64..60).prop_map(|(place, bytes)| Step::Shrink(place, bytes)),
            (0_usize..8).prop_map(Step::Drop),
        ]
    }

    proptest! {
        #[test]
        fn what_is_taken_is_bounded_and_all_of_it_comes_back(steps in prop::collection::vec(step(), 0..60)) {
            let room = Arc::new(Mutex::new(Room::new(100, 70)));
            let mut places: Vec<ReservedRoom> = Vec::new();
            for step in steps {
                let some = places.len().max(1);
                match step {
                    Step::Take(bytes) => places.extend(ReservedRoom::take(&room, bytes).ok()),
                    Step::Assign(place, user) => if let Some(place) = places.get(place % some) {
                        let _ = place.assign(&user.to_string().parse().expect("valid"));
                    },
                    Step::Shrink(place, bytes) => if let Some(place) = places.get_mut(place % some) {
                        place.shrink_to(bytes);
                    },
                    Step::Drop(place) if place < places.len() => drop(places.remove(place)),
                    Step::Drop(_) => {}
                }
                let state = room.lock();
                prop_assert_eq!(state.taken, places.iter().map(|place| place.bytes).sum::<u64>());
                prop_assert!(state.taken <= 100);
                for (user, bytes) in &state.by {
                    let own = places.iter().filter(|place| place.user.get() == Some(user));
                    prop_assert_eq!(*bytes, own.map(|place| place.bytes).sum::<u64>());
                    prop_assert!(*bytes <= 70);
                }
            }
            drop(places);
            let state = room.lock();
            prop_assert!(state.taken == 0 && state.by.is_empty());
        }
    }

    #[test]
    fn one_session_does_not_take_the_room_of_all() {
        let room = Arc::new(Mutex::new(Room::new(100, 40)));
        let (one, two): (UserId, UserId) = ("1".parse().expect("valid"), "2".parse().expect("valid"));
        let first = ReservedRoom::take(&room, 30).expect("room");
        first.assign(&one).expect("room");
        let second = ReservedRoom::take(&room, 30).expect("room");
        assert_eq!(second.assign(&one), Err(NoRoom::OfOne));
        second.assign(&two).expect("another's");
        assert_eq!(ReservedRoom::take(&room, 50).map(drop), Err(NoRoom::Whole));
    }
}
