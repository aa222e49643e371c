//! Beam search for translations.

use super::tiny_translators::{KINDS, VOCABULARY, logits, models, row, sources};
use crate::*;
use proptest::prelude::*;
use rungs_layers::Mode;
use rungs_layers::tensor::{Ids, Rng};
use rungs_models::{LanguageModel, Source};
use std::ops::ControlFlow;
use std::sync::Arc;

const END: u32 = 2;

fn search(model: &dyn LanguageModel<f64>, source: &Source, options: &GenerateOptions) -> Vec<Vec<Generated>> {
    let [_, s] = source.ids().dims();
    let texts = source.ids().as_slice().chunks(s).zip(source.lengths()).map(|(ids, &length)| &ids[..length]);
    let prompts = texts.map(|source| Prompt { source: Some(source), ids: &[1] });
    // All of them together.
    let options = GenerateOptions { batch: 16, ..options.clone() };
    generate(model, prompts, &options, &Rng::new(0), &mut |_, _| ControlFlow::Continue(())).unwrap()
}

/// A search for texts of up to five tokens, the end among them.
fn options(beam: usize, penalty: LengthPenalty) -> GenerateOptions {
    GenerateOptions {
        processors: vec![Arc::new(LogitBias::ruling_out([0, 1]))],
        search: Search::Beam(Beam { penalty, ending: Ending::KeepsPlace, ..Beam::new(beam) }),
        length: Length::at_most(5),
        stop: vec![END],
        texts: beam,
        ..GenerateOptions::default()
    }
}

/// ln p of a text under the model, in one forward pass.
fn log_p(model: &dyn LanguageModel<f64>, source: &Source, written: &[u32]) -> f64 {
    let read: Vec<u32> = std::iter::once(1).chain(written.iter().copied()).take(written.len()).collect();
    let logits = logits(model, source, &Ids::new(read, [1, written.len()]), &mut Mode::Eval).to_vec();
    written.iter().zip(logits.chunks(VOCABULARY)).map(|(&id, z)| log_probability(z, id)).sum()
}

/// Greedy decoding, by hand.
fn greedy(model: &dyn LanguageModel<f64>, source: &Source, max: usize) -> Vec<u32> {
    let mut state = model.encode(source, &mut Mode::Eval);
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

/// A beam search written down as it is defined: a text that has ended keeps one of the places.
fn by_hand(model: &dyn LanguageModel<f64>, source: &Source, width: usize, max: usize) -> Vec<Vec<u32>> {
    let (mut live, mut ended) = (vec![Vec::new()], Vec::new());
    for tokens in 1..=max {
        let mut candidates: Vec<(f64, Vec<u32>)> = live
            .iter()
            .flat_map(|text: &Vec<u32>| (END..VOCABULARY as u32).map(move |id| [&text[..], &[id]].concat()))
            .map(|text| (log_p(model, source, &text), text))
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        candidates.truncate(width - ended.len());
        let over = |(_, text): &(f64, Vec<u32>)| text.ends_with(&[END]) || tokens == max;
        let (over, going_on): (Vec<_>, Vec<_>) = candidates.into_iter().partition(over);
        ended.extend(over);
        live = going_on.into_iter().map(|(_, text)| text).collect();
    }
    ended.sort_by(|(p, a), (q, b)| (q / b.len() as f64).total_cmp(&(p / a.len() as f64)));
    ended.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn a_text_that_has_ended_keeps_its_place_in_the_beam() {
    let mut early = 0;
    for (name, model) in models::<f64>() {
        let source = sources(&[4, 1, 3], 0);
        for beam in 1..=5 {
            let found = search(model.as_ref(), &source, &options(beam, LengthPenalty::Power(1.0)));
            for (i, texts) in found.iter().enumerate() {
                let expected = by_hand(model.as_ref(), &row(&source, i), beam, 5);
                assert!(
                    texts.iter().map(|text| &text.ids).eq(&expected),
                    "{name}, {beam}: {texts:?}, not {expected:?}"
                );
                early += expected.iter().filter(|text| text.len() < 5).count();
            }
        }
    }
    assert!(early > 10, "texts end at different lengths");
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
