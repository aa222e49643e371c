//! Examples with a source.

use super::*;
use crate::data::pad;
use rungs_layers::tensor::Rng;

const START: u32 = 1;
const END: u32 = 2;

/// Pairs of these lengths. Each token says which pair it is of.
fn pairs(lengths: &[(usize, usize)]) -> Vec<(Vec<u32>, Vec<u32>)> {
    let pair = |(i, &(s, t)): (usize, &(usize, usize))| (vec![i as u32 + 10; s], vec![i as u32 + 10; t]);
    lengths.iter().enumerate().map(pair).collect()
}

fn translations(pairs: &[(Vec<u32>, Vec<u32>)]) -> Vec<Example> {
    pairs.iter().map(|(source, target)| Example::translation(source.clone(), START, target, END)).collect()
}

pub(super) fn of_lengths(lengths: &[(usize, usize)]) -> Vec<Example> {
    translations(&pairs(lengths))
}

/// Which pairs a batch has: the first token of each source says so.
fn numbers(batch: &Batch) -> Vec<usize> {
    rows(&batch.source.as_ref().unwrap().0).iter().map(|row| row[0] as usize - 10).collect()
}

/// How long each target of a batch is with its end.
fn target_lengths(batch: &Batch) -> Vec<usize> {
    rows(&batch.targets).iter().map(|row| row.iter().filter(|&&id| id != IGNORE_INDEX).count()).collect()
}

/// What a batch must be, whatever pairs it holds.
fn assert_is_batch_of(pairs: &[(Vec<u32>, Vec<u32>)], batch: &Batch) {
    let (source, source_lengths) = batch.source.as_ref().unwrap();
    let (sources, inputs, targets) = (rows(source), rows(&batch.inputs), rows(&batch.targets));
    let padded = |row: &[u32], sequence: &[u32], padding: u32| {
        assert!(row.starts_with(sequence), "{row:?} begins with {sequence:?}");
        assert!(row[sequence.len()..].iter().all(|&id| id == padding), "{row:?}");
    };
    for (b, &row) in numbers(batch).iter().enumerate() {
        let (source, target) = &pairs[row];
        padded(&sources[b], source, PADDING);
        padded(&inputs[b], &[&[START], &target[..]].concat(), PADDING);
        padded(&targets[b], &[&target[..], &[END]].concat(), IGNORE_INDEX);
        assert_eq!((source_lengths[b], target_lengths(batch)[b]), (source.len(), target.len() + 1));
    }
    let count = numbers(batch).len();
    assert_eq!(source.dims(), [count, *source_lengths.iter().max().unwrap()]);
    assert_eq!(batch.targets.dims(), [count, *target_lengths(batch).iter().max().unwrap()]);
    assert_eq!(batch.inputs.shape(), batch.targets.shape());
    assert_eq!(batch.tokens(), target_lengths(batch).iter().sum::<usize>());
}

#[test]
fn a_batch_by_hand() {
    let pairs = [(vec![5, 6, 7], vec![8, 9]), (vec![4, 3], vec![])];
    let batch = SortedExamples::new(translations(&pairs), 4).unwrap().batches(usize::MAX).next().unwrap();
    let (source, source_lengths) = batch.source.clone().unwrap();
    assert_eq!((rows(&source), source_lengths), (vec![vec![4, 3, 0], vec![5, 6, 7]], vec![2, 3]));
    assert_eq!(rows(&batch.inputs), [[1, 0, 0], [1, 8, 9]]);
    assert_eq!(rows(&batch.targets), [[2, IGNORE_INDEX, IGNORE_INDEX], [8, 9, 2]]);
    assert_eq!((target_lengths(&batch), batch.tokens()), (vec![1, 3], 4));
}

#[test]
fn an_epoch_has_little_padding_and_no_order() {
    let mut rng = Rng::new(3);
    let lengths: Vec<(usize, usize)> = (0..5000).map(|_| (3 + rng.below(20), 3 + rng.below(20))).collect();
    let tokens: usize = lengths.iter().map(|&(s, t)| s + t + 1).sum();
    let mut batches = ExampleBatches::new(of_lengths(&lengths), 32, 0).unwrap();
    let [first, second] = [epoch(&mut batches), epoch(&mut batches)];
    for epoch in [&first, &second] {
        let positions =
            |batch: &Batch| batch.source.as_ref().unwrap().0.as_slice().len() + batch.targets.as_slice().len();
        let padded: usize = epoch.iter().map(positions).sum();
        assert!(padded < tokens + tokens / 8, "{padded} positions for {tokens} tokens of independent lengths");
        let lengths: Vec<usize> = epoch.iter().map(|batch| target_lengths(batch)[0]).collect();
        let rising = lengths.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((50..107).contains(&rising), "batches are shuffled: {rising} of 156 are followed by longer ones");
    }
    let met = |epoch: &[Batch]| epoch.iter().map(numbers).max().unwrap();
    assert_ne!(met(&first), met(&second), "other pairs meet in every epoch");
}

#[test]
fn what_cannot_be_batched_is_refused() {
    let says = |result: Result<(), TrainError>, expected: &str| assert_eq!(result.unwrap_err().to_string(), expected);
    let train = |lengths: &[(usize, usize)], batch| ExampleBatches::new(of_lengths(lengths), batch, 0).map(drop);
    says(train(&[(1, 1), (0, 1)], 4), "the training part: the source of example 2 has no tokens");
    assert!(train(&[(1, 1)], usize::MAX).is_ok());
    let mixed = [of_lengths(&[(1, 1)]), examples(&[(1, 1)])].concat();
    let problem = "the validation part: example 2 has a source, or has none, unlike the first";
    says(SortedExamples::new(mixed, 4).map(drop), problem);
}

#[test]
fn sequences_are_padded_at_the_end() {
    let (ids, lengths) = pad(&[vec![5, 6], vec![], vec![7]], 9);
    assert_eq!((rows(&ids), lengths), (vec![vec![5, 6], vec![9, 9], vec![7, 9]], vec![2, 0, 1]));
    assert_eq!(pad(&[[]; 0], 9).0.dims(), [0, 0]);
}

pub(super) fn lengths() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((1_usize..9, 0_usize..9), 1..60)
}

proptest! {
    #[test]
    fn an_epoch_reads_every_pair_once(lengths in lengths(), batch in 1_usize..9, seed in 0_u64..9) {
        let pairs = pairs(&lengths);
        let mut batches = ExampleBatches::new(translations(&pairs), batch, seed).unwrap();
        for number in 0..2 {
            prop_assert_eq!(batches.cursor(), EpochCursor { epoch: number, batch: 0 });
            let epoch = epoch(&mut batches);
            epoch.iter().for_each(|batch| assert_is_batch_of(&pairs, batch));
            prop_assert!(epoch.iter().filter(|part| numbers(part).len() != batch).count() <= 1, "one may be smaller");
            let mut rows: Vec<usize> = epoch.iter().flat_map(numbers).collect();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..pairs.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn validation_reads_every_pair_once_from_short_to_long(lengths in lengths(), batch in 1_usize..9) {
        let pairs = pairs(&lengths);
        let sorted = SortedExamples::new(translations(&pairs), batch).unwrap();
        let batches: Vec<Batch> = sorted.batches(usize::MAX).collect();
        batches.iter().for_each(|batch| assert_is_batch_of(&pairs, batch));
        let tokens: usize = translations(&pairs).iter().map(Example::tokens).sum();
        prop_assert_eq!(batches.iter().map(Batch::tokens).sum::<usize>(), tokens);
        prop_assert!(batches.iter().flat_map(target_lengths).is_sorted());
        let mut rows: Vec<usize> = batches.iter().flat_map(numbers).collect();
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..pairs.len()).collect::<Vec<_>>());
    }
}
