//! How much memory there is, how much the program has used, and whether a run fits.

use std::fs::read_to_string;
use std::path::Path;

use rungs::run::TrainingMemory;
use rungs::{Corpus, Parts};

use crate::terminal::{Failure, Outcome};

/// A parameter's value, and of one that is trained its gradient and two moments, four bytes each: what training holds
/// at the least.
const BYTES_PER_PARAMETER: u64 = 4;
const BYTES_PER_TRAINED_PARAMETER: u64 = 12;
/// Resident memory in parts of what arrays hold, as measured over an epoch: the engine keeps some of it for the next
/// arrays, and the allocator some of its own, more where sequences are of different lengths and arrays of many sizes.
const OVERHEAD_OF_WINDOWS: f64 = 1.25;
const OVERHEAD_OF_EXAMPLES: f64 = 1.7;

/// The most memory this process has held at once, in bytes; none where the system does not tell.
pub(super) fn peak_rss_bytes() -> Option<u64> {
    of_this_process("VmHWM:")
}

/// Refuses a model that this machine could not train, before it is built. Where memory runs out, the system ends a
/// program without a word.
pub(super) fn check_parameters(parameters: u64, trained: u64) -> Outcome {
    let needed = parameters.saturating_mul(BYTES_PER_PARAMETER);
    let needed = needed.saturating_add(trained.saturating_mul(BYTES_PER_TRAINED_PARAMETER)) as f64;
    match available() {
        Some(there) if needed > there => {
            let memory = format!("training it needs {} of memory, there are {}", size(needed), size(there));
            Err(Failure::input(format!("these sizes make a model of {parameters} parameters: {memory}")))
        }
        _ => Ok(()),
    }
}

/// Refuses a run that does not fit, and says what would. Otherwise the most memory that the process will hold.
pub(super) fn check_training(memory: &TrainingMemory, corpus: &Corpus) -> Outcome<f64> {
    let overhead = match &corpus.parts {
        Parts::Text(_) => OVERHEAD_OF_WINDOWS,
        Parts::Examples(_) => OVERHEAD_OF_EXAMPLES,
    };
    let needed = overhead * memory.total();
    match available() {
        Some(there) if needed > there => {
            let batch = memory.batch_size;
            let advice = match memory.largest_batch(there / overhead) {
                Some(fits) => format!("--batch-size {fits} would fit, and --accumulate makes larger steps of it"),
                None => "a smaller model or a shorter --context is needed".to_owned(),
            };
            let (needed, there) = (size(needed), size(there));
            Err(Failure::input(format!(
                "--batch-size {batch}: training needs {needed} of memory more, there are {there}; {advice}"
            )))
        }
        _ => Ok(needed + of_this_process("VmRSS:").unwrap_or_default() as f64),
    }
}

/// Bytes, for people.
pub(super) fn size(bytes: f64) -> String {
    if bytes < 1e9 { format!("{:.0} MB", bytes / 1e6) } else { format!("{:.1} GB", bytes / 1e9) }
}

/// The bytes that this process may still take: the least of what the system has, what its control group may have, and
/// what the limit on its address space (`ulimit -v`) leaves. None where no system tells.
fn available() -> Option<f64> {
    let system = bytes("/proc/meminfo", "MemAvailable:");
    [system, of_control_groups(), of_address_space()].into_iter().flatten().min().map(|bytes| bytes as f64)
}

/// Bytes that the control group of this process, and those above it, may still take.
fn of_control_groups() -> Option<u64> {
    let groups = read_to_string("/proc/self/cgroup").ok()?;
    let number = |path: &Path, file: &str| read_to_string(path.join(file)).ok()?.trim().parse::<u64>().ok();
    let left = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (root, limit, usage) = match parts.next()? {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
            "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
            _ => return None,
        };
        let path = Path::new(root).join(parts.next()?.trim_start_matches('/'));
        // Within a container the group may be the root of what is seen.
        let groups = path.ancestors().take_while(|path| path.starts_with(root)).chain([Path::new(root)]);
        groups.filter_map(|path| Some(number(path, limit)?.saturating_sub(number(path, usage)?))).min()
    };
    groups.lines().filter_map(left).min()
}

/// Bytes that the limit on the address space leaves.
fn of_address_space() -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = line.split_whitespace().next()?.parse().ok()?; // "unlimited" is no limit
    Some(limit.saturating_sub(of_this_process("VmSize:")?))
}

fn of_this_process(key: &str) -> Option<u64> {
    bytes("/proc/self/status", key)
}

/// A line such as `VmHWM:   8644 kB` of a file that Linux keeps, in bytes.
fn bytes(file: &str, key: &str) -> Option<u64> {
    let content = read_to_string(file).ok()?;
    let line = content.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rungs::{Rung, Settings};

    #[test]
    fn linux_tells() {
        let peak = peak_rss_bytes();
        assert!(peak.is_none_or(|bytes| bytes > 100_000));
        assert_eq!(peak.is_some(), Path::new("/proc/self/status").exists());
        assert_eq!(available().is_some(), Path::new("/proc/meminfo").exists());
    }

    #[test]
    fn only_what_does_not_fit_is_refused_and_what_fits_is_named() {
        assert!(check_parameters(1000, 1000).is_ok());
        let linux = Path::new("/proc/meminfo").exists();
        assert_eq!(check_parameters(u64::MAX, 0).is_err(), linux);
        let memory = |batch_size| TrainingMemory {
            of_parameters: 1e6,
            of_sequence: 1e6,
            of_graph: 0.0,
            of_evaluation: 0.0,
            batch_size,
        };
        let settings = Settings::of(Rung::Lstm);
        let corpus = Corpus::new(&"some text ".repeat(20), None, &settings).unwrap();
        assert!(check_training(&memory(8), &corpus).is_ok());
        assert_eq!(check_training(&memory(1 << 40), &corpus).is_err(), linux);
        assert_eq!(memory(8).largest_batch(9.5e6), Some(8));
        assert_eq!(memory(8).largest_batch(1.5e6), None);
    }
}
