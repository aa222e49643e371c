//! Putting tensors beside one another, or padding around one. Each operation's gradient takes the parts out again.

use crate::array::map;
use crate::op::{Op, Operands, Vjp};
use crate::{Array, Element, Shape, ShapeError, Tensor};

/// Puts `before` and `after` elements of one value around the operand along one axis.
#[derive(Debug)]
pub(crate) struct Pad {
    axis: usize,
    before: usize,
    after: usize,
    value: f64,
}
impl<E: Element> Op<E> for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        Ok(x[0].with(self.axis, self.before + x[0].dim(self.axis) + self.after))
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
        let x = x.array(0);
        let size = self.before + x.shape().dim(self.axis) + self.after;
        let mut y = Array::full(x.shape().with(self.axis, size), E::from_f64(self.value));
        map::write_slice(&mut y, self.axis, self.before, x);
        y
    }
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let end = self.before + at.shape(0).dim(self.axis);
        at.wrt(0, |dy| dy.slice(self.axis as isize, self.before..end));
    }
}

/// The operands one after the other along one axis.
#[derive(Debug)]
pub(crate) struct Concat {
    axis: usize,
}
impl<E: Element> Op<E> for Concat {
    fn name(&self) -> &'static str {
        "concat"
    }
    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let size = x.iter().map(|shape| if self.axis < shape.rank() { shape.dim(self.axis) } else { 0 }).sum();
        let whole = x[0].with(self.axis, size);
        match x.iter().find(|s| s.rank() != x[0].rank() || s.with(self.axis, size) != whole) {
            None => Ok(whole),
            Some(other) => {
                let axis = self.axis;
                Err(ShapeError::new(format!("concat: {} and {other} differ elsewhere than in axis {axis}", x[0])))
            }
        }
    }
    fn forward(&self, x: Operands<'_, E>) -> Array<E> {
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
    fn backward(&self, at: &mut Vjp<'_, E>) {
        let mut start = 0;
        for i in 0..at.count() {
            let end = start + at.shape(i).dim(self.axis);
            at.wrt(i, |dy| dy.slice(self.axis as isize, start..end));
            start = end;
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
