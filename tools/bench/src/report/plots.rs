//! Plots as SVG.

use plotters::prelude::*;

use crate::{BenchResult, results::Curve, statistics::number};

/// The size of a plot in pixels.
const SIZE: (u32, u32) = (900, 420);

/// The range beyond which an axis is logarithmic: the highest value is so many times the lowest.
const LOGARITHMIC_FROM: f64 = 50.0;

/// Draws a curve.
///
/// # Errors
///
/// A curve without points.
pub fn plot(curve: &Curve) -> BenchResult<String> {
    let mut svg = String::new();
    draw(curve, &mut svg).map_err(|error| format!("{}: {error}", curve.id))?;
    Ok(svg)
}

fn draw(curve: &Curve, svg: &mut String) -> BenchResult<()> {
    let points = || curve.series.iter().flat_map(|series| &series.points);
    let (left, right) = range(points().map(|(x, _)| *x)).ok_or("no points")?;
    let (low, high) = range(points().map(|(_, y)| *y)).ok_or("no points")?;
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE).map_err(describe)?;
    let mut chart = ChartBuilder::on(&area);
    chart
        .caption(&curve.title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64);
    // The lines are the same on each kind of axis; the types of the charts are not.
    macro_rules! draw_on {
        ($x:expr, $y:expr) => {{
            let mut chart = chart.build_cartesian_2d($x, $y).map_err(describe)?;
            chart
                .configure_mesh()
                .light_line_style(WHITE)
                .x_desc(&curve.x_label)
                .y_desc(&curve.y_label)
                .x_label_formatter(&|x| number(*x))
                .y_label_formatter(&|y| number(*y))
                .draw()
                .map_err(describe)?;
            for (index, series) in curve.series.iter().enumerate() {
                let colour = Palette99::pick(index).to_rgba();
                let line = LineSeries::new(series.points.iter().copied(), colour.stroke_width(2)).point_size(3);
                chart
                    .draw_series(line)
                    .map_err(describe)?
                    .label(&series.name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
            }
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE.mix(0.8))
                .border_style(BLACK.mix(0.3))
                .draw()
                .map_err(describe)?;
        }};
    }
    match (is_logarithmic(left, right), is_logarithmic(low, high)) {
        (false, false) => draw_on!(0.0..right * 1.05, 0.0..high * 1.1),
        (false, true) => draw_on!(0.0..right * 1.05, (low * 0.8..high * 1.3).log_scale()),
        (true, false) => draw_on!((left * 0.9..right * 1.1).log_scale(), 0.0..high * 1.1),
        (true, true) => draw_on!(
            (left * 0.9..right * 1.1).log_scale(),
            (low * 0.8..high * 1.3).log_scale()
        ),
    }
    area.present().map_err(describe)
}

fn is_logarithmic(low: f64, high: f64) -> bool {
    low > 0.0 && high / low >= LOGARITHMIC_FROM
}

/// Returns the lowest and the highest value; at least a point above zero wide.
fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let values: Vec<_> = values.collect();
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    Some((low, high.max(f64::EPSILON)))
}

/// The errors of a drawing borrow from it.
fn describe<E: std::fmt::Display>(error: E) -> Box<dyn std::error::Error + Send + Sync> {
    error.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Series;

    fn curve(points: Vec<(f64, f64)>) -> Curve {
        Curve {
            id: "a".to_owned(),
            title: "Cost by size".to_owned(),
            x_label: "rows".to_owned(),
            y_label: "ms".to_owned(),
            series: vec![Series {
                name: "GET page".to_owned(),
                points,
            }],
        }
    }

    #[test]
    fn every_kind_of_axis_is_drawn() {
        for points in [
            vec![(1.0, 1.0), (2.0, 1.5)],
            vec![(1000.0, 0.1), (1_000_000.0, 0.2)],
            vec![(1.0, 0.1), (2.0, 90.0)],
            vec![(10.0, 0.1), (100_000.0, 90.0)],
            vec![(10.0, 0.0)],
        ] {
            let svg = plot(&curve(points)).unwrap();
            assert!(
                svg.contains("GET page") && svg.contains("Cost by size") && svg.ends_with("</svg>\n"),
                "{svg}"
            );
        }
        assert!(plot(&curve(Vec::new())).is_err());
    }
}
