//! How labels are drawn, and what can be drawn so.

use crate::{Font, layout, qr};

/// A form of labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    /// A picture of one label, in millimetres, with text as text.
    Svg(Size),
    /// A picture of one label, black and white.
    Png(Size, Resolution),
    /// Pages: sheets of labels, or a label on each.
    Pdf(Paper),
    /// A label printer's own language.
    Zpl(Size, Resolution),
}

/// The measures of a label, in millimetres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    pub(crate) width: f32,
    pub(crate) height: f32,
}

/// What a PDF is printed on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Paper {
    /// A4 sheets of 3 × 7 labels of 63.5 × 38.1 mm (the grid of Avery L7160).
    A4 {
        /// Labels of the first sheet that are gone already.
        skip: usize,
    },
    /// Letter sheets of 3 × 10 labels of 2⅝ × 1 in (the grid of Avery 5160).
    Letter {
        /// Labels of the first sheet that are gone already.
        skip: usize,
    },
    /// A label on each page.
    Single(Size),
}

/// Dots of a printer or of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    dpi: u16,
}

/// Why a label cannot be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// The font lacks a character of the name or of the key, or the script needs more than one glyph after the other.
    #[error("the font of labels cannot print it")]
    NotPrintable,
    /// The code or the key does not fit on a label of this size.
    #[error("it does not fit on a label of this size")]
    TooLong,
}

impl Size {
    /// That of a label unless somebody says otherwise: 50 × 25 mm.
    pub const DEFAULT: Self = Self { width: 50.0, height: 25.0 };

    /// A size in millimetres; nothing unless it lies between 20 × 20 and 210 × 297.
    #[must_use]
    pub fn new(width: f32, height: f32) -> Option<Self> {
        ((20.0..=210.0).contains(&width) && (20.0..=297.0).contains(&height)).then_some(Self { width, height })
    }

    /// A size as people write it, such as `50x25`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (width, height) = text.split_once(['x', 'X', '×'])?;
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            text.parse().ok().filter(|_| plain)
        };
        Self::new(number(width)?, number(height)?)
    }
}

impl Resolution {
    /// What most label printers have: 203 dots per inch.
    pub const DEFAULT: Self = Self { dpi: 203 };

    /// 203, 300 or 600 dots per inch, which printers of labels have; nothing for another number.
    #[must_use]
    pub fn new(dpi: u16) -> Option<Self> {
        matches!(dpi, 203 | 300 | 600).then_some(Self { dpi })
    }

    pub(crate) fn dots_per_millimetre(self) -> f32 {
        f32::from(self.dpi) / 25.4
    }
}

impl Paper {
    /// Labels on a page.
    #[must_use]
    pub const fn places(self) -> usize {
        match self {
            Self::A4 { .. } => 21,
            Self::Letter { .. } => 30,
            Self::Single(_) => 1,
        }
    }
}

impl Format {
    /// Whether it holds one label and no more.
    #[must_use]
    pub const fn is_of_one(self) -> bool {
        matches!(self, Self::Svg(_) | Self::Png(..))
    }

    /// The type of the bytes.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Svg(_) => "image/svg+xml",
            Self::Png(..) => "image/png",
            Self::Pdf(_) => "application/pdf",
            Self::Zpl(..) => "application/zpl",
        }
    }

    /// How names of such files end.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Svg(_) => "svg",
            Self::Png(..) => "png",
            Self::Pdf(_) => "pdf",
            Self::Zpl(..) => "zpl",
        }
    }

    /// The most bytes of a link whose code can be read on such a label. Meant to be asked once for a batch.
    #[must_use]
    pub fn longest_link(self) -> usize {
        qr::longest(layout::most_modules(self))
    }

    /// Whether a text can be printed. Viewers of SVG and printers bring fonts of their own: there it always can.
    ///
    /// # Errors
    /// [`LabelError::NotPrintable`].
    pub fn check(self, font: &Font, text: &str) -> Result<(), LabelError> {
        match self {
            Self::Svg(_) | Self::Zpl(..) => Ok(()),
            Self::Png(..) | Self::Pdf(_) if font.can_print(text) => Ok(()),
            Self::Png(..) | Self::Pdf(_) => Err(LabelError::NotPrintable),
        }
    }

    /// The label's measures.
    pub(crate) const fn size(self) -> Size {
        match self {
            Self::Svg(size) | Self::Png(size, _) | Self::Zpl(size, _) | Self::Pdf(Paper::Single(size)) => size,
            Self::Pdf(Paper::A4 { .. }) => Size { width: 63.5, height: 38.1 },
            Self::Pdf(Paper::Letter { .. }) => Size { width: 66.675, height: 25.4 },
        }
    }

    /// The dots that what is drawn has to lie on, if there are any.
    pub(crate) const fn resolution(self) -> Option<Resolution> {
        match self {
            Self::Png(_, resolution) | Self::Zpl(_, resolution) => Some(resolution),
            Self::Svg(_) | Self::Pdf(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!(Size::parse("50x25"), Some(Size::DEFAULT));
        assert_eq!(Size::parse("62.5×29"), Size::new(62.5, 29.0));
        for text in
            ["", "x", "50", "50x", "19x25", "50x298", "50x2e1", "NaNx25", "infx25", "-50x25", "50x25x1", "+50x25"]
        {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
