//! The font that names are measured and drawn with.

use ab_glyph::{Font as _, FontArc, FontVec, GlyphId};
use subsetter::GlyphRemapper;

/// What claim keys are printed with; those that the service makes do without some of it.
const KEYS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

/// A TrueType font. Cheap to clone.
#[derive(Clone)]
pub struct Font {
    face: FontArc,
    units_per_em: f32,
}

/// Why a font cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableFont {
    /// It is none, or its glyphs are no TrueType outlines.
    #[error("is no TrueType font with outlines (a .ttf file)")]
    NotTrueType,
    /// No claim key could be printed with it.
    #[error("lacks A to Z, digits or the hyphen, which claim keys are printed with")]
    WithoutKeys,
}

impl Font {
    /// DejaVu Sans Condensed: Latin with Vietnamese, Greek, Cyrillic, Armenian, Georgian, many signs.
    ///
    /// # Errors
    /// [`UnusableFont`], never.
    pub fn built_in() -> Result<Self, UnusableFont> {
        let face = FontArc::try_from_slice(dejavu::sans_condensed::regular());
        Self::of(face.map_err(|_| UnusableFont::NotTrueType)?)
    }

    /// The font in a file.
    ///
    /// # Errors
    /// [`UnusableFont`].
    pub fn read(bytes: Vec<u8>) -> Result<Self, UnusableFont> {
        let is_truetype = bytes.starts_with(&[0, 1, 0, 0]) || bytes.starts_with(b"true");
        let face = FontVec::try_from_vec(bytes).ok().filter(|_| is_truetype).ok_or(UnusableFont::NotTrueType)?;
        let font = Self::of(FontArc::new(face))?;
        // A glyph that cannot be taken out of it would be found out after the last page, and the keys would be lost.
        let mut all = GlyphRemapper::new();
        for (glyph, _) in font.face.codepoint_ids() {
            all.remap(glyph.0);
        }
        subsetter::subset(font.face_data(), 0, &all).map_err(|_| UnusableFont::NotTrueType)?;
        let is_seen = |c| font.glyph(c).is_some_and(|glyph| font.face.outline(GlyphId(glyph)).is_some());
        if KEYS.chars().all(is_seen) { Ok(font) } else { Err(UnusableFont::WithoutKeys) }
    }

    fn of(face: FontArc) -> Result<Self, UnusableFont> {
        let units_per_em = face.units_per_em().filter(|units| *units > 0.0).ok_or(UnusableFont::NotTrueType)?;
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

/// Right to left, or glyphs that depend on their neighbours: Hebrew to Arabic, scripts of India, Thai to Myanmar, the letters
/// that Korean syllables are made of, Khmer to Mongolian, the scripts of Indonesia and their like, presentation forms, and what
/// is written so beyond the first plane.
const fn needs_shaping(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1700}'..='\u{18af}' | '\u{1900}'..='\u{1c7f}'
        | '\u{1cc0}'..='\u{1cff}' | '\u{a800}'..='\u{aaff}' | '\u{abc0}'..='\u{abff}' | '\u{d7b0}'..='\u{d7ff}'
        | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{11fff}' | '\u{1e800}'..='\u{1efff}')
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
        for text in ["温度計", "مقياس", "מד", "ไทย", "सेंसर", "한국", "ᄒ", "ꦗ", "𐤀", "a\u{1}"]
        {
            assert!(!font.can_print(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_truetype_font_is_refused() {
        for bytes in [vec![], b"OTTO".to_vec(), vec![0, 1, 0, 0], dejavu::sans_condensed::regular()[..4000].to_vec()] {
            assert_eq!(Font::read(bytes).err(), Some(UnusableFont::NotTrueType));
        }
        assert!(Font::read(dejavu::sans_mono::regular().to_vec()).is_ok());
    }

    /// Where a table of a font is in its file.
    fn table(font: &[u8], tag: &[u8; 4]) -> std::ops::Range<usize> {
        let entry = font[12..].chunks(16).find(|entry| entry.starts_with(tag)).unwrap();
        let [start, length] = [8, 12].map(|at| u32::from_be_bytes(entry[at..at + 4].try_into().unwrap()) as usize);
        start..start + length
    }

    #[test]
    fn a_font_that_could_not_print_a_key_is_refused() {
        let whole = dejavu::sans_mono::regular().to_vec();
        // Glyphs that refer to themselves or to nothing, from the middle on.
        let mut damaged = whole.clone();
        let glyphs = table(&damaged, b"glyf");
        let middle = glyphs.start + glyphs.len() / 2;
        damaged[middle..glyphs.end].fill(0xff);
        assert_eq!(Font::read(damaged).err(), Some(UnusableFont::NotTrueType));
        // All glyphs are empty.
        let mut blank = whole;
        let places = table(&blank, b"loca");
        blank[places].fill(0);
        assert_eq!(Font::read(blank).err(), Some(UnusableFont::WithoutKeys));
    }
}
