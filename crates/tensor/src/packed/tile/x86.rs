//! The tile in single precision with the vector instructions of x86-64, once for 8 and once for 16 numbers at a time.
//!
//! Two vectors of a panel's row are multiplied by one number of each of up to six rows of X: twelve sums, more than
//! enough to keep two multiply-add units with a latency of four busy, and they fit the sixteen registers of AVX2.

#![allow(unsafe_code)]

use super::{TILE, height};
use crate::simd::{self, Level};

/// [`ByPanels`](super::ByPanels) at the level of this machine, AVX2 or better.
pub(super) fn by_panels(panels: &[f32], sizes: [usize; 2], x: &[f32], steps: [usize; 2], out: &mut [f32]) {
    match simd::level() {
        // SAFETY: the processor has what this level stands for.
        Level::Avx512 => unsafe { avx512::by_panels(panels, sizes, x, steps, out) },
        // SAFETY: as above.
        Level::Avx2 => unsafe { avx2::by_panels(panels, sizes, x, steps, out) },
        Level::Portable => unreachable!("no vector instructions"),
    }
}

macro_rules! with_vectors {
    ($level:ident, $features:literal, $lanes:literal, $zero:ident, $load:ident, $broadcast:ident, $multiply_add:ident, $store:ident) => {
        mod $level {
            use super::{TILE, height};
            use std::arch::x86_64::*;

            const LANES: usize = $lanes;
            const WIDTH: usize = 2 * LANES;

            #[target_feature(enable = $features)]
            pub(super) fn by_panels(panels: &[f32], [k, n]: [usize; 2], x: &[f32], steps: [usize; 2], out: &mut [f32]) {
                if k == 0 || n == 0 {
                    return;
                }
                let rows = height(out.len() / n, TILE);
                for (number, out) in out.chunks_mut(rows * n).enumerate() {
                    let x = &x[number * rows * steps[0]..];
                    match out.len() / n {
                        1 => tile::<1>(panels, [k, n], x, steps, out),
                        2 => tile::<2>(panels, [k, n], x, steps, out),
                        3 => tile::<3>(panels, [k, n], x, steps, out),
                        4 => tile::<4>(panels, [k, n], x, steps, out),
                        5 => tile::<5>(panels, [k, n], x, steps, out),
                        _ => tile::<6>(panels, [k, n], x, steps, out),
                    }
                }
            }

            #[target_feature(enable = $features)]
            fn tile<const ROWS: usize>(
                panels: &[f32],
                [k, n]: [usize; 2],
                x: &[f32],
                [down, across]: [usize; 2],
                out: &mut [f32],
            ) {
                assert!(x.len() > (ROWS - 1) * down + (k - 1) * across, "fewer than {ROWS} rows of {k}");
                assert!(out.len() == ROWS * n);
                // A panel for each group of columns; the caller's buffer may be larger.
                for (panel, first) in panels.chunks_exact(k * WIDTH).zip((0..n).step_by(WIDTH)) {
                    let count = WIDTH.min(n - first);
                    if count == WIDTH {
                        // SAFETY: row r of `out` ends at (r + 1)·n, which is not before r·n + first + WIDTH.
                        unsafe { sums::<ROWS>(panel, x, [down, across], out.as_mut_ptr().add(first), n) };
                        continue;
                    }
                    let mut padded = [[0.0; WIDTH]; ROWS];
                    for row in 0..ROWS {
                        padded[row][..count].copy_from_slice(&out[row * n + first..][..count]);
                    }
                    // SAFETY: `padded` has ROWS rows of WIDTH numbers.
                    unsafe { sums::<ROWS>(panel, x, [down, across], padded.as_mut_ptr().cast(), WIDTH) };
                    for row in 0..ROWS {
                        out[row * n + first..][..count].copy_from_slice(&padded[row][..count]);
                    }
                }
            }

            /// Adds to WIDTH numbers in each of ROWS rows, which lie `step` apart from `out` on.
            ///
            /// # Safety
            /// Those numbers may be read and written; x[r·down + i·across] is there for each r < ROWS and each row i of the
            /// panel.
            #[target_feature(enable = $features)]
            unsafe fn sums<const ROWS: usize>(
                panel: &[f32],
                x: &[f32],
                [down, across]: [usize; 2],
                out: *mut f32,
                step: usize,
            ) {
                // SAFETY: as the caller promises; a chunk of the panel has WIDTH numbers.
                unsafe {
                    let mut sums = [[$zero(); 2]; ROWS];
                    for row in 0..ROWS {
                        let out = out.add(row * step);
                        sums[row] = [$load(out), $load(out.add(LANES))];
                    }
                    for (i, w) in panel.as_chunks::<WIDTH>().0.iter().enumerate() {
                        let w = [$load(w.as_ptr()), $load(w.as_ptr().add(LANES))];
                        for row in 0..ROWS {
                            let x = $broadcast(*x.get_unchecked(row * down + i * across));
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
