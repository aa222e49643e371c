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
    writeln!(svg, r#"<path d="M0 0h{width}v{height}h-{width}z" fill="{}"/>"#, colour(Ink::NONE))?;
    for shape in &picture.shapes {
        match shape {
            &Shape::Cell { x, y, width, height, ink } => {
                let [x, y, width, height] = [x, y, width, height].map(tenths);
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
    use super::*;

    #[test]
    fn every_shape_is_an_element() {
        let text = |text: &str, anchor, turn| {
            Shape::Text(Text { text: text.to_owned(), x: 3.26, y: 4.0, size: 14.0, anchor, turn })
        };
        let picture = Picture {
            width: 40.0,
            height: 30.0,
            shapes: vec![
                Shape::Cell { x: 10.0, y: 5.0, width: 24.0, height: 9.96, ink: Ink::FULL },
                Shape::right(2.0, 28.0, 36.0, Ink::FULL),
                Shape::down(35.0, 2.0, 20.0, Ink::FULL),
                text("</s>", Anchor::Start, 0.0),
                text("a&b", Anchor::Middle, 90.0),
                text("\"", Anchor::End, 0.0),
            ],
        };
        let svg = super::text(&picture);
        let elements: Vec<&str> = svg.lines().skip(2).collect();
        assert_eq!(
            elements,
            [
                r##"<rect x="10" y="5" width="24" height="10" fill="#0a1e42"/>"##,
                r##"<path d="M2 28h36" stroke="#0a1e42"/>"##,
                r##"<path d="M35 2v20" stroke="#0a1e42"/>"##,
                r#"<text x="3.3" y="4" font-size="14">&lt;/s&gt;</text>"#,
                concat!(
                    r#"<text x="3.3" y="4" font-size="14" text-anchor="middle" "#,
                    r#"transform="rotate(-90 3.3 4)">a&amp;b</text>"#
                ),
                r#"<text x="3.3" y="4" font-size="14" text-anchor="end">&quot;</text>"#,
                "</svg>",
            ]
        );
        assert!(
            svg.starts_with(r#"<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" viewBox="0 0 40 30""#)
        );
    }
}
