//! The model: two LSTMs over one-hot characters, and a dense layer over the states of the second.

use rungs::layers::{Cell, RecurrentState};
use rungs::models::sampling::likeliest;
use rungs::prelude::*;
use rungs::text::tokenizer::sentence::{END, PADDING, START};

/// An encoder-decoder whose decoder begins in the encoder's last state.
#[derive(Clone, Debug)]
pub(crate) struct Seq2Seq<E: Element = f32> {
    pub(crate) encoder: Lstm<E>,
    pub(crate) decoder: Lstm<E>,
    pub(crate) dense: Linear<E>,
    /// Whether padding is masked. Otherwise it is a character like any other, as in the article.
    pub(crate) masked: bool,
}
parameters!(Seq2Seq { encoder, decoder, dense, masked: _ });

impl<E: Element> Seq2Seq<E> {
    /// Logits (B, T, V) of each target's next character, for sources (B, S) and the targets so far (B, T). The softmax
    /// is the loss's.
    pub(crate) fn logits(&self, source: &Ids, inputs: &Ids, mode: &mut Mode<'_>) -> Tensor<E> {
        let state = self.encode(source, mode);
        let (states, _) = self.decoder.forward(&one_hot(&self.decoder, inputs), None, &state, mode); // (B, T, H)
        self.dense.forward(&states, mode)
    }

    /// The encoder's last state.
    fn encode(&self, source: &Ids, mode: &mut Mode<'_>) -> Vec<RecurrentState<E>> {
        let [b, s] = source.dims();
        let length = |row: &[u32]| if self.masked { row.iter().filter(|&&id| id != PADDING).count() } else { s };
        let lengths: Vec<usize> = source.as_slice().chunks(s).map(length).collect();
        let x = one_hot(&self.encoder, source);
        self.encoder.forward(&x, Some(&lengths), &self.encoder.zero_state(b), mode).1
    }

    /// The mean of −ln p over the positions of the targets: the article's `categorical_crossentropy` with one-hot
    /// targets, or with a mask `sparse_categorical_crossentropy`. Keras looks behind the softmax as well.
    pub(crate) fn loss(&self, logits: &Tensor<E>, targets: &Ids) -> Tensor<E> {
        if self.masked {
            return logits.cross_entropy(targets, CrossEntropy { ignore: Some(PADDING), ..CrossEntropy::default() });
        }
        let one_hot = Tensor::constant(targets.one_hot(logits.shape().last()));
        logits.soft_cross_entropy(&one_hot, 0.0, Reduction::Mean)
    }

    /// The likeliest character, again and again, until the end or `most` of them, for one source (1, S).
    pub(crate) fn translate(&self, source: &Ids, most: usize) -> Vec<u32> {
        let model = self.detached();
        let mut state = model.encode(source, &mut Mode::Eval);
        let (mut target, mut last) = (Vec::new(), START);
        while target.len() < most {
            let x = one_hot(&model.decoder, &Ids::new(vec![last], [1, 1]));
            let (states, after) = model.decoder.forward(&x, None, &state, &mut Mode::Eval);
            (state, last) = (after, choices(&model.dense.forward(&states, &mut Mode::Eval))[0]);
            if last == END {
                break;
            }
            target.push(last);
        }
        target
    }
}

/// Characters (B, T) as an LSTM reads them: (B, T, V).
fn one_hot<E: Element>(lstm: &Lstm<E>, ids: &Ids) -> Tensor<E> {
    Tensor::constant(ids.one_hot(lstm.layers[0].inputs()))
}

/// The likeliest character of each row of logits (…, V); padding if there is none, as among NaN.
pub(crate) fn choices<E: Element>(logits: &Tensor<E>) -> Vec<u32> {
    let rows: Vec<f64> = logits.to_vec().into_iter().map(Element::to_f64).collect();
    rows.chunks(logits.shape().last()).map(|row| likeliest(row).unwrap_or(PADDING)).collect()
}
