//! The innermost loops with the vector instructions of x86-64: AVX2 and AVX-512, single precision.
//!
//! By panels, two vectors of a panel's row are multiplied by one number of each of up to six rows of X: twelve sums,
//! more than enough to keep two multiply-add units with a latency of four busy, and they fit the sixteen registers of
//! AVX2. By rows, memory is what takes time: [`TOGETHER`] rows of W are read side by side, and those after the next are
//! fetched meanwhile, which the processor does not do by itself for rows that are short. That makes the difference
//! between two thirds of what memory can deliver and nearly all of it.

#![allow(unsafe_code)]

use super::panel;
use super::simd::{self, Level};

mod columns;

pub(super) use columns::{by_columns, transpose};

/// Rows of W that are added at once, so that sums are loaded and stored once for all of them.
const TOGETHER: usize = 8;

/// [`Routines::by_panels`](super::routines::Routines::by_panels) at the level of this machine, AVX2 or better. Each
/// panel is used for all rows before the next one.
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

/// [`Routines::by_rows`](super::routines::Routines::by_rows) at the level of this machine, AVX2 or better.
pub(super) fn by_rows(w: &[f32], down: usize, [k, n]: [usize; 2], x: &[f32], out: &mut [f32]) {
    if k == 0 || out.is_empty() {
        return;
    }
    let m = out.len() / n;
    let fit = w.len() >= (k - 1) * down + n && x.len() >= m * k && out.len() == m * n;
    assert!(fit, "{m} rows by ({k}, {n}) every {down}: {} and {} numbers", x.len(), w.len());
    let (w, x, out) = (w.as_ptr(), x.as_ptr(), out.as_mut_ptr());
    match simd::level() {
        // SAFETY: the lengths have just been checked, and the processor has what this level stands for.
        Level::Avx512 => unsafe { avx512::by_rows(w, down, [m, k, n], x, out) },
        // SAFETY: as above.
        Level::Avx2 => unsafe { avx2::by_rows(w, down, [m, k, n], x, out) },
        Level::Portable => unreachable!("no vector instructions"),
    }
}

macro_rules! with_vectors {
    (
        $level:ident: $features:literal, $lanes:literal lanes
        [$zero:ident, $load:ident, $broadcast:ident, $multiply_add:ident, $store:ident]
    ) => {
        mod $level {
            use super::TOGETHER;
            use crate::fast::portable::{TILE, height};
            use std::arch::x86_64::*;

            const LANES: usize = $lanes;
            const WIDTH: usize = 2 * LANES;

            /// # Safety
            /// There are N columns in panels of K rows; X has M rows of K numbers and out, to which nobody else has
            /// access, M of N.
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
                    return unsafe { sums::<ROWS>(panel, k, x, steps, out, step) };
                }
                // Columns that are not there stand in numbers that are.
                let mut padded = [[0.0_f32; WIDTH]; ROWS];
                // SAFETY: `padded` has ROWS rows of WIDTH numbers, and of `out` only the first `count` columns are
                // used.
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

            /// # Safety
            /// W has K rows of N numbers, a row every `down`; X has M rows of K numbers and out, to which nobody else
            /// has access, M of N.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn by_rows(
                w: *const f32,
                down: usize,
                [m, k, n]: [usize; 3],
                x: *const f32,
                out: *mut f32,
            ) {
                for i in (0..k).step_by(TOGETHER) {
                    for row in 0..m {
                        // SAFETY: as the caller promises.
                        unsafe {
                            let (w, x, out) = (w.add(i * down), x.add(row * k + i), out.add(row * n));
                            match TOGETHER.min(k - i) {
                                TOGETHER => add_rows::<TOGETHER>(w, down, x, out, n),
                                rest => {
                                    for i in 0..rest {
                                        add_rows::<1>(w.add(i * down), down, x.add(i), out, n);
                                    }
                                }
                            }
                        }
                    }
                }
            }

            /// Adds ROWS rows of W, each multiplied by its number of X, to one row of sums.
            ///
            /// # Safety
            /// As `by_rows`.
            #[target_feature(enable = $features)]
            unsafe fn add_rows<const ROWS: usize>(w: *const f32, down: usize, x: *const f32, out: *mut f32, n: usize) {
                // SAFETY: as the caller promises.
                unsafe {
                    let mut factors = [$zero(); ROWS];
                    for i in 0..ROWS {
                        factors[i] = $broadcast(*x.add(i));
                    }
                    let whole = n - n % LANES;
                    for j in (0..whole).step_by(LANES) {
                        let mut sum = $load(out.add(j));
                        for i in 0..ROWS {
                            // An address is only looked at, and may lie outside.
                            _mm_prefetch::<_MM_HINT_T1>(w.wrapping_add((2 * ROWS + i) * down + j).cast());
                            sum = $multiply_add(factors[i], $load(w.add(i * down + j)), sum);
                        }
                        $store(out.add(j), sum);
                    }
                    for j in whole..n {
                        for i in 0..ROWS {
                            *out.add(j) = (*x.add(i)).mul_add(*w.add(i * down + j), *out.add(j));
                        }
                    }
                }
            }
        }
    };
}

with_vectors! {
    avx2: "avx2,fma", 8 lanes
    [_mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps]
}
with_vectors! {
    avx512: "avx512f,avx512bw,avx512vl,avx512dq,fma", 16 lanes
    [_mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps]
}
