//! The font of a file: the glyphs that its pages use.

use std::collections::BTreeMap;

use pdf_writer::{
    Name, Rect, Ref, Str,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use subsetter::GlyphRemapper;

use super::file::File;
use crate::Font;

const IDENTITY: SystemInfo<'_> = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
/// Six letters before a plus: that it is a part of a font.
const NAME: Name<'_> = Name(b"LABELS+Names");
/// Thousandths of an em, which is what widths are told in.
const THOUSAND: f32 = 1000.0;

/// Glyphs that are in use, numbered anew.
pub(super) struct UsedGlyphs {
    font: Font,
    numbers: GlyphRemapper,
    /// The glyph and the character that each number stands for.
    glyphs: BTreeMap<u16, (u16, char)>,
}

impl UsedGlyphs {
    pub(super) fn of(font: Font) -> Self {
        Self { font, numbers: GlyphRemapper::new(), glyphs: BTreeMap::new() }
    }

    /// A text as a page shows it: two bytes for each glyph.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut encoded = Vec::with_capacity(2 * text.len());
        for c in text.chars() {
            let glyph = self.font.glyph(c).unwrap_or(0);
            let number = self.numbers.remap(glyph);
            self.glyphs.entry(number).or_insert((glyph, c));
            encoded.extend_from_slice(&number.to_be_bytes());
        }
        encoded
    }

    /// Writes the font and what belongs to it: five objects from a number on.
    pub(super) fn write(&self, file: &mut File, number: i32, out: &mut Vec<u8>) {
        let [glyphs, descriptor, program, characters] = [1, 2, 3, 4].map(|more| Ref::new(number + more));
        file.object(number, out, |chunk, id| {
            let mut font = chunk.type0_font(id);
            font.base_font(NAME)
                .encoding_predefined(Name(b"Identity-H"))
                .descendant_font(glyphs)
                .to_unicode(characters);
        });
        let width = |glyph| self.font.glyph_advance(glyph) * THOUSAND;
        file.object(glyphs.get(), out, |chunk, id| {
            let mut font = chunk.cid_font(id);
            font.subtype(CidFontType::Type2).base_font(NAME).system_info(IDENTITY).font_descriptor(descriptor);
            font.default_width(width(0)).cid_to_gid_map_predefined(Name(b"Identity"));
            let mut widths = font.widths();
            for (number, (glyph, _)) in &self.glyphs {
                widths.consecutive(*number, [width(*glyph)]);
            }
        });
        let (above, below) = self.font.reach();
        file.object(descriptor.get(), out, |chunk, id| {
            let mut font = chunk.font_descriptor(id);
            font.name(NAME).flags(FontFlags::SYMBOLIC).italic_angle(0.0);
            font.bbox(Rect::new(-THOUSAND, below * THOUSAND, 2.0 * THOUSAND, above * THOUSAND));
            font.ascent(above * THOUSAND).descent(below * THOUSAND).cap_height(crate::text::CAPITALS * THOUSAND);
            font.stem_v(80.0).font_file2(program);
        });
        // What can be taken out of the font was tried when it was read.
        let subset = subsetter::subset(self.font.face_data(), 0, &self.numbers).unwrap_or_default();
        let length = i32::try_from(subset.len()).unwrap_or(i32::MAX);
        file.stream(program.get(), &subset, out, |stream| {
            stream.pair(Name(b"Length1"), length);
        });
        let mut map = UnicodeCmap::<u16>::new(Name(b"Characters"), IDENTITY);
        for (number, (_, c)) in &self.glyphs {
            map.pair(*number, *c);
        }
        file.stream(characters.get(), map.finish().as_slice(), out, |_| ());
    }
}
