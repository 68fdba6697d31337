//! Labels in ZPL II, for label printers. The printer draws the code and the text.

use std::fmt::Write;

use crate::{
    Resolution,
    layout::{Drawing, Placed},
    text::{CAPITALS, Line},
};

/// Many printers print a code so many dots lower than they are told, some do not.
pub(crate) const DOTS_LOWER: f32 = 10.0;

/// Adds a label. Whatever could be a command of the printer is written as `_` and two hexadecimal digits.
pub(crate) fn write(drawing: &Drawing, link: Option<&str>, resolution: Resolution, out: &mut Vec<u8>) {
    let dots = |length: f32| (length * resolution.dots_per_millimetre()).round();
    let mut zpl = String::new();
    // UTF-8, the label's measures, where it begins. Writing to a string cannot fail.
    let (width, height) = (dots(drawing.size.width), dots(drawing.size.height));
    let _ = write!(zpl, "^XA^CI28^PW{width}^LL{height}^LH0,0");
    if let (Some(placed), Some(link)) = (&drawing.code, link) {
        let Placed { code, x, y, module } = placed;
        let level = if code.is_sturdy { 'M' } else { 'L' };
        let (x, y, module) = (dots(*x), dots(*y) - DOTS_LOWER / 2.0, dots(*module));
        // The model of today, whose version follows from the content; automatic choice of the mode.
        let _ = write!(zpl, "^FO{x},{y}^BQN,2,{module}^FH_^FD{level}A,");
        escape(&mut zpl, link);
        zpl.push_str("^FS");
    }
    for line in &drawing.lines {
        let Line { text, x, baseline, size, .. } = line;
        // The height of this font is that of its capitals and what is below the line, which is about 0.95 em of ours.
        let (top, height) = (dots(baseline - CAPITALS * size), dots(size * 0.95));
        // In a field that the printer centres, a backslash begins a command of it; such a line is centred as well as we know.
        if line.is_centred && !text.contains('\\') {
            let _ = write!(zpl, "^FO0,{top}^A0N,{height}^FB{width},1,0,C");
        } else {
            let _ = write!(zpl, "^FO{},{top}^A0N,{height}", dots(*x));
        }
        zpl.push_str("^FH_^FD");
        escape(&mut zpl, text);
        zpl.push_str("^FS");
    }
    zpl.push_str("^PQ1^XZ\n");
    out.extend_from_slice(zpl.as_bytes());
}

fn escape(zpl: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => zpl.push(byte.into()),
            b' ' | b'.' | b':' | b'/' | b'#' | b'=' | b'&' | b'%' | b'-' => zpl.push(byte.into()),
            // Writing to a string cannot fail.
            _ => drop(write!(zpl, "_{byte:02X}")),
        }
    }
}
