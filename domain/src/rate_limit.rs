//! How much a caller may send: so many requests in so many seconds (`docs/protocol.md`, limits).

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

/// Most requests of a window.
const MOST: u32 = 1_000_000;
/// Longest window, seconds: a year.
const LONGEST: u32 = 31_536_000;

/// Windows that all hold at once, at least one; written `100:1,2000:60`, requests and seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit(Vec<Window>);

/// So many requests at once, which come back evenly over so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    requests: NonZeroU32,
    seconds: NonZeroU32,
}

/// The text is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `<requests>:<seconds>`, several with commas between, 1 to {MOST} requests in 1 to {LONGEST} seconds")]
pub struct InvalidRateLimit;

impl RateLimit {
    /// The windows, the one first whose requests come back soonest.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        let mut windows = self.0.clone();
        windows.sort_by_key(|window| window.interval());
        windows.into_iter()
    }
}

impl Window {
    /// How many requests it holds.
    pub const fn requests(self) -> NonZeroU32 {
        self.requests
    }

    /// After which time a request comes back; never zero.
    pub fn interval(self) -> Duration {
        Duration::from_secs(self.seconds.get().into()) / self.requests.get()
    }
}

impl FromStr for RateLimit {
    type Err = InvalidRateLimit;

    fn from_str(text: &str) -> Result<Self, InvalidRateLimit> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Window {
    type Err = InvalidRateLimit;

    fn from_str(text: &str) -> Result<Self, InvalidRateLimit> {
        let (requests, seconds) = text.split_once(':').ok_or(InvalidRateLimit)?;
        Ok(Self { requests: within(requests, MOST)?, seconds: within(seconds, LONGEST)? })
    }
}

fn within(text: &str, most: u32) -> Result<NonZeroU32, InvalidRateLimit> {
    text.trim().parse().ok().filter(|number: &NonZeroU32| number.get() <= most).ok_or(InvalidRateLimit)
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Window { requests, seconds }) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{requests}:{seconds}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn windows_are_read_and_shown() {
        for (text, shown) in [("100:1,2000:60", "100:1,2000:60"), (" 3 : 60 ", "3:60"), ("1:31536000", "1:31536000")] {
            assert_eq!(text.parse::<RateLimit>().map(|limit| limit.to_string()), Ok(shown.into()), "{text}");
        }
        for text in [
            "",
            ":",
            "5",
            "5:",
            ":5",
            "0:1",
            "1:0",
            "1000001:1",
            "1:31536001",
            "5:1,",
            "5:1:1",
            "-5:1",
            "5:1;6:2",
            "x:1",
        ] {
            assert_eq!(text.parse::<RateLimit>(), Err(InvalidRateLimit), "{text}");
        }
    }

    #[test]
    fn requests_come_back_evenly() {
        let limit: RateLimit = "2000:60,100:1".parse().unwrap();
        let windows: Vec<_> = limit.windows().map(|window| (window.requests().get(), window.interval())).collect();
        assert_eq!(windows, [(100, Duration::from_millis(10)), (2000, Duration::from_millis(30))]);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_shown_as_it_was(text in "\\PC*|([0-9]{1,12}[:,]?){0,6}") {
            if let Ok(limit) = text.parse::<RateLimit>() {
                prop_assert_eq!(limit.to_string().parse(), Ok(limit.clone()));
                prop_assert!(limit.windows().all(|window| !window.interval().is_zero()));
            }
        }
    }
}
