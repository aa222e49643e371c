//! The backend of plotters that writes a plot as SVG.
//!
//! Text stays text, and every colour is a CSS class. A plot that is opened by itself brings a background and follows
//! the preference for light or dark: it is the root of its document. A plot that is inlined into HTML takes over the
//! page's font and text colour on a transparent background, and the page may set `--plot-paper`, `--plot-weight` and
//! `--plot-series-1` to `--plot-series-8`. The colours of series are readable on white and on black.

use std::convert::Infallible;
use std::fmt::{Arguments, Write};

use plotters::style::RGBColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontTransform,
};
use unicode_width::UnicodeWidthChar;

/// A colour stands before its `var()` for viewers that do not know custom properties.
const STYLE: &str = "
.rungs-plot{direction:ltr}
.rungs-plot:not(:root){max-width:100%;height:auto}
.rungs-plot:root{color:#222;font-family:system-ui,sans-serif;--plot-paper:#fff;--plot-weight:#0a1e42}
@media(prefers-color-scheme:dark){.rungs-plot:root{color:#ddd;--plot-paper:#16181d;--plot-weight:#cfe2ff}}
.rungs-plot>*{fill:currentcolor}
.rungs-plot>[stroke-width]{fill:none;stroke:currentcolor;stroke-linejoin:round}
.rungs-plot>rect,.rungs-plot>[stroke-width='1']{shape-rendering:crispedges}
.plot-paper{color:#fff;color:var(--plot-paper,transparent)}
.plot-weight{color:var(--plot-weight,currentcolor)}
";
const SERIES: [&str; 8] = ["#d0384f", "#3a7fc4", "#c1761a", "#8f62c9", "#3a9550", "#808080", "#1c9199", "#c9559a"];

/// The size of labels.
pub(super) const LABEL: i32 = 14;

// plotters hands on colours, not classes, so a class travels as a colour whose red part is its number.

/// Text and axes; black, which is what plotters itself draws with.
pub(super) const INK: RGBColor = RGBColor(0, 0, 0);
/// The background.
const PAPER: RGBColor = RGBColor(1, 0, 0);
/// A cell of a heat map, as opaque as its weight is large.
pub(super) const WEIGHT: RGBColor = RGBColor(2, 0, 0);

/// The colour of a series by its place; after eight series the colours repeat.
pub(super) fn series_color(place: usize) -> RGBColor {
    RGBColor(3 + (place % SERIES.len()) as u8, 0, 0)
}

/// An estimate of how wide a line of text is, rather too large: which font shows it is the reader's choice.
pub(super) fn text_width(text: &str, size: i32) -> i32 {
    let em = |c: char| if c.is_uppercase() { 0.8 } else { 0.6 * c.width().unwrap_or(0) as f64 };
    (f64::from(size) * text.chars().map(em).sum::<f64>()).ceil() as i32
}

/// How wide the widest of some labels is.
pub(super) fn widest<'a>(labels: impl IntoIterator<Item = &'a String>) -> i32 {
    labels.into_iter().map(|label| text_width(label, LABEL)).max().unwrap_or(0)
}

/// A plot that is being drawn, in CSS pixels.
pub(super) struct Svg {
    size: (u32, u32),
    elements: String,
}

impl Svg {
    pub(super) fn new(width: i32, height: i32) -> Self {
        let mut svg = Self { size: (width as u32, height as u32), elements: String::new() };
        svg.rect([0, 0, width, height], &PAPER, true);
        svg
    }

    /// The whole document.
    pub(super) fn finish(self) -> String {
        let Self { size: (width, height), elements } = self;
        let rule = |(color, i)| format!(".plot-series-{i}{{color:{color};color:var(--plot-series-{i},{color})}}\n");
        let series: String = SERIES.iter().zip(1..).map(rule).collect();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rungs-plot\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\">\n<style>{STYLE}{series}</style>\n{elements}</svg>\n"
        )
    }

    /// A rectangle, left, top, width and height: filled, or its outline.
    pub(super) fn rect(&mut self, [x, y, width, height]: [i32; 4], style: &impl BackendStyle, fill: bool) {
        self.shape(format_args!(r#"rect x="{x}" y="{y}" width="{width}" height="{height}""#), style, fill);
    }

    /// A line through points.
    pub(super) fn path(&mut self, points: impl IntoIterator<Item = BackendCoord>, style: &impl BackendStyle) {
        let points: Vec<_> = points.into_iter().map(|(x, y)| format!("{x},{y}")).collect();
        self.shape(format_args!(r#"polyline points="{}""#, points.join(" ")), style, false);
    }

    /// A line of text, turned counter-clockwise around its anchor by so many degrees.
    pub(super) fn text(&mut self, text: &str, at: BackendCoord, size: i32, (across, down): (HPos, VPos), turn: i32) {
        let (x, y) = at;
        let anchor = match across {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        let dy = match down {
            VPos::Top => 0.8,
            VPos::Center => 0.35,
            VPos::Bottom => 0.0,
        };
        let turn = if turn == 0 { String::new() } else { format!(r#" transform="rotate(-{turn} {x} {y})""#) };
        self.element(
            format_args!(r#"text x="{x}" y="{y}" dy="{dy}em" font-size="{size}" text-anchor="{anchor}"{turn}"#),
            INK.color(),
            format_args!(">{}</text>", escaped(text)),
        );
    }

    fn shape(&mut self, shape: Arguments<'_>, style: &impl BackendStyle, fill: bool) {
        let width = if fill { String::new() } else { format!(r#" stroke-width="{}""#, style.stroke_width()) };
        self.element(shape, style.color(), format_args!("{width}/>"));
    }

    fn element(&mut self, start: Arguments<'_>, color: BackendColor, end: Arguments<'_>) {
        // A conversion to an integer saturates, and makes 0 of what is not a number.
        let thousandths = ((color.alpha * 1000.0).round() as u32).min(1000);
        let opacity = match thousandths {
            0 => return,
            1000 => String::new(),
            _ => format!(r#" opacity="{}""#, f64::from(thousandths) / 1000.0),
        };
        let class = match color.rgb.0 {
            0 => "ink",
            1 => "paper",
            2 => "weight",
            series => &format!("series-{}", series - 2),
        };
        writeln!(self.elements, r#"<{start} class="plot-{class}"{opacity}{end}"#).expect("a string takes any text");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

type Drawn<T = ()> = Result<T, DrawingErrorKind<Infallible>>;

impl DrawingBackend for &mut Svg {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        self.rect([x, y, 1, 1], &color, true);
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.path([from, to], style);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        self.rect([from.0, from.1, to.0 - from.0, to.1 - from.1], style, fill);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.path(path, style);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, (x, y): BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        self.shape(format_args!(r#"circle cx="{x}" cy="{y}" r="{radius}""#), style, fill);
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Drawn {
        let turn = match style.transform() {
            FontTransform::None => 0,
            FontTransform::Rotate270 => 90,
            FontTransform::Rotate180 => 180,
            FontTransform::Rotate90 => 270,
        };
        let anchor = (style.anchor().h_pos, style.anchor().v_pos);
        self.text(text, at, style.size() as i32, anchor, turn);
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(&self, text: &str, style: &S) -> Drawn<(u32, u32)> {
        Ok((text_width(text, style.size() as i32) as u32, style.size() as u32))
    }
}

/// Reading a plot back, in tests.
#[cfg(test)]
pub(super) mod elements {
    /// The elements of one name, each as its own line of the file.
    pub(crate) fn elements<'a>(svg: &'a str, name: &str) -> Vec<&'a str> {
        svg.lines().filter(|line| line.starts_with(&format!("<{name} "))).collect()
    }

    pub(crate) fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
        let value = element.split_once(&format!(" {name}=\""))?.1;
        value.split('"').next()
    }

    pub(crate) fn number(element: &str, name: &str) -> f64 {
        attribute(element, name).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} of {element}"))
    }

    pub(crate) fn numbers<const N: usize>(element: &str, names: [&str; N]) -> [f64; N] {
        names.map(|name| number(element, name))
    }

    /// What each text says, as it is shown.
    pub(crate) fn texts(svg: &str) -> Vec<String> {
        let inner = |text: &str| text.split(['>', '<']).nth(2).unwrap_or_default().to_owned();
        let shown = |text: String| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        elements(svg, "text").into_iter().map(|text| shown(inner(text))).collect()
    }
}

#[cfg(test)]
mod tests {
    use plotters::style::Color;

    use super::elements::{attribute, elements, texts};
    use super::*;

    #[test]
    fn every_shape_is_an_element() {
        let mut svg = Svg::new(40, 30);
        svg.rect([10, 5, 24, 10], &series_color(1), true);
        svg.rect([2, 3, 4, 5], &INK.mix(0.5), false);
        svg.path([(2, 3), (6, 3)], &INK);
        (&mut svg).draw_circle((7, 8), 3, &series_color(0), true).expect("no failure");
        svg.text("</s>", (3, 4), 14, (HPos::Left, VPos::Bottom), 0);
        svg.text("a&b", (3, 4), 14, (HPos::Center, VPos::Center), 90);
        svg.text("\"", (3, 4), 14, (HPos::Right, VPos::Top), 0);
        let svg = svg.finish();
        let expected = [
            r#"<rect x="0" y="0" width="40" height="30" class="plot-paper"/>"#,
            r#"<rect x="10" y="5" width="24" height="10" class="plot-series-2"/>"#,
            r#"<rect x="2" y="3" width="4" height="5" class="plot-ink" opacity="0.5" stroke-width="1"/>"#,
            r#"<polyline points="2,3 6,3" class="plot-ink" stroke-width="1"/>"#,
            r#"<circle cx="7" cy="8" r="3" class="plot-series-1"/>"#,
            r#"<text x="3" y="4" dy="0em" font-size="14" text-anchor="start" class="plot-ink">&lt;/s&gt;</text>"#,
            concat!(
                r#"<text x="3" y="4" dy="0.35em" font-size="14" text-anchor="middle" transform="rotate(-90 3 4)" "#,
                r#"class="plot-ink">a&amp;b</text>"#
            ),
            r#"<text x="3" y="4" dy="0.8em" font-size="14" text-anchor="end" class="plot-ink">"</text>"#,
            "</svg>",
        ];
        assert_eq!(svg.split_once("</style>\n").expect("a style").1.lines().collect::<Vec<_>>(), expected);
        assert!(
            svg.starts_with(r#"<svg xmlns="http://www.w3.org/2000/svg" class="rungs-plot" width="40" height="30" "#)
        );
        assert_eq!(texts(&svg), ["</s>", "a&b", "\""]);
    }

    #[test]
    fn every_share_has_an_opacity() {
        let opacity = |share| {
            let mut svg = Svg::new(1, 1);
            svg.rect([0, 0, 9, 9], &WEIGHT.mix(share), true);
            let svg = svg.finish();
            elements(&svg, "rect").get(1).map(|cell| attribute(cell, "opacity").unwrap_or("1").to_owned())
        };
        assert_eq!([-0.1, 0.0, f64::NAN].map(opacity), [None, None, None], "the paper alone");
        assert_eq!([0.2, 1.0, 1.1].map(|share| opacity(share).expect("a cell")), ["0.2", "1", "1"]);
    }

    #[test]
    fn a_plot_has_a_theme_of_its_own_only_where_it_stands_alone() {
        let svg = Svg::new(1, 1).finish();
        let (style, _) = svg.split_once("</style>").expect("a style");
        for rule in style.lines().filter(|line| line.contains("color:#")) {
            let series_or_fallback = rule.starts_with(".plot-") && rule.contains("color:var(");
            assert!(series_or_fallback || rule.contains(".rungs-plot:root{"), "{rule}");
        }
        assert!(style.contains("@media(prefers-color-scheme:dark){.rungs-plot:root{"));
        assert!(svg.lines().all(|line| !line.is_empty()), "an empty line would end the HTML in a Markdown file");
    }

    #[test]
    fn series_are_readable_on_white_and_on_black() {
        let luminance = |color: &str| {
            let part = |at: usize| f64::from(u8::from_str_radix(&color[at..at + 2], 16).expect("hexadecimal")) / 255.0;
            let linear = |part: f64| if part <= 0.04 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
            0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5))
        };
        for color in SERIES {
            let light = luminance(color);
            assert!(1.05 / (light + 0.05) >= 3.0 && (light + 0.05) / 0.05 >= 3.0, "{color}: {light}");
        }
    }
}
