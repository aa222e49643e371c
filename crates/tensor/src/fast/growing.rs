//! A tensor that grows along one axis: what was seen of a text while it is written, token by token.
//!
//! [`Tensor::concat`] copies all that was there at every step, so T steps copy a number of elements that grows with T².
//! Here there is room behind what is there. Whoever looks gets a view; a next part is written into the room unless
//! somebody still has such a view, or a gradient is to flow through it, and then it is a concatenation as ever.

use crate::array::map::write_slice;
use crate::{Array, Element, Ids, Tensor};

/// Room is made for a multiple of so many along the axis.
const ROOM: usize = 64;

/// The concatenation, along one axis, of all that was [pushed](Growing::push).
#[derive(Debug, Clone)]
pub struct Growing<E: Element = f32> {
    axis: usize,
    parts: Parts<E>,
}

#[derive(Debug, Clone)]
enum Parts<E: Element> {
    None,
    /// In a graph, or as it was pushed.
    Whole(Tensor<E>),
    /// The first `length` along the axis of a row-major array.
    Within {
        room: Array<E>,
        length: usize,
    },
}

impl<E: Element> Growing<E> {
    /// Nothing yet, to grow along this axis.
    pub fn new(axis: usize) -> Self {
        Self { axis, parts: Parts::None }
    }

    /// The size along the axis.
    pub fn len(&self) -> usize {
        self.tensor().map_or(0, |tensor| tensor.shape().dim(self.axis))
    }

    /// Whether nothing was pushed yet, or nothing along the axis.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, as a view; none if nothing was pushed.
    pub fn tensor(&self) -> Option<Tensor<E>> {
        match &self.parts {
            Parts::None => None,
            Parts::Whole(tensor) => Some(tensor.clone()),
            Parts::Within { room, length } => Some(Tensor::constant(room.slice(self.axis, 0..*length))),
        }
    }

    /// Puts a part behind all others.
    ///
    /// # Panics
    /// If its shape differs elsewhere than along the axis.
    #[track_caller]
    pub fn push(&mut self, part: &Tensor<E>) {
        let axis = self.axis;
        let Some(before) = self.tensor() else {
            self.parts = Parts::Whole(part.clone());
            return;
        };
        if before.is_tracked() || part.is_tracked() {
            self.parts = Parts::Whole(Tensor::concat(&[before, part.clone()], axis as isize));
            return;
        }
        let (there, more) = (before.shape(), part.shape());
        let fits = more.rank() == there.rank() && more.with(axis, there.dim(axis)) == there;
        assert!(fits, "push: {more} does not grow {there} along axis {axis}");
        let start = there.dim(axis);
        let end = start + more.dim(axis);
        drop(before); // or the room would not be this tensor's alone
        if let Parts::Within { room, length } = &mut self.parts
            && end <= room.shape().dim(axis)
            && room.as_mut_slice().is_some()
        {
            write_slice(room, axis, start, part.array());
            *length = end;
            return;
        }
        let before = self.tensor().expect("it was there before");
        let size = (end + end / 2).next_multiple_of(ROOM); // room for half as much again
        let mut room = Array::scratch(before.shape().with(axis, size));
        write_slice(&mut room, axis, 0, before.array());
        write_slice(&mut room, axis, start, part.array());
        self.parts = Parts::Within { room, length: end };
    }

    /// Forgets all but the first `to` along the axis.
    ///
    /// # Panics
    /// If there are fewer.
    #[track_caller]
    pub fn truncate(&mut self, to: usize) {
        let there = self.len();
        assert!(to <= there, "truncate: {there} are there, {to} are to stay");
        match &mut self.parts {
            Parts::None => {}
            Parts::Whole(tensor) => *tensor = tensor.slice(self.axis as isize, 0..to),
            Parts::Within { length, .. } => *length = to,
        }
    }

    /// Forgets the first `count` along the axis.
    ///
    /// # Panics
    /// If there are fewer.
    #[track_caller]
    pub fn skip(&mut self, count: usize) {
        let there = self.len();
        assert!(count <= there, "skip: {there} are there, {count} are to go");
        if let Some(tensor) = self.tensor() {
            self.parts = Parts::Whole(tensor.slice(self.axis as isize, count..there));
        }
    }

    /// Goes on with these positions of the first axis, some perhaps several times. If there are as many as before, and
    /// each that is taken stays where it was, only the others are written; unless somebody still has a view.
    ///
    /// # Panics
    /// If there is no such position, or the first axis is the one that grows.
    #[track_caller]
    pub fn select_rows(&mut self, rows: &Ids) {
        assert!(self.axis > 0, "select_rows: these are what grows");
        if !self.move_rows(rows.as_slice())
            && let Some(tensor) = self.tensor()
        {
            self.parts = Parts::Whole(tensor.select(0, rows));
        }
    }

    /// Selects rows where they lie; false if it cannot.
    fn move_rows(&mut self, rows: &[u32]) -> bool {
        let Parts::Within { room, length } = &mut self.parts else { return false };
        let (count, axis) = (room.shape().dim(0), self.axis);
        let stays = |&row: &u32| rows.get(row as usize) == Some(&row);
        if rows.len() != count || !rows.iter().all(stays) {
            return false;
        }
        // Of every stretch along the axis and behind it, what is there of it is one piece.
        let stretch: usize = room.shape().iter().skip(axis).product();
        let behind: usize = room.shape().iter().skip(axis + 1).product();
        let piece = *length * behind;
        let Some(values) = room.as_mut_slice() else { return false };
        let row_size = values.len() / count.max(1);
        for (to, &from) in rows.iter().enumerate().filter(|(to, from)| *to != **from as usize) {
            let (to, from) = (to * row_size, from as usize * row_size);
            for offset in (0..row_size).step_by(stretch.max(1)) {
                values.copy_within(from + offset..from + offset + piece, to + offset);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;

    fn parts(sizes: &[usize], make: impl Fn(Array<f64>) -> Tensor<f64>) -> Vec<Tensor<f64>> {
        let mut rng = Rng::new(1);
        sizes.iter().map(|&size| make(Array::normal([2, size, 3], 0.0, 1.0, &mut rng))).collect()
    }

    #[test]
    fn what_is_forgotten_was_never_there() {
        let parts = parts(&[3, 70, 2, 4], Tensor::constant);
        for (to, from) in [(75, 0), (74, 1), (5, 3), (0, 0)] {
            let mut growing = Growing::new(1);
            parts[..3].iter().for_each(|part| growing.push(part));
            growing.truncate(to);
            growing.skip(from);
            assert_eq!(growing.len(), to - from);
            growing.push(&parts[3]);
            let all = Tensor::concat(&parts[..3], 1).slice(1, from..to);
            let expected = Tensor::concat(&[all, parts[3].clone()], 1);
            assert_eq!(growing.tensor().unwrap().to_vec(), expected.to_vec());
        }
    }

    #[test]
    fn what_grows_is_the_concatenation() {
        let parts = parts(&[3, 1, 0, 100, 1, 1], Tensor::constant);
        let mut growing = Growing::new(1);
        assert!(growing.is_empty() && growing.tensor().is_none());
        let mut views = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            growing.push(part);
            views.push(growing.tensor().unwrap()); // whoever has one must not see it change
            let expected = Tensor::concat(&parts[..=i], 1);
            assert_eq!(
                (growing.len(), growing.tensor().unwrap().to_vec()),
                (expected.shape().dim(1), expected.to_vec())
            );
        }
        for (i, view) in views.iter().enumerate() {
            assert_eq!(view.to_vec(), Tensor::concat(&parts[..=i], 1).to_vec());
        }
    }

    #[test]
    fn rows_are_selected_where_they_lie_or_elsewhere() {
        let mut rng = Rng::new(2);
        for axis in [1, 2] {
            let sizes = |size| if axis == 1 { [3, size, 2] } else { [3, 2, size] };
            let mut part = |size| Tensor::constant(Array::<f64>::normal(sizes(size), 0.0, 1.0, &mut rng));
            for rows in [vec![0, 0, 2], vec![2, 1, 2], vec![0, 1, 2], vec![1, 0, 2], vec![1], vec![2, 2, 2, 0]] {
                let (mut growing, parts) = (Growing::new(axis), [part(5), part(1)]);
                parts.iter().for_each(|part| growing.push(part));
                let place = |growing: &Growing<f64>| growing.tensor().unwrap().array().data().as_ptr();
                let (before, looked_at) = (place(&growing), growing.clone());
                let ids = Ids::new(rows.clone(), rows.len());
                let expected = Tensor::concat(&parts, axis as isize).select(0, &ids).to_vec();
                let mut seen = looked_at.clone();
                seen.select_rows(&ids); // somebody looks
                assert_eq!(seen.tensor().unwrap().to_vec(), expected, "{rows:?}");
                assert_eq!(looked_at.tensor().unwrap().to_vec(), Tensor::concat(&parts, axis as isize).to_vec());
                drop((seen, looked_at));
                growing.select_rows(&ids);
                assert_eq!(growing.tensor().unwrap().to_vec(), expected, "{rows:?}");
                let stay = rows.len() == 3 && rows != [1, 0, 2];
                assert_eq!(place(&growing) == before, stay, "{rows:?}: copied only where it must be");
            }
        }
    }

    #[test]
    fn room_is_used_unless_somebody_looks() {
        let parts = parts(&[3, 1, 1, 1], Tensor::constant);
        let mut growing = Growing::new(1);
        growing.push(&parts[0]);
        growing.push(&parts[1]);
        let before = growing.tensor().unwrap().array().data().as_ptr();
        growing.push(&parts[2]);
        let looked_at = growing.tensor().unwrap();
        assert_eq!(looked_at.array().data().as_ptr(), before, "nothing was copied");
        let mut other = growing.clone();
        growing.push(&parts[3]);
        assert_ne!(growing.tensor().unwrap().array().data().as_ptr(), before, "it was being looked at");
        other.push(&parts[0]);
        assert_eq!(looked_at.to_vec(), Tensor::concat(&parts[..3], 1).to_vec());
        assert_eq!(growing.tensor().unwrap().to_vec(), Tensor::concat(&parts, 1).to_vec());
    }

    #[test]
    fn gradients_flow_to_every_part() {
        let constants = parts(&[2, 2], Tensor::constant);
        let variables = parts(&[1, 2], Tensor::variable);
        let mut growing = Growing::new(1);
        for part in constants.iter().chain(&variables) {
            growing.push(part);
        }
        let gradients = growing.tensor().unwrap().square().sum().backward();
        for variable in &variables {
            assert_eq!(gradients.wrt(variable).unwrap().to_vec(), (variable * 2.0).to_vec());
        }
    }

    #[test]
    fn what_is_refused_leaves_what_was_there() {
        let mut growing = Growing::new(1);
        let parts = parts(&[1, 1], Tensor::constant);
        parts.iter().for_each(|part| growing.push(part));
        let other = Tensor::constant(Array::zeros([2, 1, 4]));
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| growing.push(&other)));
        assert!(refused.is_err());
        assert_eq!(growing.tensor().unwrap().to_vec(), Tensor::concat(&parts, 1).to_vec());
    }

    #[test]
    #[should_panic(expected = "push: (2, 1, 4) does not grow (2, 2, 3) along axis 1")]
    fn what_does_not_fit_is_refused() {
        let mut growing = Growing::new(1);
        parts(&[1, 1], Tensor::constant).iter().for_each(|part| growing.push(part));
        growing.push(&Tensor::constant(Array::zeros([2, 1, 4])));
    }
}
