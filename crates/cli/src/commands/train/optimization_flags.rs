//! The flags of optimizer, schedule, regularization and everything else that is about training and not about the model.

use rungs::trainer::{Adam, AdamW, Budget, Method, RmsProp, Schedule, Sgd};
use rungs::{Regularization, Settings};

use super::given_flags::set;
use crate::arguments::TrainingFlags;
use crate::terminal::failure::{Failure, Outcome};

pub(super) fn apply_training(flags: &TrainingFlags, settings: &mut Settings) -> Outcome {
    set(&mut settings.batch_size, flags.batch_size);
    set(&mut settings.accumulate, flags.accumulate);
    set(&mut settings.clip, flags.clip.map(|clip| (clip != 0.0).then_some(clip)));
    set(&mut settings.evaluate_every, flags.evaluate_every);
    set(&mut settings.save_every, flags.save_every);
    let Regularization { label_smoothing, ema, patience } = &mut settings.regularization;
    set(ema, flags.ema.map(|decay| (decay != 0.0).then_some(decay)));
    set(label_smoothing, flags.label_smoothing.map(|smoothing| (smoothing != 0.0).then_some(smoothing)));
    set(patience, flags.patience.map(|patience| (patience != 0).then_some(patience)));
    apply_optimizer(flags, &mut settings.optimizer)?;
    let steps = match settings.budget {
        Budget::Steps(steps) => Some(steps),
        _ => None,
    };
    apply_schedule(flags, steps, settings.hidden, &mut settings.schedule)
}

fn apply_optimizer(flags: &TrainingFlags, optimizer: &mut Method) -> Outcome {
    match (flags.optimizer.as_deref(), *optimizer) {
        (Some("sgd"), Method::Sgd(_)) => {}
        (Some("sgd"), _) => *optimizer = Method::Sgd(Sgd { momentum: 0.9, nesterov: false }),
        (Some("rmsprop"), Method::RmsProp(_)) => {}
        (Some("rmsprop"), _) => *optimizer = Method::RmsProp(RmsProp::default()),
        (Some("adam"), Method::Adam(_)) => {}
        (Some("adam"), _) => *optimizer = Method::Adam(Adam::default()),
        (Some("adamw"), Method::AdamW(_)) => {}
        (Some("adamw"), _) => *optimizer = Method::AdamW(AdamW::default()),
        _ => {}
    }
    if let Some(beta2) = flags.beta2 {
        match optimizer {
            Method::Sgd(_) => return Err(Failure::input("--beta2: sgd has no second moment")),
            Method::RmsProp(rule) => rule.alpha = beta2,
            Method::Adam(rule) => rule.beta2 = beta2,
            Method::AdamW(rule) => rule.beta2 = beta2,
        }
    }
    if let Some(decay) = flags.weight_decay {
        match optimizer {
            Method::AdamW(rule) => rule.weight_decay = decay,
            _ => return Err(Failure::input("--weight-decay: only adamw has it")),
        }
    }
    Ok(())
}

/// The warm-up of Noam's schedule in the paper.
const NOAM_WARMUP: usize = 4000;

fn apply_schedule(flags: &TrainingFlags, steps: Option<usize>, width: usize, schedule: &mut Schedule) -> Outcome {
    // Noam's schedule has no rate of its own to take over; the others begin with what they would have by default.
    let rate = match *schedule {
        Schedule::Constant { rate } | Schedule::Cosine { rate, .. } | Schedule::Step { rate, .. } => rate,
        Schedule::Noam { .. } => flags.lr.unwrap_or(1e-3),
    };
    match (flags.schedule.as_deref(), *schedule) {
        (Some("constant"), Schedule::Constant { .. }) => {}
        (Some("constant"), _) => *schedule = Schedule::Constant { rate },
        (Some("cosine"), Schedule::Cosine { .. }) => {}
        (Some("cosine"), _) => *schedule = Schedule::Cosine { rate, minimum: rate / 10.0, warmup: 0 },
        (Some("step"), Schedule::Step { .. }) => {}
        (Some("step"), _) => {
            let quarter = steps.map(|steps| (steps / 4).max(1)).or(flags.lr_every);
            let every =
                quarter.ok_or_else(|| Failure::input("--schedule step: without --steps it needs --lr-every"))?;
            *schedule = Schedule::Step { rate, factor: 0.5, every };
        }
        (Some("noam"), Schedule::Noam { .. }) => {}
        (Some("noam"), _) => *schedule = Schedule::Noam { factor: 1.0, width, warmup: NOAM_WARMUP },
        _ => {}
    }
    match schedule {
        Schedule::Constant { rate } => set(rate, flags.lr),
        Schedule::Step { rate, factor, every } => {
            set(rate, flags.lr);
            set(factor, flags.lr_factor);
            set(every, flags.lr_every);
        }
        Schedule::Cosine { rate, minimum, warmup } => {
            if let Some(lr) = flags.lr.filter(|lr| lr != rate) {
                (*rate, *minimum) = (lr, lr / 10.0);
            }
            set(minimum, flags.min_lr);
            set(warmup, flags.warmup);
        }
        Schedule::Noam { factor, width: of, warmup } => {
            set(factor, flags.lr_factor);
            set(warmup, flags.warmup);
            *of = width;
        }
    }
    let cosine = matches!(schedule, Schedule::Cosine { .. });
    let step = matches!(schedule, Schedule::Step { .. });
    let noam = matches!(schedule, Schedule::Noam { .. });
    let given = [
        ("--min-lr", flags.min_lr.is_some(), cosine, "only the cosine schedule has it"),
        ("--warmup", flags.warmup.is_some(), cosine || noam, "only the cosine and noam schedules have it"),
        ("--lr-factor", flags.lr_factor.is_some(), step || noam, "only the step and noam schedules have it"),
        ("--lr-every", flags.lr_every.is_some(), step, "only the step schedule has it"),
        ("--lr", flags.lr.is_some(), !noam, "the noam schedule has none of its own; --lr-factor scales it"),
    ];
    match given.into_iter().find(|&(_, given, fits, _)| given && !fits) {
        Some((flag, _, _, problem)) => Err(Failure::input(format!("{flag}: {problem}"))),
        None => Ok(()),
    }
}
