//! The file with the devices, read and checked before anything is done.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs,
    io::{self, Read},
    path::Path,
    string::FromUtf8Error,
};

use deed_domain::{
    claim_key::ClaimKey,
    claims::{DataChange, Undecodable},
    device::KeySlot,
    import::{Column, Delimiter, ImportedDevice, PlannedLine, Record, Table},
    time::Timestamp,
};

use super::{super::replay::point_in_time, LineFailure, columns::Heading};
use crate::cli::CliError;

/// The devices of a file.
pub(super) struct Input {
    /// In the order of the file.
    pub(super) lines: Vec<InputLine>,
}

/// A line of the file.
pub(super) struct InputLine {
    /// Its number in the file.
    pub(super) number: usize,
    /// What it asks for.
    pub(super) device: Result<InputDevice, LineFailure>,
}

/// A device, and the key if the file has one.
pub(super) struct InputDevice {
    /// All that is not about the key.
    pub(super) device: ImportedDevice,
    /// The key.
    pub(super) key: Option<ClaimKey>,
    /// When the key runs out.
    pub(super) expires_at: Option<Timestamp>,
    /// How the key reads back as `claimingData`.
    pub(super) form: KeySlot,
}

impl Input {
    /// Reads a file, or the standard input for `-`.
    ///
    /// # Errors
    /// [`CliError::Input`] if it cannot be read, or as a whole makes no sense.
    pub(super) fn read(path: &Path, delimiter: Delimiter) -> Result<Self, CliError> {
        let wrong = |why: String| CliError::Input { path: path.to_owned(), why };
        let bytes = if path == Path::new("-") {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            fs::read(path)
        };
        let bytes = bytes.map_err(|why| wrong(why.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|why| wrong(not_text(&why)))?;
        Self::parse(&text, delimiter).map_err(wrong)
    }

    fn parse(text: &str, delimiter: Delimiter) -> Result<Self, String> {
        let table = Table::read(text, delimiter).map_err(|why| why.to_string())?;
        let mut records = table.records.into_iter();
        let header = records.next().ok_or("the file is empty")?;
        let headings = header.cells.iter().map(|name| Heading::named(name)).collect::<Result<Vec<_>, _>>();
        let headings = headings.map_err(|name| {
            format!("there is no column {name:?}; `deed import --help` lists them, and the first line has to name them")
        })?;
        if let Some(second) = (1..headings.len()).find(|place| headings[..*place].contains(&headings[*place])) {
            return Err(format!("two columns are called {:?}", header.cells[second]));
        }
        if let Some(data) = headings.iter().position(Heading::is_claiming_data)
            && let Some(other) = headings.iter().position(Heading::is_of_the_key)
        {
            let [data, other] = [data, other].map(|place| &header.cells[place]);
            return Err(format!("the columns {data:?} and {other:?} both say what the claim key is"));
        }
        let columns: Vec<Column> = headings.iter().map(Heading::common).collect();
        if !columns.contains(&Column::Name) {
            return Err("the first line has to name the columns, and one of them has to be `name`".to_owned());
        }
        let mut lines = Vec::with_capacity(records.len());
        let mut first_of_name: HashMap<String, usize> = HashMap::with_capacity(records.len());
        for mut record in records {
            let flags = read_flags(&mut record, &headings);
            let line = PlannedLine::read(&record, &columns).map_err(|why| why.to_string())?;
            let device = line.device.map_err(|why| why.to_string()).and_then(|device| flags.map(|()| device));
            let device = device.and_then(|device| {
                let first = *first_of_name.entry(device.name.clone()).or_insert(record.line);
                if first == record.line {
                    InputDevice::read(device, &record, &headings)
                } else {
                    Err(format!("line {first} has the same name"))
                }
            });
            lines.push(InputLine { number: line.number, device: device.map_err(LineFailure::Line) });
        }
        Ok(Self { lines })
    }
}

impl InputDevice {
    fn read(mut device: ImportedDevice, record: &Record<'_>, headings: &[Heading]) -> Result<Self, String> {
        match device.attributes.claiming.data.take() {
            // Nobody needs a label to type nothing.
            Some(DataChange::Set(data)) if data.key.is_empty() => return Err("claimingData has no key".to_owned()),
            Some(DataChange::Set(data)) => {
                return Ok(Self { device, key: Some(data.key), expires_at: Some(data.expires_at), form: data.form });
            }
            Some(DataChange::Undecodable) => return Err(Undecodable.to_string()),
            Some(DataChange::Clear) | None => {}
        }
        let cells = || headings.iter().zip(&record.cells).filter(|(_, cell)| !cell.trim().is_empty());
        let cell = |wanted: &Heading| cells().find(|(heading, _)| *heading == wanted).map(|(_, cell)| cell.trim());
        let expires_at = cell(&Heading::ExpirationTime).map(point_in_time).transpose();
        Ok(Self {
            device,
            key: cell(&Heading::SecretKey).map(ClaimKey::new),
            expires_at: expires_at.map_err(|why| format!("expirationTime is {why}"))?,
            form: KeySlot::AttributeObject,
        })
    }
}

/// Leaves out the blanks around the flags of a line, which are words of their columns.
fn read_flags(record: &mut Record<'_>, headings: &[Heading]) -> Result<(), String> {
    for (heading, cell) in headings.iter().zip(&mut record.cells) {
        let Some((name, words)) = heading.flag() else { continue };
        *cell = Cow::Owned(cell.trim().to_owned());
        if !cell.is_empty() && !words.iter().any(|word| word.eq_ignore_ascii_case(cell)) {
            return Err(format!("{name} must be one of {}", words.join(", ")));
        }
    }
    Ok(())
}

/// Which line of the file is no text.
fn not_text(why: &FromUtf8Error) -> String {
    let text = &why.as_bytes()[..why.utf8_error().valid_up_to()];
    let ends = |(place, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => text.get(place + 1) != Some(&b'\n'),
        _ => false,
    };
    let line = 1 + text.iter().enumerate().filter(|pair| ends(*pair)).count();
    format!("line {line} is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (usize, Result<String, String>);

    fn read(text: &str) -> Result<Vec<Told>, String> {
        let told = |line: InputLine| {
            let device = line.device.map(|device| {
                let key = device.key.map(|key| key.expose().to_owned());
                format!("{} {key:?} {:?}", device.device.name, device.expires_at.map(|time| time.0))
            });
            let device = device.map_err(|why| match why {
                LineFailure::Line(why) => why,
                LineFailure::Store(error) => error.to_string(),
            });
            (line.number, device)
        };
        Ok(Input::parse(text, Delimiter::COMMA)?.lines.into_iter().map(told).collect())
    }

    #[test]
    fn keys_and_times_are_read_beside_the_device() {
        let text = "Name,secret_key,expirationTime\nA,K-1,5\nB\nC, K 3 ,1970-01-01T00:00:01Z\n";
        let lines = read(text).unwrap();
        assert_eq!(lines[0], (2, Ok("A Some(\"K-1\") Some(5)".to_owned())));
        assert_eq!(lines[1], (3, Ok("B None None".to_owned())));
        assert_eq!(lines[2], (4, Ok("C Some(\"K 3\") Some(1000)".to_owned())));
    }

    #[test]
    fn a_line_has_its_own_errors_and_the_file_the_others() {
        let lines = read("name,expirationTime\nA,soon\n,\nB\nB\n").unwrap();
        let errors: Vec<_> = lines.into_iter().filter_map(|(number, line)| Some((number, line.err()?))).collect();
        assert_eq!(
            errors,
            [
                (2, "expirationTime is neither RFC 3339 nor milliseconds since the epoch".to_owned()),
                (3, "Device name should be specified!".to_owned()),
                (5, "line 4 has the same name".to_owned()),
            ]
        );
        for text in ["", "A,B\n", "label\nx\n", "name\na,b\n", "name\n\"a\n"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
    #[test]
    fn a_flag_is_one_of_its_words() {
        let lines =
            read("name,gateway,claiming allowed\nA,TRUE,1\nB, false ,0\nC,,\nD,yes,\nE,1,\nF,,maybe\n").unwrap();
        let errors: Vec<_> = lines.into_iter().filter_map(|(number, line)| Some((number, line.err()?))).collect();
        let gateway = || "gateway must be one of true, false".to_owned();
        let allowed = "claimingAllowed must be one of true, false, 1, 0".to_owned();
        assert_eq!(errors, [(5, gateway()), (6, gateway()), (7, allowed)]);
    }

    #[test]
    fn a_column_stands_once() {
        for header in ["name,type,NAME", "name,secretKey,secret_key", "name,claimingAllowed,server:claimingAllowed"] {
            let second = header.rsplit(',').next().unwrap();
            assert_eq!(read(header), Err(format!("two columns are called {second:?}")));
        }
        assert!(read("name,server:a,shared:a\n").is_ok());
    }

    #[test]
    fn the_line_that_is_no_text_is_told() {
        for (bytes, line) in [(&b"\xff"[..], 1), (b"name\r\nA\r\n\xe4\n", 3), (b"name\rA\xc3\r", 2)] {
            let why = String::from_utf8(bytes.to_vec()).unwrap_err();
            assert_eq!(not_text(&why), format!("line {line} is not UTF-8"));
        }
    }
}
