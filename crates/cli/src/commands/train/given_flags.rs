//! A flag that was given: it changes a setting, or is refused where there is none.

use rungs::Rung;

use crate::terminal::failure::{Failure, Outcome};

/// Changes a setting if its flag was given.
pub(super) fn set<T>(setting: &mut T, flag: Option<T>) {
    if let Some(value) = flag {
        *setting = value;
    }
}

/// The first of these flags that was given is refused: the rung has nothing that it could set.
pub(super) fn refuse(given: &[(&str, bool)], rung: Rung) -> Outcome {
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Failure::input(format!("{flag}: the rung {rung} has no such setting"))),
        None => Ok(()),
    }
}
