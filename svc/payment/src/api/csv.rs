//! Comma-separated values as RFC 4180 has them, and as a spreadsheet may open them.

/// Appends a record.
pub(super) fn record<'a>(text: &mut String, cells: impl IntoIterator<Item = Cell<'a>>) {
    for (place, cell) in cells.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        match cell {
            Cell::Number(number) => text.push_str(&number.to_string()),
            Cell::Text(cell) => quote(text, cell),
        }
    }
    text.push_str("\r\n");
}

/// What stands in a cell.
pub(super) enum Cell<'a> {
    Number(i64),
    Text(&'a str),
}

/// A text that begins like a formula would be run as one by whoever opens it
/// (<https://owasp.org/www-community/attacks/CSV_Injection>): so it begins with an apostrophe.
fn quote(text: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if !formula && !cell.contains([',', '"', '\r', '\n']) {
        text.push_str(cell);
        return;
    }
    text.push('"');
    if formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_quotes_gets_them_and_nothing_is_a_formula() {
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
            record(&mut text, [Cell::Number(-5), Cell::Text(cell)]);
            assert_eq!(text, format!("-5,{written}\r\n"));
        }
    }
}
