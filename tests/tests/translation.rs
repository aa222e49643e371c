//! The laws of encoders, decoders, attention between them, and beam search.

use proptest::prelude::*;
use rungs_decoding::{
    Beam, Bias, Ending, Finish, GenerateOptions, Generated, Length, LengthPenalty, Search, generate_from,
    log_probability,
};
use rungs_layers::tensor::{Array, Element, Graph, Ids, Rng, Tensor, grad};
use rungs_layers::{Attention, GruCell, LstmCell, Mode, Module, NormPosition, RnnCell, Score};
use rungs_models::{
    AddedPositions, AttentionConfig, AttentionSeq2Seq, ConfigError, EncoderDecoder, Seq2Seq, Seq2SeqConfig, Source,
    Style, Transformer, TransformerConfig, Tying,
};
use std::ops::ControlFlow;
use std::sync::Arc;

const VOCABULARY: usize = 6;
const END: u32 = 2;
const SCORES: [Score; 4] = [Score::Additive, Score::Dot, Score::General, Score::Concat];

fn seq2seq_config() -> Seq2SeqConfig {
    Seq2SeqConfig {
        source_vocabulary: 5,
        vocabulary: VOCABULARY,
        embedding: 4,
        hidden: 4,
        layers: 2,
        dropout: 0.0,
        reverse: false,
        tied: false,
    }
}

fn attention_config(style: Style, score: Score) -> AttentionConfig {
    AttentionConfig {
        source_vocabulary: 5,
        vocabulary: VOCABULARY,
        embedding: 4,
        hidden: 4,
        layers: 2,
        dropout: 0.0,
        style,
        score,
        bidirectional: score != Score::Dot,
        tied: score == Score::General,
    }
}

fn transformer_config(norm_position: NormPosition) -> TransformerConfig {
    let post = norm_position == NormPosition::Post;
    TransformerConfig {
        context: 6,
        feed_forward: 5,
        norm_position,
        positions: if post { AddedPositions::Sinusoidal } else { AddedPositions::Learned },
        tying: if post { Tying::Head } else { Tying::Nothing },
        ..TransformerConfig::vaswani([5, VOCABULARY], 4, 2, 2)
    }
}

/// How many kinds there are.
const KINDS: usize = 12;

/// Every kind of translator, tiny, with parameters drawn so large that all of them matter.
fn models<E: Element>() -> Vec<(String, Box<dyn EncoderDecoder<E>>)> {
    let rng = &mut Rng::new(5);
    let mut models: Vec<(String, Box<dyn EncoderDecoder<E>>)> = Vec::new();
    for (reverse, tied) in [(false, false), (true, true)] {
        let config = Seq2SeqConfig { reverse, tied, ..seq2seq_config() };
        let name = format!("seq2seq, reverse {reverse}, tied {tied}");
        models.push((name, Box::new(Seq2Seq::<E, LstmCell<E>>::new(&config, rng).unwrap())));
    }
    for style in [Style::Bahdanau, Style::Luong] {
        for score in SCORES {
            let config = attention_config(style, score);
            let name = format!("attention, {style:?}, {score:?}");
            models.push((name, Box::new(AttentionSeq2Seq::<E, GruCell<E>>::new(&config, rng).unwrap())));
        }
    }
    for norm_position in [NormPosition::Pre, NormPosition::Post] {
        let model = Transformer::<E>::new(&transformer_config(norm_position), rng).unwrap();
        models.push((format!("transformer, {norm_position:?}"), Box::new(model)));
    }
    assert_eq!(models.len(), KINDS);
    for (_, model) in &mut models {
        model.for_each_mut(&mut |_, p| *p = Tensor::variable(Array::normal(p.shape(), 0.0, 0.6, rng)));
    }
    models
}

/// Sources of these lengths, padded with `padding`.
fn sources(lengths: &[usize], padding: u32) -> Source {
    let longest = *lengths.iter().max().unwrap();
    let token =
        |row: usize, at: usize| if at < lengths[row] { ((3 * row + 2 * at + at * at) % 5) as u32 } else { padding };
    let ids: Vec<u32> = (0..lengths.len()).flat_map(|row| (0..longest).map(move |at| token(row, at))).collect();
    Source::new(Ids::new(ids, [lengths.len(), longest]), lengths.to_vec())
}

fn row(source: &Source, row: usize) -> Source {
    let [_, s] = source.ids().dims();
    Source::one(&source.ids().as_slice()[row * s..][..source.lengths()[row]])
}

fn inputs(batch: usize, time: usize) -> Ids {
    Ids::new((0..batch * time).map(|i| (i * i % VOCABULARY) as u32).collect::<Vec<_>>(), [batch, time])
}

fn difference<E: Element>(a: &[E], b: &[E]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a.to_f64() - b.to_f64()).abs()).fold(0.0, f64::max)
}

#[test]
fn a_padded_batch_is_each_source_alone_and_padding_is_never_read() {
    let lengths = [4, 1, 3];
    for (name, model) in models::<f64>() {
        let batch = sources(&lengths, 0);
        let inputs = inputs(3, 3);
        let logits = model.logits(&batch, &inputs, &mut Mode::Eval);
        let other = model.logits(&sources(&lengths, 4), &inputs, &mut Mode::Eval);
        assert_eq!(logits.to_vec(), other.to_vec(), "{name}: what stands in the padding");
        for i in 0..3 {
            let alone = Ids::new(inputs.as_slice()[3 * i..][..3].to_vec(), [1, 3]);
            let alone = model.logits(&row(&batch, i), &alone, &mut Mode::Eval).to_vec();
            let together = logits.slice(0, i..i + 1).to_vec();
            assert!(difference(&alone, &together) < 1e-12, "{name}: row {i}");
        }
    }
}

#[test]
fn padding_has_no_gradient() {
    for (name, model) in models::<f64>() {
        let source = sources(&[2, 4], 4); // token 4 stands in the padding, and nowhere else in what is read
        let embedding = model.named().into_iter().find(|(name, _)| name == "source_embedding.weight").unwrap().1;
        let read: Vec<u32> = [&source.ids().as_slice()[..2], &source.ids().as_slice()[4..]].concat();
        let loss = model.logits(&source, &inputs(2, 2), &mut Mode::Eval).square().sum();
        let [gradient] = grad(&loss, [&embedding], Graph::Drop);
        for token in 0..5_u32 {
            let norm = gradient.slice(0, token as usize..token as usize + 1).square().sum().item();
            assert_eq!(norm != 0.0, read.contains(&token), "{name}: token {token}");
        }
    }
}

#[test]
fn writing_in_pieces_is_writing_at_once() {
    fn check<E: Element>() {
        for (name, model) in models::<E>() {
            let source = sources(&[3, 2], 0);
            let ids = inputs(2, 4);
            let whole = model.logits(&source, &ids, &mut Mode::Eval).to_vec();
            let mut state = model.start(&model.encode(&source, &mut Mode::Eval));
            for at in 0..4 {
                let read: Vec<u32> = (0..2).map(|row| ids.as_slice()[row * 4 + at]).collect();
                let logits = model.step(&Ids::new(read, [2, 1]), &mut state).to_vec();
                for row in 0..2 {
                    let expected = &whole[(row * 4 + at) * VOCABULARY..][..VOCABULARY];
                    assert_eq!(&logits[row * VOCABULARY..][..VOCABULARY], expected, "{name}, {}", E::NAME);
                }
            }
            assert_eq!(state.position, 4);
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn nothing_written_depends_on_what_is_written_later() {
    for (name, model) in models::<f64>() {
        let source = sources(&[3], 0);
        let logits = |last: u32| {
            model.logits(&source, &Ids::new(vec![1, 4, last], [1, 3]), &mut Mode::Eval).slice(1, 0..2).to_vec()
        };
        assert_eq!(logits(0), logits(5), "{name}");
    }
}

#[test]
fn a_reversed_source_is_read_from_its_end() {
    let source = sources(&[4, 2], 3);
    assert_eq!(source.reversed().reversed(), source);
    let config = Seq2SeqConfig { reverse: true, ..seq2seq_config() };
    let reversed = Seq2Seq::<f64, RnnCell<f64>>::new(&config, &mut Rng::new(1)).unwrap();
    let forward = Seq2Seq { reverse: false, ..reversed.clone() };
    let logits = |model: &Seq2Seq<f64, RnnCell<f64>>, source: &Source| {
        model.logits(source, &inputs(2, 3), &mut Mode::Eval).to_vec()
    };
    assert_eq!(logits(&reversed, &source), logits(&forward, &source.reversed()));
    assert_ne!(logits(&reversed, &source), logits(&forward, &source));
}

#[test]
fn parameters_are_as_many_as_the_formula_says() {
    let rng = &mut Rng::new(2);
    for (tied, layers) in [(false, 1), (true, 2)] {
        let config = Seq2SeqConfig { tied, layers, embedding: if tied { 4 } else { 7 }, ..seq2seq_config() };
        let model = Seq2Seq::<f32, LstmCell>::new(&config, rng).unwrap();
        assert_eq!(model.parameter_count() as u64, config.parameter_count::<f32, LstmCell>().unwrap());
    }
    for style in [Style::Bahdanau, Style::Luong] {
        for score in SCORES {
            let config = AttentionConfig { source_vocabulary: 9, ..attention_config(style, score) };
            let model = AttentionSeq2Seq::<f32, GruCell>::new(&config, rng).unwrap();
            assert_eq!(model.parameter_count() as u64, config.parameter_count::<f32, GruCell>().unwrap());
            let model = AttentionSeq2Seq::<f32, LstmCell>::new(&config, rng).unwrap();
            assert_eq!(model.parameter_count() as u64, config.parameter_count::<f32, LstmCell>().unwrap());
        }
    }
    let says = |error: ConfigError| error.to_string();
    let config = Seq2SeqConfig { tied: true, embedding: 5, ..seq2seq_config() };
    let error = says(config.parameter_count::<f32, LstmCell>().unwrap_err());
    assert_eq!(error, "a tied head needs an embedding as wide as the state: embedding 5, hidden 4");
    let config = AttentionConfig { bidirectional: true, ..attention_config(Style::Luong, Score::Dot) };
    let error = says(config.parameter_count::<f32, LstmCell>().unwrap_err());
    assert_eq!(error, "dot attention compares vectors of one width: the encoder shows 8, the decoder 4");
}

#[test]
fn reading_its_own_words_is_teacher_forcing_at_probability_zero_and_repeats_by_seed() {
    for (name, model) in models::<f64>() {
        let (source, inputs) = (sources(&[3, 2], 0), inputs(2, 4));
        let own = |probability, seed| {
            let mode = &mut Mode::Train(&mut Rng::new(seed));
            model.logits_reading_its_own(&source, &inputs, probability, mode).to_vec()
        };
        let forced = model.logits(&source, &inputs, &mut Mode::Train(&mut Rng::new(0))).to_vec();
        assert_eq!(own(0.0, 3), forced, "{name}");
        assert_eq!(own(1.0, 3), own(1.0, 3), "{name}");
        assert_ne!(own(1.0, 3), forced, "{name}");
        assert_eq!(own(1.0, 3)[..VOCABULARY], forced[..VOCABULARY], "{name}: the first token is given");
    }
}

// -------------------------------------------------------------------------------------------------------- attention

/// Σ_k a_k b_k.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// x W for one row.
fn times(x: &[f64], w: &Tensor<f64>) -> Vec<f64> {
    let [rows, columns] = w.dims();
    let w = w.to_vec();
    assert_eq!(x.len(), rows);
    (0..columns).map(|j| (0..rows).map(|i| x[i] * w[i * columns + j]).sum()).collect()
}

#[test]
fn every_score_is_its_equation_and_weights_are_a_distribution_over_what_is_not_padding() {
    let rng = &mut Rng::new(9);
    let (b, t, s, d) = (2, 3, 4, 3);
    for score in SCORES {
        let attention: Attention<f64> = Attention::new(score, d, d, 5, rng);
        let query: Tensor<f64> = Array::normal([b, t, d], 0.0, 1.0, rng).into();
        let values: Tensor<f64> = Array::normal([b, s, d], 0.0, 1.0, rng).into();
        let lengths = [4, 2];
        let (context, weights) = attention.look(&query, &attention.memory(&values, &lengths));
        for row in 0..b {
            for at in 0..t {
                let q = &query.to_vec()[(row * t + at) * d..][..d];
                let v = |position: usize| values.to_vec()[(row * s + position) * d..][..d].to_vec();
                let scores: Vec<f64> = (0..lengths[row])
                    .map(|position| match score {
                        Score::Dot => dot(q, &v(position)),
                        Score::General => dot(q, &times(&v(position), attention.w_value.as_ref().unwrap())),
                        Score::Additive | Score::Concat => {
                            let inner = match &attention.w_query {
                                Some(w) => {
                                    let (a, b) =
                                        (times(q, w), times(&v(position), attention.w_value.as_ref().unwrap()));
                                    a.iter().zip(b).map(|(a, b)| (a + b).tanh()).collect::<Vec<_>>()
                                }
                                None => {
                                    let both = times(&[q, &v(position)].concat(), attention.w_value.as_ref().unwrap());
                                    both.into_iter().map(f64::tanh).collect()
                                }
                            };
                            dot(&inner, &attention.u.as_ref().unwrap().to_vec())
                        }
                    })
                    .collect();
                let total: f64 = scores.iter().map(|e| e.exp()).sum();
                let found = &weights.to_vec()[(row * t + at) * s..][..s];
                for (position, a) in found.iter().enumerate() {
                    let expected = scores.get(position).map_or(0.0, |e| e.exp() / total);
                    assert!((a - expected).abs() < 1e-12, "{score:?}");
                    assert!(position < lengths[row] || *a == 0.0, "{score:?}: exactly zero on padding");
                }
                assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                let found = &context.to_vec()[(row * t + at) * d..][..d];
                for (j, c) in found.iter().enumerate() {
                    let expected: f64 = (0..lengths[row]).map(|p| scores[p].exp() / total * v(p)[j]).sum();
                    assert!((c - expected).abs() < 1e-12, "{score:?}");
                }
            }
        }
    }
}

// ------------------------------------------------------------------------------------------------------- beam search

fn search(model: &dyn EncoderDecoder<f64>, source: &Source, options: &GenerateOptions) -> Vec<Vec<Generated>> {
    let state = model.start(&model.encode(source, &mut Mode::Eval));
    let rows = source.lengths().len();
    let rngs = vec![Rng::new(0); rows];
    generate_from(model, state, &vec![1; rows], options, &rngs, &mut |_, _| ControlFlow::Continue(())).unwrap()
}

/// A search for texts of up to five tokens, the end among them.
fn options(beam: usize, penalty: LengthPenalty) -> GenerateOptions {
    GenerateOptions {
        processors: vec![Arc::new(Bias::ruling_out([0, 1]))],
        search: Search::Beam(Beam { penalty, ending: Ending::KeepsPlace, ..Beam::new(beam) }),
        length: Length::at_most(5),
        stop: vec![END],
        texts: beam,
        ..GenerateOptions::default()
    }
}

/// ln p of a text under the model, in one forward pass.
fn log_p(model: &dyn EncoderDecoder<f64>, source: &Source, written: &[u32]) -> f64 {
    let read: Vec<u32> = std::iter::once(1).chain(written.iter().copied()).take(written.len()).collect();
    let logits = model.logits(source, &Ids::new(read, [1, written.len()]), &mut Mode::Eval).to_vec();
    written.iter().zip(logits.chunks(VOCABULARY)).map(|(&id, z)| log_probability(z, id)).sum()
}

/// Greedy decoding, by hand.
fn greedy(model: &dyn EncoderDecoder<f64>, source: &Source, max: usize) -> Vec<u32> {
    let mut state = model.start(&model.encode(source, &mut Mode::Eval));
    let (mut ids, mut last) = (Vec::new(), 1);
    while ids.len() < max {
        let logits = model.step(&Ids::new(vec![last], [1, 1]), &mut state).to_vec();
        last =
            (2..VOCABULARY as u32).reduce(|a, b| if logits[b as usize] > logits[a as usize] { b } else { a }).unwrap();
        ids.push(last);
        if last == END {
            break;
        }
    }
    ids
}

#[test]
fn a_beam_of_one_is_greedy_and_every_score_is_the_models_own() {
    let penalties = [LengthPenalty::Power(0.0), LengthPenalty::Power(1.0), LengthPenalty::Gnmt(0.6)];
    for (name, model) in models::<f64>() {
        let source = sources(&[4, 1, 3], 0);
        for penalty in penalties {
            for beam in [1, 2, 4] {
                let found = search(model.as_ref(), &source, &options(beam, penalty));
                for (i, texts) in found.iter().enumerate() {
                    let source = row(&source, i);
                    assert_eq!(texts.len(), beam, "{name}");
                    for text in texts {
                        let (expected, tokens) = (log_p(model.as_ref(), &source, &text.ids), text.ids.len());
                        assert!((text.log_probability() - expected).abs() < 1e-10, "{name}");
                        assert!((text.score - penalty.score(expected, tokens)).abs() < 1e-10, "{name}");
                        let ended = text.finish == Finish::Stop;
                        let (last, before) = text.ids.split_last().unwrap();
                        assert!(before.iter().all(|&id| id > END) && (*last == END) == ended && tokens <= 5);
                        let looks = !name.starts_with("seq2seq");
                        assert_eq!(text.weights.len(), if looks { tokens } else { 0 }, "{name}");
                        assert!(text.weights.iter().all(|a| (a.iter().sum::<f64>() - 1.0).abs() < 1e-9));
                    }
                    assert!(texts.windows(2).all(|pair| pair[0].score >= pair[1].score && pair[0].ids != pair[1].ids));
                    if beam == 1 {
                        assert_eq!(texts[0].ids, greedy(model.as_ref(), &source, 5), "{name}");
                    }
                }
            }
        }
    }
}

#[test]
fn sources_are_searched_together_as_they_are_alone() {
    for (name, model) in models::<f64>() {
        let source = sources(&[4, 1, 3], 0);
        let options = options(3, LengthPenalty::Power(1.0));
        let together = search(model.as_ref(), &source, &options);
        for (i, texts) in together.iter().enumerate() {
            let alone = &search(model.as_ref(), &row(&source, i), &options)[0];
            assert_eq!(alone.len(), texts.len());
            for (a, b) in alone.iter().zip(texts) {
                assert_eq!((&a.ids, a.finish), (&b.ids, b.finish), "{name}");
                assert!((a.log_probability() - b.log_probability()).abs() < 1e-12, "{name}");
            }
        }
    }
}

#[test]
fn a_beam_that_holds_everything_finds_the_most_probable_text() {
    // Texts of at most two tokens of three, or ended sooner: all of them fit a beam of six.
    for (name, model) in models::<f64>() {
        let source = sources(&[3], 0);
        let options = GenerateOptions { length: Length::at_most(2), ..options(6, LengthPenalty::Power(0.0)) };
        let best = search(model.as_ref(), &source, &options)[0][0].log_probability();
        let mut all = vec![vec![END]];
        for a in 3..VOCABULARY as u32 {
            all.push(vec![a, END]);
            (3..VOCABULARY as u32).for_each(|b| all.push(vec![a, b]));
        }
        let all = all.into_iter().map(|ids| log_p(model.as_ref(), &source, &ids));
        let expected = all.fold(f64::NEG_INFINITY, f64::max);
        assert!((best - expected).abs() < 1e-10, "{name}: {best} {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn texts_are_at_least_and_at_most_as_long_as_asked(
        min in 0_usize..4,
        extra in 0_usize..3,
        beam in 1_usize..4,
        which in 0..KINDS,
    ) {
        let (_, model) = models::<f64>().swap_remove(which);
        let length = Length::new(min, min + extra + 1).unwrap();
        let wanted = GenerateOptions { length, ..options(beam, LengthPenalty::Power(1.0)) };
        for texts in search(model.as_ref(), &sources(&[3, 1], 0), &wanted) {
            for text in texts {
                prop_assert!(text.ids.len() >= min && text.ids.len() <= min + extra + 1);
                prop_assert_eq!(text.finish == Finish::Stop, text.ids.last() == Some(&END));
                prop_assert!(text.finish == Finish::Stop || text.ids.len() == min + extra + 1);
            }
        }
    }
}
