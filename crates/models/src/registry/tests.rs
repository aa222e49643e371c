use super::*;

#[test]
fn every_rung_passes_its_gradient_check() {
    let entries = entries();
    assert_eq!(
        entries.iter().map(|e| e.covers).collect::<Vec<_>>(),
        ["RecurrentLanguageModel", "Head", "Bridge", "Seq2Seq", "AttentionSeq2Seq", "Gpt", "Transformer"]
    );
    for seed in 0..20 {
        for entry in &entries {
            if let Err(mismatch) = (entry.run)(&mut Rng::new(seed)) {
                panic!("{}, seed {seed}: {mismatch}", entry.covers);
            }
        }
    }
}
