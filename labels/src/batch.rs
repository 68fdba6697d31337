//! Whether a batch can be printed, before the first key is made.

use std::fmt::{self, Display};

use crate::{Font, Format, Label, LabelError};

/// So many names are told.
const TOLD: usize = 10;
/// As long as any key that the service makes.
const MADE_KEY: &str = "XXXX-XXXX-XXXX-XXXX";

/// Devices of a batch that can have no such label.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}. {}", names, why, advice(*why))]
pub struct Unprintable {
    /// What is the matter with them.
    pub why: LabelError,
    names: Names,
}

/// The first of many names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Names {
    told: Vec<String>,
    more: usize,
}

impl Format {
    /// Whether devices of these names can all have a label with a made key until that time, or one without a key.
    ///
    /// # Errors
    /// [`Unprintable`] names the first of those that cannot.
    pub fn check_batch<'a>(
        self,
        font: &Font,
        base_url: &str,
        names: impl Iterator<Item = &'a str> + Clone,
        key_until: Option<i64>,
    ) -> Result<(), Unprintable> {
        let key = key_until.map(|_| MADE_KEY);
        let longest = self.longest_link();
        let too_long = |name: &&str| Label::new(base_url, name, key, key_until).link().len() > longest;
        refuse(LabelError::NotPrintable, names.clone().filter(|name| self.check(font, name).is_err()))?;
        refuse(LabelError::TooLong, names.filter(too_long))
    }
}

fn refuse<'a>(why: LabelError, mut names: impl Iterator<Item = &'a str>) -> Result<(), Unprintable> {
    let told: Vec<_> = names.by_ref().take(TOLD).map(str::to_owned).collect();
    if told.is_empty() { Ok(()) } else { Err(Unprintable { why, names: Names { told, more: names.count() } }) }
}

const fn advice(why: LabelError) -> &'static str {
    match why {
        LabelError::NotPrintable => "SVG and ZPL take any name; for PDF and PNG another font can be set",
        LabelError::TooLong => "A larger label, or a shorter address of the service, has room for more",
    }
}

impl Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<_> = self.told.iter().map(|name| format!("{name:?}")).collect();
        f.write_str(&told.join(", "))?;
        if self.more > 0 { write!(f, " and {} more", self.more) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Paper, Size};

    #[test]
    fn the_first_of_those_that_cannot_be_printed_are_told() {
        let font = Font::built_in().unwrap();
        let check = |format: Format, names: &[&str]| {
            format
                .check_batch(&font, "https://d.example", names.iter().copied(), Some(1))
                .map_err(|why| why.to_string())
        };
        let (sheets, svg) = (Format::Pdf(Paper::A4 { skip: 0 }), Format::Svg(Size::DEFAULT));
        assert_eq!(check(sheets, &["D-1", "ü"]), Ok(()));
        assert_eq!(check(svg, &["温度計"]), Ok(()));
        assert_eq!(
            check(sheets, &["D-1", "温度計"]).unwrap_err(),
            "\"温度計\": the font of labels cannot print it. SVG and ZPL take any name; for PDF and PNG another font can be set"
        );
        let long = check(svg, &["ü".repeat(255).as_str(); 12]).unwrap_err();
        assert!(long.contains("and 2 more: it does not fit"), "{long}");
    }
}
