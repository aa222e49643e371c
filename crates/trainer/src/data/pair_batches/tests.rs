use super::*;
use proptest::prelude::*;
use rungs_layers::tensor::Rng;

const SPECIALS: Specials = Specials { padding: 0, start: 1, end: 2 };

fn rows(ids: &Ids) -> Vec<Vec<u32>> {
    let [_, t] = ids.dims();
    ids.as_slice().chunks(t).map(<[u32]>::to_vec).collect()
}

/// Pairs of these lengths. Each token says which pair it is of.
fn pairs(lengths: &[(usize, usize)]) -> Vec<Pair> {
    let pair = |(i, &(s, t)): (usize, &(usize, usize))| (vec![i as u32 + 10; s], vec![i as u32 + 10; t]);
    lengths.iter().enumerate().map(pair).collect()
}

/// What a batch must be, whatever pairs it holds.
fn assert_is_batch_of(pairs: &[Pair], batch: &PairBatch) {
    let (sources, inputs, targets) = (rows(&batch.source), rows(&batch.inputs), rows(&batch.targets));
    let padded = |row: &[u32], sequence: &[u32]| {
        assert!(row.starts_with(sequence), "{row:?} begins with {sequence:?}");
        assert!(row[sequence.len()..].iter().all(|&id| id == SPECIALS.padding), "{row:?}");
    };
    for (b, &row) in batch.rows.iter().enumerate() {
        let (source, target) = &pairs[row];
        padded(&sources[b], source);
        padded(&inputs[b], &[&[SPECIALS.start], &target[..]].concat());
        padded(&targets[b], &[&target[..], &[SPECIALS.end]].concat());
        assert_eq!((batch.source_lengths[b], batch.target_lengths[b]), (source.len(), target.len() + 1));
    }
    assert_eq!(batch.source.dims(), [batch.rows.len(), *batch.source_lengths.iter().max().unwrap()]);
    assert_eq!(batch.targets.dims(), [batch.rows.len(), *batch.target_lengths.iter().max().unwrap()]);
    assert_eq!(batch.inputs.shape(), batch.targets.shape());
    let padding = batch.targets.as_slice().iter().filter(|&&id| id == SPECIALS.padding).count();
    assert_eq!(batch.tokens(), batch.targets.as_slice().len() - padding);
}

fn epoch(batches: &mut PairBatches) -> Vec<PairBatch> {
    (0..batches.batches_per_pass()).map(|_| batches.next_batch()).collect()
}

#[test]
fn a_batch_by_hand() {
    let pairs = vec![(vec![5, 6, 7], vec![8, 9]), (vec![4, 3], vec![])];
    let batch = SortedPairs::new(pairs, SPECIALS, 4).unwrap().batches().next().unwrap();
    assert_eq!(batch.rows, [1, 0]);
    assert_eq!((rows(&batch.source), batch.source_lengths.clone()), (vec![vec![4, 3, 0], vec![5, 6, 7]], vec![2, 3]));
    assert_eq!(rows(&batch.inputs), [[1, 0, 0], [1, 8, 9]]);
    assert_eq!(rows(&batch.targets), [[2, 0, 0], [8, 9, 2]]);
    assert_eq!((batch.target_lengths.clone(), batch.tokens()), (vec![1, 3], 4));
}

#[test]
fn an_epoch_has_little_padding_and_no_order() {
    let mut rng = Rng::new(3);
    let lengths: Vec<(usize, usize)> = (0..5000).map(|_| (3 + rng.below(20), 3 + rng.below(20))).collect();
    let pairs = pairs(&lengths);
    let tokens: usize = lengths.iter().map(|&(s, t)| s + t + 1).sum();
    let mut batches = PairBatches::new(pairs, SPECIALS, 32, 0).unwrap();
    let [first, second] = [epoch(&mut batches), epoch(&mut batches)];
    for epoch in [&first, &second] {
        let positions = |batch: &PairBatch| batch.source.as_slice().len() + batch.targets.as_slice().len();
        let padded: usize = epoch.iter().map(positions).sum();
        assert!(padded < tokens + tokens / 8, "{padded} positions for {tokens} tokens of independent lengths");
        let lengths: Vec<usize> = epoch.iter().map(|batch| batch.target_lengths[0]).collect();
        let rising = lengths.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((50..107).contains(&rising), "batches are shuffled: {rising} of 156 are followed by longer ones");
    }
    let met = |epoch: &[PairBatch]| epoch.iter().map(|batch| batch.rows.clone()).max().unwrap();
    assert_ne!(met(&first), met(&second), "other pairs meet in every epoch");
}

#[test]
fn what_cannot_be_batched_is_refused() {
    let says = |result: Result<(), TrainError>, expected: &str| assert_eq!(result.unwrap_err().to_string(), expected);
    let train = |pairs: Vec<Pair>, batch| PairBatches::new(pairs, SPECIALS, batch, 0).map(drop);
    says(train(vec![], 4), "the training part: has no pairs");
    says(train(pairs(&[(1, 1)]), 0), "batch size: must be 1 or more");
    says(train(pairs(&[(1, 1), (0, 1)]), 4), "the training part: the source of pair 2 has no tokens");
    says(SortedPairs::new(vec![], SPECIALS, 4).map(drop), "the validation part: has no pairs");
    assert!(train(pairs(&[(1, 1)]), usize::MAX).is_ok());

    let mut batches = PairBatches::new(pairs(&[(1, 1); 9]), SPECIALS, 4, 0).unwrap();
    let beyond = EpochCursor { epoch: 1, batch: 3 };
    let problem = "the saved position does not fit the data: batch 3 of an epoch that has 3";
    says(batches.seek(beyond), problem);
    assert_eq!(batches.cursor(), EpochCursor::default(), "and nothing has moved");
}

#[test]
fn sequences_are_padded_at_the_end() {
    let (ids, lengths) = pad(&[vec![5, 6], vec![], vec![7]], 9);
    assert_eq!((rows(&ids), lengths), (vec![vec![5, 6], vec![9, 9], vec![7, 9]], vec![2, 0, 1]));
    assert_eq!(pad(&[[]; 0], 9).0.dims(), [0, 0]);
}

fn lengths() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((1_usize..9, 0_usize..9), 1..60)
}

proptest! {
    #[test]
    fn an_epoch_reads_every_pair_once(lengths in lengths(), batch in 1_usize..9, seed in 0_u64..9) {
        let pairs = pairs(&lengths);
        let mut batches = PairBatches::new(pairs.clone(), SPECIALS, batch, seed).unwrap();
        for number in 0..2 {
            prop_assert_eq!(batches.cursor(), EpochCursor { epoch: number, batch: 0 });
            let epoch = epoch(&mut batches);
            epoch.iter().for_each(|batch| assert_is_batch_of(&pairs, batch));
            prop_assert!(epoch.iter().filter(|part| part.rows.len() != batch).count() <= 1, "one may be smaller");
            let mut rows: Vec<usize> = epoch.iter().flat_map(|batch| batch.rows.clone()).collect();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..pairs.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn batches_go_on_from_a_saved_cursor(lengths in lengths(), batch in 1_usize..9, read in 0_usize..40) {
        let fresh = PairBatches::new(pairs(&lengths), SPECIALS, batch, 7).unwrap();
        let (mut batches, mut resumed) = (fresh.clone(), fresh);
        (0..read).for_each(|_| drop(batches.next_batch()));
        let json = serde_json::to_string(&batches.cursor()).unwrap();
        resumed.seek(serde_json::from_str(&json).unwrap()).unwrap();
        for _ in 0..batches.batches_per_pass() + 1 {
            prop_assert_eq!(batches.next_batch(), resumed.next_batch());
        }
        resumed.seek(EpochCursor::default()).unwrap();
        let mut begun = PairBatches::new(pairs(&lengths), SPECIALS, batch, 7).unwrap();
        prop_assert_eq!(resumed.next_batch(), begun.next_batch());
    }

    #[test]
    fn validation_reads_every_pair_once_from_short_to_long(lengths in lengths(), batch in 1_usize..9) {
        let pairs = pairs(&lengths);
        let sorted = SortedPairs::new(pairs.clone(), SPECIALS, batch).unwrap();
        let batches: Vec<PairBatch> = sorted.batches().collect();
        batches.iter().for_each(|batch| assert_is_batch_of(&pairs, batch));
        prop_assert_eq!(batches.iter().map(PairBatch::tokens).sum::<usize>(), sorted.tokens());
        prop_assert!(batches.iter().flat_map(|batch| batch.target_lengths.clone()).is_sorted());
        let mut rows: Vec<usize> = batches.iter().flat_map(|batch| batch.rows.clone()).collect();
        rows.sort_unstable();
        prop_assert_eq!(rows, (0..pairs.len()).collect::<Vec<_>>());
    }
}
