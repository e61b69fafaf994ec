//! [`LogLimit`]: how often the same thing is said: whoever can bring it about as often as they like must not fill the log.
//! Owns when it was said last.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How often it is said at most.
const PAUSE: Duration = Duration::from_secs(60);

/// One thing that may be said.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<(Option<Instant>, u64)>);

impl LogLimit {
    /// It has happened again. How often it has since it was said last, where it is time to say it.
    pub fn happened(&self) -> Option<u64> {
        let mut state = self.0.lock();
        let (said, unsaid) = &mut *state;
        *unsaid += 1;
        if said.is_some_and(|said| said.elapsed() < PAUSE) {
            return None;
        }
        *said = Some(Instant::now());
        Some(std::mem::take(unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_time_is_said_at_once_and_the_others_once_a_minute() {
        let seldom = LogLimit::default();
        assert_eq!(seldom.happened(), Some(1));
        assert_eq!([seldom.happened(), seldom.happened()], [None, None]);
        tokio::time::advance(PAUSE).await;
        assert_eq!(seldom.happened(), Some(3));
    }
}
