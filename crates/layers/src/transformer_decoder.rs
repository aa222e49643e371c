//! What writes: a stack of blocks that look at what was written so far, and at the source.
//!
//! ```text
//! before (pre-norm)                                after (post-norm)
//! x ← x + Attention(norm₁(x))                      x ← norm₁(x + Attention(x))          causal
//! x ← x + CrossAttention(norm₂(x), s)              x ← norm₂(x + CrossAttention(x, s))
//! x ← x + FF(norm₃(x))                             x ← norm₃(x + FF(x))
//! ```
//! with x (B, T, D) and s (B, S, D), what the encoder has shown. Vaswani et al. (2017), section 3.1.

use crate::{
    BlockConfig, CrossAttention, FeedForward, KeyValueCache, Mode, Norm, NormPosition, Present, SelfAttention,
    SourceMemory, checkpointed, parameters,
};
use rungs_tensor::{Element, Rng, Tensor};

/// A block that looks at a source, too.
///
/// Parameters, with N = M and both sequences of width D: 8D² + 2D·H + 3D, which is 16D² + 3D with H = 4D, and
/// 8D + H + D + 3D for the biases.
#[derive(Debug, Clone)]
pub struct DecoderBlock<E: Element = f32> {
    /// norm₁.
    pub norm_1: Norm<E>,
    /// Attention to what was written.
    pub attention: SelfAttention<E>,
    /// norm₂.
    pub norm_2: Norm<E>,
    /// Attention to the source.
    pub cross: CrossAttention<E>,
    /// norm₃.
    pub norm_3: Norm<E>,
    /// FF.
    pub feed_forward: FeedForward<E>,
    /// Where the norms stand.
    pub norm_position: NormPosition,
}

parameters!(DecoderBlock { norm_1, attention, norm_2, cross, norm_3, feed_forward, norm_position: _ });

impl<E: Element> DecoderBlock<E> {
    /// A block as described, for sources of its own width; its self-attention is causal. One made of other parts is a
    /// struct expression.
    ///
    /// # Panics
    /// If the width is not a multiple of the number of heads, or these not of the heads of keys.
    #[track_caller]
    pub fn new(config: &BlockConfig, rng: &mut Rng) -> Self {
        let &BlockConfig { heads, key_heads, dropout, norm_position, .. } = config;
        let norm = || Norm::new(config.norm, config.width, config.bias);
        let attention = config.self_attention(rng).causal();
        let (query, key_value) =
            (config.heads_side_by_side(&[heads], rng), config.heads_side_by_side(&[key_heads, key_heads], rng));
        let cross = CrossAttention::new(query, key_value, config.projection(rng), [heads, key_heads], dropout);
        let feed_forward = config.feed_forward(rng);
        Self { norm_1: norm(), attention, norm_2: norm(), cross, norm_3: norm(), feed_forward, norm_position }
    }

    /// x (B, T, D) → (B, T, D), and where it looked, (B, T, S), if that is asked for: the mean of the weights of its
    /// heads.
    ///
    /// The memory is that of its own [`cross`](Self::cross); the cache is the self-attention's, see
    /// [`SelfAttention::forward`].
    #[track_caller]
    pub fn forward(
        &self,
        x: &Tensor<E>,
        memory: &SourceMemory<E>,
        mut cache: Option<&mut KeyValueCache<E>>,
        weights: Option<&mut Option<Tensor<E>>>,
        mode: &mut Mode<'_>,
    ) -> Tensor<E> {
        let place = self.norm_position;
        let mut attention = |x: &Tensor<E>| self.attention.forward(x, cache.as_deref_mut(), None, mode);
        let x = place.add(&self.norm_1, x, &mut attention);
        if let Some(weights) = weights {
            let queries = if place == NormPosition::Pre { self.norm_2.forward(&x) } else { x.clone() };
            *weights = Some(self.cross.weights(&queries, memory));
        }
        let x = place.add(&self.norm_2, &x, &mut |x| self.cross.forward(x, memory, mode));
        place.add(&self.norm_3, &x, &mut |x| self.feed_forward.forward(x, mode))
    }
}

/// Decoder blocks, one upon the other, and a last norm.
#[derive(Debug, Clone)]
pub struct TransformerDecoder<E: Element = f32> {
    /// The first of them reads x; all of them look at the source.
    pub blocks: Vec<DecoderBlock<E>>,
    /// The last norm; none where each block ends in one.
    pub norm: Option<Norm<E>>,
    /// Whether training computes each block again on the way back, with the same bits: see [`checkpointed`]. A text
    /// must then be read at once, whose keys and values are not kept in the caches, or token by token, when nothing is
    /// computed again.
    pub checkpointing: bool,
}

parameters!(TransformerDecoder { blocks, norm, checkpointing: _ });

impl<E: Element> TransformerDecoder<E> {
    /// As many blocks as `layers`, and a last norm if theirs stand before their parts.
    ///
    /// # Panics
    /// If there can be no such block.
    #[track_caller]
    pub fn new(config: &BlockConfig, layers: usize, rng: &mut Rng) -> Self {
        let blocks = (0..layers).map(|_| DecoderBlock::new(config, rng)).collect();
        Self { blocks, norm: config.last_norm(), checkpointing: false }
    }

    /// What an encoder has shown (B, S, D), and which of it is there, as each block looks at it.
    #[track_caller]
    pub fn memories(&self, source: &Tensor<E>, present: &Present) -> Vec<SourceMemory<E>> {
        self.blocks.iter().map(|block| block.cross.memory(source, Some(present))).collect()
    }

    /// x (B, T, D), which follows what is in the caches → (B, T, D), and where the last block looked, if that is asked
    /// for.
    ///
    /// # Panics
    /// If there is not one memory and one cache for each block.
    #[track_caller]
    pub fn forward(
        &self,
        x: &Tensor<E>,
        memories: &[SourceMemory<E>],
        caches: &mut [KeyValueCache<E>],
        mut weights: Option<&mut Option<Tensor<E>>>,
        mode: &mut Mode<'_>,
    ) -> Tensor<E> {
        let layers = self.blocks.len();
        let fit = memories.len() == layers && caches.len() == layers;
        assert!(fit, "decoder: {} memories and {} caches for {layers} blocks", memories.len(), caches.len());
        let [_, t, _] = x.dims();
        let at_once = t > 1 && caches.iter().all(|cache| cache.is_empty());
        let again = self.checkpointing && at_once && weights.is_none() && matches!(mode, Mode::Train(_));
        let mut x = x.clone();
        for (at, ((block, memory), cache)) in self.blocks.iter().zip(memories).zip(caches).enumerate() {
            let weights = if at + 1 == layers { weights.take() } else { None };
            x = if again {
                let present = memory.present.clone();
                let forward = move |block: &DecoderBlock<E>, inputs: &[Tensor<E>], mode: &mut Mode<'_>| {
                    let [x, keys, values] = inputs else { unreachable!("three inputs") };
                    let memory = SourceMemory { keys: keys.clone(), values: values.clone(), present: present.clone() };
                    block.forward(x, &memory, None, None, mode)
                };
                checkpointed(block, &[&x, &memory.keys, &memory.values], mode, forward)
            } else {
                block.forward(&x, memory, Some(cache), weights, mode)
            }; // (B, T, D)
        }
        self.norm.as_ref().map_or_else(|| x.clone(), |norm| norm.forward(&x))
    }
}
