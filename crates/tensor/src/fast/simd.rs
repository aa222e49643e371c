//! The same loop, compiled for the vector units of the machine it runs on.
//!
//! A plain loop in Rust is compiled for the oldest processor of its architecture. [`run`] compiles
//! a loop again with AVX2 and with AVX-512 enabled and chooses between the copies when it runs. Nothing about the
//! arithmetic changes: there is no fused multiply-add and no reordering, so every copy gives the same bits.

/// The vector instructions this machine has, the widest first.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// What this machine has. The standard library caches the answer.
#[inline]
pub(crate) fn level() -> Level {
    #[cfg(test)]
    if let Some(level) = tests::chosen() {
        return level;
    }
    #[cfg(target_arch = "x86_64")]
    {
        // The four parts that every AVX-512 processor since Skylake has.
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("fma")
        {
            return Level::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// Runs `task` with the widest vectors available. Write it as `run(#[inline(always)] || …)`: only what is inlined is
/// compiled anew inside each level.
#[inline]
pub fn run<R>(task: impl FnOnce() -> R) -> R {
    run_at(level(), task)
}

/// Runs `task` at one level, which must not exceed [`level`].
#[inline]
#[allow(unsafe_code)]
pub(crate) fn run_at<R>(chosen: Level, task: impl FnOnce() -> R) -> R {
    match chosen {
        // SAFETY: `level` found these features on this processor, and nothing else makes such a value but tests that
        // ask `level` first.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { run_avx512(task) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { run_avx2(task) },
        Level::Portable => task(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn run_avx512<R>(task: impl FnOnce() -> R) -> R {
    task()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<R>(task: impl FnOnce() -> R) -> R {
    task()
}

/// As [`run`] at one level, with fused multiply-add where the level has it, which [`run`] leaves out: for sums of
/// products, whose bits may differ between processors.
#[inline]
#[allow(unsafe_code)]
pub(crate) fn run_fused<R>(chosen: Level, task: impl FnOnce() -> R) -> R {
    match chosen {
        // SAFETY: as in `run_at`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { run_avx512_fused(task) },
        // SAFETY: as in `run_at`.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { run_avx2_fused(task) },
        Level::Portable => task(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma")]
fn run_avx512_fused<R>(task: impl FnOnce() -> R) -> R {
    task()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2_fused<R>(task: impl FnOnce() -> R) -> R {
    task()
}

#[cfg(test)]
pub(crate) mod tests;
