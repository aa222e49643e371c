//! How sure a difference between two runs is: what is drawn, how often, and what is said about it.

use rungs::measures::{Difference, Resamples};
use rungs::tensor::Rng;

use crate::terminal::output;

/// How often texts are drawn.
pub(super) const RESAMPLES: usize = 1_000;

/// Draws from so many texts, the same for all runs.
pub(super) fn resamples(size: usize, seed: Option<u64>) -> Resamples {
    Resamples { size, count: RESAMPLES, rng: Rng::new(seed.unwrap_or(0)).fork("bootstrap") }
}

/// A difference with its name, and how it is printed: with how many digits, in which unit.
pub(super) type Row<'a> = (&'a str, Difference, usize, &'a str);

/// One run's differences from another.
pub(super) fn differences(run: &str, from: &str, rows: &[Row<'_>]) -> String {
    let header = [&format!("{run} minus {from}"), "difference", "95 % interval", "p"].map(str::to_owned).to_vec();
    let cells = |&(name, Difference { difference, low, high, p }, digits, unit): &Row<'_>| {
        // What is rounded to nothing has no sign.
        let signed = |value: f64| {
            let text = format!("{value:+.digits$}");
            if text.contains(|c| matches!(c, '1'..='9')) { text } else { format!("{:.digits$}", 0.0) }
        };
        let interval = format!("{} to {}{unit}", signed(low), signed(high));
        output::row(name, [format!("{}{unit}", signed(difference)), interval, format!("{p:.3}")])
    };
    output::table(header, rows.iter().map(cells))
}
