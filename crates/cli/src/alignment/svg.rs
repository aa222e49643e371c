//! The picture as SVG. Text stays text: it can be searched, copied and set in another font.

use std::fmt::Write;

use super::picture::{Anchor, Direction, Ink, Picture, Shape, Text};

/// The whole document.
pub(super) fn text(picture: &Picture) -> String {
    let mut svg = String::new();
    write(&mut svg, picture).expect("a string takes whatever is written");
    svg
}

fn write(svg: &mut String, picture: &Picture) -> std::fmt::Result {
    let (width, height) = (picture.width, picture.height);
    write!(svg, r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}""#)?;
    write!(svg, r#" viewBox="0 0 {width} {height}" font-family="sans-serif" fill="{}""#, colour(Ink::FULL))?;
    // Without crisp edges, the paper would shine through between cells wherever the picture is shown at another size.
    writeln!(svg, r#" shape-rendering="crispEdges">"#)?;
    writeln!(svg, r#"<path d="M0 0h{width}v{height}h-{width}z" fill="{}"/>"#, colour(Ink(0)))?;
    for shape in &picture.shapes {
        match shape {
            &Shape::Cell { x, y, width, height, ink } => {
                let fill = colour(ink);
                writeln!(svg, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"/>"#)?;
            }
            &Shape::Line { x, y, length, direction, ink } => {
                let way = if direction == Direction::Right { 'h' } else { 'v' };
                writeln!(svg, r#"<path d="M{x} {y}{way}{length}" stroke="{}"/>"#, colour(ink))?;
            }
            Shape::Text(text) => write_text(svg, text)?,
        }
    }
    writeln!(svg, "</svg>")
}

fn write_text(svg: &mut String, text: &Text) -> std::fmt::Result {
    let (x, y) = (tenths(text.x), tenths(text.y));
    write!(svg, r#"<text x="{x}" y="{y}" font-size="{}""#, text.size)?;
    match text.anchor {
        Anchor::Start => {}
        Anchor::Middle => write!(svg, r#" text-anchor="middle""#)?,
        Anchor::End => write!(svg, r#" text-anchor="end""#)?,
    }
    if text.turn != 0.0 {
        write!(svg, r#" transform="rotate(-{} {x} {y})""#, text.turn)?;
    }
    writeln!(svg, ">{}</text>", escaped(&text.text))
}

fn colour(ink: Ink) -> String {
    let [red, green, blue] = ink.colour();
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn tenths(length: f32) -> f32 {
    (length * 10.0).round() / 10.0
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::layout;
    use crate::alignment::Alignment;

    fn svg(source: &[&str], target: &[&str]) -> String {
        let owned = |tokens: &[&str]| tokens.iter().map(|&token| token.to_owned()).collect();
        let weights = vec![vec![0.5; source.len()]; target.len()];
        super::text(&layout::picture(&Alignment { source: owned(source), target: owned(target), weights }))
    }

    #[test]
    fn every_token_and_every_pair_is_there() {
        let picture = svg(&["the", "heart", "’s"], &["«", "cœur", "été", "»"]);
        for token in ["the", "heart", "’s", "«", "cœur", "été", "»"] {
            assert!(picture.contains(&format!(">{token}</text>")), "{token} is missing");
        }
        let cells = |svg: &str| svg.matches(r#"width="24" height="24""#).count();
        assert_eq!(cells(&picture), 3 * 4, "{picture}");
        assert_eq!(picture, svg(&["the", "heart", "’s"], &["«", "cœur", "été", "»"]), "the same bytes every time");
    }

    #[test]
    fn signs_of_the_format_are_escaped() {
        let picture = svg(&["</s>", "a&b", "\"", "\u{1}"], &["<"]);
        for text in ["&lt;/s&gt;", "a&amp;b", "&quot;", "\u{fffd}", "&lt;"] {
            assert!(picture.contains(&format!(">{text}</text>")), "{text} is missing");
        }
    }

    #[test]
    fn no_tokens_are_a_picture_too() {
        assert!(svg(&[], &[]).ends_with("</svg>\n"));
        assert!(svg(&["a"], &[]).ends_with("</svg>\n"));
    }
}
