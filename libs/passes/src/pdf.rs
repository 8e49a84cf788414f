//! Printable pages: A4, one for each admission.

#![expect(clippy::float_arithmetic, reason = "coordinates on a page")]

use std::sync::{Arc, OnceLock};

use krilla::{
    Document,
    color::rgb,
    geom::{PathBuilder, Point, Rect, Transform},
    metadata::Metadata,
    page::PageSettings,
    paint::Fill,
    surface::Surface,
    text::{Font, TextDirection},
};
use qr::{Modules, QUIET_ZONE, Run};
use ttf_parser::Face;

use crate::Pass;

/// The embedded font (`DejaVuSans.ttf`): Latin, Greek, Cyrillic, Hebrew, Arabic and others. Letters of other scripts are drawn as boxes.
static FONT: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");

/// The maximum number of pages of a document.
pub const MAX_PASSES: usize = 100;

/// A4, in points of 1/72 inch.
const PAGE: (f32, f32) = (595.0, 842.0);

/// The margin of a page.
const MARGIN: f32 = 56.0;

/// The width of the QR code with its quiet zone, 9 cm.
const QR_WIDTH: f32 = 255.0;

/// The longest text that is drawn, in characters.
const MAX_CHARS: usize = 400;

/// The lines of one text at most.
const MAX_LINES: usize = 4;

/// A document cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// There are too many pages.
    #[error("a document has at most {MAX_PASSES} pages")]
    TooMany,
    /// The QR code cannot be drawn.
    #[error(transparent)]
    Qr(#[from] qr::TooLong),
    /// The font or a measure is unusable: a programming error.
    #[error("the page cannot be drawn: {0}")]
    Page(&'static str),
    /// The document cannot be written.
    #[error("the document cannot be written: {0}")]
    Write(String),
}

/// Returns a PDF document with one page for each pass. Takes milliseconds of processor time for each page.
///
/// # Errors
///
/// There are more than [`MAX_PASSES`], or a code does not fit a QR code.
pub fn pdf(passes: &[Pass]) -> Result<Vec<u8>, PdfError> {
    if passes.len() > MAX_PASSES {
        return Err(PdfError::TooMany);
    }
    let font = font().ok_or(PdfError::Page("font"))?;
    let mut document = Document::new();
    let title = passes.first().map(|pass| pass.title.clone()).unwrap_or_default();
    document.set_metadata(Metadata::new().title(title).creator("Ticketing".to_owned()));
    for pass in passes {
        let settings = PageSettings::from_wh(PAGE.0, PAGE.1).ok_or(PdfError::Page("page size"))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        Writer {
            surface: &mut surface,
            font: &font,
            y: MARGIN,
        }
        .draw(pass)?;
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|error| PdfError::Write(format!("{error:?}")))
}

fn font() -> Option<Font> {
    static PARSED: OnceLock<Option<Font>> = OnceLock::new();
    PARSED.get_or_init(|| Font::new(FONT.into(), 0)).clone()
}

/// Draws a page from top to bottom.
struct Writer<'page, 'document> {
    surface: &'page mut Surface<'document>,
    font: &'page Font,
    y: f32,
}

impl Writer<'_, '_> {
    fn draw(&mut self, pass: &Pass) -> Result<(), PdfError> {
        self.text(&pass.title, 24.0, BLACK);
        self.y += 12.0;
        for (label, text) in pass.facts() {
            self.text(&label, 9.0, GREY);
            self.text(&text, 13.0, BLACK);
            self.y += 6.0;
        }
        self.y += 14.0;
        self.qr(&pass.qr)?;
        self.text(&pass.short_code, 13.0, BLACK);
        self.y += 6.0;
        self.text(&pass.note(), 9.0, GREY);
        Ok(())
    }

    fn text(&mut self, text: &str, size: f32, grey: u8) {
        self.fill(grey);
        for line in lines(text, size, PAGE.0 - 2.0 * MARGIN) {
            self.y += size * 1.3;
            let start = Point::from_xy(MARGIN, self.y);
            self.surface
                .draw_text(start, self.font.clone(), size, &line, false, TextDirection::Auto);
        }
    }

    fn qr(&mut self, text: &str) -> Result<(), PdfError> {
        let modules = Modules::encode(text)?;
        let small = |number: u32| u16::try_from(number).map(f32::from).unwrap_or_default();
        let module = QR_WIDTH / small(modules.width_with_quiet_zone());
        let mut path = PathBuilder::new();
        for Run { x, y, length } in modules.runs() {
            let rect = Rect::from_xywh(small(x - QUIET_ZONE), small(y), small(length), 1.0);
            path.push_rect(rect.ok_or(PdfError::Page("module"))?);
        }
        self.fill(BLACK);
        if let Some(path) = path.finish() {
            // In units of a module, the numbers of the path are short. The quiet zone on the left is part of the margin.
            self.surface
                .push_transform(&Transform::from_row(module, 0.0, 0.0, module, MARGIN, self.y));
            self.surface.draw_path(&path);
            self.surface.pop();
        }
        self.y += QR_WIDTH;
        Ok(())
    }

    fn fill(&mut self, grey: u8) {
        self.surface.set_fill(Some(Fill {
            paint: rgb::Color::new(grey, grey, grey).into(),
            ..Fill::default()
        }));
    }
}

/// Levels of grey.
const BLACK: u8 = 0;
const GREY: u8 = 90;

/// Breaks a text into lines of at most `width` points.
fn lines(text: &str, size: f32, width: f32) -> Vec<String> {
    let visible = |char: &char| !char.is_control();
    let text: String = text
        .chars()
        .map(|char| if char.is_whitespace() { ' ' } else { char })
        .filter(visible)
        .take(MAX_CHARS)
        .collect();
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let joined = if line.is_empty() {
            word.to_owned()
        } else {
            format!("{line} {word}")
        };
        if measure(&joined, size) <= width {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for char in word.chars() {
            line.push(char);
            if measure(&line, size) > width {
                line.pop();
                lines.push(std::mem::take(&mut line));
                line.push(char);
            }
        }
    }
    lines.push(line);
    lines.truncate(MAX_LINES);
    lines.retain(|line| !line.is_empty());
    lines
}

/// Returns the width of a text in points, without kerning.
fn measure(text: &str, size: f32) -> f32 {
    static FACE: OnceLock<Option<Arc<Face<'static>>>> = OnceLock::new();
    let face = FACE.get_or_init(|| Face::parse(FONT, 0).ok().map(Arc::new));
    let Some(face) = face else { return 0.0 };
    let units = f32::from(face.units_per_em().max(1));
    let advance = |char| {
        let glyph = face.glyph_index(char).unwrap_or_default();
        face.glyph_hor_advance(glyph).map(f32::from).unwrap_or_default()
    };
    text.chars().map(advance).sum::<f32>() * size / units
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use localization::TimeZone;
    use values::Language;

    use super::*;

    fn pass(title: &str) -> Pass {
        Pass {
            language: Language::English,
            title: title.to_owned(),
            starts_at: None,
            zone: TimeZone::UTC,
            venue: Some(title.to_owned()),
            holder: None,
            number: 1,
            of: 2,
            qr: format!("T1:{}", "Z".repeat(180)),
            short_code: "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV".to_owned(),
        }
    }

    #[test]
    fn each_pass_has_a_page_in_any_script() {
        let texts = [
            "Die Goldberg-Variationen",
            "Ελληνικά, Кириллица, Łódź",
            "日本語 한국어 ไทย हिन्दी",
            "שלום مرحبا",
            "\u{202e}\u{0}\u{7f}\u{200b}👩‍👩‍👧‍👦\u{fe0f}",
            "",
            "   ",
            &"W".repeat(200),
        ];
        let passes: Vec<_> = texts.iter().map(|text| pass(text)).collect();
        let bytes = pdf(&passes).unwrap();
        assert!(bytes.starts_with(b"%PDF-"));
        let pages = bytes.windows(9).filter(|window| *window == b"/MediaBox");
        assert_eq!(pages.count(), passes.len());
        assert!(bytes.len() < 300_000, "{}: the font is not embedded whole", bytes.len());
    }

    /// Returns the decompressed streams of a document.
    fn streams(document: &[u8]) -> impl Iterator<Item = String> {
        let find = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).position(|window| window == text);
        let mut rest = document;
        std::iter::from_fn(move || {
            rest = &rest[find(rest, b"\nstream\n")? + 8..];
            let mut text = Vec::new();
            let _ = flate2::read::ZlibDecoder::new(rest).read_to_end(&mut text);
            Some(String::from_utf8_lossy(&text).into_owned())
        })
    }

    #[test]
    fn the_code_is_drawn_upright_and_with_its_modules() {
        let pass = pass("Concert");
        let document = pdf(std::slice::from_ref(&pass)).unwrap();
        let content = streams(&document).find(|content| content.contains(" cm ")).unwrap();
        let (before, path) = content.split_at(content.find(" m ").unwrap());
        // The page is upside down in the coordinates of PDF.
        let matrix: Vec<f32> = before[before.rfind("q ").unwrap() + 2..]
            .split(' ')
            .map_while(|number| number.parse().ok())
            .collect();
        let modules = Modules::encode(&pass.qr).unwrap();
        let module = QR_WIDTH / f32::from(u16::try_from(modules.width_with_quiet_zone()).unwrap());
        let is_near = |left: f32, right: f32| (left - right).abs() < 0.001;
        assert!(
            is_near(matrix[0], module) && is_near(matrix[3], -module) && matrix[1..3] == [0.0, 0.0],
            "{matrix:?}"
        );
        assert!(is_near(matrix[4], MARGIN), "{matrix:?}");
        // Each square: `x y m right y l right bottom l x bottom l h`.
        let start = before.rfind("rg ").unwrap() + 3;
        let squares = format!("{}{path}", &before[start..]);
        let numbers =
            |square: &str| -> Vec<u32> { square.split_whitespace().filter_map(|word| word.parse().ok()).collect() };
        let drawn: Vec<_> = squares
            .split(" l\nh")
            .map(numbers)
            .filter(|square| square.len() == 8)
            .collect();
        let runs: Vec<_> = modules
            .runs()
            .map(|Run { x, y, length }| (x - QUIET_ZONE, y, x - QUIET_ZONE + length, y + 1))
            .map(|(left, top, right, bottom)| vec![left, top, right, top, right, bottom, left, bottom])
            .collect();
        assert_eq!(drawn, runs);
    }

    #[test]
    fn a_document_has_a_bounded_number_of_pages() {
        let passes = vec![pass("Concert"); MAX_PASSES + 1];
        assert!(matches!(pdf(&passes), Err(PdfError::TooMany)));
    }

    #[test]
    fn lines_are_no_wider_than_the_page() {
        let text = format!("{} {}", "Wort ".repeat(60), "W".repeat(120));
        let lines = lines(&text, 24.0, 400.0);
        assert!((2..=MAX_LINES).contains(&lines.len()), "{lines:?}");
        assert!(lines.iter().all(|line| measure(line, 24.0) <= 400.0), "{lines:?}");
    }
}
