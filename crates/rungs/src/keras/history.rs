//! What an epoch tells, and what all of them leave behind.

use std::fmt;

/// An epoch has ended. Its `Display` is Keras's line: `Epoch 3/10 - 12s - loss: 1.2345 - accuracy: 0.6543`.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEnd {
    /// Which, counted from 1.
    pub epoch: usize,
    /// Of how many.
    pub epochs: usize,
    /// How long it took, validation included.
    pub seconds: f64,
    /// Loss and metrics by name, then those of the validation samples with `val_` before.
    pub values: Vec<(String, f64)>,
}

impl fmt::Display for EpochEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch {}/{} - {:.0}s", self.epoch, self.epochs, self.seconds)?;
        self.values.iter().try_for_each(|(name, value)| {
            // Four digits after the point say nothing about a small number.
            if value.abs() > 1e-3 || *value == 0.0 {
                write!(f, " - {name}: {value:.4}")
            } else {
                write!(f, " - {name}: {value:.4e}")
            }
        })
    }
}

/// The loss and the metrics of every epoch, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// One number for each epoch, in the order in which an epoch reports them.
    series: Vec<(String, Vec<f64>)>,
}

impl History {
    /// What was measured, in order: `loss`, the metrics, and `val_` of each if there was a validation split.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.series.iter().map(|(name, _)| name.as_str())
    }

    /// One number for each epoch, or none if there is nothing of that name.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.series.iter().find(|(found, _)| found == name).map(|(_, values)| values.as_slice())
    }

    /// How many epochs were finished.
    pub fn epochs(&self) -> usize {
        self.series.first().map_or(0, |(_, values)| values.len())
    }

    /// Takes in one more epoch, which has the same names as those before.
    pub(super) fn push(&mut self, values: &[(String, f64)]) {
        if self.series.is_empty() {
            self.series = values.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        }
        for ((_, series), &(_, value)) in self.series.iter_mut().zip(values) {
            series.push(value);
        }
    }
}
