//! Beams, contrastive search, and drafts.

use super::*;

#[test]
fn a_beam_that_holds_everything_finds_the_most_probable_texts() {
    // Texts of three tokens, or ended sooner: fewer than 7 beginnings never had to be dropped, if the beam is as wide
    // as the vocabulary and only four tokens are allowed.
    #[derive(Debug)]
    struct Few;
    impl Processor for Few {
        fn process(&self, _: &Context<'_>, logits: &mut [f64]) {
            logits[3..].fill(f64::NEG_INFINITY);
        }
    }
    for (name, model) in models(7) {
        // Of tokens 0, 1 and 2, where 2 ends a text: 2, 02, 12 and four of two tokens.
        let beam = Beam { penalty: LengthPenalty::Power(0.0), ..Beam::new(7) };
        let options = GenerateOptions {
            processors: vec![Arc::new(Few)],
            stop: vec![2],
            texts: 7,
            ..options(Search::Beam(beam), 2)
        };
        let found = generate(model.as_ref(), &[[5, 6]], &options, &Rng::new(0), &mut go_on()).unwrap().remove(0);
        let mut all: Vec<(f64, Vec<u32>)> =
            [vec![2], vec![0, 2], vec![1, 2], vec![0, 0], vec![0, 1], vec![1, 0], vec![1, 1]]
                .into_iter()
                .map(|ids| (log_p(model.as_ref(), &[5, 6], &ids).iter().sum(), ids))
                .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        assert!(found.iter().map(|text| &text.ids).eq(all.iter().map(|(_, ids)| ids)), "{name}");
        let scores: Vec<f64> = found.iter().map(|text| text.score).collect();
        assert_close(name, &scores, &all.iter().map(|(log_p, _)| *log_p).collect::<Vec<_>>());
    }
}

#[test]
fn groups_that_need_not_differ_are_narrower_beams_and_those_that_must_begin_apart() {
    for (name, model) in models(7) {
        let beam = |beam: Beam| {
            let options = GenerateOptions { texts: beam.width, ..options(Search::Beam(beam), 5) };
            generate(model.as_ref(), &[[3, 1]], &options, &Rng::new(0), &mut go_on()).unwrap().remove(0)
        };
        let ids = |texts: &[Generated]| texts.iter().map(|text| text.ids.clone()).collect::<Vec<_>>();
        let narrow = ids(&beam(Beam::new(2)));
        let same = ids(&beam(Beam { groups: 3, ..Beam::new(6) }));
        assert!(narrow.iter().all(|text| same.iter().filter(|other| *other == text).count() == 3), "{name}");
        // What an earlier group chose costs more than anything else could gain.
        let apart = beam(Beam { groups: 5, diversity: 1e3, ..Beam::new(5) });
        for at in 0..5 {
            let mut tokens: Vec<u32> = apart.iter().map(|text| text.ids[at]).collect();
            tokens.sort_unstable();
            tokens.dedup();
            assert_eq!(tokens.len(), 5, "{name}: token {at}");
        }
        for text in &apart {
            assert_close(name, &[text.score], &[text.log_probability() / 5.0]);
        }
    }
}

#[test]
fn a_search_does_not_depend_on_a_constant_added_to_all_logits() {
    for (name, mut model) in models(7).into_iter().filter(|(name, _)| ["lstm", "gru"].contains(name)) {
        let contrastive = Contrastive { alpha: 0.3, candidates: 4 };
        let penalty = RepetitionPenalty::new(1.7).unwrap();
        let texts = |model: &dyn LanguageModel<f64>| {
            [Search::Beam(Beam::new(3)), Search::Contrastive(contrastive)].map(|search| {
                let options = GenerateOptions { processors: vec![Arc::new(penalty)], ..options(search, 12) };
                write(model, &[3, 1], &options, 0).unwrap()
            })
        };
        let before = texts(model.as_ref());
        model.for_each_mut(&mut |parameter, p| {
            if parameter == "head.bias" {
                *p = &*p + 5.0;
            }
        });
        for (before, after) in before.iter().zip(texts(model.as_ref())) {
            assert_eq!(before.ids, after.ids, "{name}");
            assert_close(name, &[before.score], &[after.score]);
        }
    }
}

// --------------------------------------------------------------------------------------------------------- contrastive

#[test]
fn contrastive_search_is_its_definition() {
    for (name, model) in models(7) {
        for alpha in [0.3, 0.6, 1.0] {
            let contrastive = Contrastive { alpha, candidates: 4 };
            let prompt = vec![3, 1];
            let text = write(model.as_ref(), &prompt, &options(Search::Contrastive(contrastive), 6), 0).unwrap();
            let mut read = prompt;
            for &chosen in &text.ids {
                let p = softmax(&logits(model.as_ref(), &read).pop().unwrap());
                let mut ranked: Vec<u32> = (0..VOCABULARY as u32).collect();
                ranked.sort_by(|&a, &b| p[b as usize].total_cmp(&p[a as usize]));
                let value = |id: u32| {
                    let text = [&read[..], &[id]].concat();
                    let ids = Ids::new(text.clone(), [1, text.len()]);
                    let features = model.features(&ids, &mut model.start(1), &mut Mode::Eval);
                    let features = features.to_vec();
                    let h: Vec<&[f64]> = features.chunks(features.len() / text.len()).collect();
                    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                    let cosine = |a, b| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
                    let (new, seen) = h.split_last().unwrap();
                    let alike = seen.iter().map(|seen| cosine(new, seen)).fold(f64::NEG_INFINITY, f64::max);
                    (1.0 - alpha) * p[id as usize] - alpha * alike
                };
                let best = ranked[..4].iter().copied().map(value).fold(f64::NEG_INFINITY, f64::max);
                assert!(ranked[..4].contains(&chosen), "{name}: of the four likeliest");
                assert!((value(chosen) - best).abs() < 1e-9, "{name} {alpha}");
                read.push(chosen);
            }
        }
    }
}

// --------------------------------------------------------------------------------------------------------- speculative

#[test]
fn a_draft_changes_no_greedy_text() {
    let (models, drafts) = (models(7), models(8));
    for (name, model) in &models {
        // A bad draft, a perfect one, and one of another kind.
        for (draft_name, draft) in models.iter().chain(&drafts) {
            for ahead in [1, 3, 6] {
                let options = GenerateOptions { stop: vec![5], ..options(Search::Greedy, 40) };
                let expected = write(model.as_ref(), &[1, 0], &options, 0).unwrap();
                let mut heard = Vec::new();
                let mut listen = |_: usize, &id: &u32| {
                    heard.push(id);
                    ControlFlow::Continue(())
                };
                let both = [model.as_ref(), draft.as_ref()];
                let (texts, drafted) =
                    generate_with_draft(both, ahead, &[[1, 0]], &options, &Rng::new(0), &mut listen).unwrap();
                let (text, drafted) = (&texts[0][0], drafted[0]);
                assert_eq!((&text.ids, text.finish), (&expected.ids, expected.finish), "{name} by {draft_name}");
                assert_close(name, &text.log_probabilities, &expected.log_probabilities);
                assert!(heard == text.ids && drafted.accepted <= drafted.proposed);
                if model.context().is_none() && std::ptr::eq(model, draft) {
                    assert_eq!(drafted.accepted, drafted.proposed, "{name}: its own draft is always right");
                }
            }
        }
    }
}

#[test]
fn a_draft_changes_no_distribution() {
    let (models, drafts) = (models(7), models(8));
    for ((name, model), (_, draft)) in models.iter().zip(&drafts).skip(1).step_by(2) {
        for processors in [vec![], random(0.8, Some(4), None)] {
            let options = GenerateOptions { processors, ..options(Search::Sample, 2) };
            // All texts of two tokens.
            let mut expected = vec![0.0; VOCABULARY * VOCABULARY];
            let p =
                |text: &[u32]| softmax(&processed(&options.processors, &logits(model.as_ref(), text).pop().unwrap()));
            for (a, pa) in p(&[1, 0]).into_iter().enumerate() {
                for (b, pb) in p(&[1, 0, a as u32]).into_iter().enumerate() {
                    expected[a * VOCABULARY + b] = pa * pb;
                }
            }
            let mut counts = vec![0; expected.len()];
            let mut drafted = (0, 0);
            for seed in 0..8_000 {
                let both = [model.as_ref(), draft.as_ref()];
                let rng = |_: usize, _: usize| Rng::new(seed);
                let (texts, how) = generate_with_draft(both, 3, &[[1, 0]], &options, &rng, &mut go_on()).unwrap();
                let (text, how) = (&texts[0][0], how[0]);
                counts[text.ids[0] as usize * VOCABULARY + text.ids[1] as usize] += 1;
                drafted = (drafted.0 + how.proposed, drafted.1 + how.accepted);
            }
            assert_drawn_from(name, &counts, &expected);
            assert!(drafted.1 > 0 && drafted.1 < drafted.0, "{name}: {drafted:?}: both cases occur");
        }
    }
}

#[test]
fn drafts_that_cannot_be_are_refused() {
    let model = models(7).remove(0).1;
    let other = RecurrentConfig { vocabulary: 9, embedding: 2, hidden: 2, layers: 1, dropout: 0.0 };
    let other = LstmLanguageModel::<f64>::new(&other, &mut Rng::new(0)).unwrap();
    let error = |draft: &dyn LanguageModel<f64>, ahead, options: &GenerateOptions| {
        let both = [model.as_ref(), draft];
        generate_with_draft(both, ahead, &[[1]], options, &Rng::new(0), &mut go_on()).unwrap_err().to_string()
    };
    let plain = options(Search::Sample, 5);
    assert_eq!(error(&other, 3, &plain), "the draft model has 9 tokens, the model 7: they must have the same");
    assert_eq!(error(model.as_ref(), 0, &plain), "ahead is 0; it must be at least 1");
    let beam = options(Search::Beam(Beam::new(2)), 5);
    let expected = "a draft helps to write one text, greedily or drawn, and no search";
    assert_eq!(error(model.as_ref(), 3, &beam), expected);
}

/// A search that stops when it is sure finds no worse texts than one that guesses, and one that stops when it has as
/// many as it keeps has looked no further. Which texts these are is compared with those of transformers in the tests of
/// the program.
#[test]
fn a_search_that_may_stop_later_finds_no_worse_texts() {
    let mut differ = [0, 0];
    for seed in 0..40 {
        for (name, model) in models(seed) {
            let score = |ending, a| {
                let beam = Beam { ending, penalty: LengthPenalty::Power(a), ..Beam::new(2) };
                let options = GenerateOptions {
                    search: Search::Beam(beam),
                    stop: vec![0, 1],
                    length: Length::at_most(6),
                    ..GenerateOptions::default()
                };
                let go_on = &mut |_: usize, _: &u32| ControlFlow::Continue(());
                generate(model.as_ref(), &[[3_u32, 4]], &options, &Rng::new(0), go_on).unwrap()[0][0].score
            };
            for a in [0.0, 1.0, 2.0] {
                let [full, likely, sure] =
                    [Ending::UntilFull, Ending::LeavesPlace, Ending::UntilSure].map(|ending| score(ending, a));
                assert!(full <= likely && likely <= sure, "{name} {seed} {a}: {full} {likely} {sure}");
                assert!(a > 0.0 || likely == sure, "without a penalty no text can become better");
                differ = [differ[0] + usize::from(full < likely), differ[1] + usize::from(likely < sure)];
            }
        }
    }
    assert!(differ.iter().all(|&differ| differ > 3), "{differ:?}");
}
