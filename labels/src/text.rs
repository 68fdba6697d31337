//! Text that fits: as large as there is room for, name and key before everything else.

use crate::{Font, LabelError};

/// A point in millimetres.
const POINT: f32 = 25.4 / 72.0;
/// From line to line, in ems.
const LEADING: f32 = 1.18;
/// How high capitals are, in ems.
pub(crate) const CAPITALS: f32 = 0.73;
/// What is free between name, key and what is written small, in ems of the name.
const GAP: f32 = 0.3;
/// Lines of a name.
const MOST_NAME_LINES: usize = 3;
/// What a text is cut with.
const CUT: char = '…';

/// What is to be written on a label.
pub(crate) struct Words<'a> {
    pub(crate) name: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) small: Vec<String>,
}

/// Where it is to be written, in millimetres.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) centred: bool,
}

/// A line in its place, in millimetres.
pub(crate) struct Line {
    pub(crate) text: String,
    pub(crate) x: f32,
    pub(crate) baseline: f32,
    pub(crate) width: f32,
    /// The size of the font: an em.
    pub(crate) size: f32,
    /// In the middle of the label; otherwise it begins at `x`.
    pub(crate) is_centred: bool,
}

/// Sizes of the parts, in millimetres.
#[derive(Clone, Copy)]
struct Sizes {
    name: f32,
    key: f32,
    small: f32,
}

/// The parts, broken into lines.
struct Parts {
    name: Vec<String>,
    key: Vec<String>,
    small: Vec<String>,
    sizes: Sizes,
}

/// Sets the words. `beside` is where the code begins and ends, down the label: text that is no higher begins and ends there.
///
/// The text becomes smaller until it fits; then the name is cut, then what is written small is left out.
///
/// # Errors
/// [`LabelError::TooLong`] if the key does not fit, or no line of the name.
pub(crate) fn set(
    font: &Font,
    words: &Words<'_>,
    area: Area,
    scale: f32,
    beside: Option<(f32, f32)>,
) -> Result<Vec<Line>, LabelError> {
    let sizes = || (0..).map(|step| Sizes::shrunk(scale, step)).take_while(|sizes| sizes.is_some()).flatten();
    let all = words.small.len();
    let whole = |sizes| Parts::compose(font, words, all, area, sizes, GAP).filter(|parts| !parts.is_cut());
    let smallest = sizes().last().ok_or(LabelError::TooLong)?;
    let cut = |gap| (0..=all).rev().find_map(|small| Parts::compose(font, words, small, area, smallest, gap));
    let parts = sizes().find_map(whole).or_else(|| cut(GAP)).or_else(|| cut(0.0));
    Ok(parts.ok_or(LabelError::TooLong)?.place(font, area, beside))
}

/// Sets a name and a sentence, cut where they have to be.
pub(crate) fn explain(font: &Font, name: &str, why: &str, area: Area, scale: f32) -> Vec<Line> {
    let sizes = Sizes { name: 9.0 * scale * POINT, key: 0.0, small: 7.0 * scale * POINT };
    let most = |room: f32, size: f32| lines_within(room, size);
    let name = cut(
        font,
        wrap(font, name, area.width / sizes.name),
        most(area.height / 2.0, sizes.name),
        area.width / sizes.name,
    );
    let rest = area.height - name.len() as f32 * sizes.name * LEADING;
    let small = cut(font, wrap(font, why, area.width / sizes.small), most(rest, sizes.small), area.width / sizes.small);
    Parts { name, key: Vec::new(), small, sizes }.place(font, area, None)
}

/// Sets lines one below the other, each cut where it ends.
pub(crate) fn list(font: &Font, texts: &[String], area: Area, size: f32) -> Vec<Line> {
    let width = area.width / size;
    let line = |(row, text): (usize, &String)| {
        let text = cut(font, wrap(font, text, width), 1, width).pop().unwrap_or_default();
        let baseline = area.y + (row as f32 * LEADING + 1.0) * size;
        Line { width: font.width(&text) * size, text, x: area.x, baseline, size, is_centred: false }
    };
    texts.iter().enumerate().map(line).collect()
}

impl Sizes {
    /// Steps of 6 %, as long as it can be read.
    fn shrunk(scale: f32, step: i32) -> Option<Self> {
        let factor = scale * 0.94_f32.powi(step);
        let (name, key, small) = (9.0 * factor, 9.5 * factor, 5.8 * factor);
        (name >= 4.5).then_some(Self { name: name * POINT, key: key * POINT, small: small.max(4.0) * POINT })
    }
}

impl Parts {
    /// The words in lines, with so many of the small ones and a gap between the groups, in ems of the name; nothing if not
    /// even the key and a line of the name have room.
    fn compose(font: &Font, words: &Words<'_>, small: usize, area: Area, sizes: Sizes, gap: f32) -> Option<Self> {
        let key = words.key.map_or_else(Vec::new, |key| key_lines(font, key, area.width / sizes.key));
        let width = area.width / sizes.small;
        let line = |text: &String| cut(font, wrap(font, text, width), 1, width);
        let small: Vec<_> = words.small.iter().take(small).flat_map(line).collect();
        let sizes = Sizes { name: name_size(font, words.name, area.width, sizes.name), ..sizes };
        let parts = Self { name: Vec::new(), key, small, sizes };
        let gaps = parts.groups().count() as f32 * gap * sizes.name;
        let most = lines_within(area.height - parts.height() - gaps, sizes.name).min(MOST_NAME_LINES);
        let width = area.width / sizes.name;
        let name = cut(font, wrap(font, words.name, width), most, width);
        (most > 0).then_some(Self { name, ..parts })
    }

    fn is_cut(&self) -> bool {
        self.name.iter().chain(&self.small).any(|line| line.ends_with(CUT))
    }

    /// The groups that are set apart: lines and their size.
    fn groups(&self) -> impl Iterator<Item = (&[String], f32)> {
        let Sizes { name, key, small } = self.sizes;
        [(&self.name[..], name), (&self.key[..], key), (&self.small[..], small)]
            .into_iter()
            .filter(|(lines, _)| !lines.is_empty())
    }

    fn height(&self) -> f32 {
        self.groups().map(|(lines, size)| lines.len() as f32 * size * LEADING).sum()
    }

    /// Puts the groups into the area, what room is left between them. Beside a code the first line's capitals end where
    /// the code begins, and the last line stands where it ends.
    fn place(&self, font: &Font, area: Area, beside: Option<(f32, f32)>) -> Vec<Line> {
        let Some((_, first)) = self.groups().next() else { return Vec::new() };
        let last = self.groups().last().map_or(first, |(_, size)| size);
        // Above the capitals of a line and below it.
        let (above, below) = ((LEADING - CAPITALS) * 0.5 * first, (LEADING - CAPITALS) * 0.5 * last);
        let (mut top, mut bottom) = (area.y, area.y + area.height);
        if let Some((from, to)) = beside
            && to + below - (from - above) >= self.height()
        {
            (top, bottom) = ((from - above).max(top - above), (to + below).min(bottom + below));
        }
        let gaps = self.groups().count().saturating_sub(1).max(1) as f32;
        let spare = (bottom - top - self.height()).max(0.0);
        // Not torn apart: a third of a line at most on a label whose text is below the code.
        let gap = if area.centred { (spare / (gaps + 1.0)).min(first * 0.35) } else { (spare / gaps).min(first) };
        let mut y = top + if beside.is_some() && gap * gaps >= spare - 0.01 { 0.0 } else { (spare - gap * gaps) / 2.0 };
        let mut lines = Vec::new();
        for (texts, size) in self.groups() {
            for text in texts {
                let width = font.width(text) * size;
                let x = if area.centred { area.x + (area.width - width) / 2.0 } else { area.x };
                let baseline = y + (LEADING + CAPITALS) * 0.5 * size;
                lines.push(Line { text: text.clone(), x, baseline, width, size, is_centred: area.centred });
                y += size * LEADING;
            }
            y += gap;
        }
        lines
    }
}

/// The size of a name: a little smaller if a name without blanks has room in one line then, as numbers are read in one go.
fn name_size(font: &Font, name: &str, width: f32, size: f32) -> f32 {
    let fitting = width / font.width(name) * 0.999;
    if !name.contains(' ') && fitting < size && fitting > size * 0.7 { fitting } else { size }
}

/// The key, never cut: as it is if it is short, a made one in two halves, any other wherever the line ends.
fn key_lines(font: &Font, key: &str, width: f32) -> Vec<String> {
    if font.width(key) <= width {
        return vec![key.to_owned()];
    }
    let groups: Vec<_> = key.split('-').collect();
    if groups.len() == 4 && key.len() == 19 {
        let halves = [groups[..2].join("-"), groups[2..].join("-")];
        if halves.iter().all(|half| font.width(half) <= width) {
            return halves.to_vec();
        }
    }
    fill(font, key, width)
}

/// Lines of a size that a height has room for.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what lies outside becomes the nearest")]
pub(crate) fn lines_within(height: f32, size: f32) -> usize {
    (height / (size * LEADING) + 0.01) as usize
}

/// The first lines of a text; that something is missing shows.
fn cut(font: &Font, mut lines: Vec<String>, most: usize, width: f32) -> Vec<String> {
    if lines.len() <= most {
        return lines;
    }
    lines.truncate(most);
    if let Some(last) = lines.last_mut() {
        while !last.is_empty() && font.width(last) + font.advance(CUT) > width {
            last.pop();
        }
        last.push(CUT);
    }
    lines
}

/// Breaks a text into lines of so many ems: after blanks and signs if it can be, else anywhere.
fn wrap(font: &Font, text: &str, width: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for piece in text.split_inclusive([' ', '-', '_', '/', '.', ':', ',', ';']) {
        let joined = font.width(&line) + font.width(piece.trim_end());
        if joined <= width || line.is_empty() && font.width(piece.trim_end()) <= width {
            line.push_str(piece);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        let mut parts = fill(font, piece, width);
        line = parts.pop().unwrap_or_default();
        lines.append(&mut parts);
    }
    lines.push(line);
    lines.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Breaks a text wherever a line is full, but before nothing that stands on the character before it.
fn fill(font: &Font, text: &str, width: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0.0;
    for c in text.chars() {
        let advance = font.advance(c);
        if used + advance > width && used > 0.0 && advance > 0.0 {
            lines.push(String::new());
            used = 0.0;
        }
        used += advance;
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str, width: f32) -> Vec<String> {
        wrap(&Font::built_in().unwrap(), text, width)
    }

    #[test]
    fn texts_break_where_people_break_them() {
        assert_eq!(lines("Temperature sensor 17", 6.0), ["Temperature", "sensor 17"]);
        assert_eq!(lines("AA:BB:CC:DD:EE:FF", 5.5), ["AA:BB:CC:", "DD:EE:FF"]);
        assert_eq!(lines("温度計温度計", 4.0), ["温度計温", "度計"]);
        assert_eq!(lines("  D  ", 9.0), ["D"]);
        assert_eq!(lines("", 9.0), [""; 0]);
    }

    #[test]
    fn what_is_cut_shows_it() {
        let font = Font::built_in().unwrap();
        let cut = cut(&font, lines("one two three four", 3.0), 2, 3.0);
        assert_eq!(cut.len(), 2);
        assert!(cut[1].ends_with('…') && font.width(&cut[1]) <= 3.0, "{cut:?}");
    }

    #[test]
    fn a_key_is_halved_and_never_cut() {
        let font = Font::built_in().unwrap();
        assert_eq!(key_lines(&font, "7KQM-2WXR-HT4P-9BDE", 20.0), ["7KQM-2WXR-HT4P-9BDE"]);
        assert_eq!(key_lines(&font, "7KQM-2WXR-HT4P-9BDE", 7.0), ["7KQM-2WXR", "HT4P-9BDE"]);
        assert_eq!(key_lines(&font, &"x".repeat(40), 7.0).concat(), "x".repeat(40));
        let area = Area { x: 0.0, y: 0.0, width: 30.0, height: 20.0, centred: false };
        let key = "k".repeat(500);
        let words = Words { name: "D", key: Some(&key), small: Vec::new() };
        assert!(set(&font, &words, area, 1.0, None).is_err());
    }

    proptest! {
        #[test]
        fn wrapping_loses_nothing_but_blanks(text in ".{0,80}", width in 1.5_f32..30.0) {
            let font = Font::built_in().unwrap();
            let lines = wrap(&font, &text, width);
            let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(plain(&lines.concat()), plain(&text));
            prop_assert!(lines.iter().all(|line| font.width(line) <= width + 0.01 || line.chars().count() == 1));
        }
    }
}
