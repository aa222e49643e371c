//! Charts: two axes, drawn by plotters, and a legend beside them. Curves and bars are drawn into one.

use std::convert::Infallible;
use std::ops::Range;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::label::legible;
use super::svg::{LABEL, Svg, widest};

const TITLE: i32 = 19;
/// Around everything.
const MARGIN: i32 = 16;
/// For what stands left of the field, and below it.
const LABELS: (i32, i32) = (70, 50);
const LEGEND_GAP: i32 = 24;
const LEGEND_BOX: i32 = 12;
const LEGEND_LINE: i32 = 22;

/// A chart without its series.
pub(super) struct Chart<'a> {
    pub(super) title: Option<&'a str>,
    pub(super) x_name: &'a str,
    pub(super) y_name: &'a str,
    pub(super) x: Range<f64>,
    pub(super) y: Range<f64>,
    /// Whether there are numbers at the horizontal axis.
    pub(super) x_numbers: bool,
    /// Width and height of the field between the axes, in pixels.
    pub(super) size: (i32, i32),
    /// The name and the colour of each series.
    pub(super) legend: Vec<(&'a str, RGBAColor)>,
}

/// Where series are drawn.
pub(super) type Field<'a> = ChartContext<'a, &'a mut Svg, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

pub(super) type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;

impl Chart<'_> {
    /// Draws the axes, then the series, then the legend.
    pub(super) fn svg(&self, draw_series: impl FnOnce(&mut Field<'_>) -> Drawn) -> String {
        let legend: Vec<_> = self.legend.iter().map(|(name, color)| (legible(name), color)).collect();
        let names = widest(legend.iter().map(|(name, _)| name));
        let legend_width = LEGEND_GAP + LEGEND_BOX + LEGEND_GAP / 4 + names;
        let title_height = if self.title.is_some() { TITLE + 10 } else { 0 };
        // The field includes the pixels of both axes.
        let (width, height) = (LABELS.0 + self.size.0 + 1, title_height + self.size.1 + 1 + LABELS.1);
        let lines = legend.len() as i32 * LEGEND_LINE;
        let height = height.max(title_height + lines);
        let mut svg = Svg::new(width + legend_width + 2 * MARGIN, height + 2 * MARGIN);
        self.draw_field(&mut svg, legend_width, draw_series).expect("the backend never fails");
        let x = MARGIN + width + LEGEND_GAP;
        for (i, (text, color)) in legend.iter().enumerate() {
            let y = MARGIN + title_height + i as i32 * LEGEND_LINE;
            svg.rect([x, y, LEGEND_BOX, LEGEND_BOX], *color, true);
            let at = (x + LEGEND_BOX + LEGEND_GAP / 4, y + LEGEND_BOX / 2);
            svg.text(text, at, LABEL, (HPos::Left, VPos::Center), 0);
        }
        svg.finish()
    }

    fn draw_field(&self, svg: &mut Svg, right: i32, draw_series: impl FnOnce(&mut Field<'_>) -> Drawn) -> Drawn {
        let area = svg.into_drawing_area();
        let mut chart = ChartBuilder::on(&area);
        chart.margin(MARGIN).margin_right(MARGIN + right).x_label_area_size(LABELS.1).y_label_area_size(LABELS.0);
        if let Some(title) = self.title {
            chart.caption(title, ("", TITLE));
        }
        let mut field = chart.build_cartesian_2d(self.x.clone(), self.y.clone())?;
        let [x_decimals, y_decimals] = [&self.x, &self.y].map(decimals);
        let x_number = |x: &f64| format!("{x:.x_decimals$}");
        let y_number = |y: &f64| format!("{y:.y_decimals$}");
        let mut mesh = field.configure_mesh();
        mesh.x_desc(self.x_name).y_desc(self.y_name).axis_desc_style(("", LABEL)).label_style(("", LABEL));
        mesh.x_label_formatter(&x_number).y_label_formatter(&y_number).light_line_style(TRANSPARENT);
        if !self.x_numbers {
            mesh.x_labels(0);
        }
        mesh.draw()?;
        draw_series(&mut field)
    }
}

/// The decimals that tell about ten numbers of a range from one another.
fn decimals(range: &Range<f64>) -> usize {
    (-((range.end - range.start) / 10.0).log10().floor()).clamp(0.0, 9.0) as usize
}
