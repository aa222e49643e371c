use super::*;
use proptest::prelude::*;
use rungs_layers::tensor::Rng;
use std::sync::Arc;

/// A text in which every token is its own position, so that a batch says where it comes from.
fn text(length: usize) -> Arc<[u32]> {
    (0..length as u32).collect()
}

fn rows(ids: &Ids) -> Vec<Vec<u32>> {
    let [_, t] = ids.dims();
    ids.as_slice().chunks(t).map(<[u32]>::to_vec).collect()
}

fn assert_targets_follow(batch: &Batch) {
    let next: Vec<u32> = batch.inputs.as_slice().iter().map(|token| token + 1).collect();
    assert_eq!(batch.targets.as_slice(), next);
}

#[test]
fn a_text_that_is_too_short_says_how_short() {
    let says = |result: Result<(), TrainError>, expected: &str| assert_eq!(result.unwrap_err().to_string(), expected);
    says(
        RandomWindows::new(text(64), 12, 64).map(drop),
        "the training part has 64 tokens, but 65 are needed (a context of 64, and one more to predict)",
    );
    says(
        ContiguousBatches::new(text(100), 5, 20).map(drop),
        "the training part has 100 tokens, but 101 are needed (5 streams of 20, and one more to predict)",
    );
    says(ContiguousBatches::new(text(100), 0, 20).map(drop), "batch size: must be 1 or more");
    assert!(ContiguousBatches::new(text(5), usize::MAX, 2).is_err(), "the product overflows");
}

#[test]
fn contiguous_batches_by_hand() {
    // 12 tokens: two streams that predict five each (the twelfth token is left over), in windows of two.
    let mut batches = ContiguousBatches::new(text(12), 2, 2).unwrap();
    assert_eq!(batches.batches_per_pass(), 3);
    for pass in 0..2 {
        let read: Vec<Batch> = (0..3).map(|_| batches.next_batch().unwrap()).collect();
        assert_eq!(rows(&read[0].inputs), [[0, 1], [5, 6]]);
        assert_eq!(rows(&read[1].inputs), [[2, 3], [7, 8]]);
        assert_eq!(rows(&read[2].inputs), [[4], [9]]);
        assert_eq!(rows(&read[2].targets), [[5], [10]]);
        assert_eq!(read.iter().map(|batch| batch.restart).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!(batches.cursor(), StreamCursor { pass: pass + 1, window: 0 });
    }
}

#[test]
fn random_windows_reach_both_ends_of_the_text() {
    let windows = RandomWindows::new(text(20), 4, 16).unwrap();
    let mut rng = Rng::new(5);
    let mut seen = [0; 4];
    for _ in 0..250 {
        let batch = windows.next_batch(&mut rng).unwrap();
        assert_targets_follow(&batch);
        assert_eq!(batch.tokens(), 64);
        rows(&batch.inputs).iter().for_each(|row| seen[row[0] as usize] += 1);
    }
    assert!(seen.iter().all(|&count| (200..300).contains(&count)), "starts 0 to 3 are equally likely: {seen:?}");
}

proptest! {
    #[test]
    fn a_pass_of_contiguous_batches_predicts_each_token_of_each_stream_once(
        batch in 1_usize..7, length in 1_usize..9, extra in 0_usize..60
    ) {
        let tokens = batch * length + 1 + extra;
        let mut batches = ContiguousBatches::new(text(tokens), batch, length).unwrap();
        let mut predicted = Vec::new();
        let mut ends: Vec<u32> = Vec::new();
        for i in 0..batches.batches_per_pass() {
            let batch = batches.next_batch().unwrap();
            assert_targets_follow(&batch);
            prop_assert_eq!(batch.restart, i == 0);
            let rows = rows(&batch.inputs);
            if i > 0 {
                let firsts: Vec<u32> = rows.iter().map(|row| row[0]).collect();
                prop_assert_eq!(&firsts, &ends, "every row goes on where it ended");
            }
            ends = rows.iter().map(|row| row[row.len() - 1] + 1).collect();
            predicted.extend_from_slice(batch.targets.as_slice());
        }
        predicted.sort_unstable();
        let expected: Vec<u32> = (1..=((tokens - 1) / batch * batch) as u32).collect();
        prop_assert_eq!(predicted, expected, "all but the first and the fewer than B left over");
        prop_assert!(batches.next_batch().unwrap().restart);
    }

    #[test]
    fn contiguous_batches_go_on_from_a_saved_cursor(
        batch in 1_usize..5, length in 1_usize..6, extra in 0_usize..40, read in 0_usize..30
    ) {
        let mut batches = ContiguousBatches::new(text(batch * length + 1 + extra), batch, length).unwrap();
        let mut resumed = batches.clone();
        (0..read).for_each(|_| drop(batches.next_batch().unwrap()));
        let json = serde_json::to_string(&batches.cursor()).unwrap();
        resumed.seek(serde_json::from_str(&json).unwrap()).unwrap();
        prop_assert_eq!(batches.next_batch().unwrap(), resumed.next_batch().unwrap());
        let beyond = StreamCursor { pass: 0, window: batches.batches_per_pass() };
        prop_assert!(resumed.seek(beyond).is_err());
    }

    #[test]
    fn consecutive_windows_predict_every_token_after_the_first_once_and_in_order(
        tokens in 2_usize..80, batch in 1_usize..5, length in 1_usize..20
    ) {
        let windows = SlidingWindows::new(text(tokens), batch, length, length).unwrap();
        let batches: Vec<Batch> = windows.batches(usize::MAX).collect::<Result<_, _>>().unwrap();
        batches.iter().for_each(assert_targets_follow);
        let predicted: Vec<u32> = batches.iter().flat_map(|batch| batch.targets.as_slice().to_vec()).collect();
        prop_assert_eq!(&predicted, &(1..tokens as u32).collect::<Vec<_>>());
        prop_assert!(batches[..batches.len() - 1].iter().all(|part| part.inputs.dims::<2>()[1] == length));
        prop_assert!(batches.iter().all(|part| part.inputs.dims::<2>()[0] <= batch));
        let goes_on = if batch == 1 { batches.len() - 1 } else { 0 };
        prop_assert_eq!(batches.iter().filter(|batch| !batch.restart).count(), goes_on);
        prop_assert_eq!(windows.tokens(), tokens - 1);
        // Fewer at a time are the same windows, and begin as they did.
        for most in [0, length, 2 * length] {
            let parts: Vec<Batch> = windows.batches(most).map(Result::unwrap).collect();
            prop_assert!(parts.iter().all(|part| part.inputs.dims::<2>()[0] <= (most / length).max(1)));
            let again: Vec<u32> = parts.iter().flat_map(|part| part.targets.as_slice().to_vec()).collect();
            prop_assert_eq!(&again, &predicted);
            prop_assert!(parts.iter().all(|part| part.restart || batch == 1));
        }
    }
}

/// What a batch predicts in each row: the position behind which, and the token.
fn predicted(batch: &Batch) -> Vec<Vec<(usize, u32)>> {
    let learnt = |row: Vec<u32>| row.into_iter().enumerate().filter(|&(_, id)| id != IGNORE_INDEX).collect();
    rows(&batch.targets).into_iter().map(learnt).collect()
}

#[test]
fn sliding_windows_by_hand() {
    let windows = SlidingWindows::new(text(8), 1, 4, 2).unwrap();
    let read: Vec<_> = windows.batches(100).map(Result::unwrap).collect();
    let found: Vec<_> = read.iter().map(|batch| (rows(&batch.inputs), rows(&batch.targets))).collect();
    let no = IGNORE_INDEX;
    let expected = [
        (vec![vec![0, 1, 2, 3]], vec![vec![1, 2, 3, 4]]),
        (vec![vec![2, 3, 4, 5]], vec![vec![no, no, 5, 6]]),
        (vec![vec![4, 5, 6]], vec![vec![no, no, 7]]),
    ];
    assert_eq!(found, expected);
    assert_eq!(read.iter().map(Batch::tokens).collect::<Vec<_>>(), [4, 2, 1]);
    assert_eq!(read[1].places().as_slice(), [2, 3]);
    let says = |stride| SlidingWindows::new(text(8), 1, 4, stride).unwrap_err().to_string();
    assert_eq!(says(0), "stride: must be 1 or more");
    assert_eq!(says(5), "stride: 5 is more than the context of 4: the tokens in between would not be predicted");
}

proptest! {
    #[test]
    fn sliding_windows_predict_every_token_once_behind_a_past(
        length in 2_usize..60, window in 1_usize..12, stride in 1_usize..12, batch in 1_usize..5, most in 1_usize..40
    ) {
        prop_assume!(stride <= window);
        let windows = SlidingWindows::new(text(length), batch, window, stride).unwrap();
        let mut found = Vec::new();
        for batch in windows.batches(most) {
            let batch = batch.unwrap();
            prop_assert!(batch.inputs.as_slice().len() <= most.max(window));
            for (inputs, targets) in rows(&batch.inputs).iter().zip(predicted(&batch)) {
                for (at, target) in targets {
                    prop_assert_eq!(inputs[at] + 1, target, "the token after it");
                    let past = at + 1;
                    prop_assert!(past > window - stride || past == target as usize, "{past} tokens before {target}");
                    found.push(target);
                }
            }
        }
        prop_assert_eq!(found, (1..length as u32).collect::<Vec<_>>());
    }
}
