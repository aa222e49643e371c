//! A picture before it has a format: boxes, lines and text in one ink on white paper.

/// Lengths are CSS pixels, 96 to the inch; x grows to the right and y downwards.
#[derive(Clone, Debug)]
pub(super) struct Picture {
    pub(super) width: f32,
    pub(super) height: f32,
    /// In the order in which they are drawn: the last one is on top.
    pub(super) shapes: Vec<Shape>,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// A filled rectangle.
    Cell {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        ink: Ink,
    },
    /// A line one unit wide, to the right or downwards.
    Line {
        x: f32,
        y: f32,
        length: f32,
        direction: Direction,
        ink: Ink,
    },
    Text(Text),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Right,
    Down,
}

/// One line of text. It starts, ends or has its middle at a point on its baseline, around which it is turned.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) anchor: Anchor,
    /// Degrees, against the clock: at 90 it reads upwards.
    pub(super) turn: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How much ink, from 0, the white of the paper, to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ink(pub(super) u8);

impl Ink {
    pub(super) const FULL: Self = Self(255);

    /// A share of the ink; what is no number leaves the paper white.
    pub(super) fn share(share: f64) -> Self {
        // A conversion to an integer saturates, and makes 0 of what is not a number.
        Self((share * 255.0).round() as u8)
    }

    /// The colour on paper. The three stops are equally far apart in lightness, and so are the weights they stand for.
    pub(super) fn colour(self) -> [u8; 3] {
        const STOPS: [[u8; 3]; 3] = [[255, 255, 255], [98, 146, 192], [10, 30, 66]];
        let place = u32::from(self.0) * 2;
        let (from, to) = if place <= 255 { (STOPS[0], STOPS[1]) } else { (STOPS[1], STOPS[2]) };
        let part = if place <= 255 { place } else { place - 255 };
        std::array::from_fn(|i| ((u32::from(from[i]) * (255 - part) + u32::from(to[i]) * part + 127) / 255) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_ink_is_darker() {
        let light = |ink| Ink(ink).colour().iter().map(|&part| u32::from(part)).sum::<u32>();
        assert_eq!(Ink(0).colour(), [255, 255, 255]);
        assert!((1..=255).all(|ink| light(ink) < light(ink - 1)));
    }

    #[test]
    fn every_weight_has_an_ink() {
        let weights = [-0.1, 0.0, 0.2, 1.0, 1.1, f64::NAN];
        assert_eq!(weights.map(|weight| Ink::share(weight).0), [0, 0, 51, 255, 255, 0]);
    }
}
