use crate::{
    results::{Change, Comparison, Terms},
    statistics::number,
};

/// Prints the figures that have changed. Returns whether one is worse than noise explains.
pub(crate) fn print_comparison(old: &Terms, new: &Terms, comparisons: &[Comparison]) -> bool {
    println!(
        "{} ({}) compared with {} ({})",
        new.commit, new.date, old.commit, old.date
    );
    for difference in differences(old, new) {
        println!("  not the same terms: {difference}; the comparison says little");
    }
    for (change, title) in [(Change::Worse, "worse"), (Change::Better, "better")] {
        for comparison in comparisons.iter().filter(|comparison| comparison.change == change) {
            println!(
                "  {title:<6}  {:<46} {:>9} -> {:>9}  {:>+7.1} %  (noise {:.1} %)",
                comparison.figure,
                number(comparison.old.median),
                number(comparison.new.median),
                comparison.relative * 100.0,
                comparison.noise * 100.0
            );
        }
    }
    let count = |change| {
        comparisons
            .iter()
            .filter(|comparison| comparison.change == change)
            .count()
    };
    let (worse, better) = (count(Change::Worse), count(Change::Better));
    println!(
        "{worse} worse, {better} better, {} within the noise",
        count(Change::Noise)
    );
    worse > 0
}

/// Returns what differs between the terms of two runs, apart from what is compared.
fn differences(old: &Terms, new: &Terms) -> Vec<String> {
    let pairs = [
        ("processor", &old.processor, &new.processor),
        ("processors", &old.processors.to_string(), &new.processors.to_string()),
        ("size", &old.size, &new.size),
        ("rows", &old.rows.to_string(), &new.rows.to_string()),
        (
            "seconds of a round",
            &old.round_seconds.to_string(),
            &new.round_seconds.to_string(),
        ),
    ];
    let differing = pairs.iter().filter(|(_, old, new)| old != new);
    differing
        .map(|(name, old, new)| format!("{name} {old} and {new}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_that_make_two_runs_incomparable_are_named() {
        let old = Terms {
            size: "quick".to_owned(),
            ..Terms::of_this_machine().unwrap()
        };
        let new = Terms {
            commit: "another".to_owned(),
            size: "default".to_owned(),
            ..old.clone()
        };
        assert_eq!(differences(&old, &new), ["size quick and default"]);
    }
}
