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
    use super::*;

    #[test]
    fn shapes_are_where_they_should_be() {
        let (light, dark) = (Ink::share(0.3), Ink::share(0.9));
        let picture = Picture {
            width: 40.0,
            height: 30.0,
            shapes: vec![
                Shape::Cell { x: 10.0, y: 5.0, width: 20.0, height: 10.0, ink: light },
                Shape::Cell { x: 10.0, y: 15.0, width: 20.0, height: 9.8, ink: dark },
                Shape::right(2.0, 28.0, 36.0, Ink::FRAME),
                Shape::down(35.0, 2.0, 20.0, Ink::GRID),
            ],
        };
        let canvas = Canvas::of(&picture);
        assert_eq!((canvas.width, canvas.height), (80, 60));
        let ink = |x: f32, y: f32| canvas.pixels[(y * SCALE) as usize * canvas.width + (x * SCALE) as usize];
        let expected = [
            ((9.5, 10.0), Ink::NONE),
            ((10.0, 5.0), light),
            ((29.5, 14.5), light),
            ((10.0, 15.0), dark),
            ((29.5, 24.5), dark), // 24.8, moved to a pixel
            ((30.0, 24.5), Ink::NONE),
            ((20.0, 25.0), Ink::NONE),
            ((20.0, 27.5), Ink::FRAME),
            ((20.0, 28.5), Ink::NONE),
            ((35.0, 10.0), Ink::GRID),
            ((34.0, 10.0), Ink::NONE),
        ];
        for ((x, y), expected) in expected {
            assert_eq!(ink(x, y), expected.0, "at {x}, {y}");
        }
    }

    #[test]
    fn a_picture_is_twice_as_fine_as_the_screen_up_to_a_limit() {
        let canvas = |side| Canvas::of(&Picture { width: side, height: side, shapes: Vec::new() });
        assert_eq!((canvas(100.0).width, canvas(1000.0).width), (200, 2000));
        let huge = canvas(8000.0);
        assert!((2.5e7..3.1e7).contains(&((huge.width * huge.height) as f64)), "{} x {}", huge.width, huge.height);
    }
}
