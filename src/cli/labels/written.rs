//! Labels that `deed import` has written.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use deed_domain::import::{Delimiter, Table};
use zeroize::Zeroizing;

use super::super::exit::CliError;

/// What a label says, as a file has it.
pub(super) struct Written {
    pub(super) name: String,
    pub(super) key: Option<Zeroizing<String>>,
    pub(super) expires_at: Option<i64>,
}

/// Reads a file, or the standard input for `-`.
///
/// # Errors
/// [`CliError::Input`], without anything of what stands there.
pub(super) fn read(path: &Path) -> Result<Vec<Written>, CliError> {
    let wrong = |why: String| CliError::Input { path: path.to_owned(), why };
    let mut text = Zeroizing::new(String::new());
    let read = if path == Path::new("-") {
        io::stdin().lock().read_to_string(&mut text).map(drop)
    } else {
        fs::read_to_string(path).map(|read| *text = read)
    };
    read.map_err(|why| wrong(why.to_string()))?;
    parse(&text).map_err(wrong)
}

fn parse(text: &str) -> Result<Vec<Written>, String> {
    let table = Table::read(text, Delimiter::COMMA).map_err(|why| why.to_string())?;
    let Some((header, lines)) = table.records.split_first() else { return Err("the file is empty".to_owned()) };
    let column = |name: &str| header.cells.iter().position(|cell| cell == name);
    let needed = |name: &str| {
        column(name).ok_or_else(|| {
            format!("there is no column `{name}`; the file has to be one that `deed import` has written")
        })
    };
    let (name, key, expires_at) = (needed("name")?, needed("secretKey")?, column("expirationTime"));
    let written = lines.iter().map(|line| {
        let cell = |place: Option<usize>| place.and_then(|place| line.cells.get(place)).filter(|cell| !cell.is_empty());
        let expires_at = cell(expires_at).map(|cell| {
            cell.parse().map_err(|_| format!("line {}: expirationTime must be milliseconds since the epoch", line.line))
        });
        let name = cell(Some(name)).ok_or_else(|| format!("line {}: there is no name", line.line))?;
        let key = cell(Some(key)).map(|key| Zeroizing::new(key.clone().into_owned()));
        Ok(Written { name: name.clone().into_owned(), key, expires_at: expires_at.transpose()? })
    });
    written.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_an_import_writes_them() {
        let text = "name,type,label,secretKey,expirationTime\nD-1,default,,7KQM,5\n\"D,2\",default,\"a\nb\",,\n";
        let read = parse(text).unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|label| (label.name.as_str(), label.key.as_ref().map(|key| key.as_str()), label.expires_at))
            .collect();
        assert_eq!(read, [("D-1", Some("7KQM"), Some(5)), ("D,2", None, None)]);
    }

    #[test]
    fn what_is_no_such_file_is_refused_without_telling_a_key() {
        for text in [
            "",
            "label,secretKey\nx,S3CR3T",
            "name,type\nD-1,S3CR3T",
            "name,secretKey,expirationTime\nD,S3CR3T,soon",
            "name,secretKey\n,S3CR3T",
        ] {
            let why = parse(text).err().unwrap();
            assert!(!why.contains("S3CR3T"), "{why}");
        }
    }
}
