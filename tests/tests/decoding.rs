//! The laws of decoding: whatever model writes, and however it chooses.

mod processors;
mod sampling;
mod searches;

use proptest::prelude::*;
use rungs_decoding::{
    Beam, Context, Contrastive, CountPenalty, Finish, GenerateError, GenerateOptions, Generated, Length, LengthPenalty,
    MinP, NoRepeatNgram, OnToken, Pattern, Processor, Processors, RepetitionPenalty, Search, Temperature, TopK, TopP,
    Typical, draw, generate, generate_with_draft, likeliest, log_probability,
};
use rungs_layers::tensor::{Array, Ids, Rng, Tensor};
use rungs_layers::{Mode, Module};
use rungs_models::{Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig};
use rungs_text::Tokenizer;
use std::ops::ControlFlow;
use std::sync::Arc;

const VOCABULARY: usize = 7;
const CONTEXT: usize = 8;

/// Language models of every kind that matters here, tiny, with parameters drawn so large that all of them matter.
fn models(seed: u64) -> Vec<(&'static str, Box<dyn LanguageModel<f64>>)> {
    let rng = &mut Rng::new(seed);
    let config = RecurrentConfig { vocabulary: VOCABULARY, embedding: 5, hidden: 6, layers: 2, dropout: 0.0 };
    let llama = GptConfig { key_heads: 1, ..GptConfig::llama(VOCABULARY, CONTEXT, 8, 2, 2) };
    let mut models: Vec<(_, Box<dyn LanguageModel<f64>>)> = vec![
        ("lstm", Box::new(LstmLanguageModel::new(&config, rng).unwrap())),
        ("gru", Box::new(GruLanguageModel::new(&config, rng).unwrap())),
        ("gpt", Box::new(Gpt::new(&GptConfig::gpt(VOCABULARY, CONTEXT, 6, 2, 2), rng).unwrap())),
        ("llama", Box::new(Gpt::new(&llama, rng).unwrap())),
    ];
    for (_, model) in &mut models {
        model.for_each_mut(&mut |_, p| *p = Tensor::variable(Array::normal(p.shape(), 0.0, 0.7, rng)));
    }
    models
}

/// The logits of a text read at once: one row (V) per token.
fn logits(model: &dyn LanguageModel<f64>, ids: &[u32]) -> Vec<Vec<f64>> {
    let ids = Ids::new(ids.to_vec(), [1, ids.len()]);
    let logits = model.logits(&ids, &mut model.start(1), &mut Mode::Eval);
    logits.to_vec().chunks(model.vocabulary()).map(<[f64]>::to_vec).collect()
}

/// Equal but for the rounding of sums taken in different orders.
fn assert_close(what: &str, a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-10 * (1.0 + a.abs().max(b.abs())), "{what}: {a} and {b}");
    }
}

fn go_on() -> impl FnMut(usize, u32) -> ControlFlow<()> {
    |_, _| ControlFlow::Continue(())
}

/// One text.
fn write(
    model: &dyn LanguageModel<f64>,
    prompt: &[u32],
    options: &GenerateOptions,
    seed: u64,
) -> Result<Generated, GenerateError> {
    let mut texts = generate(model, &[prompt], options, &Rng::new(seed), &mut go_on())?;
    Ok(texts.remove(0).remove(0))
}

fn options(search: Search, max: usize) -> GenerateOptions {
    GenerateOptions { search, length: Length::at_most(max), ..GenerateOptions::default() }
}

fn random(temperature: f64, top_k: Option<usize>, top_p: Option<f64>) -> Processors {
    let mut chain: Processors = vec![Arc::new(Temperature::new(temperature).unwrap())];
    if let Some(k) = top_k {
        chain.push(Arc::new(TopK::new(k).unwrap()));
    }
    if let Some(p) = top_p {
        chain.push(Arc::new(TopP::new(p).unwrap()));
    }
    chain
}

/// What processors make of logits.
fn processed(chain: &Processors, logits: &[f64]) -> Vec<f64> {
    let mut logits = logits.to_vec();
    let context = Context { prompt: &[], written: &[], remaining: 1 };
    chain.iter().for_each(|processor| processor.process(&context, &mut logits));
    logits
}

/// ln p of a text after a prompt, in one forward pass.
fn log_p(model: &dyn LanguageModel<f64>, prompt: &[u32], ids: &[u32]) -> Vec<f64> {
    let rows = logits(model, &[prompt, ids].concat());
    ids.iter().zip(&rows[prompt.len() - 1..]).map(|(&id, row)| log_probability(row, id)).collect()
}

/// Whether `counts` could be draws from `probabilities`: Pearson's χ², five standard deviations above its mean.
fn assert_drawn_from(what: &str, counts: &[usize], probabilities: &[f64]) {
    let n = counts.iter().sum::<usize>() as f64;
    let mut statistic = 0.0;
    let mut freedom = -1.0;
    for (&count, &p) in counts.iter().zip(probabilities) {
        if p == 0.0 {
            assert_eq!(count, 0, "{what}: drew what cannot be drawn: {counts:?}");
        } else {
            statistic += (count as f64 - n * p).powi(2) / (n * p);
            freedom += 1.0;
        }
    }
    let bound = freedom + 5.0 * (2.0 * f64::max(freedom, 0.0)).sqrt();
    assert!(statistic <= bound, "{what}: χ² = {statistic} > {bound}: {counts:?}");
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let weights: Vec<f64> = logits.iter().map(|z| z.exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

// -------------------------------------------------------------------------------------------------------- generation

#[test]
fn a_seed_decides_the_text() {
    for (name, model) in models(7) {
        let text = |seed| write(model.as_ref(), &[1, 2], &options(Search::Sample, 30), seed).unwrap();
        assert_eq!(text(5), text(5), "{name}");
        assert_ne!(text(5).ids, text(6).ids, "{name}");
        assert_eq!((text(5).ids.len(), text(5).finish), (30, Finish::Length), "{name}");
    }
}

#[test]
fn greedy_takes_the_likeliest_token_every_time() {
    for (name, model) in models(7) {
        let prompt = [4, 0];
        let text = write(model.as_ref(), &prompt, &options(Search::Greedy, CONTEXT - 2), 0).unwrap();
        let all = logits(model.as_ref(), &[&prompt[..], &text.ids].concat());
        for (row, &id) in all[prompt.len() - 1..].iter().zip(&text.ids) {
            assert!(row.iter().all(|&z| z <= row[id as usize]), "{name}");
        }
        let cold = GenerateOptions { processors: random(1e-6, None, None), ..options(Search::Sample, CONTEXT - 2) };
        assert_eq!(write(model.as_ref(), &prompt, &cold, 9).unwrap(), text, "{name}");
        let beam = write(model.as_ref(), &prompt, &options(Search::Beam(Beam::new(1)), CONTEXT - 2), 0).unwrap();
        assert_eq!(beam.ids, text.ids, "{name}: a beam of one");
        assert_close(name, &beam.log_probabilities, &text.log_probabilities);
        let contrastive = Search::Contrastive(Contrastive { alpha: 0.0, candidates: 3 });
        let contrastive = write(model.as_ref(), &prompt, &options(contrastive, CONTEXT - 2), 0).unwrap();
        assert_eq!(contrastive.ids, text.ids, "{name}: a contrastive search that likeness does not concern");
    }
}

/// Every way to choose, with room for so many tokens.
fn searches() -> Vec<(Search, Processors)> {
    let contrastive = Contrastive { alpha: 0.6, candidates: 3 };
    let groups = Beam { groups: 2, diversity: 0.7, penalty: LengthPenalty::Gnmt(0.8), ..Beam::new(4) };
    vec![
        (Search::Greedy, vec![]),
        (Search::Sample, vec![]),
        (Search::Sample, random(0.7, Some(3), Some(0.9))),
        (Search::Beam(Beam::new(3)), vec![]),
        (Search::Beam(groups), vec![]),
        (Search::Contrastive(contrastive), vec![]),
    ]
}

#[test]
fn log_probabilities_are_the_models_own_whatever_chose() {
    for (name, model) in models(7) {
        for (search, processors) in searches() {
            for stop in [vec![], vec![2, 5]] {
                let prompt = [6, 2, 5];
                let options = GenerateOptions { processors: processors.clone(), stop, ..options(search, 5) };
                let text = write(model.as_ref(), &prompt, &options, 3).unwrap();
                assert_close(name, &text.log_probabilities, &log_p(model.as_ref(), &prompt, &text.ids));
                let expected = match search {
                    Search::Beam(beam) => beam.penalty.score(text.log_probability(), text.ids.len()),
                    _ => text.log_probability() / text.ids.len() as f64,
                };
                assert_close(name, &[text.score], &[expected]);
            }
        }
    }
}

/// The last half of a context, as the rule has it.
fn slide(window: &mut Vec<u32>) {
    if window.len() > CONTEXT {
        window.drain(..window.len() - CONTEXT / 2);
    }
}

#[test]
fn past_its_context_a_gpt_goes_on_from_the_last_half() {
    for (name, gpt) in models(7).split_off(2) {
        let prompt: Vec<u32> = (0..5).map(|i| i % VOCABULARY as u32).collect();
        let text = write(gpt.as_ref(), &prompt, &options(Search::Sample, 40), 2).unwrap();
        // The same text by the rule: read tokens one by one; when the window of 8 is full, keep the last 4 of the 9.
        let (mut window, mut by_rule) = (prompt, Vec::new());
        for &id in &text.ids {
            let after = logits(gpt.as_ref(), &window).pop().unwrap();
            by_rule.push(log_probability(&after, id));
            window.push(id);
            slide(&mut window);
        }
        assert_eq!(text.ids.len(), 40);
        assert_close(name, &text.log_probabilities, &by_rule);
    }
}

#[test]
fn only_the_last_half_context_of_a_long_prompt_matters_to_a_gpt_and_all_of_it_to_the_others() {
    let tail: Vec<u32> = (0..4).map(|i| (3 * i + 1) % VOCABULARY as u32).collect();
    let [long, other] = [[2; 700], [5; 700]].map(|head| [&head[..], &tail].concat());
    for (name, model) in models(7) {
        let text =
            |prompt: &[u32]| write(model.as_ref(), prompt, &options(Search::Greedy, 1), 0).unwrap().log_probability();
        match model.context() {
            Some(_) => assert_eq!((text(&long), text(&other)), (text(&tail), text(&tail)), "{name}"),
            None => {
                let row = logits(model.as_ref(), &long).pop().unwrap();
                assert_close(name, &[text(&long)], &[log_probability(&row, likeliest(&row).unwrap())]);
            }
        }
    }
}

#[test]
fn a_text_ends_at_a_stop_token_but_not_before_it_is_long_enough() {
    let stop = vec![2, 3];
    for (name, model) in models(7) {
        let mut lengths = Vec::new();
        for seed in 0..40 {
            let length = Length::new(4, 100).unwrap();
            let options = GenerateOptions { length, stop: stop.clone(), ..GenerateOptions::default() };
            let text = write(model.as_ref(), &[1], &options, seed).unwrap();
            let (last, before) = text.ids.split_last().unwrap();
            assert!(before.iter().all(|id| !stop.contains(id)), "{name}: {text:?}");
            assert_eq!(stop.contains(last), text.finish == Finish::Stop, "{name}: {text:?}");
            lengths.push(text.ids.len());
        }
        assert_eq!(lengths.iter().min(), Some(&4), "{name}: {lengths:?}");
        // Until then its probability is left alone: it is only not chosen.
        let (length, stop) = (Length::new(2, 2).unwrap(), vec![0, 1, 2, 3, 4, 5]);
        let text =
            write(model.as_ref(), &[1], &GenerateOptions { length, stop, ..options(Search::Greedy, 2) }, 0).unwrap();
        assert_eq!(text.ids[0], 6, "{name}");
        assert_close(name, &text.log_probabilities, &log_p(model.as_ref(), &[1], &text.ids));
    }
}

#[test]
fn whoever_listens_hears_every_token_and_can_end_a_text() {
    for (name, model) in models(7) {
        let mut heard = vec![Vec::new(); 6];
        let mut listen = |number: usize, id: u32| {
            heard[number].push(id);
            if heard[number].len() == 3 + number { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = GenerateOptions { texts: 2, batch: 4, ..options(Search::Sample, 50) };
        let prompts = [vec![0], vec![1, 2, 3], vec![4, 4]];
        let texts = generate(model.as_ref(), &prompts, &options, &Rng::new(0), &mut listen).unwrap();
        let texts: Vec<Generated> = texts.into_iter().flatten().collect();
        assert!(texts.iter().map(|text| &text.ids).eq(&heard), "{name}: streamed is whole");
        assert!(texts.iter().all(|text| text.finish == Finish::Stop), "{name}");

        let nothing = GenerateOptions { length: Length::at_most(0), ..options };
        let never: OnToken<'_> = &mut |_, _| panic!("no token");
        let texts = generate(model.as_ref(), &[[0]], &nothing, &Rng::new(0), never).unwrap();
        assert_eq!((texts[0].len(), texts[0][0].ids.len(), texts[0][0].finish), (2, 0, Finish::Length));
    }
}

#[test]
fn what_cannot_be_continued_is_refused_in_one_line() {
    for (name, mut model) in models(7) {
        let error = |model: &dyn LanguageModel<f64>, prompt: &[u32], wanted: GenerateOptions| {
            write(model, prompt, &wanted, 0).unwrap_err().to_string()
        };
        let plain = || options(Search::Sample, 9);
        let stop = |stop: &[u32], min| GenerateOptions {
            stop: stop.to_vec(),
            length: Length::new(min, 9).unwrap(),
            ..plain()
        };
        let empty = "the prompt is empty: there must be at least one token to go on from";
        assert_eq!(error(model.as_ref(), &[], plain()), empty);
        assert_eq!(error(model.as_ref(), &[1, 7], plain()), "prompt token 7 is outside the model's vocabulary of 7");
        assert_eq!(error(model.as_ref(), &[1], stop(&[9], 0)), "stop token 9 is outside the model's vocabulary of 7");
        assert_eq!(
            error(model.as_ref(), &[1], stop(&[0, 1, 2, 3, 4, 5, 6], 2)),
            "every token is a stop token, and the text must have 2 tokens or more"
        );
        let search = |search| GenerateOptions { search, ..options(search, 3) };
        let beam = |beam| search(Search::Beam(beam));
        assert_eq!(error(model.as_ref(), &[1], beam(Beam::new(0))), "beam is 0; it must be at least 1");
        assert_eq!(error(model.as_ref(), &[1], beam(Beam::new(8))), "beam 8 is too large; the most is 7");
        let groups = Beam { groups: 2, ..Beam::new(3) };
        assert_eq!(error(model.as_ref(), &[1], beam(groups)), "beam 3 is not a multiple of beam-groups 2");
        let many = GenerateOptions { texts: 4, ..beam(Beam::new(3)) };
        assert_eq!(error(model.as_ref(), &[1], many), "n 4 is too large; the most is 3");
        let contrastive = search(Search::Contrastive(Contrastive { alpha: 1.5, candidates: 2 }));
        assert_eq!(error(model.as_ref(), &[1], contrastive), "contrastive 1.5 is not from 0 to 1");
        if model.context().is_some() {
            let long = GenerateOptions { length: Length::at_most(9), ..beam(Beam::new(2)) };
            let expected = "2 tokens of a prompt and 9 more do not fit the model's context of 8";
            assert_eq!(error(model.as_ref(), &[1, 2], long), expected, "{name}");
        }
        model.for_each_mut(&mut |_, p| p.update(|values| values[0] = f64::NAN));
        for (way, processors) in searches() {
            assert_eq!(
                error(model.as_ref(), &[0], GenerateOptions { processors, ..options(way, 5) }),
                "the model's logits are not finite after 0 tokens: its parameters are damaged or have diverged"
            );
        }
    }
    assert_eq!(Length::new(5, 4).unwrap_err().to_string(), "min-tokens 5 is more than max-tokens 4");
}

// --------------------------------------------------------------------------------------------------------------
// batches

#[test]
fn texts_of_a_batch_are_the_texts_alone() {
    let prompts: [&[u32]; 5] = [&[1, 2, 3], &[4], &[0, 6, 5, 4, 3, 2, 1], &[2, 2, 2], &[3, 1, 4, 1, 5, 2, 6, 5, 3, 5]];
    for (name, model) in models(7) {
        for (search, processors) in searches() {
            // Long texts, past the context, of which each row reaches the end at another time; searches stay within.
            let long = matches!(search, Search::Greedy | Search::Sample);
            let prompts = if long { &prompts[..] } else { &prompts[..2] };
            let options = GenerateOptions { processors, stop: vec![5], ..options(search, if long { 30 } else { 5 }) };
            let together = generate(model.as_ref(), prompts, &options, &Rng::new(4), &mut go_on()).unwrap();
            for batch in [1, 2] {
                let options = GenerateOptions { batch, ..options.clone() };
                let alone = generate(model.as_ref(), prompts, &options, &Rng::new(4), &mut go_on()).unwrap();
                for (a, b) in together.iter().flatten().zip(alone.iter().flatten()) {
                    assert_eq!((&a.ids, a.finish), (&b.ids, b.finish), "{name} {search:?}");
                    assert_close(name, &a.log_probabilities, &b.log_probabilities);
                }
            }
        }
    }
}

#[test]
fn several_texts_are_drawn_apart_and_the_first_does_not_know_of_the_others() {
    for (name, model) in models(7) {
        let texts = |texts| {
            let options = GenerateOptions { texts, ..options(Search::Sample, 12) };
            generate(model.as_ref(), &[[3, 1]], &options, &Rng::new(1), &mut go_on()).unwrap().remove(0)
        };
        let (one, five) = (texts(1), texts(5));
        assert_eq!(one[0], five[0], "{name}");
        assert!((1..5).all(|i| five[i].ids != five[0].ids), "{name}");
    }
}
