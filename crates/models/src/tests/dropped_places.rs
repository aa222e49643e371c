//! Where models drop, and when.

use super::{gpt_config, recurrent_config, row};
use crate::{CarriedState, Gpt, GptConfig, LanguageModel, LstmLanguageModel, RecurrentConfig, RnnLanguageModel};
use rungs_layers::tensor::{Ids, Rng};
use rungs_layers::{Dropout, Mode};

#[test]
fn dropout_acts_in_training_only_and_repeats_by_seed() {
    let mut rng = Rng::new(3);
    let models: [Box<dyn LanguageModel<f64>>; 3] = [
        Box::new(RnnLanguageModel::new(&RecurrentConfig { dropout: 0.5, ..recurrent_config() }, &mut rng).unwrap()),
        Box::new(LstmLanguageModel::new(&RecurrentConfig { dropout: 0.5, ..recurrent_config() }, &mut rng).unwrap()),
        Box::new(Gpt::new(&GptConfig { dropout: 0.5, ..gpt_config() }, &mut rng).unwrap()),
    ];
    let ids = row(&[3, 1, 4, 1, 5]);
    for model in models {
        let train = |seed| model.logits(&ids, &mut model.start(1), &mut Mode::Train(&mut Rng::new(seed))).to_vec();
        let evaluate = || model.logits(&ids, &mut model.start(1), &mut Mode::Eval).to_vec();
        assert_eq!(train(0), train(0));
        assert_ne!(train(0), train(1));
        assert_ne!(train(0), evaluate());
        assert_eq!(evaluate(), evaluate());
    }
}

#[test]
fn recurrent_rungs_drop_their_inputs_and_outputs_and_what_passes_between_layers() {
    let mut rng = Rng::new(3);
    let ids = row(&[3, 1, 4, 1, 5]);
    let half = Dropout::new(0.5);
    let mut rnn = RnnLanguageModel::<f64>::new(&recurrent_config(), &mut rng).unwrap();
    let mut lstm = LstmLanguageModel::<f64>::new(&recurrent_config(), &mut rng).unwrap();

    /// The state of the first layer and the last, and the features.
    fn run(model: &dyn LanguageModel<f64>, ids: &Ids, mode: &mut Mode<'_>) -> [Vec<f64>; 3] {
        let mut state = model.start(1);
        let features = model.features(ids, &mut state, mode);
        let carried = &state.get::<CarriedState<f64>>().unwrap().layers;
        [carried[0].h.to_vec(), carried[carried.len() - 1].h.to_vec(), features.to_vec()]
    }
    let check = |without: [Vec<f64>; 3], outside: [Vec<f64>; 3], between: [Vec<f64>; 3]| {
        assert_ne!(outside[0], without[0], "the token vectors are dropped");
        assert!(outside[2].contains(&0.0) && !without[2].contains(&0.0), "the last layer's states are dropped");
        assert_eq!(between[0], without[0]);
        assert_ne!(between[1], without[1], "the first layer's states are dropped on the way to the second");
        assert!(!between[2].contains(&0.0));
    };
    let without = run(&rnn, &ids, &mut Mode::Eval);
    rnn.dropout = half;
    let outside = run(&rnn, &ids, &mut Mode::Train(&mut rng));
    (rnn.dropout, rnn.recurrent.dropout) = (Dropout::new(0.0), half);
    check(without, outside, run(&rnn, &ids, &mut Mode::Train(&mut rng)));

    let without = run(&lstm, &ids, &mut Mode::Eval);
    lstm.dropout = half;
    let outside = run(&lstm, &ids, &mut Mode::Train(&mut rng));
    (lstm.dropout, lstm.recurrent.dropout) = (Dropout::new(0.0), half);
    check(without, outside, run(&lstm, &ids, &mut Mode::Train(&mut rng)));
}

#[test]
fn a_gpt_drops_where_gpt_2_does() {
    let (mut rng, ids) = (Rng::new(3), row(&[3, 1, 4, 1, 5]));
    let gpt = Gpt::<f64>::new(&GptConfig { dropout: 0.25, ..gpt_config() }, &mut rng).unwrap();
    let places: [fn(&mut Gpt<f64>) -> &mut Dropout; 5] = [
        |gpt| &mut gpt.dropout,
        |gpt| &mut gpt.blocks[0].attention.dropout,
        |gpt| &mut gpt.blocks[0].feed_forward.dropout,
        |gpt| &mut gpt.blocks[1].attention.dropout,
        |gpt| &mut gpt.blocks[1].feed_forward.dropout,
    ];
    let mut without = gpt.clone();
    for place in places {
        assert_eq!(place(&mut without).probability(), 0.25);
        *place(&mut without) = Dropout::new(0.0);
    }
    let logits = |gpt: &Gpt<f64>, mode: &mut Mode<'_>| gpt.logits(&ids, &mut gpt.start(1), mode).to_vec();
    let expected = logits(&without, &mut Mode::Eval);
    assert_eq!(logits(&without, &mut Mode::Train(&mut rng)), expected, "those are all the places");
    for place in places {
        let mut gpt = without.clone();
        *place(&mut gpt) = Dropout::new(0.5);
        assert_ne!(logits(&gpt, &mut Mode::Train(&mut rng)), expected);
    }
}
