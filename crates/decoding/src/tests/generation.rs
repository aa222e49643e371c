//! One text after another.

use super::*;

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
        assert_eq!(lengths.iter().min(), Some(&5), "{name}: four, and a stop token: {lengths:?}");
        // Until then its probability is left alone: it is only not chosen.
        let (length, stop) = (Length::new(1, 2).unwrap(), vec![0, 1, 2, 3, 4, 5]);
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
        let mut listen = |number: usize, &id: &u32| {
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
        let never: OnNext<'_, u32> = &mut |_, _| panic!("no token");
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
            "every token is a stop token, and 2 tokens or more must come before one"
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
