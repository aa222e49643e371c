//! The state of recurrent models.

use crate::state::{ModelState, State};
use rungs_layers::RecurrentState;
use rungs_layers::tensor::{Element, Ids, Tensor};

/// The state of a recurrent model, carried from step to step.
#[derive(Debug, Clone)]
pub struct CarriedState<E: Element = f32> {
    /// h of every layer, or h and c.
    pub layers: Vec<RecurrentState<E>>,
    /// How many tokens of each row were read.
    pub position: usize,
}

impl<E: Element> CarriedState<E> {
    /// The state before the first token.
    pub fn new(layers: Vec<RecurrentState<E>>) -> Self {
        Self { layers, position: 0 }
    }
}

impl<E: Element> ModelState<E> for CarriedState<E> {
    fn copied(&self) -> State<E> {
        Box::new(self.clone())
    }

    fn position(&self) -> usize {
        self.position
    }

    fn select_rows(&mut self, rows: &Ids) {
        self.layers.iter_mut().for_each(|state| *state = state.rows(rows));
    }

    fn merged(&self, states: &[State<E>]) -> State<E> {
        let states: Vec<&Self> = states.iter().map(|state| state.get().expect("merged: states of one model")).collect();
        let layer = |layer: usize| {
            let all = || states.iter().map(|state| &state.layers[layer]);
            let h: Vec<_> = all().map(|state| state.h.clone()).collect();
            let c: Option<Vec<_>> = all().map(|state| state.c.clone()).collect();
            RecurrentState { h: Tensor::concat(&h, 0), c: c.map(|c| Tensor::concat(&c, 0)) }
        };
        let position = states.iter().map(|state| state.position).max().unwrap_or(0);
        Box::new(Self { layers: (0..self.layers.len()).map(layer).collect(), position })
    }

    fn detach(&mut self) {
        self.layers.iter_mut().for_each(|state| *state = state.detached());
    }
}
