//! The checks themselves: each of them counts, and mistakes are found.

use super::{controls, entries};
use crate::Rng;

#[test]
fn an_entry_of_several_checks_reports_them_all() {
    // Shapes times layouts, of which there are four for each operand.
    for (covers, cases) in [("Max", (4 + 3) * 4), ("SelectAdjoint", (2 + 2 + 1) * 4), ("Fused", 3 * 4 + 4 * 4 * 4)] {
        let entry = entries().into_iter().find(|entry| entry.covers == covers).expect(covers);
        assert_eq!((entry.run)(&mut Rng::new(0)).unwrap().cases, cases, "{covers}");
    }
}

#[test]
fn what_is_wrong_on_purpose_is_found_whatever_is_drawn() {
    for seed in 0..200 {
        for (control, what) in controls().into_iter().zip(["the first derivative", "the second derivative"]) {
            let mismatch = (control.run)(&mut Rng::new(seed)).expect_err(control.mistake);
            assert_eq!(mismatch.what, what, "{}, seed {seed}", control.mistake);
        }
    }
}
