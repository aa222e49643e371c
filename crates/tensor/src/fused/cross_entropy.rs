//! Cross-entropy between logits and the tokens that came, the loss of every language model here; and between logits
//! and distributions, such as another model's.

use super::softmax::log_sum_exp;
use super::{Grads, Kernel, Needs};
use crate::array::rows::{each_row, for_each_row, sum_row};
use crate::op::Operands;
use crate::{Array, Element, Ids, Mask, Shape, ShapeError, Tensor, shape, vectorized};

/// How losses of single tokens become one number.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// The mean over the tokens that count; NaN if none does.
    #[default]
    Mean,
    /// The sum over the tokens that count.
    Sum,
}

/// Settings of [`Tensor::cross_entropy`].
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// Targets of this value (padding) do not count.
    pub ignore: Option<u32>,
    /// Label smoothing ε (Szegedy et al., 2016): the target distribution is (1 − ε)·one-hot + ε·uniform.
    pub smoothing: f64,
    /// Mean or sum.
    pub reduction: Reduction,
}

/// ℓ = ln Σⱼ e^xⱼ − (1 − ε)·x_target − ε·mean x for each row of logits, summed or averaged.
#[derive(Debug)]
pub(crate) struct CrossEntropyLoss {
    pub(crate) targets: Ids,
    pub(crate) settings: CrossEntropy,
}

impl CrossEntropyLoss {
    /// Whether a target counts.
    fn counts(&self, target: u32) -> bool {
        self.settings.ignore != Some(target)
    }

    /// How many numbers are kept of a row.
    fn numbers(&self) -> usize {
        if self.settings.smoothing == 0.0 { 1 } else { 2 }
    }

    /// What each counting token's loss is multiplied by.
    fn weight(&self) -> f64 {
        match self.settings.reduction {
            Reduction::Sum => 1.0,
            Reduction::Mean => 1.0 / self.targets.as_slice().iter().filter(|&&t| self.counts(t)).count() as f64,
        }
    }
}

impl<E: Element> Kernel<E> for CrossEntropyLoss {
    /// ln Σ eˣ of each row; with smoothing, Σ x behind each.
    type Saved = Vec<E>;

    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn shape(&self, x: &[Shape]) -> Result<Shape, ShapeError> {
        let (logits, targets) = (x[0], self.targets.shape());
        if logits.rank() == 0 || !logits.iter().take(logits.rank() - 1).eq(targets.iter()) {
            return Err(ShapeError::new(format!("cross_entropy: logits {logits} for targets {targets}")));
        }
        let vocabulary = logits.last();
        match self.targets.as_slice().iter().find(|&&t| self.counts(t) && t as usize >= vocabulary) {
            Some(t) => Err(ShapeError::new(format!("cross_entropy: target {t}, but only {vocabulary} logits"))),
            None => Ok(Shape::SCALAR),
        }
    }

    fn forward(&self, x: Operands<'_, E>) -> (Array<E>, Vec<E>) {
        let x = x.array(0).contiguous();
        let (width, targets) = (x.shape().last(), self.targets.as_slice());
        let smoothing = self.settings.smoothing;
        // Both sums of a row while it is near: a vocabulary may be wide.
        let totals = each_row(x.data(), width, targets.len(), self.numbers(), &|row, out| {
            vectorized!({
                out[0] = log_sum_exp(row).map_or(E::NEGATIVE_INFINITY, |(m, rest)| m + rest);
                if let Some(sum) = out.get_mut(1) {
                    *sum = sum_row(row, |_, x| x);
                }
            });
        });
        let mut sum = 0.0; // over thousands of tokens: in double precision, in order
        for (i, (&target, totals)) in targets.iter().zip(totals.chunks(self.numbers())).enumerate() {
            if self.counts(target) {
                let of_target = x.data()[i * width + target as usize];
                let mut loss = totals[0].to_f64() - (1.0 - smoothing) * of_target.to_f64();
                if let Some(all) = totals.get(1) {
                    loss -= smoothing * all.to_f64() / width as f64;
                }
                sum += loss;
            }
        }
        (Array::scalar(E::from_f64(sum * self.weight())), totals)
    }

    fn backward(&self, x: Operands<'_, E>, _: &Array<E>, totals: &Vec<E>, dy: &Array<E>, _: Needs<'_>) -> Grads<E> {
        // dx = (softmax(x) − target distribution) · dy · weight
        let mut dx = x.array(0).contiguous();
        let width = dx.shape().last();
        let scale = E::from_f64(dy.item().to_f64() * self.weight());
        let uniform = E::from_f64(self.settings.smoothing / width as f64);
        let certain = E::from_f64(1.0 - self.settings.smoothing);
        let targets = self.targets.as_slice();
        for_each_row(dx.make_mut(), width, &|i, row| {
            if !self.counts(targets[i]) {
                return row.fill(E::ZERO);
            }
            let total = totals[i * self.numbers()];
            vectorized!({
                for x in row.iter_mut() {
                    *x = ((*x - total).exp() - uniform) * scale;
                }
            });
            let target = &mut row[targets[i] as usize];
            *target = *target - certain * scale;
        });
        [Some(dx)].into()
    }

    fn definition(&self, operands: &[Tensor<E>]) -> Tensor<E> {
        let smoothing = self.settings.smoothing;
        let column = self.targets.shape().to_vec().into_iter().chain([1]).collect::<Vec<_>>();
        let ignored = Mask::from_fn(&column, |i| !self.counts(self.targets.as_slice()[i]));
        // Whatever stands in the padding must go: 0 · NaN would be a gradient of NaN.
        let x = operands[0].masked_fill(&ignored, 0.0);
        let safe: Vec<u32> = self.targets.as_slice().iter().map(|&t| if self.counts(t) { t } else { 0 }).collect();
        let of_target = x.gather(-1, &Ids::new(safe, &column));
        let mut loss = x.logsumexp_over([-1]) - of_target * (1.0 - smoothing);
        if smoothing != 0.0 {
            loss = loss - x.mean_over([-1]) * smoothing; // a logit of −∞ times no smoothing would be NaN
        }
        loss.masked_fill(&ignored, 0.0).sum() * self.weight()
    }
}

impl<E: Element> Tensor<E> {
    /// The cross-entropy of these logits (…, V) against target ids (…): −ln softmax(x)_target in nats, averaged or
    /// summed over the tokens that count, as a single number.
    ///
    /// ```
    /// use rungs_tensor::{Array, CrossEntropy, Ids, Tensor};
    ///
    /// let logits = Tensor::constant(Array::<f64>::zeros([2, 4]));
    /// let loss = logits.cross_entropy(&Ids::new(vec![0, 3], 2), CrossEntropy::default());
    /// assert!((loss.item() - 4f64.ln()).abs() < 1e-12); // as surprising as one of four equally likely tokens
    /// ```
    ///
    /// # Panics
    /// If the targets' shape is not the logits' without the last axis, or a target that counts is not below V.
    #[track_caller]
    pub fn cross_entropy(&self, targets: &Ids, settings: CrossEntropy) -> Tensor<E> {
        Tensor::apply_kernel(CrossEntropyLoss { targets: targets.clone(), settings }, &[self])
    }

    /// The cross-entropy of these logits (…, V) against probabilities (…, V), one-hot or soft: −Σᵥ pᵥ ln softmax(x)ᵥ in
    /// nats, averaged or summed over the positions, as a single number. With label smoothing ε, p is first mixed with
    /// the uniform distribution: (1 − ε)·p + ε/V.
    ///
    /// As PyTorch's `cross_entropy` with class probabilities, except that 0·(−∞) is 0: a class whose target is 0 may be
    /// ruled out. Targets are not checked to add up to one, and gradients flow to them too.
    ///
    /// ```
    /// use rungs_tensor::{Array, Reduction, Tensor};
    ///
    /// let logits = Tensor::constant(Array::<f64>::zeros([1, 4]));
    /// let targets = Tensor::constant(Array::from_vec(vec![0.5, 0.5, 0.0, 0.0], [1, 4]));
    /// let loss = logits.soft_cross_entropy(&targets, 0.0, Reduction::Mean);
    /// assert!((loss.item() - 4f64.ln()).abs() < 1e-12);
    /// ```
    ///
    /// # Panics
    /// If the shapes differ, or there is nothing along the last axis.
    #[doc(alias = "categorical_crossentropy")]
    #[track_caller]
    pub fn soft_cross_entropy(&self, targets: &Tensor<E>, smoothing: f64, reduction: Reduction) -> Tensor<E> {
        let logits = shape::insist(shape::same("soft_cross_entropy", &self.shape(), &targets.shape()));
        let log_p = self.log_softmax();
        let targets = targets.affine(1.0 - smoothing, smoothing / logits.last() as f64);
        let [never, impossible] =
            [(&targets, 0.0), (&log_p, f64::NEG_INFINITY)].map(|(x, y)| x.eq_mask(&Tensor::scalar(y)));
        let total = -(targets * log_p.masked_fill(&never.and(&impossible), 0.0)).sum();
        match reduction {
            Reduction::Sum => total,
            Reduction::Mean => total * (logits.last() as f64 / logits.size() as f64),
        }
    }
}
