//! A run is the same run however often it is stopped, killed and resumed, and on any number of threads: bit for bit, in
//! f32, with a recurrent model whose state is carried from batch to batch and whose dropout draws random numbers.

use super::reader::{ADAMW, Reader, Reading, config};
use crate::checkpoint::{Folder, TRAINING_FILE, TrainingState};
use crate::{
    Adam, Budget, Control, Destination, Evaluation, Event, Finish, Loss, Method, Metrics, Position, RmsProp, Schedule,
    Sgd, Task, TrainError, Trainer, TrainerConfig,
};
use rungs_layers::tensor::Rng;
use rungs_layers::tensor::safetensors::{self, Named};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::tempdir;

/// A trainer for a new run in a folder, or for the one that is there. The model starts from other weights each time,
/// which a resumed run must not show.
fn trainer(path: &Path, config: TrainerConfig, resumes: u64) -> Trainer<f32, Reading<f32>> {
    let mut trainer = Trainer::new(Reader::new(resumes), Reading::new(), config).unwrap();
    let folder = if path.exists() {
        let folder = Folder::open(path).unwrap();
        trainer.resume(&folder).unwrap();
        folder
    } else {
        Folder::create(path).unwrap()
    };
    let mut destination = Destination::new(folder, json!({ "model": "reader" }));
    let rows = |metrics: &Metrics| vec![("rows.txt".to_owned(), metrics.rows().len().to_string().into())];
    destination.makers.push(Box::new(rows));
    trainer.destination = Some(destination);
    trainer
}

/// What must not depend on interruptions: everything but times.
#[derive(Debug, PartialEq)]
struct Outcome {
    model: Vec<u8>,
    weights: Named<f32>,
    moments: Named<f32>,
    position: Position<f32>,
    rng: [u64; 4],
    steps: (usize, usize, u64),
    best: (usize, f64),
    rows: Vec<(usize, f64, Option<f64>, f64, f64)>,
}

fn outcome(path: &Path) -> Outcome {
    let folder = Folder::open(path).unwrap();
    let state: TrainingState<f32> = TrainingState::from_bytes(&folder.read(TRAINING_FILE).unwrap()).unwrap();
    let metrics = String::from_utf8(folder.read("metrics.csv").unwrap()).unwrap();
    let rows = Metrics::from_csv(&metrics).unwrap();
    assert_eq!(folder.read("rows.txt").unwrap(), rows.rows().len().to_string().into_bytes());
    let best = state.progress.best.unwrap();
    Outcome {
        model: folder.read("model.safetensors").unwrap(),
        weights: state.weights,
        moments: state.moments,
        position: state.position,
        rng: state.rng,
        steps: (state.progress.step, state.progress.tokens, state.count),
        best: (best.step, best.loss),
        rows: rows
            .rows()
            .iter()
            .map(|row| (row.step, row.train_loss, row.validation_loss, row.learning_rate, row.gradient_norm))
            .collect(),
    }
}

/// The loss of every step, through interruptions after the given steps.
fn run(path: &Path, config: TrainerConfig, interruptions: &[usize]) -> Vec<f64> {
    let mut losses = Vec::new();
    for resumes in 0.. {
        let stop = interruptions.get(resumes as usize).copied();
        // Without interruptions the first weights are those of seed 0; a resumed run gets others, to be overwritten.
        let mut trainer = trainer(path, config, resumes);
        let summary = trainer.run(&mut |event| match event {
            Event::Step { step, loss, .. } => {
                losses.push(loss);
                if Some(step) == stop { Control::Stop } else { Control::Continue }
            }
            _ => Control::Continue,
        });
        match summary.unwrap().finish {
            Finish::Completed => break,
            Finish::Stopped => assert!(stop.is_some()),
            Finish::StoppedEarly => panic!("nobody asked for patience"),
        }
    }
    losses
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one_bit_for_bit() {
    let scratch = tempdir().unwrap();
    let methods = [
        Method::Sgd(Sgd { momentum: 0.0, nesterov: false }),
        Method::Sgd(Sgd { momentum: 0.9, nesterov: true }),
        Method::RmsProp(RmsProp { momentum: 0.5, ..RmsProp::keras() }),
        Method::Adam(Adam::default()),
        ADAMW,
    ];
    for (i, method) in methods.into_iter().enumerate() {
        let config = config(method, 30);
        let straight = scratch.path().join(format!("straight-{i}"));
        let losses = run(&straight, config, &[]);
        assert_eq!(losses.len(), 30);
        // Before, at and after evaluations, saves, rows and the end of a pass over the text; and twice in a row.
        let stopped = scratch.path().join(format!("stopped-{i}"));
        assert_eq!(run(&stopped, config, &[1, 2, 7, 12, 13, 14, 15, 21, 29]), losses, "{method:?}");
        assert_eq!(outcome(&stopped), outcome(&straight), "{method:?}");
    }
}

#[test]
fn a_finished_run_does_nothing_and_a_longer_one_goes_on() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("longer");
    let constant = TrainerConfig { schedule: Schedule::Constant { rate: 0.01 }, ..config(ADAMW, 14) };
    run(&path, constant, &[]);
    let before = fs::read(path.join("training.safetensors")).unwrap();
    assert!(run(&path, constant, &[]).is_empty());
    assert_eq!(fs::read(path.join("training.safetensors")).unwrap(), before, "not even the times were touched");
    let longer = TrainerConfig { budget: Budget::Steps(28), ..constant };
    assert_eq!(run(&path, longer, &[]).len(), 14);
    let straight = scratch.path().join("longer-straight");
    run(&straight, longer, &[]);
    assert_eq!(outcome(&path), outcome(&straight), "14 is a step at which both evaluate");
}

#[test]
fn one_two_and_eight_threads_give_the_same_bits() {
    let scratch = tempdir().unwrap();
    let outcomes = [1, 2, 8].map(|threads| {
        let path = scratch.path().join(format!("threads-{threads}"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&path, config(ADAMW, 20), &[]));
        outcome(&path)
    });
    assert!(outcomes[0] == outcomes[1] && outcomes[1] == outcomes[2]);
}

#[test]
fn it_learns() {
    let config = TrainerConfig {
        schedule: Schedule::Cosine { rate: 0.02, minimum: 0.0, warmup: 10 },
        budget: Budget::Epochs(12),
        accumulate: 1,
        ..config(ADAMW, 1)
    };
    let mut trainer = Trainer::new(Reader::<f32>::new(0), Reading::new(), config).unwrap();
    let mut reached = Vec::new();
    let summary = trainer.run(&mut |event| {
        if let Event::Evaluated { loss, .. } = event {
            reached.push(loss);
        }
        Control::Continue
    });
    let summary = summary.unwrap();
    let (first, best) = (reached[0], summary.best_validation_loss.unwrap());
    // Without the slips the text repeats every seven tokens; with them it costs about 0.66 nats a token.
    assert!(first > 1.4 && best < 1.0, "from {first} to {best}");
}

#[test]
fn a_batch_without_the_gradient_of_a_parameter_is_an_error_that_names_it() {
    let mut model: Reader<f32> = Reader::new(0);
    model.head.bias = model.head.bias.map(|bias| bias.detached());
    let mut trainer = Trainer::new(model, Reading::new(), config(ADAMW, 5)).unwrap();
    let error = trainer.run(&mut |_| Control::Continue).unwrap_err().to_string();
    assert_eq!(
        error,
        "step 1: no gradient for parameter head.bias: the tensor is a constant, so no gradient flows into it"
    );
}

#[test]
fn weights_that_are_not_finite_are_not_saved() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("not-finite");
    run(&path, config(ADAMW, 5), &[]);
    let before = outcome(&path);
    // A rate that no f32 holds: loss and gradient of the sixth step are finite, the weights after it are not.
    let huge = TrainerConfig { schedule: Schedule::Constant { rate: 1e300 }, ..config(ADAMW, 7) };
    let mut broken = trainer(&path, huge, 1);
    let error = broken.run(&mut |_| Control::Stop).unwrap_err().to_string();
    assert!(error.starts_with("step 6: parameter ") && error.ends_with(" is not finite; nothing was saved"), "{error}");
    assert_eq!(outcome(&path), before);
}

/// A task without a text to validate on.
struct Silent(Reading<f32>);

impl Task<f32> for Silent {
    type Model = Reader<f32>;
    fn next_loss(&mut self, model: &Reader<f32>, rng: &mut Rng) -> Result<Loss<f32>, TrainError> {
        self.0.next_loss(model, rng)
    }
    fn validate(&self, _: &Reader<f32>) -> Result<Evaluation, TrainError> {
        Ok(Evaluation::default())
    }
    fn position(&self) -> Position<f32> {
        self.0.position()
    }
    fn resume(&mut self, position: Position<f32>) -> Result<(), TrainError> {
        self.0.resume(position)
    }
}

#[test]
fn without_a_validation_text_the_last_weights_are_the_model() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("silent");
    let mut trainer = Trainer::new(Reader::new(0), Silent(Reading::new()), config(ADAMW, 6)).unwrap();
    trainer.destination = Some(Destination::new(Folder::create(&path).unwrap(), json!(null)));
    let summary = trainer.run(&mut |_| Control::Continue).unwrap();
    assert_eq!((summary.validation_loss, summary.best_validation_loss), (None, None));
    let folder = Folder::open(&path).unwrap();
    let saved: Named<f32> = safetensors::read(&folder.read("model.safetensors").unwrap()).unwrap();
    assert_eq!(saved, trainer.state().weights);
}

// Killed for real.

/// Where the child process below trains.
const FOLDER: &str = "RUNGS_TEST_TRAINING_FOLDER";

fn killed_config() -> TrainerConfig {
    TrainerConfig { save_every: 1, ..config(ADAMW, 40) }
}

/// Not a test by itself: the process that [`killed_at_any_moment_it_resumes_to_the_same_bits`] kills.
#[test]
#[ignore = "a child process of another test"]
fn child_trains() {
    let Some(path) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    // A kill before the first save leaves a folder without a run.
    let begun = path.join("config.json").exists();
    if !begun {
        _ = fs::remove_dir_all(&path);
    }
    run(&path, killed_config(), &[]);
}

fn child(path: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "trainer::tests::same_bits::child_trains", "--quiet"]).env(FOLDER, path);
    command.stdout(std::process::Stdio::null()).spawn().unwrap()
}

#[test]
fn killed_at_any_moment_it_resumes_to_the_same_bits() {
    let scratch = tempdir().unwrap();
    let straight = scratch.path().join("straight");
    let start = Instant::now();
    assert!(child(&straight).wait().unwrap().success());
    let whole = start.elapsed();

    let killed = scratch.path().join("killed");
    let mut rng = Rng::new(11);
    let mut steps = Vec::new();
    for _ in 0..12 {
        let mut child = child(&killed);
        std::thread::sleep(whole.mul_f64(0.25 * rng.uniform()).max(Duration::from_millis(2)));
        child.kill().unwrap();
        child.wait().unwrap();
        if let Ok(folder) = Folder::open(&killed) {
            let state: TrainingState<f32> = TrainingState::from_bytes(&folder.read(TRAINING_FILE).unwrap()).unwrap();
            steps.push(state.progress.step);
        }
    }
    assert!(steps.is_sorted(), "no kill loses a step that was saved: {steps:?}");
    assert!(child(&killed).wait().unwrap().success());
    assert_eq!(outcome(&killed), outcome(&straight), "killed after {steps:?}");
}
