//! What stands on a page.

use pdf_writer::{Content, Str};

use super::{file::FONT_NAME, font::UsedGlyphs};
use crate::{layout::Drawing, text::Line};

/// Points in a millimetre.
pub(super) const POINTS: f32 = 72.0 / 25.4;

/// A page that is being filled. Its places are told in millimetres from the upper left corner.
pub(super) struct Page {
    content: Content,
    /// In millimetres.
    height: f32,
}

impl Page {
    pub(super) fn new(height: f32) -> Self {
        Self { content: Content::with_settings(pdf_writer::Settings { pretty: false }), height }
    }

    /// Draws a label with its upper left corner there.
    pub(super) fn draw(&mut self, drawing: &Drawing, left: f32, top: f32, glyphs: &mut UsedGlyphs) {
        if let Some(placed) = &drawing.code {
            // A module is a unit here, and down is down. One path, so that no hairlines show between rows.
            let (x, y) = (points(left + placed.x), points(self.height - top - placed.y));
            let module = placed.module * POINTS;
            self.content.save_state().transform([module, 0.0, 0.0, -module, x, y]);
            for (column, row, length) in placed.code.runs() {
                self.content.rect(column as f32, row as f32, length as f32, 1.0);
            }
            self.content.fill_nonzero().restore_state();
        }
        self.write(&drawing.lines, left, top, glyphs);
    }

    /// Writes lines as if the upper left corner were there.
    pub(super) fn write(&mut self, lines: &[Line], left: f32, top: f32, glyphs: &mut UsedGlyphs) {
        self.content.begin_text();
        for line in lines {
            let (x, y) = (points(left + line.x), points(self.height - top - line.baseline));
            let text = glyphs.encode(&line.text);
            self.content.set_font(FONT_NAME, points(line.size)).set_text_matrix([1.0, 0.0, 0.0, 1.0, x, y]);
            self.content.show(Str(&text));
        }
        self.content.end_text();
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.content.finish().into_vec()
    }
}

/// Millimetres as points, to a hundredth.
fn points(millimetres: f32) -> f32 {
    (millimetres * POINTS * 100.0).round() / 100.0
}
