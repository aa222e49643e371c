//! The way there: the weighted mean of the values, in one pass over the keys.

use super::heads::{Head, KEYS, QUERIES, Sizes, together};
use super::options::{AttentionOptions, Dropping};
use crate::array::rows::{max_row, sum_row};
use crate::fast::buffer::Buffer;
use crate::fast::panel;
use crate::fast::parallel::for_each_part;
use crate::op::Operands;
use crate::{Array, Element, vectorized};

/// Queries for which a tile of keys or values is not packed if it can be read as it lies.
const FEW: usize = 4;
/// Products of two numbers that one thread takes rather than share them.
const SMALL: usize = 1 << 18;

/// The result (B, T, N, C), and m and 1 / l (B, N, T, 2).
pub(super) fn run<E: Element>(options: &AttentionOptions, x: Operands<'_, E>) -> (Array<E>, Array<E>) {
    let sizes @ Sizes { batch, queries, keys, heads, width, value_width, .. } = Sizes::of(x);
    let [q, k, v] = [0, 1, 2].map(|operand| x.array(operand));
    // Of keys, the neighbours may be those of time: so a cache has them.
    let (q, v) = (together(q), together(v));
    let k = if k.steps::<4>()[1] == 1 { k.clone() } else { together(k) };
    let mut y = Array::zeros([batch, heads, queries, value_width]);
    let mut saved = Array::scratch([batch, heads, queries, 2]);
    let arrays = [y.make_mut(), saved.make_mut()];
    let operations = queries * keys * (width + value_width);
    for_each_part(0..batch * heads, SMALL / operations.max(1), arrays, &|part, [y, saved]| {
        for (i, head) in part.enumerate() {
            let (row, n) = (head / heads, head % heads);
            let m = n / sizes.group();
            let operands = [Head::of(&q, row, n), Head::of(&k, row, m), Head::of(&v, row, m)];
            let y = &mut y[i * queries * value_width..][..queries * value_width];
            let saved = &mut saved[i * queries * 2..][..queries * 2];
            attend(options, sizes, [row, head], operands, y, saved);
        }
    });
    (y.permute(&[0, 2, 1, 3]), saved)
}

/// One head of one sequence: `y` (T, C), zeros, and `saved` (T, 2) are to be written.
fn attend<E: Element>(
    options: &AttentionOptions,
    Sizes { queries, keys, width, value_width, .. }: Sizes,
    [row, head]: [usize; 2],
    [q, k, v]: [Head<'_, E>; 3],
    y: &mut [E],
    saved: &mut [E],
) {
    let scale = E::from_f64(options.scale(width));
    let dropping = Dropping::of(options);
    let all = options.visible(row, queries.saturating_sub(1), queries, keys);
    // Kᵀ and V of each tile of keys, in panels.
    let (k_size, v_size) = (panel::size(width, KEYS), panel::size(KEYS, value_width));
    let [pack_keys, pack_values] = [queries > FEW || k.step != 1, queries > FEW];
    let tiles = keys.div_ceil(KEYS);
    let mut k_panels = Buffer::scratch(if pack_keys { tiles * k_size } else { 0 });
    let mut v_panels = Buffer::scratch(if pack_values { tiles * v_size } else { 0 });
    for s in (0..keys).step_by(KEYS).skip(all.start / KEYS).take_while(|&s| s < all.end) {
        let (tile, count) = (s / KEYS, KEYS.min(keys - s));
        if pack_keys {
            panel::pack(&k.data[s * k.step..], [width, count], [k.across, k.step], &mut k_panels[tile * k_size..]);
        }
        if pack_values {
            panel::pack(&v.data[s * v.step..], [count, value_width], [v.step, 1], &mut v_panels[tile * v_size..]);
        }
    }
    let mut scaled = Buffer::scratch(QUERIES * width);
    let mut scores = Buffer::scratch(QUERIES * KEYS);
    for t in (0..queries).step_by(QUERIES) {
        let count = QUERIES.min(queries - t);
        q.scaled([t, count], width, scale, &mut scaled);
        let y = &mut y[t * value_width..][..count * value_width];
        let (mut largest, mut sums) = ([E::NEGATIVE_INFINITY; QUERIES], [E::ZERO; QUERIES]);
        let end = options.visible(row, t + count - 1, queries, keys).end;
        for s in (0..end).step_by(KEYS).skip(all.start / KEYS) {
            let (tile, many) = (s / KEYS, KEYS.min(keys - s));
            let scores = &mut scores[..count * many];
            scores.fill(E::ZERO);
            if pack_keys {
                E::by_panels(&k_panels[tile * k_size..], [width, many], &scaled, [width, 1], scores);
            } else {
                E::by_rows(&k.data[s..], k.across, [width, many], &scaled, scores);
            }
            vectorized!({
                for (i, scores) in scores.chunks_exact_mut(many).enumerate() {
                    let seen = options.visible(row, t + i, queries, keys);
                    let [from, to] = [seen.start, seen.end].map(|key| key.saturating_sub(s).min(many));
                    let before = largest[i];
                    let now = before.larger(max_row(&scores[from..to]));
                    scores[..from].fill(E::ZERO);
                    scores[to.max(from)..].fill(E::ZERO);
                    if now == E::NEGATIVE_INFINITY {
                        scores.fill(E::ZERO); // nothing to see yet
                        continue;
                    }
                    for score in &mut scores[from..to] {
                        *score = (*score - now).exp();
                    }
                    let shrink = (before - now).exp();
                    sums[i] = sums[i] * shrink + sum_row(scores, |_, p| p);
                    largest[i] = now;
                    for y in &mut y[i * value_width..][..value_width] {
                        *y = *y * shrink;
                    }
                }
            });
            if let Some(dropping) = dropping {
                vectorized!({
                    for (i, weights) in scores.chunks_exact_mut(many).enumerate() {
                        let of_query = dropping.of_query(head, t + i);
                        for (j, weight) in weights.iter_mut().enumerate() {
                            *weight = *weight * dropping.factor(of_query, s + j);
                        }
                    }
                });
            }
            if pack_values {
                E::by_panels(&v_panels[tile * v_size..], [many, value_width], scores, [many, 1], y);
            } else {
                E::by_rows(&v.data[s * v.step..], v.step, [many, value_width], scores, y);
            }
        }
        for i in 0..count {
            let is_blind = sums[i] == E::ZERO;
            let [largest, inverse] = if is_blind { [E::ZERO; 2] } else { [largest[i], E::ONE / sums[i]] };
            saved[2 * (t + i)..][..2].copy_from_slice(&[largest, inverse]);
            y[i * value_width..][..value_width].iter_mut().for_each(|y| *y = *y * inverse);
        }
    }
}
