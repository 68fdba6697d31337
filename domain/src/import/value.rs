//! What type a cell's text has.

use serde_json::Value;

/// Digits of which a floating point number keeps every one.
const EXACT_DIGITS: usize = 15;
/// Most digits after the point of a number; more make a text.
const MOST_DECIMALS: usize = 16;
/// The whole numbers of 64 bits lie between these as floating point numbers.
const WHOLE: std::ops::Range<f64> = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;

/// The cell's value: a flag, a whole number, a number with a point or a comma in it, or the text that it is. A text that
/// would lose something as a number stays a text: leading zeros, a plus sign, digits beyond what a number holds.
pub fn typed(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return true.into();
    }
    if text.eq_ignore_ascii_case("false") {
        return false.into();
    }
    number(text).unwrap_or_else(|| text.into())
}

fn number(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, decimals) = match mantissa.split_once(['.', ',']) {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (mantissa, None),
    };
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_exponent = |part: &str| are_digits(part.strip_prefix(['+', '-']).unwrap_or(part));
    if !are_digits(whole)
        || !decimals.is_none_or(are_digits)
        || !exponent.is_none_or(is_exponent)
        || (whole.len() > 1 && whole.starts_with('0'))
    {
        return None;
    }
    if decimals.is_none() && exponent.is_none() {
        // Minus zero would lose its sign.
        return text.parse::<i64>().ok().filter(|_| text != "-0").map(Value::from);
    }
    let decimals = decimals.unwrap_or_default().len();
    if decimals > MOST_DECIMALS || (exponent.is_some() && whole.len() + decimals > EXACT_DIGITS) {
        return None;
    }
    let number = text.replace(',', ".").parse::<f64>().ok().filter(|number| number.is_finite())?;
    if exponent.is_some() && number.fract() == 0.0 && WHOLE.contains(&number) {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range")]
        return Some(Value::from(number as i64));
    }
    Some(Value::from(number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_typed_by_their_content() {
        for (text, value) in [
            ("30000", json!(30_000)),
            ("-5", json!(-5)),
            ("0", json!(0)),
            ("9223372036854775807", json!(i64::MAX)),
            ("1.5", json!(1.5)),
            ("2,5", json!(2.5)),
            ("1.0", json!(1.0)),
            ("-0.25", json!(-0.25)),
            ("1e3", json!(1_000)),
            ("1.5E3", json!(1_500)),
            ("25e-1", json!(2.5)),
            ("1e30", json!(1e30)),
            ("true", json!(true)),
            ("FALSE", json!(false)),
        ] {
            assert_eq!(typed(text), value, "{text}");
        }
    }

    #[test]
    fn what_would_lose_something_stays_a_text() {
        for text in [
            "",
            " ",
            "abc",
            " x ",
            " 5",
            "0x10",
            "007",
            "-007",
            "00.5",
            "+5",
            "-0",
            ".5",
            "5.",
            "1,",
            "1.2.3",
            "1,234,5",
            "1e",
            "1e+",
            "e3",
            "1e3.5",
            "1e999",
            "9223372036854775808",
            "1234567890123456e1",
            "0.12345678901234567",
            "NaN",
            "inf",
            "١",
            "[1,2]",
            "{}",
        ] {
            assert_eq!(typed(text), json!(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_whole_number_is_one(number: i64) {
            prop_assert_eq!(typed(&number.to_string()), json!(number));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9eE.,a ]{0,24}") {
            let _ = typed(&text);
        }
    }
}
