//! Comparing tensors, which gives masks, and choosing by a mask. A comparison is constant almost everywhere, so no
//! gradient flows through it.

use crate::array::map;
use crate::{Array, Element, Mask, Tensor, shape};

operations! {
    /// y = a where the mask holds, else b.
    Choose: "choose" { mask: Mask } {
        fn shape(&self, x) {
            shape::same("choose", &x[0], &x[1])?;
            shape::same("choose: mask", &self.mask.shape(), &x[0])
        }
        fn forward(&self, x) {
            let [a, b] = x.arrays();
            map::choose(&self.mask, a, b)
        }
        fn backward(&self, at) {
            let zero = Tensor::constant(Array::scalar(E::ZERO)).expand(self.mask.shape());
            at.wrt(0, |dy| Tensor::apply(Choose { mask: self.mask.clone() }, &[dy, &zero]));
            at.wrt(1, |dy| Tensor::apply(Choose { mask: self.mask.clone() }, &[&zero, dy]));
        }
    }
}

impl<E: Element> Tensor<E> {
    /// `a` where the mask holds, else `b`; all three broadcast.
    #[track_caller]
    pub fn choose(mask: &Mask, a: &Tensor<E>, b: &Tensor<E>) -> Tensor<E> {
        let common = shape::insist(shape::broadcast("choose", &a.shape(), &b.shape()));
        let common = shape::insist(shape::broadcast("choose: mask", &mask.shape(), &common));
        Tensor::apply(Choose { mask: mask.expand(common) }, &[&a.expand(common), &b.expand(common)])
    }

    /// `value` where the mask holds, the tensor itself elsewhere; the mask broadcasts.
    #[track_caller]
    pub fn masked_fill(&self, mask: &Mask, value: f64) -> Tensor<E> {
        Tensor::choose(mask, &Tensor::scalar(value), self)
    }

    /// Where this is greater than `other`; broadcasts.
    #[track_caller]
    pub fn gt(&self, other: &Tensor<E>) -> Mask {
        self.compare("gt", other, |a, b| a > b)
    }

    /// Where this is less than `other`; broadcasts.
    #[track_caller]
    pub fn lt(&self, other: &Tensor<E>) -> Mask {
        self.compare("lt", other, |a, b| a < b)
    }

    /// Where this is greater than or equal to `other`; broadcasts.
    #[track_caller]
    pub fn ge(&self, other: &Tensor<E>) -> Mask {
        self.compare("ge", other, |a, b| a >= b)
    }

    /// Where this is less than or equal to `other`; broadcasts.
    #[track_caller]
    pub fn le(&self, other: &Tensor<E>) -> Mask {
        self.compare("le", other, |a, b| a <= b)
    }

    /// Where this equals `other`; broadcasts. NaN equals nothing. (`==` between tensors is another thing: one truth
    /// value for both as wholes.)
    #[track_caller]
    pub fn eq_mask(&self, other: &Tensor<E>) -> Mask {
        self.compare("eq", other, |a, b| a == b)
    }

    #[track_caller]
    fn compare(&self, name: &str, other: &Tensor<E>, f: impl Fn(E, E) -> bool + Sync) -> Mask {
        let shape = shape::insist(shape::broadcast(name, &self.shape(), &other.shape()));
        map::compare(&self.array().expand(shape), &other.array().expand(shape), f)
    }
}

impl Mask {
    /// 1 where the mask holds and 0 elsewhere, as constants, in the element type of `like`.
    pub(crate) fn numbers<E: Element>(&self, like: &Tensor<E>) -> Tensor<E> {
        let fill = |x| Array::scalar(x).expand(like.shape());
        Tensor::constant(map::choose(&self.expand(like.shape()), &fill(E::ONE), &fill(E::ZERO)))
    }
}
