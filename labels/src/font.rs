//! The font that names are measured and drawn with.

use ab_glyph::{Font as _, FontArc, FontVec, GlyphId};

/// A TrueType font. Cheap to clone.
#[derive(Clone)]
pub struct Font {
    face: FontArc,
    units_per_em: f32,
}

/// Why a font cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no TrueType font with outlines (a .ttf file)")]
pub struct UnusableFont;

impl Font {
    /// DejaVu Sans Condensed: Latin with Vietnamese, Greek, Cyrillic, Armenian, Georgian, many signs.
    ///
    /// # Errors
    /// [`UnusableFont`], never.
    pub fn built_in() -> Result<Self, UnusableFont> {
        Self::of(FontArc::try_from_slice(dejavu::sans_condensed::regular()).map_err(|_| UnusableFont)?)
    }

    /// The font in a file.
    ///
    /// # Errors
    /// [`UnusableFont`] if it is none, or one whose glyphs are no TrueType outlines.
    pub fn read(bytes: Vec<u8>) -> Result<Self, UnusableFont> {
        let is_truetype = bytes.starts_with(&[0, 1, 0, 0]) || bytes.starts_with(b"true");
        let face = FontVec::try_from_vec(bytes).map_err(|_| UnusableFont)?;
        if is_truetype { Self::of(FontArc::new(face)) } else { Err(UnusableFont) }
    }

    fn of(face: FontArc) -> Result<Self, UnusableFont> {
        let units_per_em = face.units_per_em().filter(|units| *units > 0.0).ok_or(UnusableFont)?;
        // A font whose glyphs cannot be taken out of it would be found out after the last page.
        subsetter::subset(face.font_data(), 0, &subsetter::GlyphRemapper::new()).map_err(|_| UnusableFont)?;
        Ok(Self { face, units_per_em })
    }

    /// Whether each character has a glyph and the script is written by one glyph after the other, from left to right.
    #[must_use]
    pub fn can_print(&self, text: &str) -> bool {
        text.chars().all(|c| !needs_shaping(c) && self.glyph(c).is_some())
    }

    /// The glyph of a character.
    pub(crate) fn glyph(&self, c: char) -> Option<u16> {
        Some(self.face.glyph_id(c).0).filter(|glyph| *glyph != 0)
    }

    /// How far a character moves on, in ems. One that the font lacks is taken for as wide as high: whoever draws it has
    /// another font.
    pub(crate) fn advance(&self, c: char) -> f32 {
        self.glyph(c).map_or(1.0, |glyph| self.glyph_advance(glyph))
    }

    pub(crate) fn glyph_advance(&self, glyph: u16) -> f32 {
        self.face.h_advance_unscaled(GlyphId(glyph)) / self.units_per_em
    }

    /// The width of a text, in ems.
    pub(crate) fn width(&self, text: &str) -> f32 {
        text.chars().map(|c| self.advance(c)).sum()
    }

    /// How far glyphs reach above and below the line, in ems; below is negative.
    pub(crate) fn reach(&self) -> (f32, f32) {
        (self.face.ascent_unscaled() / self.units_per_em, self.face.descent_unscaled() / self.units_per_em)
    }

    pub(crate) fn face(&self) -> &FontArc {
        &self.face
    }

    /// The bytes of its file.
    pub(crate) fn face_data(&self) -> &[u8] {
        self.face.font_data()
    }
}

/// Right to left, or glyphs that depend on their neighbours: Hebrew to Arabic, scripts of India, Thai to Myanmar, Khmer to
/// Mongolian, presentation forms.
const fn needs_shaping(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_font_prints_what_it_has_glyphs_for() {
        let font = Font::built_in().unwrap();
        for text in ["D-1", "Straße ÄÖÜ", "Αθήνα", "Київ", "Điện", "Երևան", "…"] {
            assert!(font.can_print(text), "{text}");
        }
        for text in ["温度計", "مقياس", "מד", "ไทย", "सेंसर", "한국", "a\u{1}"] {
            assert!(!font.can_print(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_truetype_font_is_refused() {
        for bytes in [vec![], b"OTTO".to_vec(), vec![0, 1, 0, 0], dejavu::sans_condensed::regular()[..4000].to_vec()] {
            assert!(Font::read(bytes).is_err());
        }
        assert!(Font::read(dejavu::sans_mono::regular().to_vec()).is_ok());
    }
}
