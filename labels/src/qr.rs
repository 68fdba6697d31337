//! The code.

use qrcodegen::{Mask, QrCode, QrCodeEcc, QrSegment, Version};

/// Light modules that a reader needs around a code, on each side (ISO/IEC 18004).
pub(crate) const QUIET: usize = 4;

/// A code: dark and light squares.
pub(crate) struct Code {
    code: QrCode,
    /// Whether so much of it may be spoilt as at level M: 15 %; otherwise 7 %.
    pub(crate) is_sturdy: bool,
}

impl Code {
    /// The code of a text, with as much correction as fits; nothing if it needs more modules than these on a side, the quiet
    /// ones included.
    pub(crate) fn of(text: &str, most_modules: usize) -> Option<Self> {
        let segments = [QrSegment::make_bytes(text.as_bytes())];
        let most = largest_version(most_modules)?;
        let encode = |level| QrCode::encode_segments_advanced(&segments, level, Version::MIN, most, None, true).ok();
        let sturdy = encode(QrCodeEcc::Medium).map(|code| Self { code, is_sturdy: true });
        sturdy.or_else(|| encode(QrCodeEcc::Low).map(|code| Self { code, is_sturdy: false }))
    }

    /// Modules on a side, without the quiet ones.
    pub(crate) fn modules(&self) -> usize {
        usize::try_from(self.code.size()).unwrap_or(0)
    }

    /// Stretches of dark modules in a row: column, row, how many.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        let size = self.code.size();
        let dark = move |x, y| self.code.get_module(x, y);
        (0..size).flat_map(move |y| {
            let starts = (0..size).filter(move |x| dark(*x, y) && (*x == 0 || !dark(*x - 1, y)));
            starts.filter_map(move |x| {
                let length = (x..size).take_while(|x| dark(*x, y)).count();
                Some((usize::try_from(x).ok()?, usize::try_from(y).ok()?, length))
            })
        })
    }
}

/// The most bytes that a code of so many modules on a side holds, the quiet ones included.
pub(crate) fn longest(most_modules: usize) -> usize {
    let Some(most) = largest_version(most_modules) else { return 0 };
    let fits = |bytes: usize| {
        let segments = [QrSegment::make_bytes(&vec![0; bytes])];
        let mask = Some(Mask::new(0));
        QrCode::encode_segments_advanced(&segments, QrCodeEcc::Low, most, most, mask, false).is_ok()
    };
    // No code holds 4,096 bytes; between what fits and what does not, the halves.
    let (mut good, mut bad) = (0_usize, 4096);
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if fits(middle) { good = middle } else { bad = middle }
    }
    good
}

/// The version with the most modules that are no more than these.
fn largest_version(most_modules: usize) -> Option<Version> {
    let version = most_modules.checked_sub(17 + 2 * QUIET)? / 4;
    let version = u8::try_from(version.min(40)).ok().filter(|version| *version > 0)?;
    Some(Version::new(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_fits_and_a_longer_one_does_not() {
        for (version, bytes) in [(1, 17), (5, 106), (6, 134), (22, 1003), (40, 2953)] {
            let modules = 17 + 4 * version + 2 * QUIET;
            assert_eq!(longest(modules), bytes);
            assert_eq!(Code::of(&"x".repeat(bytes), modules).unwrap().modules(), 17 + 4 * version);
            assert!(Code::of(&"x".repeat(bytes + 1), modules).is_none());
        }
        assert_eq!((longest(0), longest(28), longest(usize::MAX)), (0, 0, 2953));
    }

    #[test]
    fn what_fits_with_more_correction_has_it() {
        assert!(Code::of(&"x".repeat(106), 49).unwrap().is_sturdy);
        assert!(!Code::of(&"x".repeat(107), 49).unwrap().is_sturdy);
    }

    #[test]
    fn runs_cover_the_dark_modules() {
        let code = Code::of("https://d.example/claim#n=D", 100).unwrap();
        let dark: usize = code.runs().map(|(_, _, length)| length).sum();
        let size = code.code.size();
        let expected = (0..size).flat_map(|y| (0..size).map(move |x| (x, y)));
        assert_eq!(dark, expected.filter(|(x, y)| code.code.get_module(*x, *y)).count());
        assert_eq!(code.runs().next(), Some((0, 0, 7)));
    }
}
