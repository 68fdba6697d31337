//! A label as a PNG picture (RFC 2083): black and white, a bit for a dot.

use std::io::Write;

use ab_glyph::{Font as _, Glyph, GlyphId, PxScale, point};
use flate2::{Compression, Crc, write::ZlibEncoder};

use crate::{
    Font, Resolution,
    layout::{Drawing, Placed},
    text::Line,
};

/// Dots, row by row; each row fills whole bytes, black is 0.
struct Raster {
    width: usize,
    height: usize,
    bytes_per_row: usize,
    bytes: Vec<u8>,
}

/// Adds the picture.
pub(crate) fn write(drawing: &Drawing, font: &Font, resolution: Resolution, out: &mut Vec<u8>) {
    let dots = resolution.dots_per_millimetre();
    let mut raster = Raster::white(dots_of(drawing.size.width * dots), dots_of(drawing.size.height * dots));
    if let Some(placed) = &drawing.code {
        raster.draw_code(placed, dots);
    }
    for line in &drawing.lines {
        raster.draw_line(line, font, dots);
    }
    raster.encode(dots, out);
}

impl Raster {
    fn white(width: usize, height: usize) -> Self {
        let bytes_per_row = width.div_ceil(8);
        Self { width, height, bytes_per_row, bytes: vec![0xff; bytes_per_row * height] }
    }

    fn blacken(&mut self, x: usize, y: usize) {
        if x < self.width && y < self.height {
            self.bytes[y * self.bytes_per_row + x / 8] &= !(0x80 >> (x % 8));
        }
    }

    fn draw_code(&mut self, placed: &Placed, dots: f32) {
        let [left, top, module] = [placed.x, placed.y, placed.module].map(|length| dots_of(length * dots));
        for (column, row, length) in placed.code.runs() {
            for y in 0..module {
                for x in 0..length * module {
                    self.blacken(left + column * module + x, top + row * module + y);
                }
            }
        }
    }

    fn draw_line(&mut self, line: &Line, font: &Font, dots: f32) {
        let em = line.size * dots;
        // The scale of this library is what glyphs reach from top to bottom, not the em.
        let (above, below) = font.reach();
        let scale = PxScale::from(em * (above - below));
        let (mut x, y) = (line.x * dots, (line.baseline * dots).round());
        for c in line.text.chars() {
            let glyph = Glyph { id: GlyphId(font.glyph(c).unwrap_or(0)), scale, position: point(x, y) };
            if let Some(outline) = font.face().outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|column, row, coverage| {
                    let place = |start: f32, offset: u32| usize::try_from(start as i64 + i64::from(offset)).ok();
                    if coverage >= 0.5
                        && let (Some(x), Some(y)) = (place(bounds.min.x, column), place(bounds.min.y, row))
                    {
                        self.blacken(x, y);
                    }
                });
            }
            x += font.advance(c) * em;
        }
    }

    fn encode(&self, dots_per_millimetre: f32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\x89PNG\r\n\x1a\n");
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
        // One bit of grey; deflate, filters, no interlacing.
        let header = [&number(self.width)[..], &number(self.height), &[1, 0, 0, 0, 0]].concat();
        chunk(out, *b"IHDR", &header);
        let per_metre = number(dots_of(dots_per_millimetre * 1000.0));
        chunk(out, *b"pHYs", &[&per_metre[..], &per_metre, &[1]].concat());
        let mut data = ZlibEncoder::new(Vec::new(), Compression::default());
        for row in self.bytes.chunks(self.bytes_per_row) {
            // No filter. Writing to memory cannot fail.
            let _ = data.write_all(&[0]).and_then(|()| data.write_all(row));
        }
        chunk(out, *b"IDAT", &data.finish().unwrap_or_default());
        chunk(out, *b"IEND", &[]);
    }
}

/// Adds a part of the file: length, kind, content, checksum.
fn chunk(out: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(content);
    out.extend_from_slice(&u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&kind);
    out.extend_from_slice(content);
    out.extend_from_slice(&crc.sum().to_be_bytes());
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what lies outside becomes the nearest")]
fn dots_of(length: f32) -> usize {
    length.round() as usize
}
