//! How much memory there is, and how much the program has used.

use crate::terminal::{Failure, Outcome};

/// A parameter's value, and of one that is trained its gradient and two moments, four bytes each: what training holds
/// at the least.
const BYTES_PER_PARAMETER: u64 = 4;
const BYTES_PER_TRAINED_PARAMETER: u64 = 12;

/// The most memory this process has held at once, in bytes; none where the system does not tell.
pub(super) fn peak_rss_bytes() -> Option<u64> {
    kilobytes("/proc/self/status", "VmHWM:")
}

/// Refuses a model that this machine could not train. Where memory runs out, the system ends a program without a word.
pub(super) fn check_training(parameters: u64, trained: u64) -> Outcome {
    let needed = parameters.saturating_mul(BYTES_PER_PARAMETER);
    let needed = needed.saturating_add(trained.saturating_mul(BYTES_PER_TRAINED_PARAMETER));
    match kilobytes("/proc/meminfo", "MemTotal:") {
        Some(there) if needed > there => {
            let [needed, there] = [needed, there].map(|bytes| bytes as f64 / 1e9);
            let memory = format!("training it needs {needed:.1} GB of memory, there are {there:.1}");
            Err(Failure::input(format!("these sizes make a model of {parameters} parameters: {memory}")))
        }
        _ => Ok(()),
    }
}

/// A line such as `VmHWM:   8644 kB` of a file that Linux keeps, in bytes.
fn kilobytes(file: &str, key: &str) -> Option<u64> {
    let content = std::fs::read_to_string(file).ok()?;
    let line = content.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells() {
        let peak = peak_rss_bytes();
        assert!(peak.is_none_or(|bytes| bytes > 100_000));
        assert_eq!(peak.is_some(), std::path::Path::new("/proc/self/status").exists());
    }

    #[test]
    fn only_what_does_not_fit_is_refused() {
        assert!(check_training(1000, 1000).is_ok());
        assert_eq!(check_training(u64::MAX, 0).is_err(), std::path::Path::new("/proc/meminfo").exists());
    }
}
