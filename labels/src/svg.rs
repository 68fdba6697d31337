//! A label as an SVG picture.

use std::fmt::Write;

use crate::{Font, layout::Drawing};

/// Fonts that are about as wide as the one that text is measured with.
const FONTS: &str = "'DejaVu Sans Condensed','Arial Narrow','Liberation Sans Narrow',Arial,Helvetica,sans-serif";

/// Adds the picture. Text is text, in whatever script: the viewer has the fonts.
pub(crate) fn write(drawing: &Drawing, font: &Font, out: &mut Vec<u8>) {
    let mut svg = String::new();
    let (width, height) = (drawing.size.width, drawing.size.height);
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" \
         viewBox=\"0 0 {width} {height}\">\n<path fill=\"#fff\" d=\"M0 0h{width}v{height}H0z\"/>\n"
    );
    if let Some(placed) = &drawing.code {
        let (x, y, module) = (placed.x, placed.y, placed.module);
        let _ = write!(
            svg,
            "<path transform=\"translate({x:.3} {y:.3}) scale({module:.4})\" shape-rendering=\"crispEdges\" d=\""
        );
        for (column, row, length) in placed.code.runs() {
            let _ = write!(svg, "M{column} {row}h{length}v1h-{length}z");
        }
        svg.push_str("\"/>\n");
    }
    let _ = writeln!(svg, "<g font-family=\"{FONTS}\" font-stretch=\"condensed\">");
    for line in &drawing.lines {
        let _ = write!(svg, "<text x=\"{:.3}\" y=\"{:.3}\" font-size=\"{:.3}\"", line.x, line.baseline, line.size);
        // Held to its width, whatever font the viewer takes; what was not measured cannot be.
        if font.can_print(&line.text) {
            let _ = write!(svg, " textLength=\"{:.3}\" lengthAdjust=\"spacingAndGlyphs\"", line.width);
        }
        svg.push('>');
        svg.extend(line.text.chars().map(Escaped));
        svg.push_str("</text>\n");
    }
    svg.push_str("</g>\n</svg>\n");
    out.extend_from_slice(svg.as_bytes());
}

/// A character as XML has it; what XML has no way to write becomes a mark of that.
struct Escaped(char);

impl Extend<Escaped> for String {
    fn extend<T: IntoIterator<Item = Escaped>>(&mut self, characters: T) {
        for Escaped(c) in characters {
            match c {
                '<' => self.push_str("&lt;"),
                '>' => self.push_str("&gt;"),
                '&' => self.push_str("&amp;"),
                '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.push('\u{fffd}'),
                _ => self.push(c),
            }
        }
    }
}
