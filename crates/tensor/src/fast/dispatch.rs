//! The choice of code for this machine and for each kind of numbers.
//!
//! Written as plain loops, whether sums stay in registers is up to the compiler, and may change with the code that the
//! loop is inlined into. So single precision on x86-64, which trains, is written with vector instructions ([`x86`]);
//! double precision, which checks, and other processors have the plain loops ([`portable`]), compiled for what the
//! machine has.

use super::pool::Pool;
use super::portable::{self, FUSED_EVERYWHERE};
use super::routines::{Gemm, Routines};
use super::simd::{self, Level};

#[cfg(target_arch = "x86_64")]
use super::x86;

impl Routines for f32 {
    const GEMM: Gemm<f32> = matrixmultiply::sgemm;

    fn by_panels(panels: &[f32], sizes: [usize; 2], x: &[f32], steps: [usize; 2], out: &mut [f32]) {
        match simd::level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => x86::by_panels(panels, sizes, x, steps, out),
            Level::Portable => portable::by_panels::<f32, 16, FUSED_EVERYWHERE>(panels, sizes, x, steps, out),
        }
    }

    fn by_rows(w: &[f32], down: usize, sizes: [usize; 2], x: &[f32], out: &mut [f32]) {
        match simd::level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => x86::by_rows(w, down, sizes, x, out),
            Level::Portable => portable::by_rows::<f32, FUSED_EVERYWHERE>(w, down, sizes, x, out),
        }
    }

    fn by_columns(w: &[f32], step: usize, k: usize, x: &[f32], out: &mut [f32]) {
        match simd::level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => x86::columns::by_columns(w, step, k, x, out),
            Level::Portable => portable::by_columns::<f32, FUSED_EVERYWHERE>(w, step, k, x, out),
        }
    }

    fn transpose(data: &[f32], step: usize, sizes: [usize; 2], width: usize, out: &mut [f32]) {
        match simd::level() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 | Level::Avx2 => x86::columns::transpose(data, step, sizes, width, out),
            Level::Portable => portable::transpose(data, step, sizes, width, out),
        }
    }

    fn pool() -> &'static Pool<f32> {
        static POOL: Pool<f32> = Pool::new();
        &POOL
    }
}

/// Numbers of double size need twice the registers.
impl Routines for f64 {
    const GEMM: Gemm<f64> = matrixmultiply::dgemm;

    fn by_panels(panels: &[f64], sizes: [usize; 2], x: &[f64], steps: [usize; 2], out: &mut [f64]) {
        let level = simd::level();
        simd::run_fused(
            level,
            #[inline(always)]
            || match level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => portable::by_panels::<f64, 32, true>(panels, sizes, x, steps, out),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => portable::by_panels::<f64, 16, true>(panels, sizes, x, steps, out),
                Level::Portable => portable::by_panels::<f64, 16, FUSED_EVERYWHERE>(panels, sizes, x, steps, out),
            },
        );
    }

    fn by_rows(w: &[f64], down: usize, sizes: [usize; 2], x: &[f64], out: &mut [f64]) {
        let level = simd::level();
        simd::run_fused(
            level,
            #[inline(always)]
            || match level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 | Level::Avx2 => portable::by_rows::<f64, true>(w, down, sizes, x, out),
                Level::Portable => portable::by_rows::<f64, FUSED_EVERYWHERE>(w, down, sizes, x, out),
            },
        );
    }

    fn by_columns(w: &[f64], step: usize, k: usize, x: &[f64], out: &mut [f64]) {
        let level = simd::level();
        simd::run_fused(
            level,
            #[inline(always)]
            || match level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 | Level::Avx2 => portable::by_columns::<f64, true>(w, step, k, x, out),
                Level::Portable => portable::by_columns::<f64, FUSED_EVERYWHERE>(w, step, k, x, out),
            },
        );
    }

    fn transpose(data: &[f64], step: usize, sizes: [usize; 2], width: usize, out: &mut [f64]) {
        portable::transpose(data, step, sizes, width, out);
    }

    fn pool() -> &'static Pool<f64> {
        static POOL: Pool<f64> = Pool::new();
        &POOL
    }
}
