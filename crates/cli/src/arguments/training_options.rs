//! The options of training: each sets one field of its settings, and some that depend on one another.

use std::mem::discriminant;

use clap::Args;
use rungs::trainer::{Adam, AdamW, Budget, Method, RmsProp, Schedule, Sgd, TrainerConfig};

use super::value_parsers::{count, number, positive, set};
use crate::terminal::{Failure, Outcome};

/// Steps of warm-up of the noam schedule, as in the paper.
const NOAM_WARMUP: usize = 4000;

#[derive(Debug, Args)]
pub(crate) struct TrainingOptions {
    /// Stop after N steps
    #[arg(long, value_name = "N", value_parser = count, conflicts_with_all = ["epochs", "seconds"])]
    pub(crate) steps: Option<usize>,
    /// Stop after N passes over the data
    #[arg(long, value_name = "N", value_parser = count, conflicts_with = "seconds")]
    epochs: Option<usize>,
    /// Stop after N seconds; the number of steps depends on the machine
    #[arg(long, value_name = "N", value_parser = positive)]
    seconds: Option<f64>,
    /// Sequences per micro-batch
    #[arg(long, value_name = "N", value_parser = count)]
    batch_size: Option<usize>,
    /// Micro-batches per step, whose gradients are accumulated
    #[arg(long, value_name = "N", value_parser = count)]
    accumulate: Option<usize>,
    /// Largest learning rate
    #[arg(long, value_name = "X", value_parser = positive)]
    lr: Option<f64>,
    /// Learning rate at the end of the cosine schedule; with --lr a tenth of that
    #[arg(long, value_name = "X", value_parser = number)]
    min_lr: Option<f64>,
    /// Optimizer: sgd (momentum 0.9), rmsprop, adam, or adamw (β 0.9 and 0.99, weight decay 0.1)
    #[arg(long, value_name = "NAME", value_parser = ["sgd", "rmsprop", "adam", "adamw"])]
    optimizer: Option<String>,
    /// Decay of the average of squared gradients (not for sgd)
    #[arg(long, value_name = "X", value_parser = number)]
    beta2: Option<f64>,
    /// Weight decay of adamw, on tensors of two or more axes
    #[arg(long, value_name = "X", value_parser = number)]
    weight_decay: Option<f64>,
    /// Learning-rate schedule
    #[arg(long, value_name = "NAME", value_parser = ["constant", "cosine", "step", "noam"])]
    schedule: Option<String>,
    /// Warm-up steps of the cosine and noam schedules; at most a tenth of the run if neither given nor in --config
    /// (noam: 4000)
    #[arg(long, value_name = "N")]
    warmup: Option<usize>,
    /// Factor of the step and noam schedules [default: step 0.5, noam 1]
    #[arg(long, value_name = "X", value_parser = positive)]
    lr_factor: Option<f64>,
    /// Steps between changes of the step schedule; a quarter of the run if not given
    #[arg(long, value_name = "N", value_parser = count)]
    lr_every: Option<usize>,
    /// Largest global norm of the gradient; 0 for no clipping
    #[arg(long, value_name = "X", value_parser = number)]
    clip: Option<f64>,
    /// ε of label smoothing; 0 for none [default: 0]
    #[arg(long, value_name = "X", value_parser = number)]
    label_smoothing: Option<f64>,
    /// Decay of an exponential moving average of the weights, which is then evaluated and kept; 0 for none
    /// [default: 0]
    #[arg(long, value_name = "X", value_parser = number)]
    ema: Option<f64>,
    /// Stop early after N evaluations without improvement; 0 for never [default: 0]
    #[arg(long, value_name = "N")]
    patience: Option<usize>,
    /// Steps between evaluations
    #[arg(long, value_name = "N", value_parser = count)]
    evaluate_every: Option<usize>,
    /// Steps between saves
    #[arg(long, value_name = "N", value_parser = count)]
    save_every: Option<usize>,
}

impl TrainingOptions {
    /// Puts the options that were given into the settings of training, of a model of this width.
    pub(crate) fn apply(&self, training: &mut TrainerConfig, width: usize) -> Outcome {
        let budget = self.steps.map(Budget::Steps).or(self.epochs.map(Budget::Epochs));
        training.budget = budget.or(self.seconds.map(Budget::Seconds)).unwrap_or(training.budget);
        training.batch_size = self.batch_size.unwrap_or(training.batch_size);
        training.accumulate = self.accumulate.unwrap_or(training.accumulate);
        training.evaluate_every = self.evaluate_every.unwrap_or(training.evaluate_every);
        training.save_every = self.save_every.unwrap_or(training.save_every);
        let unless_zero = |given: Option<f64>, was| given.map_or(was, |value| (value != 0.0).then_some(value));
        training.clip = unless_zero(self.clip, training.clip);
        training.ema = unless_zero(self.ema, training.ema);
        training.label_smoothing = unless_zero(self.label_smoothing, training.label_smoothing);
        training.patience = self.patience.map_or(training.patience, |patience| (patience != 0).then_some(patience));
        self.apply_optimizer(&mut training.optimizer)?;
        self.apply_schedule(training.budget, width, &mut training.schedule)
    }

    /// Shortens the warm-up of a run that is new and short, unless it was given.
    pub(crate) fn shorten_warmup(&self, training: &mut TrainerConfig) {
        let (None, Budget::Steps(steps)) = (self.warmup, training.budget) else { return };
        match &mut training.schedule {
            Schedule::Cosine { warmup, .. } => *warmup = (*warmup).min(steps / 10),
            Schedule::Noam { warmup, .. } => *warmup = (*warmup).min((steps / 10).max(1)),
            Schedule::Constant { .. } | Schedule::Step { .. } => {}
        }
    }

    fn apply_optimizer(&self, optimizer: &mut Method) -> Outcome {
        let named = match self.optimizer.as_deref() {
            Some("sgd") => Method::Sgd(Sgd { momentum: 0.9, nesterov: false }),
            Some("rmsprop") => Method::RmsProp(RmsProp::default()),
            Some("adam") => Method::Adam(Adam::default()),
            Some(_) => Method::AdamW(AdamW::default()),
            None => *optimizer,
        };
        if discriminant(&named) != discriminant(optimizer) {
            *optimizer = named;
        }
        let (beta2, weight_decay) = match optimizer {
            Method::Sgd(_) => (None, None),
            Method::RmsProp(RmsProp { alpha, .. }) => (Some(alpha), None),
            Method::Adam(Adam { beta2, .. }) => (Some(beta2), None),
            Method::AdamW(AdamW { beta2, weight_decay, .. }) => (Some(beta2), Some(weight_decay)),
        };
        set(beta2, self.beta2, "--beta2: sgd has no second moment")?;
        set(weight_decay, self.weight_decay, "--weight-decay: only adamw has it")
    }

    fn apply_schedule(&self, budget: Budget, width: usize, schedule: &mut Schedule) -> Outcome {
        let rate = match *schedule {
            Schedule::Constant { rate } | Schedule::Cosine { rate, .. } | Schedule::Step { rate, .. } => rate,
            Schedule::Noam { .. } => self.lr.unwrap_or(1e-3),
        };
        let named = match self.schedule.as_deref() {
            Some("constant") => Schedule::Constant { rate },
            Some("cosine") => Schedule::Cosine { rate, minimum: rate / 10.0, warmup: 0 },
            Some("noam") => Schedule::Noam { factor: 1.0, width, warmup: NOAM_WARMUP },
            Some(_) => {
                let quarter = if let Budget::Steps(steps) = budget { Some((steps / 4).max(1)) } else { self.lr_every };
                let problem = "--schedule step: without --steps it needs --lr-every";
                let every = quarter.ok_or_else(|| Failure::input(problem))?;
                Schedule::Step { rate, factor: 0.5, every }
            }
            None => *schedule,
        };
        if discriminant(&named) != discriminant(schedule) {
            *schedule = named;
        }
        let (rate, minimum, warmup, factor, every) = match schedule {
            Schedule::Constant { rate } => (Some(rate), None, None, None, None),
            Schedule::Step { rate, factor, every } => (Some(rate), None, None, Some(factor), Some(every)),
            Schedule::Cosine { rate, minimum, warmup } => {
                *minimum = self.lr.filter(|lr| lr != rate).map_or(*minimum, |lr| lr / 10.0);
                (Some(rate), Some(minimum), Some(warmup), None, None)
            }
            Schedule::Noam { factor, width: of, warmup } => {
                *of = width;
                (None, None, Some(warmup), Some(factor), None)
            }
        };
        set(rate, self.lr, "--lr: the noam schedule has none of its own; --lr-factor scales it")?;
        set(minimum, self.min_lr, "--min-lr: only the cosine schedule has it")?;
        set(warmup, self.warmup, "--warmup: only the cosine and noam schedules have it")?;
        set(factor, self.lr_factor, "--lr-factor: only the step and noam schedules have it")?;
        set(every, self.lr_every, "--lr-every: only the step schedule has it")
    }
}
