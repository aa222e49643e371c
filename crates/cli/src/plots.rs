//! Pictures: how losses fell, where a decoder looked, and scores side by side.
//!
//! | file | what |
//! |---|---|
//! | `loss_curves.rs` | losses over steps or minutes, drawn by plotters as SVG |
//! | `alignment.rs`, `bars.rs` | attention weights as a heat map, and scores as bars, laid out here |
//! | `picture.rs` | what those two are made of: boxes, lines and text in one ink |
//! | `picture_file.rs` | the file that a picture becomes, whole or not at all |
//! | `svg.rs`, `png.rs` | the two formats; `canvas.rs` and `font.rs` turn shapes and text into pixels |
//! | `label.rs` | texts from outside, tokens and names, as a picture shows them |

pub(crate) mod alignment;
pub(crate) mod bars;
mod canvas;
mod font;
mod label;
pub(crate) mod loss_curves;
mod picture;
pub(crate) mod picture_file;
mod png;
mod svg;
