//! Bar charts as SVG.

use std::fmt::Write;

/// Bars that are compared with each other, and with no other group's.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<Bar>,
}

pub(crate) struct Bar {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    /// What stands behind the bar.
    pub(crate) label: String,
}

const WIDTH: f64 = 760.0;
/// Where bars begin: names stand before.
const LEFT: f64 = 100.0;
/// Room behind the longest bar, for its label.
const RIGHT: f64 = 110.0;
const BAR: f64 = 18.0;
const HEADING: f64 = 30.0;
const COLOURS: [&str; 3] = ["#2a6f97", "#c98b2b", "#7d8590"];

/// Draws the groups below each other. The longest bar of each is as long as there is room.
pub(crate) fn draw(title: &str, groups: &[Group]) -> String {
    let bars: usize = groups.iter().map(|group| group.bars.len()).sum();
    let height = 50.0 + groups.len() as f64 * (HEADING + 8.0) + bars as f64 * (BAR + 4.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    text(&mut svg, 10.0, 26.0, "font-size=\"17\"", title);
    let mut y = 40.0;
    for group in groups {
        y += HEADING;
        text(&mut svg, 10.0, y - 8.0, "font-weight=\"bold\"", &group.name);
        let longest = group
            .bars
            .iter()
            .map(|bar| bar.value)
            .fold(f64::MIN_POSITIVE, f64::max);
        for (bar, colour) in group.bars.iter().zip(COLOURS.iter().cycle()) {
            let length = (WIDTH - LEFT - RIGHT) * (bar.value / longest).clamp(0.0, 1.0);
            text(&mut svg, 10.0, y + BAR - 5.0, "", bar.name);
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>"
            );
            text(&mut svg, LEFT + length + 6.0, y + BAR - 5.0, "", &bar.label);
            y += BAR + 4.0;
        }
        y += 8.0;
    }
    svg.push_str("</svg>\n");
    svg
}

fn text(svg: &mut String, x: f64, y: f64, style: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_text_is_text() {
        let bar = |name, value| Bar {
            name,
            value,
            label: format!("{value}"),
        };
        let group = Group {
            name: "a < b & c".to_owned(),
            bars: vec![bar("one", 50.0), bar("two", 100.0)],
        };
        let svg = draw("title", &[group]);
        assert!(
            svg.contains("width=\"275.0\"") && svg.contains("width=\"550.0\""),
            "{svg}"
        );
        assert!(svg.contains("a &lt; b &amp; c"));
        assert!(svg.ends_with("</svg>\n"));
    }
}
