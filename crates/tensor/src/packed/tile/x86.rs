//! The tile with the vector instructions of x86-64: AVX2 and AVX-512, single precision.
//!
//! Two vectors of a panel's row are multiplied by one number of each of up to six rows of X: twelve sums, more than
//! enough to keep two multiply-add units with a latency of four busy, and they fit the sixteen registers of AVX2.

#![allow(unsafe_code)]

use crate::packed::panel;
use crate::simd::{self, Level};

/// [`ByPanels`](super::ByPanels) at the level of this machine, AVX2 or better. Each panel is used for all rows before the next one.
pub(super) fn by_panels(panels: &[f32], [k, n]: [usize; 2], x: &[f32], steps: [usize; 2], out: &mut [f32]) {
    if k == 0 || out.is_empty() {
        return;
    }
    let m = out.len() / n;
    let fit = panels.len() >= panel::size(k, n) && x.len() > (m - 1) * steps[0] + (k - 1) * steps[1];
    assert!(fit && out.len() == m * n, "{m} rows by ({k}, {n}): {} and {} numbers", x.len(), out.len());
    let (panels, x, out) = (panels.as_ptr(), x.as_ptr(), out.as_mut_ptr());
    match simd::level() {
        // SAFETY: the lengths have just been checked, and the processor has what this level stands for.
        Level::Avx512 => unsafe { avx512::by_panels(panels, [m, k, n], x, steps, out) },
        // SAFETY: as above.
        Level::Avx2 => unsafe { avx2::by_panels(panels, [m, k, n], x, steps, out) },
        Level::Portable => unreachable!("no vector instructions"),
    }
}

macro_rules! with_vectors {
    ($level:ident, $features:literal, $lanes:literal, $zero:ident, $load:ident, $broadcast:ident, $multiply_add:ident, $store:ident) => {
        mod $level {
            use crate::packed::tile::{TILE, height};
            use std::arch::x86_64::*;

            const LANES: usize = $lanes;
            const WIDTH: usize = 2 * LANES;

            /// # Safety
            /// There are N columns in panels of K rows; X has M rows of K numbers and out, to which nobody else has access, M of N.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn by_panels(
                panels: *const f32,
                [m, k, n]: [usize; 3],
                x: *const f32,
                steps: [usize; 2],
                out: *mut f32,
            ) {
                let rows = height(m, TILE);
                for first in (0..n).step_by(WIDTH) {
                    let count = WIDTH.min(n - first);
                    for row in (0..m).step_by(rows) {
                        // SAFETY: as the caller promises of all panels, rows and columns.
                        unsafe {
                            let (panel, out) = (panels.add(first * k), out.add(row * n + first));
                            let x = x.add(row * steps[0]);
                            match rows.min(m - row) {
                                1 => tile::<1>(panel, k, x, steps, out, [n, count]),
                                2 => tile::<2>(panel, k, x, steps, out, [n, count]),
                                3 => tile::<3>(panel, k, x, steps, out, [n, count]),
                                4 => tile::<4>(panel, k, x, steps, out, [n, count]),
                                5 => tile::<5>(panel, k, x, steps, out, [n, count]),
                                _ => tile::<6>(panel, k, x, steps, out, [n, count]),
                            }
                        }
                    }
                }
            }

            /// ROWS rows by the first `count` columns of a panel.
            ///
            /// # Safety
            /// As `by_panels`.
            #[target_feature(enable = $features)]
            unsafe fn tile<const ROWS: usize>(
                panel: *const f32,
                k: usize,
                x: *const f32,
                steps: [usize; 2],
                out: *mut f32,
                [step, count]: [usize; 2],
            ) {
                if count == WIDTH {
                    // SAFETY: as the caller promises.
                    unsafe { sums::<ROWS>(panel, k, x, steps, out, step) };
                    return;
                }
                // Columns that are not there stand in numbers that are.
                let mut padded = [[0.0_f32; WIDTH]; ROWS];
                // SAFETY: `padded` has ROWS rows of WIDTH numbers, and of `out` only the first `count` columns are used.
                unsafe {
                    for row in 0..ROWS {
                        out.add(row * step).copy_to(padded[row].as_mut_ptr(), count);
                    }
                    sums::<ROWS>(panel, k, x, steps, padded.as_mut_ptr().cast(), WIDTH);
                    for row in 0..ROWS {
                        out.add(row * step).copy_from(padded[row].as_ptr(), count);
                    }
                }
            }

            /// ROWS rows by a whole panel.
            ///
            /// # Safety
            /// As `by_panels`.
            #[target_feature(enable = $features)]
            unsafe fn sums<const ROWS: usize>(
                panel: *const f32,
                k: usize,
                x: *const f32,
                [down, across]: [usize; 2],
                out: *mut f32,
                step: usize,
            ) {
                // SAFETY: as the caller promises.
                unsafe {
                    let mut sums = [[$zero(); 2]; ROWS];
                    for row in 0..ROWS {
                        let out = out.add(row * step);
                        sums[row] = [$load(out), $load(out.add(LANES))];
                    }
                    for i in 0..k {
                        let (w, x) = (panel.add(i * WIDTH), x.add(i * across));
                        let w = [$load(w), $load(w.add(LANES))];
                        for row in 0..ROWS {
                            let x = $broadcast(*x.add(row * down));
                            for half in 0..2 {
                                sums[row][half] = $multiply_add(x, w[half], sums[row][half]);
                            }
                        }
                    }
                    for row in 0..ROWS {
                        let out = out.add(row * step);
                        $store(out, sums[row][0]);
                        $store(out.add(LANES), sums[row][1]);
                    }
                }
            }
        }
    };
}

with_vectors!(
    avx2,
    "avx2,fma",
    8,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_storeu_ps
);
with_vectors!(
    avx512,
    "avx512f,avx512bw,avx512vl,avx512dq,fma",
    16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_storeu_ps
);
