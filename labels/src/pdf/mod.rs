//! Labels as a PDF (ISO 32000) that is written from front to back: nothing of a page is kept once it is full.
//!
//! A page knows the number of the object that lists the pages before that object is written; it and the font, with the
//! glyphs that were used, come last. What is kept for that are eight bytes for each object, and the glyphs.

mod file;
mod font;
mod page;
mod sheet;

pub(crate) use sheet::Sheets;
