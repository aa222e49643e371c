//! The choice of code for this machine and for each kind of numbers.
//!
//! Written as plain loops, whether sums stay in registers is up to the compiler, and may change with the code that the
//! loop is inlined into. So single precision on x86-64, which trains, is written with vector instructions ([`x86`]);
//! double precision, which checks, and other processors have the plain loops ([`portable`]), compiled for what the
//! machine has.

use super::pool::Pool;
use super::portable::{FUSED_EVERYWHERE, Plain};
use super::routines::{Gemm, Routines};
use super::simd::{self, Level};
use crate::vectorized;

#[cfg(target_arch = "x86_64")]
use super::x86;

/// A plain loop, compiled for what the machine has.
macro_rules! plain {
    ($loop:ident($($argument:ident),*)) => {
        match simd::level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => vectorized!(Plain::<32, true>::$loop($($argument),*)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => vectorized!(Plain::<16, true>::$loop($($argument),*)),
            Level::Portable => Plain::<16, FUSED_EVERYWHERE>::$loop($($argument),*),
        }
    };
}

/// A loop in vector instructions, where they are those of x86-64; else the plain one.
macro_rules! in_vectors {
    ($loop:ident($($argument:ident),*)) => {
        match simd::level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => x86::$loop($($argument),*),
            Level::Portable => plain!($loop($($argument),*)),
        }
    };
}

macro_rules! routines {
    ($type:ident, $gemm:ident, $code:ident) => {
        impl Routines for $type {
            const GEMM: Gemm<Self> = matrixmultiply::$gemm;

            fn by_panels(panels: &[Self], sizes: [usize; 2], x: &[Self], steps: [usize; 2], out: &mut [Self]) {
                $code!(by_panels(panels, sizes, x, steps, out));
            }

            fn by_rows(w: &[Self], down: usize, sizes: [usize; 2], x: &[Self], out: &mut [Self]) {
                $code!(by_rows(w, down, sizes, x, out));
            }

            fn by_columns(w: &[Self], step: usize, k: usize, x: &[Self], out: &mut [Self]) {
                $code!(by_columns(w, step, k, x, out));
            }

            fn transpose(data: &[Self], step: usize, sizes: [usize; 2], width: usize, out: &mut [Self]) {
                $code!(transpose(data, step, sizes, width, out));
            }

            fn pool() -> &'static Pool<Self> {
                static POOL: Pool<$type> = Pool::new();
                &POOL
            }
        }
    };
}

routines!(f32, sgemm, in_vectors);
routines!(f64, dgemm, plain);
