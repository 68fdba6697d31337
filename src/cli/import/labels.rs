//! The output for the label printer: the one place where the keys can be read.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use deed_domain::import::{Delimiter, Table};
use zeroize::Zeroizing;

use super::{
    super::replay::readable,
    device::Label,
    unlabelled::{MOST_AT_ONCE, Unlabelled},
};
use crate::cli::CliError;

const HEADER: [&str; 8] =
    ["name", "type", "label", "secretKey", "expirationTime", "expires", "accessToken", "deviceId"];

/// Where labels go.
pub(super) struct Labels {
    out: Out,
    /// Those that are not written yet.
    waiting: Vec<Label>,
    /// The devices of all labels in the file.
    labelled: HashSet<String>,
}

enum Out {
    Standard(io::Stdout),
    /// A file on a disk, which is gone on with.
    File(File),
    /// A device or a pipe: there is nothing in it to go on with, and no disk that it gets to.
    Stream(File),
}

impl Labels {
    /// Opens the file, makes it if it is not there, and goes on at its end if it is; or takes the standard output. What is no
    /// file (`/dev/stdout`, a named pipe) is only written to.
    ///
    /// # Errors
    /// [`CliError::Labels`]; [`CliError::Output`] if the file cannot be opened or read; [`CliError::Usage`] if it holds
    /// something else.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, CliError> {
        let mut labels = Self { out: Out::Standard(io::stdout()), waiting: Vec::new(), labelled: HashSet::new() };
        let mut is_new = true;
        if let Some(path) = path.filter(|path| is_stream(path)) {
            labels.out = Out::Stream(File::options().write(true).open(path)?);
        } else if let Some(path) = path {
            let mut file = open_private(path)?;
            let mut text = Zeroizing::new(String::new());
            file.read_to_string(&mut text)?;
            labels.labelled = known(&text).ok_or_else(|| {
                CliError::Usage(format!("{} holds something other than labels; --out needs a new file", path.display()))
            })?;
            is_new = text.is_empty();
            if !is_new && !text.ends_with('\n') {
                // The label that was being written when an earlier import was cut off stays by itself.
                file.write_all(b"\n")?;
            }
            labels.out = Out::File(file);
        }
        if is_new {
            let header = labels.out.line(&HEADER).and_then(|()| labels.out.flush());
            header.map_err(|why| CliError::Labels { why, unlabelled: Unlabelled::default() })?;
        }
        Ok(labels)
    }

    /// So many devices may be made before their labels are written. What reads a pipe may go away without a word, and then
    /// the keys of so many are lost.
    pub(super) const fn most_at_once(&self) -> usize {
        match self.out {
            Out::Standard(_) | Out::Stream(_) => 64,
            Out::File(_) => MOST_AT_ONCE,
        }
    }

    /// Adds the label of a device that is on disk.
    pub(super) fn add(&mut self, label: Label) {
        self.waiting.push(label);
    }

    /// Writes what waits, to the disk if it is a file.
    ///
    /// # Errors
    /// [`CliError::Labels`], which tells the devices whose labels did not get there.
    pub(super) fn write(&mut self) -> Result<(), CliError> {
        let waiting = std::mem::take(&mut self.waiting);
        let lost = |labels: &[Label], why| {
            let names = labels.iter().map(|label| label.name.clone());
            CliError::Labels { why, unlabelled: Unlabelled(names.collect()) }
        };
        for (index, label) in waiting.iter().enumerate() {
            let cells = cells(label);
            self.out.line(&cells.each_ref().map(|cell| cell.as_str())).map_err(|why| lost(&waiting[index..], why))?;
        }
        self.out.flush().map_err(|why| lost(&waiting, why))?;
        self.labelled.extend(waiting.into_iter().map(|label| label.name));
        Ok(())
    }

    /// Those of the devices that have no label in the file; nothing if there is no file to look into.
    pub(super) fn without(&self, names: Vec<String>) -> Option<Unlabelled> {
        match self.out {
            Out::Standard(_) | Out::Stream(_) => None,
            Out::File(_) => Some(Unlabelled(names.into_iter().filter(|name| !self.labelled.contains(name)).collect())),
        }
    }
}

impl Out {
    fn line(&mut self, cells: &[&str; HEADER.len()]) -> io::Result<()> {
        let mut line = csv::Writer::from_writer(Vec::new());
        line.write_record(cells)?;
        let line = Zeroizing::new(line.into_inner().map_err(|error| error.into_error())?);
        match self {
            Self::Standard(out) => out.write_all(&line),
            Self::File(file) | Self::Stream(file) => file.write_all(&line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Standard(out) => out.flush(),
            Self::File(file) => file.sync_data(),
            Self::Stream(file) => file.flush(),
        }
    }
}

fn cells(label: &Label) -> [Zeroizing<String>; HEADER.len()] {
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
    cells.map(Zeroizing::new)
}

/// Whether what stands there cannot be read from its beginning: a device may have no end, and a pipe no beginning.
pub(in crate::cli) fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
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
    use deed_domain::{claim_key::ClaimKey, ids::DeviceId, time::Timestamp};
    use uuid::Uuid;

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn each_device_whose_label_is_lost_is_named() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut labels = Labels { out: Out::Stream(full), waiting: Vec::new(), labelled: HashSet::new() };
        let names: Vec<_> = (1..=20).map(|number| format!("D-{number}")).collect();
        for name in &names {
            labels.add(Label {
                name: name.clone(),
                device_type: String::new(),
                label: String::new(),
                key: ClaimKey::new("S3CR3T"),
                expires_at: Timestamp(5),
                access_token: None,
                device_id: DeviceId(Uuid::nil()),
            });
        }
        let error = labels.write().unwrap_err().to_string();
        assert!(error.contains("20 devices were made that are not in the output"), "{error}");
        assert!(error.contains(&names.join(", ")) && !error.contains("S3CR3T"), "{error}");
    }

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
