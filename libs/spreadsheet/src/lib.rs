//! Comma-separated values (RFC 4180) that are safe to open in a spreadsheet. See `README.md`.

mod list;

pub use list::{List, Row, accepts_csv};

/// Appends a record.
pub fn append_record<'a>(text: &mut String, cells: impl IntoIterator<Item = Cell<'a>>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match cell {
            Cell::Number(number) => text.push_str(&number.to_string()),
            Cell::Text(cell) => quote(text, cell),
        }
    }
    text.push_str("\r\n");
}

/// The content of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell<'a> {
    /// A number, which a spreadsheet can add up.
    Number(i64),
    /// Any text.
    Text(&'a str),
}

/// Appends a quoted text. A text that looks like a formula gets an apostrophe, so that a spreadsheet does not run it
/// (<https://owasp.org/www-community/attacks/CSV_Injection>).
fn quote(text: &mut String, cell: &str) {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if !is_formula && !cell.contains([',', '"', '\r', '\n']) {
        text.push_str(cell);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_quoted_and_formulas_are_defused() {
        for (cell, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-1", "\"'-1\""),
            ("@cmd", "\"'@cmd\""),
            ("\t=1", "\"'\t=1\""),
        ] {
            let mut text = String::new();
            append_record(&mut text, [Cell::Number(-5), Cell::Text(cell)]);
            assert_eq!(text, format!("-5,{written}\r\n"));
        }
    }
}
