//! Where a text or a model came from.

use crate::trainer::checkpoint::checksum;
use serde::{Deserialize, Serialize};

/// Where a text came from, and which it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// What it is called: a path, or whatever helps to find it again.
    pub name: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Provenance {
    /// That of this text.
    pub fn of(name: impl Into<String>, text: &str) -> Self {
        Self { name: name.into(), sha256: checksum(text.as_bytes()) }
    }
}
