//! The way back. With do the gradient by the result and z what dropout multiplies the weights p by:
//!
//! ```text
//! dv_j = Σ_i p_ij z_ij do_i
//! ds_ij = p_ij (z_ij do_i · v_j − do_i · o_i)        as Σ_j p_ij z_ij do_i · v_j = do_i · o_i
//! dq_i = scale · Σ_j ds_ij k_j        dk_j = scale · Σ_i ds_ij q_i
//! ```
//! Tiles lie with a row for each key, so that keys' sums over queries read them as they lie; the sum over keys reads
//! them across.

use super::heads::{Head, KEYS, QUERIES, Sizes, together};
use super::options::{AttentionOptions, Dropping};
use crate::array::rows::sum_row;
use crate::fast::buffer::Buffer;
use crate::fast::panel;
use crate::fast::parallel::for_each_part;
use crate::op::Operands;
use crate::{Array, Element, vectorized};

/// The gradients by queries, keys and values, in the shapes of these.
pub(super) fn run<E: Element>(
    options: &AttentionOptions,
    x: Operands<'_, E>,
    y: &Array<E>,
    saved: &Array<E>,
    dy: &Array<E>,
) -> [Array<E>; 3] {
    let sizes @ Sizes { batch, queries, keys, heads, key_heads, width, value_width } = Sizes::of(x);
    let [q, k, v] = [0, 1, 2].map(|operand| together(x.array(operand)));
    let (y, dy) = (together(y), together(dy));
    let saved = saved.contiguous();
    let mut dq = Array::zeros([batch, heads, queries, width]);
    let mut dk = Array::zeros([batch, key_heads, keys, width]);
    let mut dv = Array::zeros([batch, key_heads, keys, value_width]);
    let group = sizes.group();
    // A head of keys and the heads of queries that it serves stay together: they add to the same gradients.
    let arrays = [dq.make_mut(), dk.make_mut(), dv.make_mut()];
    for_each_part(0..batch * key_heads, 1, arrays, &|part, [dq, dk, dv]| {
        for (i, key_head) in part.enumerate() {
            let (row, m) = (key_head / key_heads, key_head % key_heads);
            let dk = &mut dk[i * keys * width..][..keys * width];
            let dv = &mut dv[i * keys * value_width..][..keys * value_width];
            for in_group in 0..group {
                let n = m * group + in_group;
                let number = row * heads + n;
                let [q, y, dy] = [&q, &y, &dy].map(|array| Head::of(array, row, n));
                let [k, v] = [&k, &v].map(|array| Head::of(array, row, m));
                let saved = &saved.data()[number * queries * 2..][..queries * 2];
                let dq = &mut dq[(i * group + in_group) * queries * width..][..queries * width];
                Back { options, sizes, row, number, q, k, v, y, dy, saved }.run(dq, dk, dv);
            }
        }
    });
    [dq, dk, dv].map(|gradient| gradient.permute(&[0, 2, 1, 3]))
}

/// One head of queries, the head of keys that serves it, and what the forward pass found.
struct Back<'a, E> {
    options: &'a AttentionOptions,
    sizes: Sizes,
    row: usize,
    /// The head of queries, counted over the whole batch.
    number: usize,
    q: Head<'a, E>,
    k: Head<'a, E>,
    v: Head<'a, E>,
    y: Head<'a, E>,
    dy: Head<'a, E>,
    /// m and 1 / l of each query.
    saved: &'a [E],
}

/// A tile of queries, as the products want it.
struct Queries<E: Element> {
    /// scale · Q (r, K) and its transpose, dO (r, C) and its transpose, in panels.
    q: Buffer<E>,
    q_across: Buffer<E>,
    dy: Buffer<E>,
    dy_across: Buffer<E>,
    /// m, 1 / l, and do · o.
    largest: [E; QUERIES],
    inverse: [E; QUERIES],
    inner: [E; QUERIES],
}

impl<E: Element> Queries<E> {
    /// Takes queries t to t + count.
    fn take(&mut self, head: &Back<'_, E>, [t, count]: [usize; 2], scale: E, scaled: &mut [E]) {
        let Back { q, y, dy, saved, sizes: Sizes { width, value_width, .. }, .. } = *head;
        q.scaled([t, count], width, scale, scaled);
        panel::pack(scaled, [count, width], [width, 1], &mut self.q);
        panel::pack(scaled, [width, count], [1, width], &mut self.q_across);
        let gradient = &dy.data[(t * dy.step).min(dy.data.len())..];
        panel::pack(gradient, [count, value_width], [dy.step, 1], &mut self.dy);
        panel::pack(gradient, [value_width, count], [1, dy.step], &mut self.dy_across);
        for i in 0..count {
            [self.largest[i], self.inverse[i]] = [saved[2 * (t + i)], saved[2 * (t + i) + 1]];
            let [y, dy] = [y, dy].map(|head| &head.data[(t + i) * head.step..][..value_width]);
            self.inner[i] = sum_row(y, |j, y| y * dy[j]);
        }
    }
}

impl<E: Element> Back<'_, E> {
    /// Writes dq (T, K), and adds to dk (S, K) and dv (S, C).
    fn run(&self, dq: &mut [E], dk: &mut [E], dv: &mut [E]) {
        let &Self { options, sizes, row, k, v, .. } = self;
        let Sizes { queries, keys, width, value_width, .. } = sizes;
        let scale = E::from_f64(options.scale(width));
        let mut tile = Queries {
            q: Buffer::scratch(panel::size(QUERIES, width)),
            q_across: Buffer::scratch(panel::size(width, QUERIES)),
            dy: Buffer::scratch(panel::size(QUERIES, value_width)),
            dy_across: Buffer::scratch(panel::size(value_width, QUERIES)),
            largest: [E::ZERO; QUERIES],
            inverse: [E::ZERO; QUERIES],
            inner: [E::ZERO; QUERIES],
        };
        let mut scaled = Buffer::scratch(QUERIES * width);
        let (mut p, mut ds) = (Buffer::scratch(KEYS * QUERIES), Buffer::scratch(KEYS * QUERIES));
        let mut k_panels = Buffer::scratch(panel::size(KEYS, width));
        for t in (0..queries).step_by(QUERIES) {
            let count = QUERIES.min(queries - t);
            tile.take(self, [t, count], scale, &mut scaled);
            let dq = &mut dq[t * width..][..count * width];
            let start = options.visible(row, t, queries, keys).start;
            let end = options.visible(row, t + count - 1, queries, keys).end;
            for s in (0..end).step_by(KEYS).skip(start / KEYS) {
                let many = KEYS.min(keys - s);
                let [k_tile, v_tile] = [k, v].map(|head| &head.data[s * head.step..]);
                let (p, ds) = (&mut p[..many * count], &mut ds[..many * count]);
                p.fill(E::ZERO);
                ds.fill(E::ZERO);
                E::by_panels(&tile.q_across, [width, count], k_tile, [k.step, 1], p); // scores
                E::by_panels(&tile.dy_across, [value_width, count], v_tile, [v.step, 1], ds); // do · v
                self.weigh([t, s], &tile, count, p, ds);
                let [dk, dv] = [(&mut *dk, width), (&mut *dv, value_width)].map(|(d, w)| &mut d[s * w..][..many * w]);
                E::by_panels(&tile.dy, [count, value_width], p, [count, 1], dv);
                E::by_panels(&tile.q, [count, width], ds, [count, 1], dk);
                panel::pack(k_tile, [many, width], [k.step, 1], &mut k_panels);
                E::by_panels(&k_panels, [many, width], ds, [1, count], dq);
            }
            dq.iter_mut().for_each(|dq| *dq = *dq * scale);
        }
    }

    /// Scores become p z, and do · v becomes ds; a row for each key.
    fn weigh(&self, [t, s]: [usize; 2], tile: &Queries<E>, count: usize, p: &mut [E], ds: &mut [E]) {
        let Sizes { queries, keys, .. } = self.sizes;
        let dropping = Dropping::<E>::of(self.options);
        let mut of_query = [0; QUERIES];
        if let Some(dropping) = dropping {
            (0..count).for_each(|i| of_query[i] = dropping.of_query(self.number, t + i));
        }
        let seen: [_; QUERIES] =
            std::array::from_fn(|i| self.options.visible(self.row, (t + i).min(queries - 1), queries, keys));
        let (largest, inverse, inner) = (&tile.largest[..count], &tile.inverse[..count], &tile.inner[..count]);
        vectorized!({
            for (j, (p, ds)) in p.chunks_exact_mut(count).zip(ds.chunks_exact_mut(count)).enumerate() {
                // Queries before the first that sees this key see none of it: positions only ever rise.
                let first = seen[..count].iter().position(|seen| seen.contains(&(s + j))).unwrap_or(count);
                p[..first].fill(E::ZERO);
                ds[..first].fill(E::ZERO);
                for i in first..count {
                    p[i] = (p[i] - largest[i]).exp() * inverse[i];
                }
                match dropping {
                    None => {
                        for i in first..count {
                            ds[i] = p[i] * (ds[i] - inner[i]);
                        }
                    }
                    Some(dropping) => {
                        for i in first..count {
                            let z = dropping.factor(of_query[i], s + j);
                            ds[i] = p[i] * (z * ds[i] - inner[i]);
                            p[i] = p[i] * z;
                        }
                    }
                }
            }
        });
    }
}
