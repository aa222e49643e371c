//! What is heard is what is written, whatever was asked for and however it is chosen.

use super::{Generator, Request};
use crate::data::Prompts;
use crate::decoding::{Beam, Contrastive, GenerateOptions, Length, Search};
use crate::models::{Gpt, GptConfig};

use crate::tensor::Rng;
use crate::text::Tokenizer;
use crate::{Examples, PromptKind, PromptSettings, Rung, Settings};
use std::ops::ControlFlow;

/// A model of one character after another that has learnt nothing, and what it is asked for: to go on, and to answer.
fn generator() -> (Generator, Vec<Request>) {
    let tokenizer = Tokenizer::char_from("abcdef=.").unwrap();
    let model = Gpt::new(
        &GptConfig {
            vocabulary: tokenizer.vocabulary(),
            context: 16,
            width: 8,
            heads: 2,
            layers: 1,
            bias: true,
            ..GptConfig::nanogpt()
        },
        &mut Rng::new(0),
    )
    .unwrap();
    let mut settings = Settings::of(Rung::Gpt);
    let template = "{source}={target}.".to_owned();
    settings.data.examples = Examples::Prompts(PromptSettings { task: PromptKind::Pairs, template });
    let prompts = Prompts::new(&settings, &tokenizer).unwrap();
    let generator = Generator::new(Box::new(model), tokenizer).with_prompts(prompts);
    let requests = [generator.source("ab"), generator.prompt("abc"), generator.source("f"), generator.beginning()];
    let requests = requests.map(Result::unwrap).into();
    (generator, requests)
}

#[test]
fn every_text_is_heard_in_parts_and_one_after_another_if_they_are_written_so() {
    let (generator, requests) = generator();
    let contrastive = Search::Contrastive(Contrastive { alpha: 0.5, candidates: 3 });
    for (search, texts) in [(Search::Sample, 3), (Search::Beam(Beam::new(3)), 2), (contrastive, 1)] {
        let options =
            |batch| GenerateOptions { search, texts, batch, length: Length::at_most(9), ..Default::default() };
        let mut all = Vec::new();
        for batch in [1, 2, 64] {
            let mut heard: Vec<(usize, String)> = Vec::new();
            let mut listen = |number: usize, part: &str| {
                heard.push((number, part.to_owned()));
                ControlFlow::Continue(())
            };
            let written = generator.generate(&requests, &options(batch), &Rng::new(1), &mut listen).unwrap();
            let whole: Vec<String> = written.into_iter().flatten().map(|text| text.text).collect();
            assert_eq!(whole.len(), requests.len() * texts);
            for (number, text) in whole.iter().enumerate() {
                let parts: String = heard.iter().filter(|(n, _)| *n == number).map(|(_, part)| part.as_str()).collect();
                assert_eq!(&parts, text, "{search:?}, {batch} at a time");
            }
            if batch == 1 {
                // Prompts are continued before questions are answered.
                let of_kind = |n: usize| (requests[n / texts].kind, n);
                assert!(heard.is_sorted_by_key(|(number, _)| of_kind(*number)), "{search:?}");
            }
            all.push(whole);
        }
        assert!(all.iter().all(|texts| *texts == all[0]), "{search:?}: a batch is a matter of speed");
    }
}

#[test]
fn whoever_has_heard_enough_ends_a_text() {
    let (generator, requests) = generator();
    let options = GenerateOptions { batch: 1, ..Default::default() };
    let mut stop = |_: usize, _: &str| ControlFlow::Break(());
    let written = generator.generate(&requests[1..2], &options, &Rng::new(1), &mut stop).unwrap();
    assert_eq!(written[0][0].generated.ids.len(), 1);
}
