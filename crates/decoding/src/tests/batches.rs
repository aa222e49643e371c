//! Several texts at a time.

use super::*;

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
