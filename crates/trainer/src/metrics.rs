//! The course of a run as a table, and as `metrics.csv`.
//!
//! ```text
//! step,train_loss,validation_loss,learning_rate,gradient_norm,tokens_per_second
//! 250,2.412083,2.398114,0.000982,1.204,48211.7
//! ```
//!
//! `train_loss` and `tokens_per_second` are over all steps since the row before; `validation_loss` is empty where there
//! was no evaluation.

use std::fmt::Write;

/// The first line of `metrics.csv`.
const HEADER: &str = "step,train_loss,validation_loss,learning_rate,gradient_norm,tokens_per_second";

/// One line of the table.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Row {
    /// After how many steps.
    pub step: usize,
    /// Nats per token over the steps since the row before.
    pub train_loss: f64,
    /// Nats per token of the validation text, if it was evaluated here.
    pub validation_loss: Option<f64>,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// The global norm of the last step's gradient, before clipping.
    pub gradient_norm: f64,
    /// Tokens trained on for each second of training since the row before.
    pub tokens_per_second: f64,
}

/// All rows of a run, in the order of their steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    rows: Vec<Row>,
}

impl Metrics {
    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Adds a row.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The table as CSV. Numbers are written so that they read back as the same bits.
    pub fn to_csv(&self) -> String {
        let mut csv = format!("{HEADER}\n");
        for row in &self.rows {
            let Row { step, train_loss, validation_loss, learning_rate, gradient_norm, tokens_per_second } = row;
            let validation_loss = validation_loss.map_or(String::new(), |loss| loss.to_string());
            writeln!(csv, "{step},{train_loss},{validation_loss},{learning_rate},{gradient_norm},{tokens_per_second}")
                .expect("a String takes all that is written to it");
        }
        csv
    }

    /// The table that [`to_csv`](Self::to_csv) wrote.
    ///
    /// # Errors
    /// What is wrong, and in which line.
    pub fn from_csv(csv: &str) -> Result<Self, String> {
        let mut lines = csv.lines().enumerate();
        if lines.next().is_none_or(|(_, header)| header != HEADER) {
            return Err(format!("line 1 is not \"{HEADER}\""));
        }
        let rows = lines.map(|(i, line)| row(line).ok_or_else(|| format!("line {} is no row of metrics", i + 1)));
        Ok(Self { rows: rows.collect::<Result<_, _>>()? })
    }
}

fn row(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.split(',').collect();
    let &[step, train_loss, validation_loss, learning_rate, gradient_norm, tokens_per_second] = &fields[..] else {
        return None;
    };
    Some(Row {
        step: step.parse().ok()?,
        train_loss: train_loss.parse().ok()?,
        validation_loss: if validation_loss.is_empty() { None } else { Some(validation_loss.parse().ok()?) },
        learning_rate: learning_rate.parse().ok()?,
        gradient_norm: gradient_norm.parse().ok()?,
        tokens_per_second: tokens_per_second.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_back_bit_for_bit() {
        let mut metrics = Metrics::default();
        for step in 1..20 {
            metrics.push(Row {
                step,
                train_loss: (step as f64).sqrt() / 3.0,
                validation_loss: (step % 3 == 0).then_some(1.0 / step as f64),
                learning_rate: 1e-3 / step as f64,
                gradient_norm: 1e10 / 7.0,
                tokens_per_second: 12345.678,
            });
        }
        let csv = metrics.to_csv();
        assert_eq!(Metrics::from_csv(&csv).unwrap(), metrics);
        assert_eq!(csv.lines().count(), 20);
        assert_eq!(Metrics::from_csv(&format!("{HEADER}\n")).unwrap(), Metrics::default());
    }

    #[test]
    fn a_line_that_is_no_row_is_named() {
        for bad in ["", "1,2,3", "1,2,,4,5,6,7", "x,2,,4,5,6", "1,2,y,4,5,6"] {
            let csv = format!("{HEADER}\n1,2,,4,5,6\n{bad}\n");
            assert_eq!(Metrics::from_csv(&csv).unwrap_err(), "line 3 is no row of metrics", "{bad:?}");
        }
        assert!(Metrics::from_csv("").unwrap_err().starts_with("line 1 is not"));
    }
}
