//! What reads: a stack of blocks in which every position of the source sees every other.

use crate::{Block, BlockConfig, Mode, Norm, Present, checkpointed, parameters};
use rungs_tensor::{Element, Rng, Tensor};

/// Blocks, one upon the other, and a last norm.
///
/// Without positions in x it is a function of a set: permute its inputs, and its outputs are permuted with them.
#[derive(Debug, Clone)]
pub struct TransformerEncoder<E: Element = f32> {
    /// The first of them reads x.
    pub blocks: Vec<Block<E>>,
    /// The last norm; none where each block ends in one.
    pub norm: Option<Norm<E>>,
    /// Whether training computes each block again on the way back, with the same bits: see [`checkpointed`].
    pub checkpointing: bool,
}

parameters!(TransformerEncoder { blocks, norm, checkpointing: _ });

impl<E: Element> TransformerEncoder<E> {
    /// As many blocks as `layers`, none of them causal, and a last norm if theirs stand before their parts.
    ///
    /// # Panics
    /// If there can be no such block.
    #[track_caller]
    pub fn new(config: &BlockConfig, layers: usize, rng: &mut Rng) -> Self {
        let config = BlockConfig { causal: false, ..*config };
        let blocks = (0..layers).map(|_| Block::new(&config, rng)).collect();
        Self { blocks, norm: config.last_norm(), checkpointing: false }
    }

    /// x (B, S, D) → (B, S, D), padding left out. What comes out at a position of padding is of no use, but finite.
    ///
    /// # Panics
    /// If there is not one range of positions for each sequence, or one ends after S.
    #[track_caller]
    pub fn forward(&self, x: &Tensor<E>, present: &Present, mode: &mut Mode<'_>) -> Tensor<E> {
        let again = self.checkpointing && matches!(mode, Mode::Train(_));
        let x = self.blocks.iter().fold(x.clone(), |x, block| {
            if !again {
                return block.forward_padded(&x, present, mode); // (B, S, D)
            }
            let present = present.clone();
            checkpointed(block, &[&x], mode, move |block, x, mode| block.forward_padded(&x[0], &present, mode))
        });
        self.norm.as_ref().map_or_else(|| x.clone(), |norm| norm.forward(&x))
    }
}
