//! What the benches that stand beside other libraries share: which workloads are wanted, on how many threads, and how a
//! figure is printed. The benches themselves are in `benches/benches`.
#![allow(clippy::print_stdout)] // a report is what a bench is for

/// Runs `bench` on as many threads as `RAYON_NUM_THREADS` says, or as there are; it is told of each workload whether it
/// is wanted: those that the command line names, or all.
pub fn with_threads(bench: impl FnOnce(&(dyn Fn(&str) -> bool + Sync)) + Send) {
    // `cargo bench` passes --bench; names select workloads.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let threads = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| bench(&|name| wanted.is_empty() || wanted.iter().any(|w| w == name)));
}

/// One line: workload, what was measured, its median, least and most.
pub fn report(workload: &str, metric: &str, mut figures: Vec<f64>) {
    figures.sort_by(f64::total_cmp);
    let [least, most] = [figures[0], figures[figures.len() - 1]];
    println!("rungs {workload} {metric} {:.4} {least:.4} {most:.4}", figures[figures.len() / 2]);
}

/// The most memory that this process had at once, in millions of bytes; 0 where the system does not say.
pub fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
    peak.and_then(|kilobytes| kilobytes.trim().parse::<f64>().ok()).map_or(0.0, |kilobytes| kilobytes * 1.024e-3)
}
