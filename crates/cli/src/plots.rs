//! Plots: how losses fell, where a decoder looked, and scores side by side. All are SVG.
//!
//! | file | what |
//! |---|---|
//! | `loss_curves.rs`, `bars.rs` | losses over steps or minutes, and scores by group |
//! | `alignment.rs` | attention weights as a heat map |
//! | `chart.rs` | what curves and bars share: axes, drawn by plotters, and a legend |
//! | `svg.rs` | the backend of plotters that writes text and shapes with CSS classes |
//! | `label.rs` | tokens and names of runs, made safe and short enough to show |
//! | `plot_file.rs` | the file of a plot: whether it can be written, and the writing |

pub(crate) mod alignment;
pub(crate) mod bars;
mod chart;
mod label;
pub(crate) mod loss_curves;
pub(crate) mod plot_file;
mod svg;
