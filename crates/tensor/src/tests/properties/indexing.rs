//! Reading and writing by position: embedding, select, gather and scatter_add, with ids that repeat.

use super::nd::{Nd, indices};
use super::operand::{Operand, any_number, of_shape, operand, shape, signed};
use super::{check, config};
use crate::{Ids, Rng};
use proptest::prelude::*;
use proptest::sample::Index;

/// Random ids below `limit`.
fn ids(shape: &[usize], limit: usize, seed: u64) -> Ids {
    let mut rng = Rng::new(seed);
    let count: usize = shape.iter().product();
    Ids::new((0..count).map(|_| rng.below(limit) as u32).collect::<Vec<_>>(), shape)
}

/// The id at an index of the ids' shape.
fn id_at(ids: &Ids, index: &[usize]) -> usize {
    let shape = ids.shape().to_vec();
    ids.as_slice()[index.iter().zip(&shape).fold(0, |place, (i, dim)| place * dim + i)] as usize
}

/// An operand, an axis of it, and the shape of ids to gather along it: no longer than the operand along other axes.
fn along_an_axis() -> impl Strategy<Value = (Operand, usize, Vec<usize>)> {
    (operand(1..=4, any_number), any::<Index>(), 0usize..5, any::<[u8; 4]>()).prop_map(|(x, axis, length, cuts)| {
        let axis = axis.index(x.shape().len());
        let cut =
            |(at, &dim): (usize, &usize)| if at == axis { length } else { dim - usize::from(cuts[at]) % (dim + 1) / 2 };
        let dims: Vec<usize> = x.shape().iter().enumerate().map(cut).collect();
        // Nothing can be read along an axis of size 0.
        let dims = if x.shape()[axis] == 0 { dims.iter().map(|_| 0).collect() } else { dims };
        (x, axis, dims)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn embedding(
        (table, places) in (1usize..6, 0usize..4)
            .prop_flat_map(|(v, d)| (of_shape(vec![v, d], any_number), shape(0..=3))),
        seed: u64,
    ) {
        let ids = ids(&places, table.shape()[0], seed);
        let reference = |x: &[Nd]| {
            Nd::from_fn(&[&places[..], &x[0].shape[1..]].concat(), |index| {
                let (place, column) = index.split_at(places.len());
                x[0].at(&[id_at(&ids, place), column[0]])
            })
        };
        check("embedding", &[table], |x| x[0].embedding(&ids), reference, seed)?;
    }

    #[test]
    fn select(x in operand(1..=4, any_number), axis: Index, count in 0usize..6, negative: bool, seed: u64) {
        let rank = x.shape().len();
        let axis = axis.index(rank);
        let limit = x.shape()[axis];
        let ids = ids(&[if limit == 0 { 0 } else { count }], limit, seed);
        let reference = |x: &[Nd]| {
            let mut dims = x[0].shape.clone();
            dims[axis] = ids.as_slice().len();
            Nd::from_fn(&dims, |index| {
                let mut from = index.to_vec();
                from[axis] = id_at(&ids, &[index[axis]]);
                x[0].at(&from)
            })
        };
        check("select", &[x], |x| x[0].select(signed(axis, rank, negative), &ids), reference, seed)?;
    }

    #[test]
    fn gather((x, axis, dims) in along_an_axis(), negative: bool, seed: u64) {
        let rank = x.shape().len();
        let ids = ids(&dims, x.shape()[axis], seed);
        let reference = |x: &[Nd]| {
            Nd::from_fn(&dims, |index| {
                let mut from = index.to_vec();
                from[axis] = id_at(&ids, index);
                x[0].at(&from)
            })
        };
        check("gather", &[x], |x| x[0].gather(signed(axis, rank, negative), &ids), reference, seed)?;
    }

    #[test]
    fn scatter_add(
        (x, axis, source) in along_an_axis()
            .prop_flat_map(|(x, axis, dims)| (Just(x), Just(axis), of_shape(dims, any_number))),
        negative: bool,
        seed: u64,
    ) {
        let rank = x.shape().len();
        let ids = ids(source.shape(), x.shape()[axis], seed);
        let op = |x: &[crate::Tensor<f64>]| x[0].scatter_add(signed(axis, rank, negative), &ids, &x[1]);
        let reference = |x: &[Nd]| {
            let additions: Vec<(Vec<usize>, f64)> = indices(&x[1].shape)
                .into_iter()
                .map(|index| {
                    let mut to = index.clone();
                    to[axis] = id_at(&ids, &index);
                    (to, x[1].at(&index))
                })
                .collect();
            Nd::from_fn(&x[0].shape, |index| {
                x[0].at(index) + additions.iter().filter(|(to, _)| to == index).map(|(_, value)| value).sum::<f64>()
            })
        };
        check("scatter_add", &[x, source], op, reference, seed)?;
    }
}
