//! Reads labels as somebody would who has nothing to do with how they were made.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::browser;

/// What the link on a label says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    pub(crate) base: String,
    pub(crate) name: String,
    pub(crate) key: Option<String>,
    /// Seconds since the epoch.
    pub(crate) expires: Option<i64>,
}

/// The links of all codes in a file of labels.
pub(crate) fn links(directory: &Path, format: &str, bytes: &[u8]) -> Vec<Link> {
    let source = directory.join(format!("labels.{format}"));
    fs::write(&source, bytes).unwrap();
    let pictures = match format {
        "png" => vec![source],
        "svg" | "zpl" => {
            let picture = directory.join("label.png");
            run(browser::program().arg("tests/browser/render.mjs").arg(&source).arg(&picture));
            vec![picture]
        }
        _ => pages(directory, &source),
    };
    pictures.iter().flat_map(|picture| decoded(picture)).map(|text| link(&text)).collect()
}

/// How labels lie on sheets, in millimetres: the first one's left and top, a label's width and height, from one to the next
/// across, columns and rows.
pub(crate) struct Sheet {
    pub(crate) first: (f64, f64),
    pub(crate) label: (f64, f64),
    pub(crate) across: f64,
    pub(crate) grid: (usize, usize),
}

/// Avery L7160, on A4.
pub(crate) const A4: Sheet = Sheet { first: (7.25, 15.15), label: (63.5, 38.1), across: 66.0, grid: (3, 7) };
/// Avery 5160, on Letter.
pub(crate) const LETTER: Sheet = Sheet { first: (4.76, 12.7), label: (66.68, 25.4), across: 69.85, grid: (3, 10) };

/// The link on each label of the sheets, in order; nothing for a place without one. What lies beside a label is not seen.
pub(crate) fn links_on_sheets(directory: &Path, sheet: &Sheet, pages: usize, bytes: &[u8]) -> Vec<Option<Link>> {
    const DOTS: f64 = 300.0 / 25.4;
    let source = directory.join("sheets.pdf");
    fs::write(&source, bytes).unwrap();
    let (columns, rows) = sheet.grid;
    let places = (1..=pages).flat_map(|page| (0..columns * rows).map(move |place| (page, place)));
    let read = places.map(|(page, place)| {
        let left = sheet.first.0 + (place % columns) as f64 * sheet.across;
        let top = sheet.first.1 + (place / columns) as f64 * sheet.label.1;
        let picture = directory.join("place");
        let mut cutting = Command::new("pdftoppm");
        cutting.args(["-r", "300", "-gray", "-png", "-singlefile"]).args([
            "-f",
            &page.to_string(),
            "-l",
            &page.to_string(),
        ]);
        for (option, length) in [("-x", left), ("-y", top), ("-W", sheet.label.0), ("-H", sheet.label.1)] {
            cutting.args([option, &(length * DOTS).round().to_string()]);
        }
        run(cutting.arg(&source).arg(&picture));
        let read = decoded(&picture.with_extension("png"));
        assert!(read.len() <= 1, "{read:?}");
        read.first().map(|text| link(text))
    });
    read.collect()
}

/// The text of a PDF.
pub(crate) fn text_of_pdf(directory: &Path, bytes: &[u8]) -> String {
    let source = directory.join("text.pdf");
    fs::write(&source, bytes).unwrap();
    run(Command::new("pdftotext").arg(&source).arg("-"))
}

fn pages(directory: &Path, source: &Path) -> Vec<PathBuf> {
    let begin = directory.join("page");
    run(Command::new("pdftoppm").args(["-r", "300", "-gray", "-png"]).arg(source).arg(&begin));
    let mut pages: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("page"));
    pages.sort();
    pages
}

/// What zbar reads in a picture.
fn decoded(picture: &Path) -> Vec<String> {
    let reading = ["--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable"];
    let read = Command::new("zbarimg").args(reading).arg(picture).output().unwrap();
    // Status 4 is a picture without a code.
    assert!(matches!(read.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&read.stderr));
    fs::remove_file(picture).unwrap();
    String::from_utf8(read.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Taken apart as the claim page does.
fn link(text: &str) -> Link {
    let (base, fragment) = text.split_once("/claim#").unwrap_or_else(|| panic!("no link to the claim page: {text}"));
    let member = |name: &str| {
        let members = fragment.split('&').filter_map(|member| member.split_once('='));
        members.filter(|(of, _)| *of == name).map(|(_, value)| plain(value)).next_back()
    };
    Link {
        base: base.to_owned(),
        name: member("n").unwrap(),
        key: member("k"),
        expires: member("x").map(|seconds| seconds.parse().unwrap()),
    }
}

/// Percent-decoded.
fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '%' {
            bytes.push(u8::from_str_radix(&rest[1..3], 16).unwrap());
            rest = &rest[3..];
        } else {
            bytes.extend(c.to_string().bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
