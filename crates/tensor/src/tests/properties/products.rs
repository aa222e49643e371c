//! The matrix product: two axes, batches, and batches that broadcast.

use super::nd::{Nd, broadcast};
use super::operand::{Operand, any_number, of_shape, shape};
use super::{check, check_twice, config};
use crate::Tensor;
use proptest::prelude::*;

/// Σ_k a[…, i, k]·b[…, k, j], the leading axes broadcast.
fn matmul(a: &Nd, b: &Nd) -> Nd {
    let (lead_a, [m, k]) = a.shape.split_last_chunk::<2>().expect("two axes or more");
    let (lead_b, [_, n]) = b.shape.split_last_chunk::<2>().expect("two axes or more");
    let lead = broadcast(lead_a, lead_b);
    let a = a.expand(&[&lead[..], &[*m, *k]].concat());
    let b = b.expand(&[&lead[..], &[*k, *n]].concat());
    Nd::from_fn(&[&lead[..], &[*m, *n]].concat(), |index| {
        let (batch, [i, j]) = index.split_last_chunk::<2>().expect("two axes or more");
        (0..*k).map(|k| a.at(&[batch, &[*i, k]].concat()) * b.at(&[batch, &[k, *j]].concat())).sum()
    })
}

fn factors() -> impl Strategy<Value = [Operand; 2]> {
    let sizes = prop::array::uniform3(prop_oneof![1 => Just(0usize), 2 => Just(1), 6 => 2usize..6, 1 => 17usize..20]);
    let cut = || (0usize..4, any::<u8>(), any::<bool>());
    (sizes, shape(0..=3), cut(), cut()).prop_flat_map(|([m, k, n], mut lead, a, b)| {
        while m * k.max(1) * n * lead.iter().product::<usize>() > 600 && lead.pop().is_some() {}
        let part = |(missing, ones, whole): (usize, u8, bool), last: [usize; 2]| -> Vec<usize> {
            let missing = if whole { 0 } else { missing.min(lead.len()) };
            let kept = lead.iter().enumerate().skip(missing);
            let kept = kept.map(|(axis, &dim)| if !whole && ones >> axis & 1 == 1 { 1 } else { dim });
            kept.chain(last).collect()
        };
        let operands = (of_shape(part(a, [m, k]), any_number), of_shape(part(b, [k, n]), any_number));
        operands.prop_map(|(a, b)| [a, b])
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn products_of_any_shapes(operands in factors(), seed: u64) {
        check("matmul", &operands, |x| x[0].matmul(&x[1]), |x| matmul(&x[0], &x[1]), seed)?;
    }

    #[test]
    fn a_matrix_by_itself(
        x in (shape(0..=2), 0usize..5).prop_flat_map(|(lead, n)| of_shape([&lead[..], &[n, n]].concat(), any_number)),
        seed: u64,
    ) {
        prop_assume!(x.shape().iter().product::<usize>() < 200);
        check_twice("matmul", &x, Tensor::matmul, matmul, seed)?;
        let transposed = |x: &Nd| {
            let [rows, columns] = [x.shape.len() - 2, x.shape.len() - 1];
            Nd::from_fn(&x.shape, |index| {
                let mut from = index.to_vec();
                from.swap(rows, columns);
                x.at(&from)
            })
        };
        check_twice("a·aᵀ", &x, |a, b| a.matmul(&b.t()), |a, b| matmul(a, &transposed(b)), seed)?;
    }
}
