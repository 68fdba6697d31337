//! The output for the label printer: the one place where the keys can be read.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use deed_domain::import::{Delimiter, Table};
use zeroize::Zeroizing;

use super::{super::replay::readable, device::Label};
use crate::cli::CliError;

const HEADER: [&str; 8] =
    ["name", "type", "label", "secretKey", "expirationTime", "expires", "accessToken", "deviceId"];

/// Where labels go.
pub(super) struct Labels {
    out: Out,
    /// Those that are not written yet.
    waiting: Vec<Vec<Zeroizing<String>>>,
    /// The devices of all labels in the file.
    labelled: HashSet<String>,
}

enum Out {
    Standard(io::Stdout),
    File(File),
}

impl Labels {
    /// Opens the file, makes it if it is not there, and goes on at its end if it is; or takes the standard output.
    ///
    /// # Errors
    /// [`CliError::Output`]; [`CliError::Usage`] if the file holds something else.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CliError> {
        let header = HEADER.map(|name| Zeroizing::new(name.to_owned())).to_vec();
        let mut labels = match path {
            None => Self { out: Out::Standard(io::stdout()), waiting: vec![header], labelled: HashSet::new() },
            Some(path) => {
                let mut file = open_private(path)?;
                let mut text = Zeroizing::new(String::new());
                file.read_to_string(&mut text)?;
                let known = known(&text).ok_or_else(|| {
                    CliError::Usage(format!(
                        "{} holds something other than labels; --out needs a new file",
                        path.display()
                    ))
                })?;
                let waiting = if text.is_empty() { vec![header] } else { Vec::new() };
                if !text.is_empty() && !text.ends_with('\n') {
                    // The label that was being written when an earlier import was cut off stays by itself.
                    file.write_all(b"\n")?;
                }
                Self { out: Out::File(file), waiting, labelled: known }
            }
        };
        labels.write()?;
        Ok(labels)
    }

    /// Adds the label of a device that is on disk.
    pub(super) fn add(&mut self, label: &Label) -> Result<(), CliError> {
        let token = label.access_token.as_ref().map_or("", |token| token.id().expose());
        let cells = [
            label.name.clone(),
            label.device_type.clone(),
            label.label.clone(),
            label.key.expose().to_owned(),
            label.expires_at.to_string(),
            readable(label.expires_at),
            token.to_owned(),
            label.device_id.to_string(),
        ];
        self.waiting.push(cells.map(Zeroizing::new).to_vec());
        self.labelled.insert(label.name.clone());
        Ok(())
    }

    /// Writes what waits, to the disk if it is a file.
    ///
    /// # Errors
    /// [`CliError::Output`].
    pub(super) fn write(&mut self) -> Result<(), CliError> {
        let mut lines = csv::Writer::from_writer(Vec::new());
        for cells in self.waiting.drain(..) {
            lines.write_record(cells.iter().map(|cell| cell.as_str())).map_err(io::Error::from)?;
        }
        let lines = Zeroizing::new(lines.into_inner().map_err(|error| error.into_error())?);
        match &mut self.out {
            Out::Standard(out) => out.write_all(&lines).and_then(|()| out.flush())?,
            Out::File(file) => file.write_all(&lines).and_then(|()| file.sync_data())?,
        }
        Ok(())
    }

    /// Those of the devices that have no label in the file; nothing if there is no file to look into.
    pub(super) fn without<'n>(&self, names: &'n [String]) -> Option<Vec<&'n str>> {
        let is_unlabelled = |name: &&String| !self.labelled.contains(name.as_str());
        match self.out {
            Out::Standard(_) => None,
            Out::File(_) => Some(names.iter().filter(is_unlabelled).map(String::as_str).collect()),
        }
    }
}

/// The file, for nobody but its owner.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// The devices of the labels in a file; nothing if it holds something else.
fn known(text: &str) -> Option<HashSet<String>> {
    // A label that was cut off may end within quotes.
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let table = Table::read(whole, Delimiter::COMMA).ok()?;
    let Some((header, labels)) = table.records.split_first() else {
        return text.is_empty().then(HashSet::new);
    };
    let is_whole = |cells: &[_]| cells.len() == HEADER.len();
    let labels = labels.iter().filter(|label| is_whole(&label.cells)).map(|label| label.cells[0].clone().into_owned());
    (header.cells == HEADER).then(|| labels.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_again_and_something_else_is_left_alone() {
        let header = HEADER.join(",");
        let label = |name: &str| format!("{name},default,,K,5,t,T,id\n");
        let file = format!("{header}\n{}{}C,def", label("A"), label("\"B,1\""));
        assert_eq!(known(&file), Some(["A", "B,1"].map(str::to_owned).into()));
        assert_eq!(known(""), Some(HashSet::new()));
        assert_eq!((known("name,key\nA,K\n"), known("text")), (None, None));
    }
}
