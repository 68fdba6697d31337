//! Sheets of labels.

use super::{
    file::File,
    font::UsedGlyphs,
    page::{POINTS, Page},
};
use crate::{
    Font, Paper,
    layout::Drawing,
    text::{self, Area},
};

/// The most devices without a label that are listed at the end.
const MOST_LISTED: usize = 1000;
/// The size of the list's text and the margin around it, in millimetres.
const LIST_SIZE: f32 = 3.2;
const LIST_MARGIN: f32 = 18.0;

/// Where labels lie on a page, in millimetres.
struct Grid {
    width: f32,
    height: f32,
    columns: usize,
    rows: usize,
    left: f32,
    top: f32,
    /// From one label to the next.
    across: f32,
    down: f32,
}

/// A file of sheets that is being written.
pub(crate) struct Sheets {
    grid: Grid,
    font: Font,
    glyphs: UsedGlyphs,
    file: File,
    page: Page,
    /// The place on the page that is filled next.
    place: usize,
    /// Devices without a label, and why.
    missing: Vec<String>,
    /// How many more than are listed.
    unlisted: usize,
}

impl Grid {
    const fn of(paper: Paper) -> Self {
        match paper {
            Paper::A4 { .. } => Self {
                width: 210.0,
                height: 297.0,
                columns: 3,
                rows: 7,
                left: 7.25,
                top: 15.15,
                across: 66.0,
                down: 38.1,
            },
            Paper::Letter { .. } => Self {
                width: 215.9,
                height: 279.4,
                columns: 3,
                rows: 10,
                left: 4.7625,
                top: 12.7,
                across: 69.85,
                down: 25.4,
            },
            Paper::Single(size) => Self {
                width: size.width,
                height: size.height,
                columns: 1,
                rows: 1,
                left: 0.0,
                top: 0.0,
                across: 0.0,
                down: 0.0,
            },
        }
    }
}

impl Sheets {
    pub(crate) fn begin(paper: Paper, font: Font, out: &mut Vec<u8>) -> Self {
        let grid = Grid::of(paper);
        let place = match paper {
            Paper::A4 { skip } | Paper::Letter { skip } => skip % paper.places(),
            Paper::Single(_) => 0,
        };
        let page = Page::new(grid.height);
        let glyphs = UsedGlyphs::of(font.clone());
        Self { grid, font, glyphs, file: File::begin(out), page, place, missing: Vec::new(), unlisted: 0 }
    }

    /// Puts a label on the next place.
    pub(crate) fn add(&mut self, drawing: &Drawing, out: &mut Vec<u8>) {
        let Grid { columns, rows, left, top, across, down, .. } = self.grid;
        if self.place == columns * rows {
            self.turn_over(out);
        }
        let (column, row) = (self.place % columns, self.place / columns);
        self.page.draw(drawing, left + column as f32 * across, top + row as f32 * down, &mut self.glyphs);
        self.place += 1;
    }

    /// Lists a device without a label at the end.
    pub(crate) fn list(&mut self, name: &str, why: &str) {
        if self.missing.len() < MOST_LISTED {
            self.missing.push(format!("{name}: {why}"));
        } else {
            self.unlisted += 1;
        }
    }

    pub(crate) fn end(mut self, out: &mut Vec<u8>) {
        // A place on a roll says itself that it has no label.
        if !self.missing.is_empty() && self.grid.columns > 1 {
            self.write_list(out);
        }
        self.turn_over(out);
        self.file.end(&self.glyphs, out);
    }

    fn write_list(&mut self, out: &mut Vec<u8>) {
        let mut lines = std::mem::take(&mut self.missing);
        if self.unlisted > 0 {
            lines.push(format!("and {} more", self.unlisted));
        }
        let width = self.grid.width - 2.0 * LIST_MARGIN;
        let area = Area {
            x: LIST_MARGIN,
            y: LIST_MARGIN,
            width,
            height: self.grid.height - 2.0 * LIST_MARGIN,
            centred: false,
        };
        let heading = ["Not printed".to_owned(), String::new()];
        let lines: Vec<_> = heading.into_iter().chain(lines).collect();
        for page in lines.chunks(text::lines_within(area.height, LIST_SIZE)) {
            self.turn_over(out);
            let lines = text::list(&self.font, page, area, LIST_SIZE);
            self.page.write(&lines, 0.0, 0.0, &mut self.glyphs);
        }
    }

    /// Writes the page and begins a new one.
    fn turn_over(&mut self, out: &mut Vec<u8>) {
        let page = std::mem::replace(&mut self.page, Page::new(self.grid.height));
        let (width, height) = (self.grid.width * POINTS, self.grid.height * POINTS);
        self.file.page(width, height, &page.finish(), out);
        self.place = 0;
    }
}
