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
        let fma = is_x86_feature_detected!("fma");
        // The four parts that every AVX-512 processor since Skylake has.
        let foundation = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        if fma && foundation && is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512dq") {
            return Level::Avx512;
        }
        if fma && is_x86_feature_detected!("avx2") {
            return Level::Avx2;
        }
    }
    Level::Portable
}

/// The value of an expression, computed with the widest vectors available: `vectorized!({ for … })`. The expression
/// becomes a closure for [`run`], so a `return` in it ends the expression alone.
///
/// ```
/// let mut x = [1.0_f32, 2.0, 3.0];
/// rungs_tensor::vectorized!({
///     for x in &mut x {
///         *x *= 2.0;
///     }
/// });
/// assert_eq!(x, [2.0, 4.0, 6.0]);
/// ```
#[macro_export]
macro_rules! vectorized {
    ($expression:expr) => {
        $crate::simd::run(
            #[inline(always)]
            || $expression,
        )
    };
}

/// A closure that is inlined wherever it is called: the function of a loop that is to become vector code.
macro_rules! inlined {
    (|$($argument:pat_param),+| $value:expr) => {{
        #[inline(always)]
        |$($argument),+| $value
    }};
}
pub(crate) use inlined;

/// Runs `task` with the widest vectors available. Only what is inlined is compiled anew inside each level: write
/// [`vectorized!`](crate::vectorized), which sees to it.
#[inline]
#[allow(unsafe_code)]
pub fn run<R>(task: impl FnOnce() -> R) -> R {
    match level() {
        // SAFETY: `level` found these features on this processor.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { run_avx512(task) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { run_avx2(task) },
        Level::Portable => task(),
    }
}

// Fused multiply-add is for code that asks for it, with `mul_add`: the compiler never fuses a · b + c by itself.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,fma")]
fn run_avx512<R>(task: impl FnOnce() -> R) -> R {
    task()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<R>(task: impl FnOnce() -> R) -> R {
    task()
}

#[cfg(test)]
pub(crate) mod tests;
