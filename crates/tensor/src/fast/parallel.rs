//! Sharing work among threads: the one place that does.
//!
//! Work is cut into pieces of fixed size, whoever computes them, so results do not depend on the number of threads. The
//! work itself comes as a `dyn` function: it is called once for thousands of numbers, and the machinery around it is
//! compiled once for each element type instead of once for each operation.

use crate::Element;
use rayon::prelude::*;
use std::cell::Cell;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Calls `body(number, chunk)` for every chunk of `size` elements of `out`; on several threads if there are at least
/// `threshold` elements and more than one chunk.
pub(crate) fn for_each_chunk<T: Send>(
    out: &mut [T],
    size: usize,
    threshold: usize,
    body: &(dyn Fn(usize, &mut [T]) + Sync),
) {
    if out.len() >= threshold && out.len() > size {
        out.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| body(i, chunk));
    } else {
        out.chunks_mut(size).enumerate().for_each(|(i, chunk)| body(i, chunk));
    }
}

/// What [`for_each_part`] does with some rows and their part of each array.
pub type Part<'a, E, const N: usize> = &'a (dyn Fn(Range<usize>, [&mut [E]; N]) + Sync);

/// Shares rows among the threads. Each of the `arrays` holds the rows one after another, each array in its own number
/// of elements per row; `body` gets the range of rows that a part is, and that part of each array.
///
/// How the rows are shared depends on the number of threads: `body` must compute a row without regard to the others.
/// Rows fewer than `least` stay together.
pub fn for_each_part<E: Element, const N: usize>(
    rows: Range<usize>,
    least: usize,
    arrays: [&mut [E]; N],
    body: Part<'_, E, N>,
) {
    divide(rows, least.max(1), rayon::current_num_threads(), arrays, body);
}

fn divide<E: Element, const N: usize>(
    rows: Range<usize>,
    least: usize,
    parts: usize,
    mut arrays: [&mut [E]; N],
    body: Part<'_, E, N>,
) {
    if parts < 2 || rows.len() < 2 * least {
        return body(rows, arrays);
    }
    let first = (rows.len() * (parts / 2) / parts).max(1);
    let near = arrays.each_mut().map(|array| {
        let cut = array.len() / rows.len() * first;
        array.split_off_mut(..cut).expect("a part of each array")
    });
    let (start, cut, end) = (rows.start, rows.start + first, rows.end);
    rayon::join(
        || divide(start..cut, least, parts / 2, near, body),
        || divide(cut..end, least, parts - parts / 2, arrays, body),
    );
}

/// How long a thread looks for work in vain, and how long in all: it may be that somebody waits for what it had begun
/// before.
const PATIENCE: Duration = Duration::from_micros(200);
const WATCH: Duration = Duration::from_millis(50);

thread_local! {
    /// Whether this thread looks for work already.
    static LOOKING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the other threads of the pool awake for a moment: to be called at every step of a loop of short steps.
///
/// A thread that finds no work for some microseconds goes to sleep, and to wake it takes longer than its share of one
/// row by a matrix, hundreds of which make a token. After this call every thread looks for work until it has found none
/// for a while. No result depends on it.
pub fn keep_awake() {
    if rayon::current_num_threads() < 2 {
        return;
    }
    let caller = rayon::current_thread_index();
    rayon::spawn_broadcast(move |context| {
        // What is found may be another call for the same: it must not be answered within the answer to the first, and
        // so on.
        if Some(context.index()) != caller && !LOOKING.replace(true) {
            look_for_work();
            LOOKING.set(false);
        }
    });
}

fn look_for_work() {
    let begin = Instant::now();
    let mut last = begin;
    loop {
        let found = rayon::yield_now() == Some(rayon::Yield::Executed);
        let now = Instant::now();
        if found {
            last = now;
        }
        if now - last > PATIENCE || now - begin > WATCH {
            return;
        }
        std::hint::spin_loop();
    }
}
