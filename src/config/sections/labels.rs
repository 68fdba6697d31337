//! `labels`: what is printed for devices.

use std::path::PathBuf;

use crate::config::{
    kind::{File, Optional},
    setting::section,
};

section! {
    /// Labels
    pub(crate) struct LabelSettings {
        /// The file of a TrueType font (`.ttf`) that names on labels are printed with, as PDF and PNG. The one that comes
        /// along has Latin, Greek, Cyrillic, Armenian and Georgian letters.
        font: Option<PathBuf> = Optional(File) => {
            key: "labels.font",
            variable: "DEED_LABELS_FONT",
            default: "" = "DejaVu Sans Condensed",
        }
    }
}
