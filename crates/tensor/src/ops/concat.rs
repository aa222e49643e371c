//! Putting tensors beside one another, or padding around one. Each operation's gradient takes the parts out again.

use crate::array::map;
use crate::{Array, Element, Shape, ShapeError, Tensor};

operations! {
    /// Puts `before` and `after` elements of one value around the operand along one axis.
    Pad: "pad" { axis: usize, before: usize, after: usize, value: f64 } {
        fn shape(&self, x) { Ok(x[0].with(self.axis, self.before + x[0].dim(self.axis) + self.after)) }
        fn forward(&self, x) {
            let x = x.array(0);
            let size = self.before + x.shape().dim(self.axis) + self.after;
            let mut y = Array::full(x.shape().with(self.axis, size), E::from_f64(self.value));
            map::write_slice(&mut y, self.axis, self.before, x);
            y
        }
        fn backward(&self, at) {
            let end = self.before + at.shape(0).dim(self.axis);
            at.wrt(0, |dy| dy.slice(self.axis as isize, self.before..end));
        }
    }

    /// The operands one after the other along one axis.
    Concat: "concat" { axis: usize } {
        fn shape(&self, x) {
            let size = x.iter().map(|shape| if self.axis < shape.rank() { shape.dim(self.axis) } else { 0 }).sum();
            let whole = x[0].with(self.axis, size);
            let differs = |s: &&Shape| s.rank() != x[0].rank() || s.with(self.axis, size) != whole;
            let Some(other) = x.iter().find(differs) else { return Ok(whole) };
            let (first, axis) = (x[0], self.axis);
            Err(ShapeError::new(format!("concat: {first} and {other} differ elsewhere than in axis {axis}")))
        }
        fn forward(&self, x) {
            let parts: Vec<&Array<E>> = (0..x.count()).map(|i| x.array(i)).collect();
            let size = parts.iter().map(|part| part.shape().dim(self.axis)).sum();
            let mut y = Array::scratch(parts[0].shape().with(self.axis, size));
            let mut start = 0;
            for part in parts {
                map::write_slice(&mut y, self.axis, start, part);
                start += part.shape().dim(self.axis);
            }
            y
        }
        fn backward(&self, at) {
            let mut start = 0;
            for i in 0..at.count() {
                let end = start + at.shape(i).dim(self.axis);
                at.wrt(i, |dy| dy.slice(self.axis as isize, start..end));
                start = end;
            }
        }
    }
}

impl<E: Element> Tensor<E> {
    /// This tensor with `before` and `after` elements of `value` around it along one axis.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn pad(&self, axis: isize, before: usize, after: usize, value: f64) -> Tensor<E> {
        Tensor::apply(Pad { axis: self.axis("pad", axis), before, after, value }, &[self])
    }

    /// The tensors one after the other along one axis; a single one is itself, and nothing is copied.
    ///
    /// # Panics
    /// If there are none, or they differ in another axis.
    #[track_caller]
    pub fn concat(tensors: &[Tensor<E>], axis: isize) -> Tensor<E> {
        let first = tensors.first().expect("concat: no tensors");
        let axis = first.axis("concat", axis);
        if tensors.len() == 1 {
            return first.clone();
        }
        Tensor::apply(Concat { axis }, &tensors.iter().collect::<Vec<_>>())
    }

    /// The tensors, of one shape, side by side along a new axis.
    ///
    /// # Panics
    /// If there are none, or their shapes differ.
    #[track_caller]
    pub fn stack(tensors: &[Tensor<E>], axis: isize) -> Tensor<E> {
        let layers: Vec<Tensor<E>> = tensors.iter().map(|x| x.unsqueeze(axis)).collect();
        Tensor::concat(&layers, axis)
    }
}
