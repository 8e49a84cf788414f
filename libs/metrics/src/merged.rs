/// One text of several: for one scrape of several services in one process. OpenMetrics wants each name in one place.
pub fn merged(texts: &[String]) -> String {
    let mut families: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
    for text in texts {
        let mut at = None;
        let mut known = true;
        for line in text.lines().filter(|line| *line != "# EOF") {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let name = rest.split(' ').next().unwrap_or_default();
                let found = families.iter().position(|(family, ..)| *family == name);
                known = found.is_some();
                at = Some(found.unwrap_or(families.len()));
                if !known {
                    families.push((name, Vec::new(), Vec::new()));
                }
            }
            let Some((_, about, samples)) = at.and_then(|at| families.get_mut(at)) else {
                continue;
            };
            if !line.starts_with('#') {
                samples.push(line);
            } else if !known {
                about.push(line);
            }
        }
    }
    let lines = families
        .into_iter()
        .flat_map(|(_, about, samples)| about.into_iter().chain(samples));
    let mut whole: String = lines.flat_map(|line| [line, "\n"]).collect();
    whole.push_str("# EOF\n");
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Counter, Metrics, Readings};

    #[test]
    fn what_several_services_tell_is_told_in_one_place_for_each_name() {
        let told = ["order", "payment"].map(|service| {
            let metrics = Metrics::new(service);
            metrics.register("shop_sales_total", "Sales", Counter::<u64>::default());
            let mut readings = Readings::default();
            readings.gauge(
                if service == "order" { "shop_holds" } else { "shop_cards" },
                "Something",
                &[],
                1,
            );
            metrics.text(readings)
        });
        let expected = "\
# HELP shop_sales Sales.
# TYPE shop_sales counter
shop_sales_total{service=\"order\"} 0
shop_sales_total{service=\"payment\"} 0
# HELP shop_holds Something.
# TYPE shop_holds gauge
shop_holds{service=\"order\"} 1
# HELP shop_cards Something.
# TYPE shop_cards gauge
shop_cards{service=\"payment\"} 1
# EOF
";
        assert_eq!(merged(&told), expected);
    }
}
