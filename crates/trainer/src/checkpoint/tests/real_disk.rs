//! Run folders on a real disk: everything that can be wrong with one is said in one line.

use crate::checkpoint::Folder;
use crate::testing::contents;
use crate::{
    Budget, Control, Destination, Evaluation, Event, Loss, Position, Task, TrainError, Trainer, TrainerConfig,
    TrainingState,
};
use rungs_layers::parameters;
use rungs_layers::tensor::{Array, Element, Rng, Tensor};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::tempdir;

/// Numbers that learn to be small.
struct Point<E: Element> {
    point: Tensor<E>,
}
parameters!(Point { point });

impl<E: Element> Point<E> {
    fn new(size: usize) -> Self {
        Self { point: Tensor::variable(Array::full(size, E::ONE)) }
    }
}

struct Shrink;

impl Task<f32> for Shrink {
    type Model = Point<f32>;
    fn next_loss(&mut self, model: &Point<f32>, _: &mut Rng) -> Result<Loss<f32>, TrainError> {
        Ok(Loss { total: model.point.square().sum(), tokens: 1 })
    }
    fn validate(&self, model: &Point<f32>) -> Result<Evaluation, TrainError> {
        Ok(Evaluation { nats: f64::from(model.point.square().sum().item()), tokens: 1 })
    }
    fn position(&self) -> Position<f32> {
        Position::default()
    }
    fn resume(&mut self, _: Position<f32>) -> Result<(), TrainError> {
        Ok(())
    }
}

fn trainer(size: usize) -> Trainer<f32, Shrink> {
    let config = TrainerConfig { budget: Budget::Steps(4), ..TrainerConfig::default() };
    Trainer::new(Point::new(size), Shrink, config).unwrap()
}

/// A folder with a finished run.
fn finished(scratch: &Path) -> PathBuf {
    let path = scratch.join("run");
    let mut trainer = trainer(2);
    trainer.destination = Some(Destination::new(Folder::create(&path).unwrap(), json!({ "size": 2 })));
    trainer.run(&mut |_| Control::Continue).unwrap();
    path
}

/// The error of going on with a run, in one line.
fn resuming(path: &Path, size: usize) -> String {
    let folder = match Folder::open(path) {
        Ok(folder) => folder,
        Err(error) => return one_line(path, &error),
    };
    let mut trainer = trainer(size);
    let before = trainer.state();
    let error = trainer.resume(&folder).unwrap_err();
    assert_eq!(trainer.state(), before, "nothing changes");
    one_line(path, &error)
}

pub(super) fn one_line(path: &Path, error: &TrainError) -> String {
    assert!(error.is_bad_input());
    let line = error.to_string();
    assert!(!line.contains('\n') && !line.is_empty(), "{line:?}");
    line.replace(&path.display().to_string(), "RUN")
}

#[test]
fn a_run_is_its_files_and_nothing_else() {
    let scratch = tempdir().unwrap();
    let path = finished(scratch.path());
    let mut names: Vec<String> =
        fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["config.json", "metrics.csv", "model.safetensors", "training.safetensors"]);
    let folder = Folder::open(&path).unwrap();
    assert_eq!(folder.settings(), &json!({ "size": 2 }));
    assert_eq!(folder.files().collect::<Vec<_>>(), &names[1..]);
    let mut resumed = trainer(2);
    resumed.resume(&folder).unwrap();
    assert!(resumed.is_finished());
}

#[test]
fn a_flipped_bit_or_a_cut_in_any_file_is_noticed() {
    let scratch = tempdir().unwrap();
    let path = finished(scratch.path());
    let mut rng = Rng::new(1);
    for name in ["config.json", "metrics.csv", "model.safetensors", "training.safetensors"] {
        let file = path.join(name);
        let good = fs::read(&file).unwrap();
        for _ in 0..20 {
            let mut flipped = good.clone();
            flipped[rng.below(good.len())] ^= 1 << rng.below(8);
            for bad in [&flipped[..], &good[..rng.below(good.len())]] {
                fs::write(&file, bad).unwrap();
                let error = resuming(&path, 2);
                assert!(error.starts_with(&format!("RUN/{name}: ")), "{error}");
            }
        }
        fs::remove_file(&file).unwrap();
        let error = resuming(&path, 2);
        let expected = match name {
            "config.json" => "RUN: holds no run (there is no config.json)".to_owned(),
            _ => format!("RUN/{name}: missing, though config.json names it"),
        };
        assert_eq!(error, expected);
        fs::write(&file, &good).unwrap();
    }
    trainer(2).resume(&Folder::open(&path).unwrap()).unwrap();
}

#[test]
fn a_run_of_another_model_is_refused() {
    let scratch = tempdir().unwrap();
    let error = resuming(&finished(scratch.path()), 3);
    assert!(error.starts_with("moment first of parameter point: has shape (2"), "{error}");
}

#[test]
fn folders_without_a_run_and_formats_of_the_future_are_told_apart() {
    let scratch = tempdir().unwrap();
    let path = scratch.path();
    assert_eq!(resuming(path, 2), "RUN: holds no run (there is no config.json)");
    assert_eq!(resuming(&path.join("nothing"), 2), "RUN: holds no run (there is no such folder)");
    fs::write(path.join("file"), "x").unwrap();
    assert_eq!(resuming(&path.join("file"), 2), "RUN: holds no run (it is a file, not a folder)");
    assert_eq!(resuming(&path.join("file/below"), 2), "RUN: Not a directory (os error 20)");
    fs::write(path.join("config.json"), r#"{ "format": 9, "whatever": true }"#).unwrap();
    assert_eq!(resuming(path, 2), "RUN/config.json: format 9 is not known; this version reads 1");
    fs::write(path.join("config.json"), r#"{ "model_type": "gpt2" }"#).unwrap();
    assert_eq!(resuming(path, 2), "RUN/config.json: not a run's settings: there is no format number");
    fs::write(path.join("config.json"), [0xff, 0xfe]).unwrap();
    assert_eq!(resuming(path, 2), "RUN/config.json: not UTF-8 text: the file is damaged");
}

#[test]
fn a_new_run_needs_a_place_of_its_own_and_writes_nothing_before_it_is_saved() {
    let scratch = tempdir().unwrap();
    let path = scratch.path();
    let creating = |path: &Path| one_line(path, &Folder::create(path).unwrap_err());
    fs::write(path.join("file"), "mine").unwrap();
    let file = path.join("file").display().to_string();
    assert_eq!(creating(&path.join("file")), "RUN: RUN is a file, not a folder");
    assert_eq!(creating(&path.join("file/a/b")), format!("RUN: {file} is a file, not a folder"));
    let run = finished(scratch.path());
    assert_eq!(creating(&run), "RUN: there is a run in this folder");

    let deep = path.join("a/b/c");
    let mut folder = Folder::create(&deep).unwrap();
    assert!(!path.join("a").exists());
    folder.save(json!(1), &contents(&[("x".to_owned(), b"y".to_vec())])).unwrap();
    assert_eq!(Folder::open(&deep).unwrap().read("x").unwrap(), b"y");

    let taken = path.join("foreign");
    fs::create_dir(&taken).unwrap();
    fs::write(taken.join("model.safetensors"), "mine").unwrap();
    let mut trainer = trainer(2);
    trainer.destination = Some(Destination::new(Folder::create(&taken).unwrap(), json!(null)));
    let error = trainer.run(&mut |event| panic!("{event:?}")).unwrap_err();
    assert_eq!(one_line(&taken, &error), "RUN/model.safetensors: in the way: it does not belong to a run");
    assert_eq!(fs::read(taken.join("model.safetensors")).unwrap(), b"mine");
}

#[test]
fn what_is_saved_between_two_steps_can_be_read_while_the_run_goes_on() {
    let scratch = tempdir().unwrap();
    let path = scratch.path().join("run");
    let config = TrainerConfig { save_every: 1, ..*trainer(2).config() };
    let mut trainer = Trainer::new(Point::new(2), Shrink, config).unwrap();
    trainer.destination = Some(Destination::new(Folder::create(&path).unwrap(), json!(null)));
    let mut saves = 0;
    let mut reader = None;
    trainer
        .run(&mut |event| {
            if let Event::Saved { step, .. } = event {
                assert_eq!(step, saves, "at the start and after each step");
                saves += 1;
                let folder = Folder::open(&path).unwrap();
                folder.read("training.safetensors").unwrap();
                reader.get_or_insert(folder);
            }
            Control::Continue
        })
        .unwrap();
    assert_eq!(saves, 5);
    let state = reader.unwrap().parse("training.safetensors", TrainingState::<f32>::from_bytes).unwrap();
    assert_eq!(state.progress.step, 0, "a reader keeps the version that it opened");
}

#[test]
#[cfg(unix)]
fn a_pipe_in_a_folder_is_not_waited_for() {
    let scratch = tempdir().unwrap();
    let path = finished(scratch.path());
    for name in ["config.json", "model.safetensors"] {
        fs::remove_file(path.join(name)).unwrap();
        assert!(Command::new("mkfifo").arg(path.join(name)).status().unwrap().success());
    }
    assert_eq!(resuming(&path, 2), "RUN/config.json: not a regular file");
}
