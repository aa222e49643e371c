//! Results on stdout. A reader that goes away early (`| head`) ends the program quietly; a full disk is an error.

use std::io::{self, ErrorKind};

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::terminal::escapes;
use crate::terminal::failure::{Failure, Outcome, reason};

/// Prints text at once.
pub(crate) fn print(text: &str) -> Outcome {
    escapes::write(io::stdout().lock(), text).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::nobody_listens(),
        _ => Failure::running(format!("stdout: {}", reason(&error))),
    })
}

/// Prints a report: as one JSON object on one line, or in prose.
pub(crate) fn report(as_json: bool, report: &impl Serialize, prose: impl FnOnce() -> String) -> Outcome {
    print(&match as_json {
        true => serde_json::to_string(report).expect("results are plain values with text for keys") + "\n",
        false => prose(),
    })
}

/// Report of a command: facts, each of which is a field of a JSON object, a line of prose, or both.
#[derive(Default)]
pub(crate) struct Facts {
    fields: Vec<(&'static str, Box<RawValue>)>,
    lines: Vec<(&'static str, String)>,
}

impl Facts {
    /// A field of the object, and a line of prose.
    pub(crate) fn fact(&mut self, key: &'static str, value: impl Serialize, name: &'static str, text: impl ToString) {
        self.field(key, value);
        self.line(name, text);
    }

    pub(crate) fn field(&mut self, key: &'static str, value: impl Serialize) -> &mut Self {
        self.fields.push((key, to_raw_value(&value).expect("results are plain values with text for keys")));
        self
    }

    /// A field that is left out where there is no value for it.
    pub(crate) fn optional(&mut self, key: &'static str, value: Option<impl Serialize>) -> &mut Self {
        match value {
            Some(value) => self.field(key, value),
            None => self,
        }
    }

    pub(crate) fn line(&mut self, name: &'static str, text: impl ToString) {
        self.lines.push((name, text.to_string()));
    }

    /// Prints them as one JSON object, or in prose, with more of it behind the lines.
    pub(crate) fn print(&self, as_json: bool, more: &str) -> Outcome {
        report(as_json, self, || listing(&self.lines) + more)
    }
}

/// Facts of several side by side: a row for each line of the first, a column for each, with these names above.
pub(crate) fn columns(corner: &str, columns: &[(&str, &Facts)]) -> String {
    let header = row(corner, columns.iter().map(|(name, _)| (*name).to_owned()));
    let cells = |(name, _): &(&'static str, String)| {
        let lines = columns.iter().flat_map(|(_, facts)| &facts.lines).filter(|(other, _)| other == name);
        row(name, lines.map(|(_, text)| text.clone()))
    };
    let rows = columns.first().into_iter().flat_map(|(_, first)| &first.lines).map(cells);
    table(header, rows)
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|(key, value)| (key, value)))
    }
}

/// A row of a table: its name, and its cells.
pub(crate) fn row(name: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(cells).collect()
}

/// Columns of text below their names, each as wide as its widest cell: the first to the left, the others, numbers, to
/// the right.
pub(crate) fn table(header: Vec<String>, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..).map_while(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("  {cell:>width$}"),
        });
        format!("{}\n", cells.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}

/// A line for each value, with its name before it.
pub(crate) fn listing(lines: &[(impl AsRef<str>, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.as_ref().len()).max().unwrap_or(0);
    lines.iter().map(|(name, value)| format!("{:<width$}  {value}\n", name.as_ref())).collect()
}

/// 804096 as 804,096.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
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
        let [header, row] = [["rung", "bits"], ["gpt", "2.5"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(header, [row]), "rung  bits\ngpt    2.5\n");
    }
}
