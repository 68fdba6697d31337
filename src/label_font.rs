//! The font of labels.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use deed_labels::{Font, UnusableFont};

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabelFontError {
    /// The file cannot be read.
    #[error("the font of labels cannot be read: {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// The file holds something else.
    #[error("the font of labels cannot be used: {} {why}", path.display())]
    Useless {
        /// The file.
        path: PathBuf,
        /// What it would have to be.
        why: UnusableFont,
    },
}

/// The font in a file, or without one that of the program.
///
/// # Errors
/// [`LabelFontError`].
pub(crate) fn read(path: Option<&Path>) -> Result<Font, LabelFontError> {
    let useless = |path: &Path, why| LabelFontError::Useless { path: path.to_owned(), why };
    let Some(path) = path else { return Font::built_in().map_err(|why| useless(Path::new("(built in)"), why)) };
    let bytes = fs::read(path).map_err(|why| LabelFontError::Unreadable { path: path.to_owned(), why })?;
    Font::read(bytes).map_err(|why| useless(path, why))
}
