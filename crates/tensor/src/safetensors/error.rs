//! The error for a file that is no good safetensors file.

use std::fmt;

/// A file that is no good safetensors file, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError(pub(super) String);

impl FormatError {
    pub(super) fn new(problem: impl fmt::Display) -> Self {
        Self(format!("not a safetensors file: {problem}"))
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FormatError {}
