//! The laws of encoders and decoders.

use super::tiny_translators::{SCORES, VOCABULARY, attention_config, logits, models, row, seq2seq_config, sources};
use crate::{AttentionConfig, AttentionSeq2Seq, ConfigError, Seq2Seq, Seq2SeqConfig, Source, Style};
use rungs_layers::tensor::{Element, Graph, Ids, Rng, grad};
use rungs_layers::{LstmEquations, Mode, Module, Nonlinearity, Reset, Score};

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
        let whole = logits(&*model, &batch, &inputs, &mut Mode::Eval);
        let other = logits(&*model, &sources(&lengths, 4), &inputs, &mut Mode::Eval);
        assert_eq!(whole.to_vec(), other.to_vec(), "{name}: what stands in the padding");
        for i in 0..3 {
            let alone = Ids::new(inputs.as_slice()[3 * i..][..3].to_vec(), [1, 3]);
            let alone = logits(&*model, &row(&batch, i), &alone, &mut Mode::Eval).to_vec();
            let together = whole.slice(0, i..i + 1).to_vec();
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
        let loss = logits(&*model, &source, &inputs(2, 2), &mut Mode::Eval).square().sum();
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
            let whole = logits(&*model, &source, &ids, &mut Mode::Eval).to_vec();
            let mut state = model.encode(&source, &mut Mode::Eval);
            for at in 0..4 {
                let read: Vec<u32> = (0..2).map(|row| ids.as_slice()[row * 4 + at]).collect();
                let logits = model.step(&Ids::new(read, [2, 1]), &mut state).to_vec();
                for row in 0..2 {
                    let expected = &whole[(row * 4 + at) * VOCABULARY..][..VOCABULARY];
                    assert_eq!(&logits[row * VOCABULARY..][..VOCABULARY], expected, "{name}, {}", E::NAME);
                }
            }
            assert_eq!(state.position(), 4);
        }
    }
    check::<f32>();
    check::<f64>();
}

#[test]
fn nothing_written_depends_on_what_is_written_later() {
    for (name, model) in models::<f64>() {
        let source = sources(&[3], 0);
        let first = |last: u32| {
            logits(&*model, &source, &Ids::new(vec![1, 4, last], [1, 3]), &mut Mode::Eval).slice(1, 0..2).to_vec()
        };
        assert_eq!(first(0), first(5), "{name}");
    }
}

#[test]
fn a_reversed_source_is_read_from_its_end() {
    let source = sources(&[4, 2], 3);
    assert_eq!(source.reversed().reversed(), source);
    let config = Seq2SeqConfig { reverse: true, ..seq2seq_config() };
    let reversed = Seq2Seq::<f64, Nonlinearity>::new(&config, &mut Rng::new(1)).unwrap();
    let forward = Seq2Seq { reverse: false, ..reversed.clone() };
    let logits = |model: &Seq2Seq<f64, Nonlinearity>, source: &Source| {
        logits(model, source, &inputs(2, 3), &mut Mode::Eval).to_vec()
    };
    assert_eq!(logits(&reversed, &source), logits(&forward, &source.reversed()));
    assert_ne!(logits(&reversed, &source), logits(&forward, &source));
}

#[test]
fn parameters_are_as_many_as_the_formula_says() {
    let rng = &mut Rng::new(2);
    for (tied, layers) in [(false, 1), (true, 2)] {
        let config = Seq2SeqConfig { tied, layers, embedding: if tied { 4 } else { 7 }, ..seq2seq_config() };
        let model = Seq2Seq::<f32, LstmEquations>::new(&config, rng).unwrap();
        assert_eq!(model.parameter_count() as u64, config.parameter_count::<LstmEquations>().unwrap());
    }
    for style in [Style::Bahdanau, Style::Luong] {
        for score in SCORES {
            let config = AttentionConfig { source_vocabulary: 9, ..attention_config(style, score) };
            let model = AttentionSeq2Seq::<f32, Reset>::new(&config, rng).unwrap();
            assert_eq!(model.parameter_count() as u64, config.parameter_count::<Reset>().unwrap());
            let model = AttentionSeq2Seq::<f32, LstmEquations>::new(&config, rng).unwrap();
            assert_eq!(model.parameter_count() as u64, config.parameter_count::<LstmEquations>().unwrap());
        }
    }
    let says = |error: ConfigError| error.to_string();
    let config = Seq2SeqConfig { tied: true, embedding: 5, ..seq2seq_config() };
    let error = says(config.parameter_count::<LstmEquations>().unwrap_err());
    assert_eq!(error, "a tied head needs an embedding as wide as the state: embedding 5, hidden 4");
    let config = AttentionConfig { bidirectional: true, ..attention_config(Style::Luong, Score::Dot) };
    let error = says(config.parameter_count::<LstmEquations>().unwrap_err());
    assert_eq!(error, "dot attention compares vectors of one width: the encoder shows 8, the decoder 4");
}

#[test]
fn reading_its_own_words_is_teacher_forcing_at_probability_zero_and_repeats_by_seed() {
    for (name, model) in models::<f64>() {
        let (source, inputs) = (sources(&[3, 2], 0), inputs(2, 4));
        let own = |probability, seed| {
            let mode = &mut Mode::Train(&mut Rng::new(seed));
            let mut state = model.encode(&source, mode);
            model.logits_reading_its_own(&inputs, probability, &mut state, mode).to_vec()
        };
        let forced = logits(&*model, &source, &inputs, &mut Mode::Train(&mut Rng::new(0))).to_vec();
        assert_eq!(own(0.0, 3), forced, "{name}");
        assert_eq!(own(1.0, 3), own(1.0, 3), "{name}");
        assert_ne!(own(1.0, 3), forced, "{name}");
        assert_eq!(own(1.0, 3)[..VOCABULARY], forced[..VOCABULARY], "{name}: the first token is given");
    }
}
