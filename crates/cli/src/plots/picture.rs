//! A picture before it has a format: boxes, lines and text in one ink on white paper.

/// Lengths are CSS pixels, 96 to the inch; x grows to the right and y downwards.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) width: f32,
    pub(crate) height: f32,
    /// In the order in which they are drawn: the last one is on top.
    pub(crate) shapes: Vec<Shape>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
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

impl Shape {
    /// A line from a point to the right.
    pub(crate) fn right(x: f32, y: f32, length: f32, ink: Ink) -> Self {
        Self::Line { x, y, length, direction: Direction::Right, ink }
    }

    /// A line from a point downwards.
    pub(crate) fn down(x: f32, y: f32, length: f32, ink: Ink) -> Self {
        Self::Line { x, y, length, direction: Direction::Down, ink }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Right,
    Down,
}

/// One line of text. It starts, ends or has its middle at a point on its baseline, around which it is turned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) size: f32,
    pub(crate) anchor: Anchor,
    /// Degrees, against the clock: at 90 it reads upwards.
    pub(crate) turn: f32,
}

impl Text {
    /// The size of labels.
    pub(crate) const LABEL: f32 = 14.0;
    /// The size of what explains: a scale's numbers, a legend.
    pub(crate) const SMALL: f32 = 11.0;
    /// The part of its size by which a line has to be moved for the middle of its letters to stand where its baseline
    /// was.
    pub(crate) const HALF_LETTER: f32 = 0.35;

    /// Text that lies level, the middle of its letters at the height of `y`.
    pub(crate) fn level(text: impl Into<String>, x: f32, y: f32, size: f32, anchor: Anchor) -> Self {
        Self { text: text.into(), x, y: y + Self::HALF_LETTER * size, size, anchor, turn: 0.0 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// How much ink, from 0, the white of the paper, to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ink(pub(super) u8);

impl Ink {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const FULL: Self = Self(255);
    /// Of lines around things.
    pub(crate) const FRAME: Self = Self(110);
    /// Of lines that lead the eye through things.
    pub(crate) const GRID: Self = Self(26);

    /// A share of the ink; what is no number leaves the paper white.
    pub(crate) fn share(share: f64) -> Self {
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
        assert_eq!(Ink::NONE.colour(), [255, 255, 255]);
        assert!((1..=255).all(|ink| light(ink) < light(ink - 1)));
    }

    #[test]
    fn every_share_has_an_ink() {
        let shares = [-0.1, 0.0, 0.2, 1.0, 1.1, f64::NAN];
        assert_eq!(shares.map(|share| Ink::share(share).0), [0, 0, 51, 255, 255, 0]);
    }
}
