use std::{fmt::Write, fs, path::Path};

use super::{plots::plot, tables};
use crate::{BenchResult, results::Results};

/// What is before and after the generated part of the page.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// The folder of the plots, beside the page.
const PLOTS: &str = "performance";

/// Replaces the generated part of the page, and writes the plots beside it.
///
/// # Errors
///
/// A page without the marks of the generated part.
pub fn write_page(path: &Path, results: &Results) -> BenchResult<()> {
    let page = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let plots = path.with_file_name(PLOTS);
    fs::create_dir_all(&plots)?;
    for curve in &results.curves {
        fs::write(plots.join(format!("{}.svg", curve.id)), plot(curve)?)?;
    }
    let page = replace_measured(&page, &measured(results)?);
    fs::write(
        path,
        page.ok_or_else(|| format!("{} has no {BEGIN} and {END}", path.display()))?,
    )?;
    Ok(())
}

/// Replaces what is between the marks, each on a line of its own; `None` if one is missing.
fn replace_measured(page: &str, measured: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("\n{BEGIN}\n"))?;
    let (_, after) = rest.split_once(&format!("\n{END}\n"))?;
    Some(format!("{before}\n{BEGIN}\n{measured}{END}\n{after}"))
}

fn measured(results: &Results) -> BenchResult<String> {
    let terms = &results.terms;
    let mut text = String::new();
    writeln!(text, "\n## Terms\n")?;
    writeln!(
        text,
        "Measured on {}, commit `{}`, by `just bench`{}.\n",
        terms.date,
        terms.commit,
        match terms.size.as_str() {
            "large" => " with `--large`",
            "quick" => " with `--quick`: too short to rely on",
            _ => "",
        }
    )?;
    writeln!(text, "| | |\n|---|---|")?;
    writeln!(text, "| processors | {} × {} |", terms.processors, terms.processor)?;
    writeln!(text, "| memory | {} GiB |", terms.memory_gibibytes)?;
    writeln!(text, "| system | {} |", terms.system)?;
    writeln!(text, "| versions | {} |", terms.versions.join(", "))?;
    writeln!(
        text,
        "| repetitions | {}, each of rounds of {} s |",
        terms.repetitions, terms.round_seconds
    )?;
    writeln!(text, "| data at the start | {} listings, as many orders |", terms.rows)?;
    writeln!(
        text,
        "\n## Goals\n\nEach value is minimum / **median** / maximum of the repetitions, or one value if these are the same.\n"
    )?;
    text.push_str(&tables::goals(results)?);
    writeln!(
        text,
        "\n## Requests\n\nProcessor time is in µs per request, of all processes of a group.\n"
    )?;
    text.push_str(&tables::requests(results)?);
    writeln!(text, "\n## Other figures\n")?;
    text.push_str(&tables::others(results)?);
    if !results.skipped.is_empty() {
        writeln!(text, "\nNot measured:\n")?;
        for reason in &results.skipped {
            writeln!(text, "- {reason}")?;
        }
    }
    for curve in &results.curves {
        writeln!(
            text,
            "\n## {}\n\n![{}]({PLOTS}/{}.svg)\n",
            curve.title, curve.title, curve.id
        )?;
        text.push_str(&tables::points(curve)?);
    }
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Better, Curve, Series, Terms};

    fn results() -> Results {
        let mut results = Results::new(Terms::of_this_machine().unwrap());
        for (id, values) in [
            ("page.32.rate", [1000.0, 1100.0, 900.0]),
            ("node.page.32.rate", [100.0, 100.0, 100.0]),
            ("memory.idle", [40.0, 41.0, 42.0]),
        ] {
            for value in values {
                results.add(id, "per s", Better::More, value);
            }
        }
        results.skip("The Node.js peer: npm is not installed.");
        results.curves.push(Curve {
            id: "load-page".to_owned(),
            title: "Latency".to_owned(),
            x_label: "requests per second".to_owned(),
            y_label: "ms".to_owned(),
            series: vec![Series {
                name: "p99".to_owned(),
                points: vec![(100.0, 1.0), (1000.0, 2.5)],
            }],
        });
        results
    }

    #[test]
    fn the_generated_part_of_the_page_is_replaced_and_the_rest_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("performance.md");
        fs::write(
            &path,
            format!("# Performance\n\nFrom `{BEGIN}` on.\n\n{BEGIN}\nold\n{END}\n\nlast\n"),
        )
        .unwrap();
        write_page(&path, &results()).unwrap();
        let page = fs::read_to_string(&path).unwrap();
        assert!(
            page.starts_with(&format!("# Performance\n\nFrom `{BEGIN}` on.\n\n{BEGIN}\n")) && page.ends_with("last\n"),
            "{page}"
        );
        assert!(!page.contains("old"), "{page}");
        assert!(page.contains("900 / **1,000** / 1,100"), "{page}");
        assert!(page.contains("npm is not installed"), "{page}");
        let plot = fs::read_to_string(folder.path().join("performance/load-page.svg")).unwrap();
        assert!(
            plot.starts_with("<svg") && plot.contains("requests per second"),
            "{plot}"
        );
        // Once more: the same page.
        write_page(&path, &results()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), page);
    }

    #[test]
    fn a_page_without_marks_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("performance.md");
        fs::write(&path, "# Performance\n").unwrap();
        assert!(write_page(&path, &results()).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "# Performance\n");
    }
}
