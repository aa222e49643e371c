//! Every entry of the list, run.

use rungs_tensor::Rng;

#[test]
fn every_layer_passes_its_gradient_check() {
    for entry in super::entries() {
        for seed in 0..3 {
            if let Err(mismatch) = (entry.run)(&mut Rng::new(seed)) {
                panic!("{} with seed {seed}: {mismatch}", entry.covers);
            }
        }
    }
}
