//! Days of the calendar.

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The day in UTC of a time in milliseconds since the epoch, as ISO 8601 writes it.
///
/// The calendar repeats itself every 400 years, which are 146,097 days; years are counted from March, so that the day that
/// some years have more is their last one.
pub(crate) fn day(milliseconds: i64) -> String {
    let days = milliseconds.div_euclid(DAY) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (milliseconds, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400_000, "2000-02-29"),
            (951_868_800_000, "2000-03-01"),
            (1_827_619_200_000, "2027-12-01"),
            (1_827_619_199_999, "2027-11-30"),
            (4_107_542_400_000, "2100-03-01"),
        ] {
            assert_eq!(day(milliseconds), expected);
        }
        assert!(day(i64::MAX).ends_with("-08-17") && !day(i64::MIN).is_empty());
    }
}
