//! The tables of the page, in Markdown.

use std::{collections::BTreeSet, fmt::Write};

use crate::{
    BenchResult,
    results::{Curve, GOALS, Results, Target, judge},
    statistics::{Spread, number},
};

/// The figures of a load, each with the id of the load before it.
const LOAD_FIGURES: [&str; 4] = ["rate", "p50", "p99", "max"];

/// The groups of processes in the table of requests; a server is the marketplace, the peer, or a bare one.
const SERVERS: [&str; 3] = ["stack", "node", "server"];

/// Returns the table of goals.
pub(super) fn goals(results: &Results) -> BenchResult<String> {
    let mut text = "| | measured | beside it | ratio | goal | |\n|---|---:|---:|---:|---:|---|\n".to_owned();
    for goal in &GOALS {
        let Some(judgement) = judge(goal, results) else {
            continue;
        };
        let (beside, target) = match goal.target {
            Target::AtMost(bound) => (String::new(), format!("≤ {}", number(bound))),
            Target::AtLeast(bound) => (String::new(), format!("≥ {}", number(bound))),
            Target::Times { at_least, of, .. } => (other(of, judgement.other), format!("≥ {at_least} ×")),
            Target::TimesAtMost { at_most, of, .. } => (other(of, judgement.other), format!("≤ {at_most} ×")),
            Target::Beside { of, .. } => (other(of, judgement.other), String::new()),
        };
        writeln!(
            text,
            "| {} | {} | {beside} | {} | {target} | {} |",
            goal.title,
            judgement.measured,
            judgement.ratio.map(|ratio| ratio.to_string()).unwrap_or_default(),
            match judgement.is_met {
                Some(true) => "met",
                Some(false) => "**not met**",
                None => "",
            }
        )?;
    }
    Ok(text)
}

fn other(name: &str, spread: Option<Spread>) -> String {
    match spread {
        Some(spread) => format!("{name}: {spread}"),
        None => format!("{name}: not measured"),
    }
}

/// Returns the table of everything that was measured as a load.
pub(super) fn requests(results: &Results) -> BenchResult<String> {
    let mut text = "| load | per s | p50 ms | p99 ms | max ms | server | broker | generator |\n".to_owned();
    text.push_str("|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for load in loads(results) {
        write!(text, "| {load}")?;
        for figure in LOAD_FIGURES {
            write!(text, " | {}", spread(results, &format!("{load}.{figure}")))?;
        }
        let server = SERVERS
            .iter()
            .find_map(|server| results.median(&format!("{load}.cpu.{server}")));
        let [broker, generator] = ["broker", "generator"].map(|group| results.median(&format!("{load}.cpu.{group}")));
        for processor_time in [server, broker, generator] {
            write!(text, " | {}", processor_time.map(number).unwrap_or_default())?;
        }
        writeln!(text, " |")?;
    }
    Ok(text)
}

/// Returns the table of all other figures.
pub(super) fn others(results: &Results) -> BenchResult<String> {
    let loads: BTreeSet<_> = loads(results).into_iter().collect();
    let mut text = "| | | unit |\n|---|---:|---|\n".to_owned();
    for figure in &results.figures {
        let is_of_load = loads.iter().any(|load| {
            let name = figure.id.strip_prefix(load).and_then(|rest| rest.strip_prefix('.'));
            name.is_some_and(|name| LOAD_FIGURES.contains(&name) || name.starts_with("cpu."))
        });
        if let Some(spread) = figure.spread().filter(|_| !is_of_load) {
            writeln!(text, "| {} | {spread} | {} |", figure.id, figure.unit)?;
        }
    }
    Ok(text)
}

/// Returns the points of a plot: its numbers.
pub(super) fn points(curve: &Curve) -> BenchResult<String> {
    let mut text = format!("| {} |", curve.x_label);
    for series in &curve.series {
        write!(text, " {} |", series.name)?;
    }
    writeln!(text, "\n|---:|{}", "---:|".repeat(curve.series.len()))?;
    let longest = curve.series.iter().map(|series| series.points.len()).max().unwrap_or(0);
    for index in 0..longest {
        let x = curve
            .series
            .iter()
            .find_map(|series| series.points.get(index))
            .map(|(x, _)| number(*x));
        write!(text, "| {} |", x.unwrap_or_default())?;
        for series in &curve.series {
            let y = series.points.get(index).map(|(_, y)| number(*y));
            write!(text, " {} |", y.unwrap_or_default())?;
        }
        writeln!(text)?;
    }
    Ok(text)
}

/// Returns the ids of the loads: those with a rate and latencies.
fn loads(results: &Results) -> Vec<&str> {
    let rates = results
        .figures
        .iter()
        .filter_map(|figure| figure.id.strip_suffix(".rate"));
    rates
        .filter(|load| results.figure(&format!("{load}.max")).is_some())
        .collect()
}

fn spread(results: &Results, id: &str) -> String {
    let spread = results.figure(id).and_then(crate::results::Figure::spread);
    spread.map(|spread| spread.to_string()).unwrap_or_default()
}
