//! The plot of sales over time.

use std::ops::Range;

use localization::{TimeZone, date, local_date_time, time};
use plotters::prelude::*;
use values::{Language, Timestamp};

/// The size of the plot, in its own units: the page scales it.
pub(crate) const SIZE: (u32, u32) = (720, 280);

/// A shorter time is labelled with times of day.
const TWO_DAYS_MILLIS: i64 = 2 * 24 * 60 * 60 * 1000;

/// Tickets that were sold at a time, without those refunded since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sale {
    pub(crate) at: Timestamp,
    pub(crate) quantity: u32,
}

/// The sales of a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Day {
    /// The first sale of the day.
    pub(crate) at: Timestamp,
    pub(crate) sold: u64,
    /// Up to and including this day.
    pub(crate) total: u64,
}

/// Returns the days with sales in a zone, in their order.
pub(crate) fn days(sales: &[Sale], zone: &TimeZone) -> Vec<Day> {
    let mut sales = sales.to_vec();
    sales.sort_unstable_by_key(|sale| sale.at);
    let day_of = |at| local_date_time(at, zone).chars().take(10).collect::<String>();
    let mut days: Vec<Day> = Vec::new();
    let mut total = 0;
    for sale in sales.iter().filter(|sale| sale.quantity > 0) {
        total += u64::from(sale.quantity);
        match days.last_mut().filter(|day| day_of(day.at) == day_of(sale.at)) {
            Some(day) => {
                day.sold += u64::from(sale.quantity);
                day.total = total;
            }
            None => days.push(Day {
                at: sale.at,
                sold: u64::from(sale.quantity),
                total,
            }),
        }
    }
    days
}

/// Draws the tickets sold up to each time as the content of an `svg` element. Colours come from the stylesheet.
pub(crate) fn draw(sales: &[Sale], now: Timestamp, language: Language, zone: &TimeZone) -> Option<String> {
    let mut sales = sales.to_vec();
    sales.sort_unstable_by_key(|sale| sale.at);
    let begin = sales.first()?.at.millis();
    let (mut points, mut total) = (vec![(begin, 0)], 0_i64);
    for sale in &sales {
        // A step: the number is the same until the sale.
        points.push((sale.at.millis(), total));
        total += i64::from(sale.quantity);
        points.push((sale.at.millis(), total));
    }
    let end = now.millis().max(sales.last()?.at.millis()).max(begin + 1);
    points.push((end, total));
    let label = |millis| {
        let at = Timestamp::from_millis(millis);
        if end - begin < TWO_DAYS_MILLIS {
            time(language, at, zone)
        } else {
            date(language, at, zone)
        }
    };
    let mut text = String::new();
    draw_into(&mut text, &points, begin..end, total, label).ok()?;
    // Only what is within the element: the page has its title and description.
    let content = text.get(text.find('>')? + 1..text.rfind("</svg>")?)?;
    Some(content.to_owned())
}

fn draw_into(
    text: &mut String,
    points: &[(i64, i64)],
    times: Range<i64>,
    total: i64,
    label: impl Fn(i64) -> String,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    let font = ("sans-serif", 14).into_font();
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .margin_right(70)
        .x_label_area_size(32)
        .y_label_area_size(56)
        .build_cartesian_2d(times, 0..total.max(1) + total / 10)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(4)
        .y_labels(5)
        .x_label_style(font.clone())
        .y_label_style(font)
        .x_label_formatter(&|millis| label(*millis))
        .draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), BLACK.stroke_width(3)))?;
    area.present()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(seconds: i64, quantity: u32) -> Sale {
        Sale {
            at: Timestamp::from_millis(seconds * 1000),
            quantity,
        }
    }

    #[test]
    fn days_are_those_of_the_venue_and_add_up() {
        let sales = [sale(90_000, 3), sale(1000, 2), sale(80_000, 1), sale(85_000, 0)];
        let counts = |zone: &TimeZone| -> Vec<_> {
            let days = days(&sales, zone);
            days.iter().map(|day| (day.sold, day.total)).collect()
        };
        assert_eq!(counts(&TimeZone::UTC), [(3, 3), (3, 6)]);
        assert_eq!(counts(&"Asia/Tokyo".parse().unwrap()), [(2, 2), (4, 6)]);
    }

    #[test]
    fn a_plot_has_a_line_and_needs_neither_scripts_nor_styles() {
        let now = Timestamp::from_millis(1_000_000_000);
        assert_eq!(draw(&[], now, Language::English, &TimeZone::UTC), None);
        for sales in [
            vec![sale(0, 1)],
            vec![sale(100_000, 5)],
            vec![sale(90_000, 3), sale(0, 1_000_000)],
        ] {
            let plot = draw(&sales, now, Language::German, &TimeZone::UTC).unwrap();
            assert!(plot.contains("<polyline") && plot.contains("1970"), "{plot}");
            assert!(
                !plot.contains("style=") && !plot.contains("<svg") && !plot.contains("script"),
                "{plot}"
            );
        }
    }
}
