use serde::{Deserialize, Serialize};

use super::Terms;
use crate::statistics::Spread;

/// Which values of a figure are better.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Higher ones.
    More,
    /// Lower ones.
    Less,
}

/// One figure, measured in each repetition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// Its id, the same in every run: `page.32.rate`.
    pub id: String,
    /// The unit: `per s`, `ms`.
    pub unit: String,
    /// Which values are better.
    pub better: Better,
    /// The values, one for each repetition.
    pub samples: Vec<f64>,
}

impl Figure {
    /// Returns minimum, median and maximum.
    pub fn spread(&self) -> Option<Spread> {
        Spread::of(&self.samples)
    }
}

/// Points of a plot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// The points, by x.
    pub points: Vec<(f64, f64)>,
}

/// A plot.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Curve {
    /// Its id, and the name of its file.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What x is.
    pub x_label: String,
    /// What y is.
    pub y_label: String,
    /// Its lines.
    pub series: Vec<Series>,
}

/// Everything that a run measured.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Results {
    /// When, where and how it was measured.
    pub terms: Terms,
    /// The figures, in the order in which they were first measured.
    pub figures: Vec<Figure>,
    /// The plots.
    pub curves: Vec<Curve>,
    /// What was not measured, and why.
    pub skipped: Vec<String>,
}

impl Results {
    /// Creates results without figures.
    pub const fn new(terms: Terms) -> Self {
        Self {
            terms,
            figures: Vec::new(),
            curves: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Adds a value to a figure.
    pub fn add(&mut self, id: &str, unit: &str, better: Better, value: f64) {
        if let Some(figure) = self.figures.iter_mut().find(|figure| figure.id == id) {
            figure.samples.push(value);
            return;
        }
        self.figures.push(Figure {
            id: id.to_owned(),
            unit: unit.to_owned(),
            better,
            samples: vec![value],
        });
    }

    /// Notes what was not measured, once.
    pub fn skip(&mut self, reason: &str) {
        if self.skipped.iter().all(|known| known != reason) {
            self.skipped.push(reason.to_owned());
        }
    }

    /// Returns a figure.
    pub fn figure(&self, id: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.id == id)
    }

    /// Returns the median of a figure.
    pub fn median(&self, id: &str) -> Option<f64> {
        Some(self.figure(id)?.spread()?.median)
    }
}
