//! Comma-separated values as RFC 4180 has them, read strictly: a file that was put together wrongly is refused as a
//! whole, instead of being imported with its cells in the wrong places.

use std::borrow::Cow;

const BYTE_ORDER_MARK: char = '\u{feff}';
const QUOTE: char = '"';

/// What stands between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiter(char);

impl Delimiter {
    /// A comma.
    pub const COMMA: Self = Self(',');

    /// One character, but for the quote and the ends of lines.
    ///
    /// # Errors
    /// [`UnreadableTable::Delimiter`].
    pub fn parse(text: &str) -> Result<Self, UnreadableTable> {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(one), None) if !matches!(one, QUOTE | '\n' | '\r') => Ok(Self(one)),
            _ => Err(UnreadableTable::Delimiter),
        }
    }
}

/// The records of a file, without its blank lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<'a> {
    /// In the order of the file.
    pub records: Vec<Record<'a>>,
}

/// The cells of a line, or of several if a quoted cell has ends of lines in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The number of the line on which it begins; the first line of the file is 1.
    pub line: usize,
    /// Its cells, at least one, blanks around them kept.
    pub cells: Vec<Cow<'a, str>>,
}

/// Why a file is no table. Names the line and shows nothing of it, as there may be secrets in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableTable {
    /// The delimiter is none.
    #[error("The delimiter must be one character, other than a quote or the end of a line")]
    Delimiter,
    /// There is nothing in it.
    #[error("The file is empty")]
    Empty,
    /// Something stands between the end of a quoted cell and the next delimiter.
    #[error("Line {0}: a quoted cell is followed by something other than a delimiter or the end of the line")]
    AfterQuote(usize),
    /// A quoted cell that begins on this line has no end.
    #[error("Line {0}: a quoted cell is not closed")]
    OpenQuote(usize),
    /// A line has more cells than there are columns.
    #[error("Line {0}: there are more cells than columns")]
    TooManyCells(usize),
    /// There are more lines than are read at once.
    #[error("The file has more than {0} lines of devices; split it into files of so many")]
    TooManyLines(usize),
}

impl<'a> Table<'a> {
    /// Reads a file. A byte order mark at its beginning means nothing; lines end with LF, CR LF or CR, the last one
    /// with or without.
    ///
    /// # Errors
    /// [`UnreadableTable`].
    pub fn read(text: &'a str, delimiter: Delimiter) -> Result<Self, UnreadableTable> {
        let records = Records::of(text, delimiter, usize::MAX).collect::<Result<_, _>>()?;
        Ok(Self { records })
    }
}

/// The records of a file, read one after another; none comes after an error.
pub(super) struct Records<'a> {
    reader: Reader<'a>,
    most_cells: usize,
}

impl<'a> Records<'a> {
    /// Those of a file. A line with more than `most_cells` cells has one more here: one line could have as many as the file
    /// has bytes.
    pub(super) fn of(text: &'a str, delimiter: Delimiter, most_cells: usize) -> Self {
        let rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Self { reader: Reader { rest, line: 1, delimiter: delimiter.0 }, most_cells }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, UnreadableTable>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.reader.end_line() {}
        if self.reader.rest.is_empty() {
            return None;
        }
        let line = self.reader.line;
        let cells = self.reader.cells(self.most_cells);
        if cells.is_err() {
            self.reader.rest = "";
        }
        Some(cells.map(|cells| Record { line, cells }))
    }
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    delimiter: char,
}

impl<'a> Reader<'a> {
    /// The cells up to the end of the line; of those beyond `most`, the first.
    fn cells(&mut self, most: usize) -> Result<Vec<Cow<'a, str>>, UnreadableTable> {
        let mut cells = Vec::new();
        loop {
            let cell = match self.rest.strip_prefix(QUOTE) {
                Some(rest) => {
                    self.rest = rest;
                    self.quoted()?
                }
                None => self.plain(),
            };
            if cells.len() <= most {
                cells.push(cell);
            }
            if let Some(rest) = self.rest.strip_prefix(self.delimiter) {
                self.rest = rest;
            } else if self.rest.is_empty() || self.end_line() {
                return Ok(cells);
            } else {
                return Err(UnreadableTable::AfterQuote(self.line));
            }
        }
    }

    /// A cell up to its delimiter; a quote inside it is a character like any other.
    fn plain(&mut self) -> Cow<'a, str> {
        let end = self.rest.find([self.delimiter, '\n', '\r']).unwrap_or(self.rest.len());
        let (cell, rest) = self.rest.split_at(end);
        self.rest = rest;
        Cow::Borrowed(cell)
    }

    /// A cell up to its closing quote, and the blanks after that; two quotes inside it are one.
    fn quoted(&mut self) -> Result<Cow<'a, str>, UnreadableTable> {
        let opened_at = self.line;
        let mut cell = Cow::Borrowed("");
        loop {
            let (part, rest) = self.rest.split_once(QUOTE).ok_or(UnreadableTable::OpenQuote(opened_at))?;
            self.line += line_ends(part);
            cell += part;
            match rest.strip_prefix(QUOTE) {
                Some(rest) => {
                    cell.to_mut().push(QUOTE);
                    self.rest = rest;
                }
                None => {
                    self.rest = rest.trim_start_matches(|c| matches!(c, ' ' | '\t') && c != self.delimiter);
                    return Ok(cell);
                }
            }
        }
    }

    /// Goes on to the next line if this one ends here.
    fn end_line(&mut self) -> bool {
        let next = ["\r\n", "\n", "\r"].iter().find_map(|end| self.rest.strip_prefix(end));
        if let Some(rest) = next {
            self.rest = rest;
            self.line += 1;
        }
        next.is_some()
    }
}

fn line_ends(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |(i, byte): (usize, &u8)| *byte == b'\n' || (*byte == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
    bytes.iter().enumerate().filter(|pair| ends(*pair)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Vec<(usize, Vec<String>)>, UnreadableTable> {
        let table = Table::read(text, Delimiter::COMMA)?;
        let owned = |record: Record<'_>| (record.line, record.cells.into_iter().map(Cow::into_owned).collect());
        Ok(table.records.into_iter().map(owned).collect())
    }

    fn row(line: usize, cells: &[&str]) -> (usize, Vec<String>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn cells_lines_and_their_numbers() {
        assert_eq!(read("a,b\n1, 2 \n"), Ok(vec![row(1, &["a", "b"]), row(2, &["1", " 2 "])]));
        assert_eq!(read("a\r\nb\rc"), Ok(vec![row(1, &["a"]), row(2, &["b"]), row(3, &["c"])]));
        assert_eq!(read("\u{feff}a,\n\n\r\n,b"), Ok(vec![row(1, &["a", ""]), row(4, &["", "b"])]));
        assert_eq!(read("a,"), Ok(vec![row(1, &["a", ""])]));
        assert_eq!((read(""), read("\n\n")), (Ok(vec![]), Ok(vec![])));
    }

    #[test]
    fn quoted_cells() {
        assert_eq!(read("\"a,\"\"b\"\"\nc\",d\nx"), Ok(vec![row(1, &["a,\"b\"\nc", "d"]), row(3, &["x"])]));
        assert_eq!(read("\"a\r\nb\rc\"\nx"), Ok(vec![row(1, &["a\r\nb\rc"]), row(4, &["x"])]));
        assert_eq!(read("\"\",\"\" \t,a\"b"), Ok(vec![row(1, &["", "", "a\"b"])]));
        assert_eq!(read("\"\"\n"), Ok(vec![row(1, &[""])]));
    }

    #[test]
    fn what_is_put_together_wrongly_is_refused_with_its_line() {
        assert_eq!(read("a\nb,\"c\"d\n"), Err(UnreadableTable::AfterQuote(2)));
        assert_eq!(read("x,{\"k\":1,\"e\":2}"), Err(UnreadableTable::AfterQuote(1)));
        assert_eq!(read("a\nb,\"c\n\nd"), Err(UnreadableTable::OpenQuote(2)));
        assert_eq!(read("\"a\nb\" x"), Err(UnreadableTable::AfterQuote(2)));
    }

    #[test]
    fn a_delimiter_is_one_character() {
        let tabs = Table::read("a\t\"b\"\tc", Delimiter::parse("\t").unwrap()).unwrap();
        assert_eq!(tabs.records[0].cells, ["a", "b", "c"]);
        let wide = Table::read("a→b", Delimiter::parse("→").unwrap()).unwrap();
        assert_eq!(wide.records[0].cells, ["a", "b"]);
        for text in ["", ";;", "\"", "\n", "\r"] {
            assert_eq!(Delimiter::parse(text), Err(UnreadableTable::Delimiter), "{text:?}");
        }
    }

    fn cell() -> impl Strategy<Value = String> {
        proptest::string::string_regex("[a\",;ü \r\n{}]{0,6}").unwrap()
    }

    proptest! {
        #[test]
        fn what_another_program_writes_is_read_as_it_was(
            rows in proptest::collection::vec(proptest::collection::vec(cell(), 1..4), 1..6)
        ) {
            let mut written = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            rows.iter().for_each(|row| written.write_record(row).unwrap());
            let text = String::from_utf8(written.into_inner().unwrap()).unwrap();
            let read: Vec<_> = read(&text).unwrap().into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(read, rows);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\",;\t\r\na-cü\u{feff}]{0,40}") {
            for delimiter in [Delimiter::COMMA, Delimiter(';'), Delimiter('\t'), Delimiter('ü')] {
                if let Ok(table) = Table::read(&text, delimiter) {
                    let last = text.split(['\n', '\r']).count();
                    prop_assert!(table.records.iter().all(|record| !record.cells.is_empty() && record.line <= last));
                    prop_assert!(table.records.is_sorted_by(|a, b| a.line < b.line));
                }
            }
        }
    }
}
