//! The checks of attention and of what is built on it.

use super::checking::{check, joined, linear, some_dropout, training};
use crate::{
    Angles, Block, BlockConfig, CrossAttention, DecoderBlock, KeyValueCache, NormKind, NormPosition, Present, Rotary,
    SelfAttention, TransformerDecoder, TransformerEncoder,
};
use rungs_tensor::check::Outcome;
use rungs_tensor::{Ids, Rng, Tensor};

/// The second of two sequences is padded at both ends.
fn padded(length: usize) -> Present {
    [0..length, 1..length - 1].into()
}

/// Small blocks that drop.
fn small(config: BlockConfig) -> BlockConfig {
    BlockConfig { feed_forward: 5, dropout: some_dropout(), ..config }
}

/// Causal, whole and in pieces, with heads shared and not; and not causal, padded.
pub(super) fn self_attention(rng: &mut Rng) -> Outcome {
    const NAME: &str = "SelfAttention";
    // The whole sequence at once, and in two pieces: gradients go through the cache too.
    let forward = |rotary: Option<Rotary>| {
        move |layer: &SelfAttention<f64>, x: &[Tensor<f64>]| {
            let angles = |t| -> Option<Angles<f64>> { rotary.map(|rotary| rotary.angles(t, layer.head_width())) };
            training(|mode| {
                let whole = layer.forward(&x[0], None, angles(0..5).as_ref(), mode);
                let mut cache = KeyValueCache::new();
                let pieces = [0..2, 2..5]
                    .map(|t| layer.forward(&x[0].slice(1, t.clone()), Some(&mut cache), angles(t).as_ref(), mode));
                joined(&[whole, Tensor::concat(&pieces, 1)])
            })
        }
    };
    let layer = SelfAttention::new(linear([6, 24], rng), linear([8, 6], rng), [4, 4], some_dropout()).causal();
    let worst = check(NAME, &layer, &[&[2, 5, 6]], forward(None), rng)?;
    let layer = SelfAttention::new(linear([6, 16], rng), linear([8, 6], rng), [4, 2], some_dropout());
    let rotary = Some(Rotary { theta: 100.0 });
    let worst = worst.worse(check(NAME, &layer.clone().causal(), &[&[2, 5, 6]], forward(rotary), rng)?);
    let present = padded(5);
    let forward =
        |layer: &SelfAttention<f64>, x: &[Tensor<f64>]| training(|mode| layer.forward_padded(&x[0], &present, mode));
    Ok(worst.worse(check(NAME, &layer, &[&[2, 5, 6]], forward, rng)?))
}

/// What it takes, and where it looks.
pub(super) fn cross_attention(rng: &mut Rng) -> Outcome {
    let (query, pairs, projection) = (linear([6, 8], rng), linear([3, 8], rng), linear([8, 6], rng));
    let layer = CrossAttention::new(query, pairs, projection, [4, 2], some_dropout());
    let present = padded(4);
    let forward = |layer: &CrossAttention<f64>, x: &[Tensor<f64>]| {
        let memory = layer.memory(&x[1], Some(&present)).rows(&Ids::new([1, 0, 1], 3));
        let queries = Tensor::concat(&[x[0].clone(), x[0].slice(0, 0..1)], 0);
        joined(&[training(|mode| layer.forward(&queries, &memory, mode)), layer.weights(&queries, &memory)])
    };
    check("CrossAttention", &layer, &[&[2, 3, 6], &[2, 4, 3]], forward, rng)
}

pub(super) fn block(rng: &mut Rng) -> Outcome {
    let forward = |layer: &Block<f64>, x: &[Tensor<f64>]| training(|mode| layer.forward(&x[0], None, None, mode));
    let gpt = Block::new(&small(BlockConfig::gpt(6, 3, 1)), rng);
    let worst = check("Block", &gpt, &[&[2, 4, 6]], forward, rng)?;
    let llama = BlockConfig { norm: NormKind::Rms(0.1), ..small(BlockConfig::llama(4, 2, 1, 1)) };
    let worst = worst.worse(check("Block", &Block::new(&llama, rng), &[&[2, 3, 4]], forward, rng)?);
    let present = padded(3);
    let forward = |layer: &Block<f64>, x: &[Tensor<f64>]| training(|mode| layer.forward_padded(&x[0], &present, mode));
    Ok(worst.worse(check("Block", &Block::new(&smooth(4, 2), rng), &[&[2, 3, 4]], forward, rng)?))
}

/// The arrangement of Vaswani et al., relu, which has a kink, aside.
fn smooth(width: usize, heads: usize) -> BlockConfig {
    BlockConfig {
        activation: BlockConfig::gpt(width, heads, 1).activation,
        ..small(BlockConfig::vaswani(width, heads))
    }
}

pub(super) fn decoder_block(rng: &mut Rng) -> Outcome {
    let present = padded(4);
    let forward = |block: &DecoderBlock<f64>, x: &[Tensor<f64>]| {
        let memory = block.cross.memory(&x[1], Some(&present));
        let mut weights = None;
        let y = training(|mode| block.forward(&x[0], &memory, None, Some(&mut weights), mode));
        joined(&[y, weights.expect("asked for")])
    };
    let post = smooth(4, 2);
    let shapes: [&[usize]; 2] = [&[2, 3, 4], &[2, 4, 4]];
    let worst = check("DecoderBlock", &DecoderBlock::new(&post, rng), &shapes, forward, rng)?;
    let pre = BlockConfig { norm_position: NormPosition::Pre, ..post };
    Ok(worst.worse(check("DecoderBlock", &DecoderBlock::new(&pre, rng), &shapes, forward, rng)?))
}

pub(super) fn encoder(rng: &mut Rng) -> Outcome {
    let present = padded(3);
    let forward =
        |layer: &TransformerEncoder<f64>, x: &[Tensor<f64>]| training(|mode| layer.forward(&x[0], &present, mode));
    let pre = BlockConfig { norm_position: NormPosition::Pre, ..smooth(4, 2) };
    check("TransformerEncoder", &TransformerEncoder::new(&pre, 2, rng), &[&[2, 3, 4]], forward, rng)
}

/// In two pieces, so that gradients go through the caches too.
pub(super) fn decoder(rng: &mut Rng) -> Outcome {
    let present = padded(3);
    let forward = |layer: &TransformerDecoder<f64>, x: &[Tensor<f64>]| {
        let memories = layer.memories(&x[1], &present);
        let mut caches = vec![KeyValueCache::new(); 2];
        let mut weights = None;
        let mut parts = training(|mode| {
            [0..1, 1..3].map(|t| layer.forward(&x[0].slice(1, t), &memories, &mut caches, Some(&mut weights), mode))
        })
        .to_vec();
        parts.push(weights.expect("asked for"));
        joined(&parts)
    };
    let shapes: [&[usize]; 2] = [&[2, 3, 4], &[2, 3, 4]];
    check("TransformerDecoder", &TransformerDecoder::new(&smooth(4, 2), 2, rng), &shapes, forward, rng)
}
