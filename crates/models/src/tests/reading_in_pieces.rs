//! States and time: a text read at once, in pieces, and beside others.

use super::{CONTEXT, VOCABULARY, gpt_config, logits, models, row};
use crate::{
    CarriedState, Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig,
    RnnLanguageModel, State,
};
use proptest::prelude::*;
use rungs_layers::tensor::{Element, Graph, Ids, Rng, grad};
use rungs_layers::{Mode, RecurrentState};

/// What a recurrent model carries.
fn carried(state: &State<f64>) -> &[RecurrentState<f64>] {
    state.get::<CarriedState<f64>>().map_or(&[], |carried| &carried.layers)
}

/// The logits of a text read at once, in these pieces, and in steps are the same, bit for bit.
fn assert_pieces_change_nothing<E: Element>(name: &str, model: &dyn LanguageModel<E>, pieces: &[Vec<u32>]) {
    let vocabulary = model.vocabulary();
    let whole = model.logits(&row(&pieces.concat()), &mut model.start(1), &mut Mode::Eval).to_vec();
    let (mut state, mut stepped) = (model.start(1), model.start(1));
    let mut read = 0;
    for piece in pieces {
        let logits = model.logits(&row(piece), &mut state, &mut Mode::Eval).to_vec();
        let before = read * vocabulary;
        read += piece.len();
        assert_eq!(logits, whole[before..read * vocabulary], "{name} of {}, {pieces:?}", E::NAME);
        let last = model.step(&row(piece), &mut stepped);
        assert_eq!(last.dims(), [1, vocabulary]);
        assert_eq!(last.to_vec(), whole[(read - 1) * vocabulary..read * vocabulary], "{name} of {}", E::NAME);
        assert_eq!((state.position(), stepped.position()), (read, read));
    }
}

#[test]
fn so_it_does_at_a_size_that_is_used() {
    // Wide enough for the parallel, blocked and vector paths of the engine.
    let mut rng = Rng::new(0);
    let (vocabulary, hidden) = (65, 128);
    let (embedding, layers, dropout) = (hidden, 2, 0.0);
    let recurrent = RecurrentConfig { vocabulary, embedding, hidden, layers, dropout };
    let attending = GptConfig { dropout, bias: false, ..GptConfig::gpt(vocabulary, 64, hidden, 4, layers) };
    let newer = GptConfig { key_heads: 2, ..GptConfig::llama(vocabulary, 64, hidden, 4, layers) };
    let models: [(_, Box<dyn LanguageModel<f32>>); 5] = [
        ("rnn", Box::new(RnnLanguageModel::new(&recurrent, &mut rng).unwrap())),
        ("lstm", Box::new(LstmLanguageModel::new(&recurrent, &mut rng).unwrap())),
        ("gru", Box::new(GruLanguageModel::new(&recurrent, &mut rng).unwrap())),
        ("gpt", Box::new(Gpt::new(&attending, &mut rng).unwrap())),
        ("llama", Box::new(Gpt::new(&newer, &mut rng).unwrap())),
    ];
    for (name, model) in models {
        let model = model.frozen();
        let ids: Vec<u32> = (0..64).map(|_| rng.below(vocabulary) as u32).collect();
        for size in [1, 3, 16, 37] {
            let pieces: Vec<Vec<u32>> = ids.chunks(size).map(<[u32]>::to_vec).collect();
            assert_pieces_change_nothing(name, model.as_ref(), &pieces);
        }
        // The rows of a batch, beside it alone.
        let batch: Vec<Vec<u32>> = (0..12).map(|_| (0..64).map(|_| rng.below(vocabulary) as u32).collect()).collect();
        let together = Ids::new(batch.concat(), [12, 64]);
        let together = model.logits(&together, &mut model.start(12), &mut Mode::Eval).to_vec();
        for (ids, together) in batch.iter().zip(together.chunks(64 * vocabulary)) {
            let alone = model.logits(&row(ids), &mut model.start(1), &mut Mode::Eval).to_vec();
            assert_eq!(together, alone, "{name}");
        }
    }
}

proptest! {
    #[test]
    fn a_text_read_in_any_pieces_gives_the_same_logits(
        ids in prop::collection::vec(0..VOCABULARY as u32, 1..=CONTEXT),
        cuts in prop::collection::vec(any::<bool>(), CONTEXT),
    ) {
        let mut pieces: Vec<Vec<u32>> = vec![vec![]];
        for (&id, &cut) in ids.iter().zip(&cuts) {
            pieces.last_mut().unwrap().push(id);
            if cut {
                pieces.push(vec![]);
            }
        }
        pieces.retain(|piece| !piece.is_empty());
        for (name, model) in models::<f64>() {
            assert_pieces_change_nothing(name, model.as_ref(), &pieces);
        }
        for (name, model) in models::<f32>() {
            assert_pieces_change_nothing(name, model.as_ref(), &pieces);
        }
    }

    #[test]
    fn the_rows_of_a_batch_do_not_know_of_each_other(
        a in prop::collection::vec(0..VOCABULARY as u32, CONTEXT),
        b in prop::collection::vec(0..VOCABULARY as u32, CONTEXT),
    ) {
        for (name, model) in models::<f64>() {
            let both = Ids::new([a.clone(), b.clone()].concat(), [2, CONTEXT]);
            let together = model.logits(&both, &mut model.start(2), &mut Mode::Eval).to_vec();
            let alone = [logits(model.as_ref(), &a), logits(model.as_ref(), &b)].concat().concat();
            prop_assert_eq!(together, alone, "{}", name);
        }
    }

    #[test]
    fn a_later_token_changes_no_earlier_logit(
        ids in prop::collection::vec(0..VOCABULARY as u32, CONTEXT),
        at in 0..CONTEXT,
        shift in 1..VOCABULARY as u32,
    ) {
        let mut changed = ids.clone();
        changed[at] = (changed[at] + shift) % VOCABULARY as u32;
        for (name, model) in models::<f64>() {
            let (before, after) = (logits(model.as_ref(), &ids), logits(model.as_ref(), &changed));
            prop_assert_eq!(&before[..at], &after[..at], "{}", name); // bit for bit
            prop_assert_ne!(&before[at], &after[at], "{}", name);
        }
    }
}

#[test]
fn no_gradient_comes_from_the_future() {
    let ids: Vec<u32> = (0..VOCABULARY as u32).collect(); // all different: row t of the embedding is token t
    for (name, model) in models::<f64>() {
        let embedding = model.named().swap_remove(0).1; // the first parameter of every rung
        let width = embedding.shape().dim(1);
        for t in 0..ids.len() {
            // The features, since a tied head leads back to every token by a way of its own.
            let features = model.features(&row(&ids), &mut model.start(1), &mut Mode::Eval);
            let at_t = features.slice(1, t..t + 1).square().sum();
            let [gradient] = grad(&at_t, [&embedding], Graph::Drop);
            for (token, gradient) in gradient.to_vec().chunks(width).enumerate() {
                let zero = gradient.iter().all(|&g| g == 0.0);
                assert_eq!(zero, token > t, "{name}: position {t}, token {token}: {gradient:?}");
            }
        }
    }
}

#[test]
fn a_detached_state_keeps_its_values_and_lets_no_gradient_back() {
    for (name, model) in models::<f64>().into_iter().take(2) {
        let mut state = model.start(1);
        model.logits(&row(&[1, 2, 3]), &mut state, &mut Mode::Eval);
        assert!(carried(&state).iter().all(|state| state.h.is_tracked()), "{name}");
        let before: Vec<_> = carried(&state).iter().map(|state| state.h.to_vec()).collect();
        state.detach();
        assert!(!carried(&state).iter().any(|state| state.h.is_tracked()), "{name}");
        assert_eq!(before, carried(&state).iter().map(|state| state.h.to_vec()).collect::<Vec<_>>(), "{name}");
        assert_eq!(state.position(), 3);
    }
}

#[test]
fn a_frozen_model_computes_the_same_and_records_nothing() {
    for (name, model) in models::<f64>() {
        let frozen = model.frozen();
        let ids = row(&[3, 1, 4, 1, 5]);
        let (mut state, mut frozen_state) = (model.start(1), frozen.start(1));
        let logits = model.logits(&ids, &mut state, &mut Mode::Eval);
        let same = frozen.logits(&ids, &mut frozen_state, &mut Mode::Eval);
        assert!(logits.is_tracked() && !same.is_tracked(), "{name}");
        assert!(!carried(&frozen_state).iter().any(|state| state.h.is_tracked()), "{name}");
        assert_eq!(logits.to_vec(), same.to_vec(), "{name}");
        let names = |model: &dyn LanguageModel<f64>| model.named().into_iter().map(|(n, _)| n).collect::<Vec<_>>();
        assert_eq!(names(model.as_ref()), names(frozen.as_ref()));
    }
}

#[test]
#[should_panic(expected = "positions 8..9 of a context of 8")]
fn a_gpt_does_not_read_past_its_context() {
    let gpt = Gpt::<f32>::new(&gpt_config(), &mut Rng::new(0)).unwrap();
    let mut state = gpt.start(1);
    gpt.step(&row(&[0; CONTEXT]), &mut state);
    gpt.step(&row(&[0]), &mut state);
}
