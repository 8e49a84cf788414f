//! Tells a regression from noise.

use super::{Better, Figure, Results};
use crate::statistics::Spread;

/// The change below which nothing is reported, however close the repetitions were to each other.
const MIN_CHANGE: f64 = 0.05;

/// The repetitions without which a figure is not compared.
const MIN_REPETITIONS: usize = 3;

/// What has become of a figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// Worse than noise explains.
    Worse,
    /// Better than noise explains.
    Better,
    /// Within the noise of both runs.
    Noise,
}

/// A figure in two runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// The figure's id and unit.
    pub figure: String,
    /// The earlier run.
    pub old: Spread,
    /// The later run.
    pub new: Spread,
    /// The relative change of the median.
    pub relative: f64,
    /// The relative change that noise explains.
    pub noise: f64,
    /// What has become of it.
    pub change: Change,
}

/// Compares the figures that both runs have repeated, at the same load. How far one that was measured once scatters is not known.
pub fn compare(old: &Results, new: &Results) -> Vec<Comparison> {
    let pairs = new
        .figures
        .iter()
        .filter_map(|figure| Some((old.figure(&figure.id)?, figure)));
    let comparable = pairs.filter(|(old, new)| {
        let repetitions = old.samples.len().min(new.samples.len());
        repetitions >= MIN_REPETITIONS && !is_of_own_rate(&old.id)
    });
    comparable.filter_map(|(old, new)| compare_figures(old, new)).collect()
}

/// Returns whether a figure was measured at a part of the run's own highest rate: a faster build has a higher one.
fn is_of_own_rate(id: &str) -> bool {
    id.starts_with("load.") && !id.ends_with(".highest")
}

/// A change is none of noise if the repetitions of both runs do not overlap, and the medians are farther apart than the
/// repetitions of either run.
fn compare_figures(old: &Figure, new: &Figure) -> Option<Comparison> {
    let (before, after) = (old.spread()?, new.spread()?);
    let relative = if before.median == 0.0 {
        0.0
    } else {
        (after.median - before.median) / before.median.abs()
    };
    let noise = before.relative_width().max(after.relative_width()).max(MIN_CHANGE);
    let is_apart = after.min > before.max || after.max < before.min;
    let is_rise = relative > 0.0;
    let change = if !is_apart || relative.abs() <= noise {
        Change::Noise
    } else if is_rise == (new.better == Better::More) {
        Change::Better
    } else {
        Change::Worse
    };
    Some(Comparison {
        figure: format!("{}, {}", new.id, new.unit),
        old: before,
        new: after,
        relative,
        noise,
        change,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Terms;

    fn change(better: Better, old: &[f64], new: &[f64]) -> Change {
        let figure = |samples: &[f64]| Figure {
            id: "a".to_owned(),
            unit: "per s".to_owned(),
            better,
            samples: samples.to_vec(),
        };
        compare_figures(&figure(old), &figure(new)).unwrap().change
    }

    #[test]
    fn a_change_beyond_the_repetitions_is_a_regression_or_an_improvement_by_what_is_better() {
        let (low, high) = ([98.0, 100.0, 102.0], [128.0, 130.0, 133.0]);
        assert_eq!(change(Better::More, &high, &low), Change::Worse);
        assert_eq!(change(Better::More, &low, &high), Change::Better);
        assert_eq!(change(Better::Less, &low, &high), Change::Worse);
        assert_eq!(change(Better::Less, &high, &low), Change::Better);
    }

    #[test]
    fn a_figure_that_was_measured_once_is_not_compared() {
        let results = |values: &[f64]| {
            let mut results = Results::new(Terms::of_this_machine().unwrap());
            for value in values {
                results.add("a", "per s", Better::More, *value);
            }
            results
        };
        assert_eq!(compare(&results(&[100.0]), &results(&[10.0])), []);
        let (old, new) = (results(&[100.0, 101.0, 102.0]), results(&[10.0, 10.1, 10.2]));
        assert_eq!(compare(&old, &new).first().unwrap().change, Change::Worse);
    }

    #[test]
    fn repetitions_that_overlap_or_scatter_are_noise() {
        for (old, new) in [
            // The same run twice.
            ([98.0, 100.0, 102.0], [98.0, 100.0, 102.0]),
            // One slow repetition.
            ([98.0, 100.0, 102.0], [60.0, 99.0, 101.0]),
            // Apart, by less than anyone acts upon.
            ([99.9, 100.0, 100.1], [97.0, 97.1, 97.2]),
            // Apart, by less than the repetitions of one run scatter.
            ([100.0, 140.0, 160.0], [80.0, 98.0, 99.0]),
            ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        ] {
            assert_eq!(change(Better::More, &old, &new), Change::Noise, "{old:?} {new:?}");
        }
    }
}
