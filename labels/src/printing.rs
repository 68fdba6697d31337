//! Labels, one after the other, as bytes.

use crate::{Font, Format, Label, LabelError, layout, pdf::Sheets, png, svg, zpl};

/// A file of labels that is being written. Bytes are added to the caller's buffer as they come about, and are not kept.
pub struct Printing {
    format: Format,
    font: Font,
    /// The sheets, if it is a PDF.
    sheets: Option<Sheets>,
}

impl Printing {
    /// Begins a file.
    #[must_use]
    pub fn begin(format: Format, font: Font, out: &mut Vec<u8>) -> Self {
        let sheets = match format {
            Format::Pdf(paper) => Some(Sheets::begin(paper, font.clone(), out)),
            Format::Svg(_) | Format::Png(..) | Format::Zpl(..) => None,
        };
        Self { format, font, sheets }
    }

    /// Adds a label. A picture holds one and no more.
    ///
    /// # Errors
    /// [`LabelError`], and then nothing is added. What [`Format::check`] and [`Format::longest_link`] let through fails only
    /// for a key that is longer than a made one.
    pub fn add(&mut self, label: &Label<'_>, out: &mut Vec<u8>) -> Result<(), LabelError> {
        for text in [Some(label.name), label.key].into_iter().flatten() {
            self.format.check(&self.font, text)?;
        }
        let drawing = layout::draw(self.format, &self.font, label)?;
        self.write(&drawing, Some(&label.link), out);
        Ok(())
    }

    /// Adds the place of a device that gets no label: its name, and why.
    pub fn leave_out(&mut self, name: &str, why: &str, out: &mut Vec<u8>) {
        if let Some(sheets) = &mut self.sheets {
            sheets.list(name, why);
        }
        self.write(&layout::explain(self.format, &self.font, name, why), None, out);
    }

    /// Ends the file.
    pub fn end(self, out: &mut Vec<u8>) {
        if let Some(sheets) = self.sheets {
            sheets.end(out);
        }
    }

    fn write(&mut self, drawing: &layout::Drawing, link: Option<&str>, out: &mut Vec<u8>) {
        match (self.format, &mut self.sheets) {
            (Format::Svg(_), _) => svg::write(drawing, &self.font, out),
            (Format::Png(_, resolution), _) => png::write(drawing, &self.font, resolution, out),
            (Format::Zpl(_, resolution), _) => zpl::write(drawing, link, resolution, out),
            (Format::Pdf(_), sheets) => sheets.iter_mut().for_each(|sheets| sheets.add(drawing, out)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Paper, Resolution, Size};

    const BASE: &str = "https://d.example";
    const KEY: Option<&str> = Some("7KQM-2WXR-HT4P-9BDE");
    const EXPIRES: Option<i64> = Some(1_827_667_200_000);

    fn font() -> Font {
        Font::built_in().unwrap()
    }

    fn formats() -> Vec<Format> {
        let resolutions = [203, 300, 600].map(|dpi| Resolution::new(dpi).unwrap());
        let sizes = [Size::DEFAULT, Size::new(20.0, 20.0).unwrap(), Size::new(30.0, 60.0).unwrap()];
        let of_size = |size| {
            let with_dots =
                resolutions.iter().flat_map(move |dots| [Format::Png(size, *dots), Format::Zpl(size, *dots)]);
            with_dots.chain([Format::Svg(size), Format::Pdf(Paper::Single(size))])
        };
        let sheets = [Format::Pdf(Paper::A4 { skip: 20 }), Format::Pdf(Paper::Letter { skip: 0 })];
        sizes.into_iter().flat_map(of_size).chain(sheets).collect()
    }

    /// What a label of that name comes out as.
    fn printed(format: Format, name: &str, key: Option<&str>) -> Result<Vec<u8>, LabelError> {
        printed_with(&font(), format, name, key)
    }

    fn printed_with(font: &Font, format: Format, name: &str, key: Option<&str>) -> Result<Vec<u8>, LabelError> {
        let mut out = Vec::new();
        let mut printing = Printing::begin(format, font.clone(), &mut out);
        printing.add(&Label::new(BASE, name, key, EXPIRES), &mut out)?;
        printing.end(&mut out);
        Ok(out)
    }

    #[test]
    fn what_the_check_lets_through_is_printed() {
        for format in formats() {
            let longest = format.longest_link();
            for name in ["D-1", "温度計", &"ü".repeat(30), &"ü".repeat(255), &"x".repeat(255)] {
                let fits = Label::new(BASE, name, KEY, EXPIRES).link().len() <= longest;
                let expected = match format.check(&font(), name) {
                    Ok(()) if fits => Ok(()),
                    Ok(()) => Err(LabelError::TooLong),
                    Err(error) => Err(error),
                };
                assert_eq!(printed(format, name, KEY).map(drop), expected, "{format:?} {name}");
            }
        }
    }

    #[test]
    fn a_name_of_255_letters_fits_on_a_sheet_of_a4() {
        let format = Format::Pdf(Paper::A4 { skip: 0 });
        assert!(printed(format, &"x".repeat(255), KEY).is_ok());
        assert_eq!(printed(format, &"ü".repeat(255), KEY).err(), Some(LabelError::TooLong));
    }

    #[test]
    fn a_device_without_a_label_keeps_its_place_and_is_listed() {
        for format in formats() {
            let mut out = Vec::new();
            let mut printing = Printing::begin(format, font(), &mut out);
            for _ in 0..1100 {
                printing.leave_out("D-1", "It holds as many keys as it may.", &mut out);
            }
            printing.end(&mut out);
            assert!(!out.is_empty());
        }
    }

    /// The places in the list of objects are where the objects are.
    #[test]
    fn a_pdf_is_sound() {
        let mut out = Vec::new();
        let mut printing = Printing::begin(Format::Pdf(Paper::A4 { skip: 3 }), font(), &mut out);
        for number in 0..60 {
            printing.add(&Label::new(BASE, &format!("D-{number}"), KEY, EXPIRES), &mut out).unwrap();
        }
        printing.leave_out("D-60", "gone", &mut out);
        printing.end(&mut out);
        let text = String::from_utf8_lossy(&out);
        let tail = text.rsplit("startxref\n").next().unwrap();
        let start: usize = tail.lines().next().unwrap().parse().unwrap();
        let table = String::from_utf8(out[start..].to_vec()).unwrap();
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("xref"));
        let count: usize = lines.next().unwrap().strip_prefix("0 ").unwrap().parse().unwrap();
        // Five sheets, of which the last is the list, with two objects each.
        assert_eq!(count, 9 + 2 * 5);
        for (number, entry) in lines.take(count).enumerate().skip(1) {
            let place: usize = entry[..10].parse().unwrap();
            assert!(out[place..].starts_with(format!("{number} 0 obj").as_bytes()), "object {number}");
        }
    }

    #[test]
    fn a_picture_in_xml_is_well_formed_whatever_the_name() {
        let svg = printed(Format::Svg(Size::DEFAULT), "<a> & \"b\" \u{1}\u{ffff}", KEY).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.contains("&lt;a&gt; &amp; \"b\" \u{fffd}\u{fffd}</text>"), "{svg}");
    }

    /// Commands of a label, as a printer finds them: a caret or a tilde, two characters, what follows.
    fn commands(zpl: &str) -> Vec<String> {
        let text: String = zpl.chars().filter(|c| *c != '\n').collect();
        text.split(['^', '~']).skip(1).map(|command| command.chars().take(2).collect()).collect()
    }

    /// There, `\&` is a line break and `\(` a hyphen.
    #[test]
    fn a_backslash_is_not_in_a_field_that_the_printer_centres() {
        let format = Format::Zpl(Size::new(30.0, 60.0).unwrap(), Resolution::DEFAULT);
        let zpl = String::from_utf8(printed(format, "A\\&B", KEY).unwrap()).unwrap();
        let field = |words: &str| zpl.split("^FS").find(|field| field.contains(words)).unwrap();
        assert!(!field("A_5C&B").contains("^FB"), "{zpl}");
        assert!(field("^FDd.example").contains("^FB"), "{zpl}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// A key is made only if it will come out: whatever its letters, on labels of all sizes.
        #[test]
        fn a_made_key_fits_wherever_its_code_does(
            width in 20.0_f32..110.0, height in 20.0_f32..110.0, dpi in prop::sample::select(&[203, 300, 600][..]),
            letter in "[WM1J]", spare in 0_usize..300, is_wide in any::<bool>(),
        ) {
            let font = if is_wide { Font::read(dejavu::sans::bold().to_vec()).unwrap() } else { font() };
            let (size, resolution) = (Size::new(width, height).unwrap(), Resolution::new(dpi).unwrap());
            let key = ["W", "W", "W", "W"].map(|group| group.repeat(4)).join("-").replace('W', &letter);
            for format in [Format::Png(size, resolution), Format::Zpl(size, resolution), Format::Svg(size)] {
                let without = Label::new(BASE, "", Some(&key), EXPIRES).link().len();
                let Some(most) = format.longest_link().checked_sub(without).filter(|most| *most > 0) else { continue };
                let name = letter.repeat(most.saturating_sub(spare).clamp(1, 255));
                prop_assert_eq!(printed_with(&font, format, &name, Some(&key)).err(), None, "{:?} {}", format, name);
            }
        }

        #[test]
        fn no_name_makes_it_panic(name in ".{0,80}", key in proptest::option::of(".{0,40}")) {
            for format in formats().into_iter().step_by(3) {
                let _ = printed(format, &name, key.as_deref());
                let mut printing = Printing::begin(format, font(), &mut Vec::new());
                printing.leave_out(&name, key.as_deref().unwrap_or_default(), &mut Vec::new());
            }
        }

        #[test]
        fn no_name_is_a_command_of_a_printer(name in "(\\PC|[\\^~_,\\\\]){0,20}|\\PC{0,20}\\^XZ\\^XA~JA.{0,5}") {
            let resolution = Resolution::new(203).unwrap();
            let zpl = printed(Format::Zpl(Size::new(60.0, 60.0).unwrap(), resolution), &name, KEY).unwrap();
            let commands = commands(&String::from_utf8(zpl).unwrap());
            let known = ["XA", "CI", "PW", "LL", "LH", "FO", "BQ", "FH", "FD", "FS", "A0", "FB", "PQ", "XZ"];
            prop_assert!(commands.iter().all(|command| known.contains(&command.as_str())), "{:?}", commands);
            let count = |wanted: &str| commands.iter().filter(|command| *command == wanted).count();
            prop_assert_eq!((count("XA"), count("XZ"), count("BQ")), (1, 1, 1));
            prop_assert_eq!(count("FD"), count("FS"));
        }
    }
}
