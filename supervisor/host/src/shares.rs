//! [`Shares`]: something of which there is only so much, and of which nobody may take all.
//!
//! Owns the counts. Pure but for the lock: whoever takes a [`Share`] gives it back by dropping it. Never waits, and
//! never says whose part is how large.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use colmeia::UserId;
use parking_lot::Mutex;

/// Who takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// Whoever shows the key with this digest.
    Key([u8; 32]),
    /// Whoever calls from this address without one; see [`Holder::at`].
    Address(IpAddr),
    /// Whoever looks at this session.
    Session(UserId),
    /// Whoever needs no key: the machine itself and the networks that are trusted, where all of Flask's users are one.
    Here,
}

impl Holder {
    /// Whoever is at this address.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(neighbourhood(address))
    }
}

/// What stands for all addresses that whoever has this one has: of the sixth version all of its last 64 bits.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX)).into(),
        four @ IpAddr::V4(_) => four,
    }
}

/// All of it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: u64,
    /// A panic while the lock was held cannot leave the map half changed: each change is one call.
    taken: Mutex<HashMap<Holder, u64>>,
}

/// Why there is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoShare {
    /// Everything is taken.
    All,
    /// This holder has what one may have.
    Own,
}

/// A part; dropped, it is given back.
#[derive(Debug)]
pub struct Share {
    inner: Arc<Inner>,
    holder: Holder,
    amount: u64,
}

impl Shares {
    /// So much of it.
    pub fn new(most: u64) -> Self {
        Self(Arc::new(Inner { most, taken: Mutex::default() }))
    }

    /// Takes so much for a holder who may have `own` in all.
    ///
    /// # Errors
    /// [`NoShare`]; nothing was taken.
    pub fn take(&self, holder: &Holder, amount: u64, own: u64) -> Result<Share, NoShare> {
        let mut taken = self.0.taken.lock();
        let has = taken.get(holder).copied().unwrap_or_default();
        if amount > own.saturating_sub(has) {
            return Err(NoShare::Own);
        }
        let all = taken.values().sum::<u64>();
        if amount > self.0.most.saturating_sub(all) {
            return Err(NoShare::All);
        }
        taken.insert(holder.clone(), has + amount);
        Ok(Share { inner: Arc::clone(&self.0), holder: holder.clone(), amount })
    }
}

impl Share {
    /// Keeps no more than so much.
    pub fn shrink_to(&mut self, amount: u64) {
        let over = self.amount.saturating_sub(amount);
        self.amount -= over;
        let mut taken = self.inner.taken.lock();
        match taken.get_mut(&self.holder) {
            Some(has) if *has > over => *has -= over,
            Some(_) => drop(taken.remove(&self.holder)),
            None => {}
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> Holder {
        Holder::at(text.parse().expect("an address"))
    }

    #[test]
    fn one_network_is_one_holder() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:1"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.2"), address("192.0.2.1"));
    }

    #[test]
    fn nobody_takes_all_and_what_is_dropped_comes_back() {
        let (shares, one, two) = (Shares::new(10), address("192.0.2.1"), Holder::Key([1; 32]));
        let mut first = shares.take(&one, 6, 7).expect("there");
        assert_eq!(shares.take(&one, 2, 7).map(drop), Err(NoShare::Own));
        let second = shares.take(&two, 4, 7).expect("the rest");
        assert_eq!(shares.take(&Holder::Here, 1, 7).map(drop), Err(NoShare::All));
        first.shrink_to(3);
        drop(shares.take(&one, 3, 7).expect("what was given back"));
        drop((first, second));
        assert!(shares.0.taken.lock().is_empty());
    }

    proptest! {
        #[test]
        fn all_of_it_comes_back(takes in prop::collection::vec((0_u8..3, 0_u64..9, 0_u64..9), 0..40)) {
            let shares = Shares::new(20);
            let mut held = Vec::new();
            for (who, amount, keep) in takes {
                held.extend(shares.take(&Holder::Key([who; 32]), amount, 12).map(|mut share| {
                    share.shrink_to(keep);
                    share
                }));
                let has: u64 = held.iter().map(|share: &Share| share.amount).sum();
                prop_assert_eq!(shares.0.taken.lock().values().sum::<u64>(), has);
                prop_assert!(shares.0.taken.lock().values().all(|has| *has <= 12));
            }
            drop(held);
            prop_assert!(shares.0.taken.lock().values().all(|has| *has == 0));
        }
    }
}
