//! Matrices whose columns lie together, such as the transpose of a row-major one, with the vector instructions of AVX2,
//! single precision: squares of them are turned in registers.
//!
//! Columns are too far apart for the processor to see where they lead, so the rows of the columns after these are
//! fetched while these are used.

#![allow(unsafe_code)]

use crate::fast::simd::{self, Level};
use std::arch::x86_64::*;

/// Rows and columns of a square.
const SQUARE: usize = 8;
/// Squares side by side whose sums are taken at once: enough to hide how long an addition takes.
const ABREAST: usize = 4;
/// Numbers of a cache line.
const LINE: usize = 16;

/// [`Routines::transpose`](crate::fast::routines::Routines::transpose) at the level of this machine, AVX2 or better.
pub(in crate::fast) fn transpose(
    data: &[f32],
    step: usize,
    [rows, columns]: [usize; 2],
    width: usize,
    out: &mut [f32],
) {
    if rows == 0 || columns == 0 {
        return;
    }
    let fit = data.len() >= (columns - 1) * step + rows && out.len() >= (rows - 1) * width + columns;
    assert!(fit && columns <= width, "{columns} columns of {rows} every {step} to rows of {width}");
    assert!(simd::level() != Level::Portable, "no vector instructions");
    let [whole_rows, whole_columns] = [rows, columns].map(|size| size - size % SQUARE);
    // SAFETY: the lengths have just been checked, and both levels have AVX2.
    unsafe { turn_squares(data.as_ptr(), step, [whole_rows, whole_columns], width, out.as_mut_ptr()) };
    for j in 0..columns {
        for i in if j < whole_columns { whole_rows } else { 0 }..rows {
            out[i * width + j] = data[j * step + i];
        }
    }
}

/// [`Routines::by_columns`](crate::fast::routines::Routines::by_columns) at the level of this machine, AVX2 or better.
pub(in crate::fast) fn by_columns(w: &[f32], step: usize, k: usize, x: &[f32], out: &mut [f32]) {
    let n = out.len();
    if k == 0 || n == 0 {
        return;
    }
    let fit = w.len() >= (n - 1) * step + k && x.len() >= k;
    assert!(fit, "{} numbers by {n} columns of {k} every {step}", x.len());
    assert!(simd::level() != Level::Portable, "no vector instructions");
    let [rows, columns] = [k, n].map(|size| size - size % SQUARE);
    let abreast = columns - columns % (ABREAST * SQUARE);
    let (at, to) = (w.as_ptr(), out.as_mut_ptr());
    // SAFETY: the lengths have just been checked, and both levels have AVX2 and fused multiply-add.
    unsafe {
        add_squares::<ABREAST>(at, step, [rows, abreast], x.as_ptr(), to);
        add_squares::<1>(at.add(abreast * step), step, [rows, columns - abreast], x.as_ptr(), to.add(abreast));
    }
    for (j, out) in out.iter_mut().enumerate() {
        for i in if j < columns { rows } else { 0 }..k {
            *out = x[i].mul_add(w[j * step + i], *out);
        }
    }
}

/// [`transpose`] of whole squares.
///
/// # Safety
/// There are so many columns of so many rows at `data`, a column every `step` numbers; rows of so many columns every
/// `width` numbers have room at `out`, to which nobody else has access; and sizes are multiples of [`SQUARE`].
#[target_feature(enable = "avx2")]
unsafe fn turn_squares(data: *const f32, step: usize, [rows, columns]: [usize; 2], width: usize, out: *mut f32) {
    for j in (0..columns).step_by(SQUARE) {
        for i in (0..rows).step_by(SQUARE) {
            // SAFETY: as the caller promises of all squares.
            unsafe {
                let square = data.add(j * step + i);
                if i % LINE == 0 {
                    fetch(square.wrapping_add(width * step), step);
                }
                let turned = turned(square, step);
                for i2 in 0..SQUARE {
                    _mm256_storeu_ps(out.add((i + i2) * width + j), turned[i2]);
                }
            }
        }
    }
}

/// [`by_columns`] of whole squares.
///
/// # Safety
/// There are so many columns of so many rows at `w`, a column every `step` numbers, as many numbers as rows at `x`, and
/// as many as columns at `out`, to which nobody else has access; rows are a multiple of [`SQUARE`], columns of SQUARES
/// squares.
#[target_feature(enable = "avx2,fma")]
unsafe fn add_squares<const SQUARES: usize>(
    w: *const f32,
    step: usize,
    [rows, columns]: [usize; 2],
    x: *const f32,
    out: *mut f32,
) {
    for j in (0..columns).step_by(SQUARES * SQUARE) {
        // SAFETY: as the caller promises of all squares.
        unsafe {
            let (w, out) = (w.add(j * step), out.add(j));
            let mut sums = [_mm256_setzero_ps(); SQUARES];
            for square in 0..SQUARES {
                sums[square] = _mm256_loadu_ps(out.add(square * SQUARE));
            }
            for first in (0..rows).step_by(LINE) {
                // A line is used up before the next: of columns a power of two apart, few lines fit the cache at once.
                for square in 0..SQUARES {
                    let w = w.add(square * SQUARE * step);
                    fetch(w.wrapping_add(SQUARES * SQUARE * step + first), step);
                    for i in (first..rows.min(first + LINE)).step_by(SQUARE) {
                        let turned = turned(w.add(i), step);
                        for i2 in 0..SQUARE {
                            sums[square] = _mm256_fmadd_ps(_mm256_set1_ps(*x.add(i + i2)), turned[i2], sums[square]);
                        }
                    }
                }
            }
            for square in 0..SQUARES {
                _mm256_storeu_ps(out.add(square * SQUARE), sums[square]);
            }
        }
    }
}

/// Asks for a line of each column of a square. An address is only looked at, and may lie outside.
#[inline]
#[target_feature(enable = "avx2")]
#[allow(unused_unsafe)] // newer compilers than the oldest that will do know that it is safe
fn fetch(square: *const f32, step: usize) {
    for j in 0..SQUARE {
        // SAFETY: nothing is read.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(square.wrapping_add(j * step).cast()) };
    }
}

/// The rows of a square whose columns lie together.
///
/// # Safety
/// There are [`SQUARE`] columns of as many numbers, one every `step` numbers.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn turned(square: *const f32, step: usize) -> [__m256; SQUARE] {
    let mut column = [_mm256_setzero_ps(); SQUARE];
    for j in 0..SQUARE {
        // SAFETY: as the caller promises.
        column[j] = unsafe { _mm256_loadu_ps(square.add(j * step)) };
    }
    // Twos of neighbours, fours, then halves: each time twice as many numbers of a row stand together.
    let (mut twos, mut fours, mut rows) = (column, column, column);
    for i in (0..SQUARE).step_by(2) {
        twos[i] = _mm256_unpacklo_ps(column[i], column[i + 1]);
        twos[i + 1] = _mm256_unpackhi_ps(column[i], column[i + 1]);
    }
    for i in [0, 1, 4, 5] {
        let i2 = i / 4 * 4 + i % 4 * 2;
        fours[i2] = _mm256_shuffle_ps::<0x44>(twos[i], twos[i + 2]);
        fours[i2 + 1] = _mm256_shuffle_ps::<0xee>(twos[i], twos[i + 2]);
    }
    for i in 0..SQUARE / 2 {
        rows[i] = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
        rows[i + 4] = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
    }
    rows
}
