//! Results on stdout. A reader that goes away early (`| head`) ends the program quietly; a full disk is an error.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::terminal::failure::{Failure, Outcome, reason};

/// Prints text as it is, and at once.
pub(crate) fn print(text: &str) -> Outcome {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::nobody_listens(),
        _ => Failure::running(format!("stdout: {}", reason(&error))),
    })
}

/// Prints one JSON object, on one line.
pub(crate) fn json(object: &impl Serialize) -> Outcome {
    let line = serde_json::to_string(object).expect("results are plain values with text for keys");
    print(&format!("{line}\n"))
}

/// Columns of text, each as wide as its widest cell: the first to the left, the others, numbers, to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            line += &if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A line for each value, with its name before it.
pub(crate) fn listing(lines: &[(impl AsRef<str>, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.as_ref().len()).max().unwrap_or(0);
    lines.iter().map(|(name, value)| format!("{:<width$}  {value}\n", name.as_ref())).collect()
}

/// 804096 as 804,096.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// 75 seconds as 1:15, 4000 as 1:06:40.
pub(crate) fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_legible() {
        assert_eq!([0, 999, 1000, 804_096, 1_000_000].map(thousands), ["0", "999", "1,000", "804,096", "1,000,000"]);
        assert_eq!([0.2, 59.6, 75.0, 4000.0].map(clock), ["0:00", "1:00", "1:15", "1:06:40"]);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["rung".to_owned(), "bits".to_owned()], vec!["gpt".to_owned(), "2.5".to_owned()]];
        assert_eq!(table(&rows), "rung  bits\ngpt    2.5\n");
    }
}
