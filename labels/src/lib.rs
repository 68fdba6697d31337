//! Labels for devices: a QR code that leads to the claim page, and beside it what a person types in where no camera is.
//!
//! - [`Label`] is what a label says, and what its code holds.
//! - [`Format`] is how it is drawn: SVG and PNG for one label, PDF for sheets and rolls, ZPL for label printers.
//! - [`Printing`] turns labels into bytes, one by one: what has been written is not kept, so that a batch may be of any size.
//! - [`Font`] measures and draws names; [`Format::check_batch`] says before a key is made whether names can be printed.
//!
//! Inside, every label is first a `Drawing` in millimetres (`layout`, `text`, `qr`), which each format paints in its way
//! (`svg`, `png`, `pdf`, `zpl`). Nothing here knows devices, stores or HTTP.

mod batch;
mod date;
mod font;
mod format;
mod label;
mod layout;
mod pdf;
mod png;
mod printing;
mod qr;
mod svg;
mod text;
mod zpl;

pub use batch::Unprintable;
pub use font::{Font, UnusableFont};
pub use format::{Format, LabelError, Paper, Resolution, Size};
pub use label::Label;
pub use printing::Printing;
