use super::*;
use crate::data::{IGNORE_INDEX, SortedExamples};
use proptest::prelude::*;
use rungs_layers::tensor::Ids;

mod translations;

const PADDING: u32 = 0;

fn rows(ids: &Ids) -> Vec<Vec<u32>> {
    let [_, t] = ids.dims();
    ids.as_slice().chunks(t).map(<[u32]>::to_vec).collect()
}

/// A question and an answer.
fn example(question: &[u32], answer: &[u32]) -> Example {
    let mut example = Example::default();
    example.read(question);
    example.learn(answer);
    example
}

/// Which examples a batch has: the first token of each says so.
fn numbers(batch: &Batch) -> Vec<usize> {
    rows(&batch.inputs).iter().map(|row| row[0] as usize - 10).collect()
}

/// Examples of these lengths. Each token says which example it is of.
fn examples(lengths: &[(usize, usize)]) -> Vec<Example> {
    let of = |(i, &(q, a)): (usize, &(usize, usize))| example(&vec![i as u32 + 10; q], &vec![i as u32 + 10; a]);
    lengths.iter().enumerate().map(of).collect()
}

/// What a batch must be, whatever examples it holds.
fn assert_is_batch_of(examples: &[Example], batch: &Batch) {
    let (inputs, numbers) = (rows(&batch.inputs), numbers(batch));
    let [_, longest] = batch.inputs.dims();
    assert_eq!(longest, numbers.iter().map(|&row| examples[row].steps()).max().unwrap());
    let mut expected = Vec::new();
    for (b, &row) in numbers.iter().enumerate() {
        let example = &examples[row];
        let (read, padding) = inputs[b].split_at(example.steps());
        assert_eq!(read, &example.ids()[..example.steps()]);
        assert!(padding.iter().all(|&id| id == PADDING));
        let learnt = (1..example.ids().len()).filter(|&t| example.learnt()[t]);
        expected.extend(learnt.map(|t| ((b * longest + t - 1) as u32, example.ids()[t])));
    }
    let target = |&place: &u32| (place, batch.targets.as_slice()[place as usize]);
    let found: Vec<_> = batch.places().as_slice().iter().map(target).collect();
    assert_eq!(found, expected);
    assert!(batch.source.is_none() && batch.restart);
    assert_eq!(batch.tokens(), numbers.iter().map(|&row| examples[row].tokens()).sum::<usize>());
}

fn epoch(batches: &mut ExampleBatches) -> Vec<Batch> {
    (0..batches.batches_per_pass()).map(|_| batches.next_batch()).collect()
}

#[test]
fn a_batch_by_hand() {
    let mut turns = example(&[1, 2, 3], &[4, 5]);
    turns.read(&[6]);
    turns.learn(&[7]);
    turns.read(&[8]);
    let examples = vec![turns, example(&[9], &[10, 11])];
    let batch = SortedExamples::new(examples, 4).unwrap().batches(100).next().unwrap();
    let no = IGNORE_INDEX;
    assert_eq!(rows(&batch.inputs), [[9, 10, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7]]);
    assert_eq!(rows(&batch.targets), [[10, 11, no, no, no, no, no], [no, no, 4, 5, no, 7, no]]);
    assert_eq!(batch.places().as_slice(), [0, 1, 9, 10, 12]);
}

#[test]
fn what_stands_first_cannot_be_learnt() {
    let example = example(&[], &[5, 6, 7]);
    assert_eq!((example.steps(), example.tokens()), (2, 2));
    let batch = SortedExamples::new(vec![example], 1).unwrap().batches(9).next().unwrap();
    assert_eq!((batch.inputs.as_slice(), batch.targets.as_slice()), (&[5, 6][..], &[6, 7][..]));
}

#[test]
fn what_cannot_be_batched_is_refused() {
    let says = |result: Result<(), TrainError>, expected: &str| assert_eq!(result.unwrap_err().to_string(), expected);
    let train = |examples: Vec<Example>, batch| ExampleBatches::new(examples, batch, 0).map(drop);
    says(train(vec![], 4), "the training part: has no examples");
    says(train(examples(&[(1, 1)]), 0), "batch size: must be 1 or more");
    says(train(examples(&[(1, 1), (2, 0)]), 4), "the training part: nothing is to be learnt of example 2");
    says(train(examples(&[(0, 1)]), 4), "the training part: nothing is to be learnt of example 1");
    says(SortedExamples::new(vec![], 4).map(drop), "the validation part: has no examples");
    let mut batches = ExampleBatches::new(examples(&[(1, 1); 9]), 4, 0).unwrap();
    let problem = "the saved position does not fit the data: batch 3 of an epoch that has 3";
    says(batches.seek(EpochCursor { epoch: 1, batch: 3 }), problem);
    assert_eq!(batches.cursor(), EpochCursor::default(), "and nothing has moved");
}

#[test]
fn an_epoch_has_little_padding() {
    let mut rng = rungs_layers::tensor::Rng::new(3);
    let lengths: Vec<(usize, usize)> = (0..5000).map(|_| (3 + rng.below(20), 3 + rng.below(20))).collect();
    let steps: usize = lengths.iter().map(|&(q, a)| q + a - 1).sum();
    let mut batches = ExampleBatches::new(examples(&lengths), 32, 0).unwrap();
    let [first, second] = [epoch(&mut batches), epoch(&mut batches)];
    for epoch in [&first, &second] {
        let padded: usize = epoch.iter().map(|batch| batch.inputs.as_slice().len()).sum();
        assert!(padded < steps + steps / 20, "{padded} positions for {steps} tokens");
    }
    let met = |epoch: &[Batch]| epoch.iter().map(numbers).max().unwrap();
    assert_ne!(met(&first), met(&second), "other examples meet in every epoch");
}

fn lengths() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((1_usize..9, 1_usize..9), 1..60)
}

proptest! {
    #[test]
    fn an_epoch_reads_every_example_once(lengths in lengths(), batch in 1_usize..9, seed in 0_u64..9) {
        let examples = examples(&lengths);
        let mut batches = ExampleBatches::new(examples.clone(), batch, seed).unwrap();
        for number in 0..2 {
            prop_assert_eq!(batches.cursor(), EpochCursor { epoch: number, batch: 0 });
            let epoch = epoch(&mut batches);
            epoch.iter().for_each(|batch| assert_is_batch_of(&examples, batch));
            let mut rows: Vec<usize> = epoch.iter().flat_map(numbers).collect();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..examples.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn batches_go_on_from_a_saved_cursor(
        lengths in lengths(),
        of_pairs in translations::lengths(),
        batch in 1_usize..9,
        read in 0_usize..40,
    ) {
        for examples in [examples(&lengths), translations::of_lengths(&of_pairs)] {
            let fresh = ExampleBatches::new(examples, batch, 7).unwrap();
            let (mut batches, mut resumed, mut begun) = (fresh.clone(), fresh.clone(), fresh);
            (0..read).for_each(|_| drop(batches.next_batch()));
            let json = serde_json::to_string(&batches.cursor()).unwrap();
            resumed.seek(serde_json::from_str(&json).unwrap()).unwrap();
            for _ in 0..batches.batches_per_pass() + 1 {
                prop_assert_eq!(batches.next_batch(), resumed.next_batch());
            }
            resumed.seek(EpochCursor::default()).unwrap();
            prop_assert_eq!(resumed.next_batch(), begun.next_batch());
        }
    }

    #[test]
    fn validation_reads_every_example_once_from_short_to_long(
        lengths in lengths(),
        batch in 1_usize..9,
        most in 1_usize..40,
    ) {
        let examples = examples(&lengths);
        let sorted = SortedExamples::new(examples.clone(), batch).unwrap();
        let batches: Vec<Batch> = sorted.batches(most).collect();
        batches.iter().for_each(|batch| assert_is_batch_of(&examples, batch));
        let fits = |part: &Batch| numbers(part).len() <= batch && part.tokens() <= most;
        prop_assert!(batches.iter().all(|part| numbers(part).len() == 1 || fits(part)));
        let tokens: usize = examples.iter().map(Example::tokens).sum();
        prop_assert_eq!(batches.iter().map(Batch::tokens).sum::<usize>(), tokens);
        let rows: Vec<usize> = batches.iter().flat_map(numbers).collect();
        prop_assert!(rows.is_sorted_by_key(|&row| examples[row].steps()));
        let mut rows = rows;
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..examples.len()).collect::<Vec<_>>());
    }
}
