//! The letters of a picture made of pixels: DejaVu Sans, which comes with the program, so that every machine draws the
//! same accents, and the signs for what cannot be seen.

use ab_glyph_rasterizer::{Point, Rasterizer, point};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

pub(crate) struct Font {
    face: Face<'static>,
}

impl Font {
    pub(crate) fn new() -> Self {
        Self { face: Face::parse(dejavu::sans::regular(), 0).expect("the font of the program is sound") }
    }

    /// How long a line of text is.
    pub(crate) fn width(&self, text: &str, size: f32) -> f32 {
        self.glyphs(text).1 * size / self.em()
    }

    /// Hands every pixel that a line of text touches to `paint`: column, row, and how much of it the text covers. The
    /// line has its baseline on the given point, `anchor` of its length before it (0 if it starts there, 1 if it ends).
    pub(super) fn draw(&self, text: &str, line: &Line, mut paint: impl FnMut(i64, i64, f32)) {
        let (glyphs, width) = self.glyphs(text);
        for (glyph, offset) in glyphs {
            let place = Place::new(line, line.size / self.em(), offset - line.anchor * width);
            // A glyph without an outline, such as a space, has no bounding box either.
            let Some(bounds) = self.face.glyph_bounding_box(glyph) else { continue };
            let sides = |near, far| [f32::from(near), f32::from(far)];
            let (x_sides, y_sides) = (sides(bounds.x_min, bounds.x_max), sides(bounds.y_min, bounds.y_max));
            let corners = x_sides.map(|x| y_sides.map(|y| place.at(x, y))).concat();
            let (left, right) = span(corners.iter().map(|corner| corner.x));
            let (top, bottom) = span(corners.iter().map(|corner| corner.y));
            let raster = Rasterizer::new((right - left) as usize, (bottom - top) as usize);
            let mut pen =
                Pen { place, raster, origin: point(left, top), start: point(0.0, 0.0), last: point(0.0, 0.0) };
            self.face.outline_glyph(glyph, &mut pen);
            pen.raster
                .for_each_pixel_2d(|x, y, cover| paint(left as i64 + i64::from(x), top as i64 + i64::from(y), cover));
        }
    }

    fn em(&self) -> f32 {
        f32::from(self.face.units_per_em())
    }

    /// The glyphs of a line, each with where it begins, and where the line ends, all in the font's own units. What the
    /// font does not have becomes its box for missing glyphs.
    fn glyphs(&self, text: &str) -> (Vec<(GlyphId, f32)>, f32) {
        let mut glyphs = Vec::new();
        let mut end = 0.0;
        let mut before = None;
        for c in text.chars() {
            let glyph = self.face.glyph_index(c).unwrap_or_default();
            end += before.map_or(0.0, |before| self.kerning(before, glyph));
            glyphs.push((glyph, end));
            end += f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0));
            before = Some(glyph);
        }
        (glyphs, end)
    }

    fn kerning(&self, left: GlyphId, right: GlyphId) -> f32 {
        let Some(kern) = self.face.tables().kern else { return 0.0 };
        let mut tables = kern.subtables.into_iter().filter(|table| table.horizontal && !table.has_state_machine);
        tables.find_map(|table| table.glyphs_kerning(left, right)).map_or(0.0, f32::from)
    }
}

/// Where a line of text stands, in pixels; `turn` is in degrees, against the clock.
pub(super) struct Line {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) anchor: f32,
    pub(super) turn: f32,
}

/// Takes a glyph's points, in the font's units with y upwards, to pixels with y downwards.
struct Place {
    origin: Point,
    offset: f32,
    /// A unit of the font in pixels, along the baseline's direction.
    cos: f32,
    sin: f32,
}

impl Place {
    fn new(line: &Line, scale: f32, offset: f32) -> Self {
        let (sin, cos) = line.turn.to_radians().sin_cos();
        Self { origin: point(line.x, line.y), offset, cos: scale * cos, sin: scale * sin }
    }

    fn at(&self, x: f32, y: f32) -> Point {
        let x = x + self.offset;
        point(self.origin.x + x * self.cos - y * self.sin, self.origin.y - x * self.sin - y * self.cos)
    }
}

/// Draws an outline; `origin` is the pixel at the raster's upper left corner.
struct Pen {
    place: Place,
    raster: Rasterizer,
    origin: Point,
    start: Point,
    last: Point,
}

impl Pen {
    fn to_raster(&self, x: f32, y: f32) -> Point {
        self.place.at(x, y) - self.origin
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.start = self.to_raster(x, y);
        self.last = self.start;
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let end = self.to_raster(x, y);
        self.raster.draw_line(self.last, end);
        self.last = end;
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let end = self.to_raster(x, y);
        self.raster.draw_quad(self.last, self.to_raster(x1, y1), end);
        self.last = end;
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let end = self.to_raster(x, y);
        self.raster.draw_cubic(self.last, self.to_raster(x1, y1), self.to_raster(x2, y2), end);
        self.last = end;
    }

    fn close(&mut self) {
        self.raster.draw_line(self.last, self.start);
        self.last = self.start;
    }
}

/// The whole pixels around some coordinates, with one to spare on both sides for rounding.
fn span(values: impl Iterator<Item = f32>) -> (f32, f32) {
    let (low, high) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    (low.floor() - 1.0, high.ceil() + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_and_the_signs_for_the_invisible_are_in_the_font() {
        let font = Font::new();
        for c in "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ’‘“”«»…–—€␣⏎⇥⍽\u{fffd}▁".chars()
        {
            assert!(font.face.glyph_index(c).is_some(), "{c} is missing");
        }
    }

    #[test]
    fn text_is_painted_where_it_stands() {
        let font = Font::new();
        let width = font.width("WAVE", 20.0);
        assert!(width < "WAVE".chars().map(|c| font.width(&c.to_string(), 20.0)).sum(), "A and V move together");
        // The part of the picture that is painted, as left, right, top and bottom.
        let painted = |anchor, turn| {
            let mut bounds = [i64::MAX, i64::MIN, i64::MAX, i64::MIN];
            font.draw("WAVE", &Line { x: 100.0, y: 100.0, size: 20.0, anchor, turn }, |x, y, cover| {
                if cover > 0.2 {
                    bounds = [bounds[0].min(x), bounds[1].max(x), bounds[2].min(y), bounds[3].max(y)];
                }
            });
            bounds.map(|bound| bound as f32)
        };
        let near =
            |bounds: [f32; 4], expected: [f32; 4]| bounds.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 2.5);
        let height = 0.73 * 20.0;
        assert!(near(painted(0.0, 0.0), [100.0, 100.0 + width, 100.0 - height, 100.0]), "{:?}", painted(0.0, 0.0));
        assert!(near(painted(1.0, 0.0), [100.0 - width, 100.0, 100.0 - height, 100.0]), "{:?}", painted(1.0, 0.0));
        assert!(near(painted(0.0, 90.0), [100.0 - height, 100.0, 100.0 - width, 100.0]), "{:?}", painted(0.0, 90.0));
    }
}
