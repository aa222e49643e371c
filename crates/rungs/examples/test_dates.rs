//! Writes the thousand test dates that `rungs climb` asks for, a source, a TAB and its target on each line:
//!
//! ```sh
//! cargo run --release -p rungs --example test_dates > dates.tsv
//! rungs evaluate runs/attention --pairs dates.tsv
//! ```

#![allow(clippy::print_stdout)] // a program, not a library

use rungs::dates::{self, Part};

fn main() {
    for pair in dates::pairs(Part::Test, 1000, 0) {
        println!("{}\t{}", pair.source, pair.target);
    }
}
