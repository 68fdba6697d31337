//! The objects of a file, and where each begins.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{Chunk, Filter, Finish, Name, Rect, Ref, TextStr, writers::Catalog, writers::DocumentInfo};

use super::font::UsedGlyphs;

const CATALOG: i32 = 1;
const PAGES: i32 = 2;
const INFO: i32 = 3;
/// The font, and four objects that belong to it.
const FONT: i32 = 4;
const FIRST_PAGE: i32 = 9;

/// What the pages call the font.
pub(super) const FONT_NAME: Name<'_> = Name(b"F");

/// A file that is being written.
pub(super) struct File {
    /// Bytes so far.
    written: usize,
    /// Where the object of each number begins, from 1 on.
    starts: Vec<usize>,
    /// Pages so far.
    pages: i32,
}

impl File {
    pub(super) fn begin(out: &mut Vec<u8>) -> Self {
        // The second line tells that not all bytes are letters.
        let head = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
        out.extend_from_slice(head);
        Self { written: head.len(), starts: vec![0; 8], pages: 0 }
    }

    /// Adds a page of these measures, in points.
    pub(super) fn page(&mut self, width: f32, height: f32, content: &[u8], out: &mut Vec<u8>) {
        let page = FIRST_PAGE + 2 * self.pages;
        self.pages += 1;
        self.object(page, out, |chunk, id| {
            let mut page = chunk.page(id);
            page.parent(Ref::new(PAGES)).media_box(Rect::new(0.0, 0.0, width, height)).contents(Ref::new(id.get() + 1));
            page.resources().fonts().pair(FONT_NAME, Ref::new(FONT));
        });
        self.stream(page + 1, content, out, |_| ());
    }

    /// Writes what the pages refer to, and the list of all objects.
    pub(super) fn end(mut self, glyphs: &UsedGlyphs, out: &mut Vec<u8>) {
        glyphs.write(&mut self, FONT, out);
        let pages = self.pages;
        self.object(PAGES, out, |chunk, id| {
            chunk.pages(id).kids((0..pages).map(|page| Ref::new(FIRST_PAGE + 2 * page))).count(pages);
        });
        self.object(INFO, out, |chunk, id| {
            let mut info = chunk.indirect(id).start::<DocumentInfo<'_>>();
            info.title(TextStr("Device labels")).producer(TextStr("deed"));
        });
        self.object(CATALOG, out, |chunk, id| {
            let mut catalog = chunk.indirect(id).start::<Catalog<'_>>();
            catalog.pages(Ref::new(PAGES));
            // Labels have to come out as large as they are.
            catalog.viewer_preferences().pair(Name(b"PrintScaling"), Name(b"None"));
        });
        let objects = self.starts.len() + 1;
        let mut tail = format!("xref\n0 {objects}\n0000000000 65535 f \n");
        tail.extend(self.starts.iter().map(|start| format!("{start:010} 00000 n \n")));
        tail.push_str(&format!(
            "trailer\n<</Size {objects}/Root {CATALOG} 0 R/Info {INFO} 0 R>>\nstartxref\n{}\n%%EOF\n",
            self.written
        ));
        out.extend_from_slice(tail.as_bytes());
    }

    /// Adds an object.
    pub(super) fn object(&mut self, number: i32, out: &mut Vec<u8>, write: impl FnOnce(&mut Chunk, Ref)) {
        let place = usize::try_from(number - 1).unwrap_or(0);
        if self.starts.len() <= place {
            self.starts.resize(place + 1, 0);
        }
        self.starts[place] = self.written;
        let mut chunk = Chunk::with_settings(pdf_writer::Settings { pretty: false });
        write(&mut chunk, Ref::new(number));
        self.written += chunk.len();
        out.extend_from_slice(chunk.as_bytes());
    }

    /// Adds a stream, deflated.
    pub(super) fn stream(
        &mut self,
        number: i32,
        content: &[u8],
        out: &mut Vec<u8>,
        describe: impl FnOnce(&mut pdf_writer::Stream<'_>),
    ) {
        let mut deflating = ZlibEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory cannot fail.
        let deflated = deflating.write_all(content).and_then(|()| deflating.finish()).unwrap_or_default();
        self.object(number, out, |chunk, id| {
            let mut stream = chunk.stream(id, &deflated);
            stream.filter(Filter::FlateDecode);
            describe(&mut stream);
            stream.finish();
        });
    }
}
