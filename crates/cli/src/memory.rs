//! How much memory the program has used.

/// The most memory this process has held at once, in bytes; none where the system does not tell.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn linux_tells() {
        let peak = super::peak_rss_bytes();
        assert!(peak.is_none_or(|bytes| bytes > 100_000));
        assert_eq!(peak.is_some(), std::path::Path::new("/proc/self/status").exists());
    }
}
