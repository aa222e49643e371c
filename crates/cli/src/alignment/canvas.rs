//! The picture as pixels.

use super::font::{Font, Line};
use super::picture::{Anchor, Direction, Ink, Picture, Shape, Text};

/// Pixels to a unit: twice as many as a plain screen has, so that print and fine screens show letters with sharp edges.
const SCALE: f32 = 2.0;
/// A picture that would have more pixels than this is drawn smaller: hundreds of tokens must not cost gigabytes.
const MOST_PIXELS: f32 = 3e7;

/// Rows of pixels from the top, each pixel as much ink as it has.
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
    /// Pixels to a unit.
    pub(super) scale: f32,
}

impl Canvas {
    pub(super) fn of(picture: &Picture) -> Self {
        let scale = SCALE.min((MOST_PIXELS / (picture.width * picture.height)).sqrt());
        let (width, height) = ((picture.width * scale).ceil() as usize, (picture.height * scale).ceil() as usize);
        let mut canvas = Self { width, height, pixels: vec![0; width * height], scale };
        let font = Font::new();
        for shape in &picture.shapes {
            match shape {
                &Shape::Cell { x, y, width, height, ink } => canvas.fill(x, y, width, height, ink),
                &Shape::Line { x, y, length, direction: Direction::Right, ink } => {
                    canvas.fill(x - 0.5, y - 0.5, length + 1.0, 1.0, ink);
                }
                &Shape::Line { x, y, length, direction: Direction::Down, ink } => {
                    canvas.fill(x - 0.5, y - 0.5, 1.0, length + 1.0, ink);
                }
                Shape::Text(text) => canvas.write(text, &font),
            }
        }
        canvas
    }

    /// Fills a rectangle whose sides are moved to the nearest pixels: all edges are sharp.
    fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        let pixel = |length: f32, most: usize| ((length * self.scale).round() as usize).min(most);
        let (left, right) = (pixel(x, self.width), pixel(x + width, self.width));
        for row in pixel(y, self.height)..pixel(y + height, self.height) {
            self.pixels[row * self.width + left..row * self.width + right].fill(ink.0);
        }
    }

    fn write(&mut self, text: &Text, font: &Font) {
        let line = Line {
            x: text.x * self.scale,
            y: text.y * self.scale,
            size: text.size * self.scale,
            anchor: match text.anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => 0.5,
                Anchor::End => 1.0,
            },
            turn: text.turn,
        };
        font.draw(&text.text, &line, |x, y, cover| {
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
            if x < self.width && y < self.height {
                let pixel = &mut self.pixels[y * self.width + x];
                // All text stands on white, where the darker of two inks is what both together would be.
                *pixel = (*pixel).max((cover * 255.0).round() as u8);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout;
    use super::*;
    use crate::alignment::Alignment;

    fn canvas(weights: Vec<Vec<f64>>) -> Canvas {
        let (source, target) = (vec!["é".to_owned(); weights[0].len()], vec!["œ".to_owned(); weights.len()]);
        Canvas::of(&layout::picture(&Alignment { source, target, weights }))
    }

    #[test]
    fn the_darkest_cell_is_the_largest_weight() {
        let weights = vec![vec![0.1, 0.2, 0.7], vec![0.05, 0.05, 0.9], vec![1.0, 0.0, 0.0], vec![0.3, 0.3, 0.4]];
        let picture = layout::picture(&Alignment {
            source: ["d", "e", "f"].map(str::to_owned).to_vec(),
            target: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            weights: weights.clone(),
        });
        let canvas = Canvas::of(&picture);
        // The cells come first, row by row.
        for (shape, weight) in picture.shapes.iter().zip(weights.concat()) {
            let &Shape::Cell { x, y, width, height, .. } = shape else { panic!("{shape:?} among the cells") };
            let (x, y) = ((x + width / 2.0) * canvas.scale, (y + height / 2.0) * canvas.scale);
            assert_eq!(canvas.pixels[y as usize * canvas.width + x as usize], Ink::share(weight).0);
        }
    }

    #[test]
    fn the_picture_grows_with_the_tokens_up_to_a_limit() {
        let (small, large) = (canvas(vec![vec![0.5; 3]; 3]), canvas(vec![vec![0.5; 60]; 60]));
        assert_eq!((large.width - small.width, large.height - small.height), (57 * 40, 57 * 40));
        let huge = canvas(vec![vec![0.5; 400]; 400]);
        assert!((2.5e7..3.1e7).contains(&((huge.width * huge.height) as f64)), "{} x {}", huge.width, huge.height);
    }
}
