//! How a packed matrix lies in memory.
//!
//! A matrix W (K, N) in *panels*: its columns in groups of [`width`], one group after another; each holds its K rows of
//! `width` elements, the last group padded with zeros. What multiplies by them is in [`dispatch`](super::dispatch).

use super::simd::{self, Level};
use crate::Element;

/// The columns of a panel on this machine.
pub(crate) fn width() -> usize {
    match simd::level() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => 32,
        _ => 16,
    }
}

/// How many elements a matrix takes in panels.
pub(crate) fn size(rows: usize, columns: usize) -> usize {
    rows * columns.next_multiple_of(width())
}

/// Packs a matrix of these sizes, whose rows and columns lie `down` and `across` apart in `data`.
pub(crate) fn pack<E: Element>(data: &[E], [rows, columns]: [usize; 2], [down, across]: [usize; 2], panels: &mut [E]) {
    let width = width();
    for (number, panel) in panels[..size(rows, columns)].chunks_exact_mut((rows * width).max(1)).enumerate() {
        let first = number * width;
        let count = width.min(columns - first);
        if down == 1 && across != 1 {
            E::transpose(&data[first * across..], across, [rows, count], width, panel);
            if count < width {
                panel.chunks_exact_mut(width).for_each(|out| out[count..].fill(E::ZERO));
            }
            continue;
        }
        for (row, out) in panel.chunks_exact_mut(width).enumerate() {
            let start = row * down + first * across;
            if across == 1 {
                out[..count].copy_from_slice(&data[start..][..count]);
            } else {
                out[..count].iter_mut().enumerate().for_each(|(j, x)| *x = data[start + j * across]);
            }
            out[count..].fill(E::ZERO);
        }
    }
}
