//! Where things stand on a label, in millimetres from its upper left corner.

use crate::{
    Font, Format, Label, LabelError, Resolution, Size,
    qr::{Code, QUIET},
    text::{self, Area, Line, Words},
    zpl,
};

/// The smallest side of a module that the cameras of phones read without ado, in millimetres.
const LEAST_MODULE: f32 = 0.33;
/// The largest one on a label of [`Size::DEFAULT`]; larger labels have larger ones.
const MOST_MODULE: f32 = 0.6;
/// What stays free at the edges: labels are cut, and printed, a little beside the place.
const EDGE: f32 = 1.0;
/// What text needs at least beside a code, and below one.
const LEAST_BESIDE: f32 = 10.5;
const LEAST_BELOW: f32 = 5.6;

/// A label, laid out.
pub(crate) struct Drawing {
    pub(crate) size: Size,
    pub(crate) code: Option<Placed>,
    pub(crate) lines: Vec<Line>,
}

/// A code and where its first module is.
pub(crate) struct Placed {
    pub(crate) code: Code,
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// The side of a module.
    pub(crate) module: f32,
}

/// Modules that there is room for on a side, the quiet ones included.
pub(crate) fn most_modules(format: Format) -> usize {
    let size = Size { height: format.size().height - reserve(format), ..format.size() };
    let side = if is_wide(format.size()) {
        (size.height - EDGE).min(size.width - EDGE - LEAST_BESIDE)
    } else {
        (size.width - EDGE).min(size.height - EDGE / 2.0 - LEAST_BELOW)
    };
    whole(side / least_module(format.resolution()))
}

/// A label whose key is shown, with its code.
pub(crate) fn draw(format: Format, font: &Font, label: &Label<'_>) -> Result<Drawing, LabelError> {
    let size = format.size();
    let code = Code::of(&label.link, most_modules(format)).ok_or(LabelError::TooLong)?;
    let modules = code.modules() as f32;
    let all = modules + 2.0 * QUIET as f32;
    let height = size.height - reserve(format);
    let wanted = if is_wide(size) { height.min(size.width / 2.0) } else { size.width.min(height * 0.62) };
    let module = module((wanted - EDGE) / all, size, format.resolution());
    let side = all * module;
    let quiet = QUIET as f32 * module;
    let words = Words { name: label.name, key: label.key, small: label.until_and_host() };
    let (left, top, area);
    if is_wide(size) {
        (left, top) = (EDGE, (size.height - side) / 2.0);
        let x = left + side;
        area =
            Area { x, y: EDGE, width: size.width - x - 1.5 * EDGE, height: size.height - 2.0 * EDGE, centred: false };
    } else {
        (left, top) = ((size.width - side) / 2.0, EDGE / 2.0);
        let y = top + side - quiet / 2.0;
        let height = (size.height - y - EDGE / 2.0).max(LEAST_BELOW - EDGE / 2.0);
        area = Area { x: EDGE / 2.0, y, width: size.width - EDGE, height, centred: true };
    }
    let (left, top) = (on_a_dot(left + quiet, format.resolution()), on_a_dot(top + quiet, format.resolution()));
    let beside = if area.centred { None } else { Some((top, top + modules * module)) };
    let lines = text::set(font, &words, area, scale(size), beside)?;
    Ok(Drawing { size, code: Some(Placed { code, x: left, y: top, module }), lines })
}

/// The place of a device that gets no label: which one, and why.
pub(crate) fn explain(format: Format, font: &Font, name: &str, why: &str) -> Drawing {
    let size = format.size();
    let area = Area {
        x: 2.0 * EDGE,
        y: EDGE,
        width: size.width - 4.0 * EDGE,
        height: size.height - 2.0 * EDGE,
        centred: false,
    };
    Drawing { size, code: None, lines: text::explain(font, name, why, area, scale(size)) }
}

/// What a printer may move a code down by, in millimetres.
fn reserve(format: Format) -> f32 {
    match format {
        Format::Zpl(_, resolution) => zpl::DOTS_LOWER / resolution.dots_per_millimetre(),
        Format::Svg(_) | Format::Png(..) | Format::Pdf(_) => 0.0,
    }
}

/// Whether the text stands beside the code, not below.
fn is_wide(size: Size) -> bool {
    size.width >= size.height * 1.2
}

/// How much larger the label is than one of [`Size::DEFAULT`], standing or lying.
fn scale(size: Size) -> f32 {
    let (long, short) = (size.width.max(size.height), size.width.min(size.height));
    (long / Size::DEFAULT.width).min(short / Size::DEFAULT.height).clamp(1.0, 4.0)
}

fn module(wanted: f32, size: Size, resolution: Option<Resolution>) -> f32 {
    let least = least_module(resolution);
    let module = wanted.min(MOST_MODULE * scale(size)).max(least);
    resolution.map_or(module, |resolution| {
        let dots = resolution.dots_per_millimetre();
        // A hair more, so that a whole number stays one.
        (module * dots + 0.01).floor() / dots
    })
}

/// The smallest module: on a printer, so many whole dots.
fn least_module(resolution: Option<Resolution>) -> f32 {
    resolution.map_or(LEAST_MODULE, |resolution| {
        let dots = resolution.dots_per_millimetre();
        (LEAST_MODULE * dots).ceil() / dots
    })
}

fn on_a_dot(place: f32, resolution: Option<Resolution>) -> f32 {
    resolution.map_or(place, |resolution| {
        let dots = resolution.dots_per_millimetre();
        (place * dots).round() / dots
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what lies outside becomes the nearest")]
fn whole(number: f32) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Paper;

    /// Everything lies on the label, and no text on the code or its quiet zone.
    fn assert_sound(drawing: &Drawing, what: &str) {
        let Size { width, height } = drawing.size;
        let placed = drawing.code.as_ref().unwrap();
        let (quiet, side) = (QUIET as f32 * placed.module, placed.code.modules() as f32 * placed.module);
        assert!(placed.module > LEAST_MODULE - 1e-4, "{what}: module of {}", placed.module);
        for (start, room) in [(placed.x, width), (placed.y, height)] {
            assert!(start - quiet > -0.2 && start + side + quiet < room + 0.2, "{what}: code at {start} of {side}");
        }
        for line in &drawing.lines {
            let (top, bottom) = (line.baseline - 0.76 * line.size, line.baseline + 0.24 * line.size);
            assert!(line.x > 0.0 && line.x + line.width < width + 0.01, "{what}: {:?}", line.text);
            assert!(top > 0.0 && bottom < height + 0.1, "{what}: {:?} from {top} to {bottom}", line.text);
            let beside = line.x > placed.x + side + quiet / 2.0;
            assert!(beside || top > placed.y + side + 0.3 * quiet, "{what}: {:?} lies on the code", line.text);
        }
    }

    #[test]
    fn labels_of_all_sizes_hold_code_name_and_key() {
        let font = Font::built_in().unwrap();
        let resolutions = [203, 300, 600].map(|dpi| Resolution::new(dpi).unwrap());
        let sizes = [
            (20., 20.),
            (25., 25.),
            (50., 25.),
            (25., 50.),
            (30., 20.),
            (62., 29.),
            (100., 50.),
            (100., 150.),
            (210., 297.),
        ];
        let mut formats = vec![Format::Pdf(Paper::A4 { skip: 0 }), Format::Pdf(Paper::Letter { skip: 0 })];
        for (width, height) in sizes {
            let size = Size::new(width, height).unwrap();
            formats.push(Format::Svg(size));
            formats.extend(resolutions.map(|resolution| Format::Zpl(size, resolution)));
        }
        for format in formats {
            for name in ["D-1", "Temperature sensor 0017 in the east wing", &"W".repeat(60)] {
                let label = Label::new("https://d.example", name, Some("7KQM-2WXR-HT4P-9BDE"), Some(1_827_667_200_000));
                let what = format!("{format:?} {name}");
                match draw(format, &font, &label) {
                    Ok(drawing) => {
                        assert!(label.link.len() <= format.longest_link(), "{what}");
                        assert_sound(&drawing, &what);
                        let text: String = drawing.lines.iter().map(|line| line.text.as_str()).collect();
                        assert!(text.contains("7KQM-2WXR") && text.contains("HT4P-9BDE"), "{what}: {text}");
                    }
                    Err(_) => assert!(label.link.len() > format.longest_link(), "{what}"),
                }
            }
        }
    }
}
