//! What is done to logits, and what matches an expression.

use super::*;
use rungs_text::Tokenizer;

#[derive(serde::Deserialize)]
struct Case {
    processor: String,
    value: f64,
    before: Vec<u32>,
    logits: Vec<f64>,
    probabilities: Vec<f64>,
}

#[test]
fn processors_leave_the_distributions_that_theirs_leave() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/decoding.json");
    let cases: Vec<Case> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for Case { processor: name, value, before, mut logits, probabilities } in cases {
        let processor: Arc<dyn Processor> = match name.as_str() {
            "temperature" => Arc::new(Temperature::new(value).unwrap()),
            "top-k" => Arc::new(TopK::new(value as usize).unwrap()),
            "top-p" => Arc::new(TopP::new(value).unwrap()),
            "min-p" => Arc::new(MinP::new(value).unwrap()),
            "typical" => Arc::new(Typical::new(value).unwrap()),
            "repetition-penalty" => Arc::new(RepetitionPenalty::new(value).unwrap()),
            "no-repeat-ngram" => Arc::new(NoRepeatNgram::new(value as usize).unwrap()),
            other => panic!("{other}"),
        };
        let (prompt, written) = before.split_at(3);
        processor.process(&Context { prompt, written, remaining: 1 }, &mut logits);
        if probabilities.iter().any(|p| !p.is_finite()) || logits.iter().all(|z| *z == f64::NEG_INFINITY) {
            assert!(logits.iter().all(|z| *z == f64::NEG_INFINITY), "{name} {value}: nothing is left");
            continue;
        }
        let ours = softmax(&logits);
        for (ours, theirs) in ours.iter().zip(&probabilities) {
            assert!((ours - theirs).abs() < 1e-12, "{name} {value}: {ours} and {theirs}");
            assert_eq!(*ours == 0.0, *theirs == 0.0, "{name} {value}");
        }
    }
}

#[test]
fn what_a_processor_rules_out_no_search_writes() {
    for (name, model) in models(7) {
        for (search, mut processors) in searches() {
            processors.insert(0, Arc::new(NoRepeatNgram::new(1).unwrap()));
            let text = write(model.as_ref(), &[3], &GenerateOptions { processors, ..options(search, 7) }, 2).unwrap();
            let mut ids = [&[3][..], &text.ids].concat();
            ids.sort_unstable();
            assert_eq!((ids, text.finish), ((0..7).collect(), Finish::Complete), "{name} {search:?}: each token once");
        }
    }
}

#[test]
fn penalties_lower_repetition() {
    for (name, model) in models(11) {
        let repeats = |processors: Processors| {
            let options = GenerateOptions { processors, texts: 20, ..options(Search::Sample, 20) };
            let texts = generate(model.as_ref(), &[[0]], &options, &Rng::new(0), &mut go_on()).unwrap();
            let same = |text: &Generated| text.ids.windows(2).filter(|pair| pair[0] == pair[1]).count();
            texts[0].iter().map(same).sum::<usize>()
        };
        let without = repeats(vec![]);
        assert!(repeats(vec![Arc::new(CountPenalty::new(0.0, 3.0).unwrap())]) < without, "{name}: {without}");
    }
}

#[test]
fn constrained_texts_match_however_they_are_chosen() {
    let tokenizer = Tokenizer::char_from("ab01.-x").unwrap();
    for expression in ["[ab]{2,4}-[01]*", "x|(ab)+", r"-?(0|1[01]*)(\.[01]+)?"] {
        let matcher = regex_automata::meta::Regex::new(&format!("^(?:{expression})$")).unwrap();
        // With a token that ends a text, and without.
        for stop in [vec![], tokenizer.encode("x").unwrap()] {
            if expression.starts_with('x') && !stop.is_empty() {
                continue;
            }
            let pattern = Arc::new(Pattern::new(expression, &tokenizer.token_bytes().unwrap(), &stop).unwrap());
            for (name, model) in models(7) {
                for (search, mut processors) in searches() {
                    processors.insert(0, pattern.clone());
                    for max in pattern.shortest()..8 {
                        let options = GenerateOptions {
                            processors: processors.clone(),
                            stop: stop.clone(),
                            ..options(search, max)
                        };
                        let text = write(model.as_ref(), &[3], &options, max as u64).unwrap();
                        let ids: Vec<u32> = text.ids.iter().copied().filter(|id| !stop.contains(id)).collect();
                        let text = tokenizer.decode(&ids);
                        assert!(matcher.is_match(&text), "{name} {search:?} {max}: {text:?} is no {expression}");
                    }
                }
            }
        }
    }
}
