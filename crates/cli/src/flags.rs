//! From flags to settings: only what was given changes, the rest stays as the rung, or the run that goes on, has it.

use rungs::settings::{GptSettings, Lora, PositionKind, Tied};
use rungs::trainer::{Adam, AdamW, Budget, Method, RmsProp, Schedule, Sgd};
use rungs::{Learns, PromptKind, PromptSettings, Regularization, Rung, Settings};

use crate::arguments::{Common, FineTuningFlags, GptFlags, ModelFlags, PairFlags, Train, TrainingFlags};
use crate::failure::{Failure, Outcome};
use crate::text::unescaped;

/// θ of rotary positions that are asked for by themselves.
const ROTARY_BASE: f64 = 10_000.0;

/// The settings of a new run that would otherwise have these.
pub(crate) fn fresh(train: &Train, common: &Common, mut settings: Settings) -> Outcome<Settings> {
    // What the model to begin with has learnt to answer from is not what is to be learnt now.
    settings.prompts = settings.prompts.filter(|_| task(train).is_some());
    apply(train, common, &mut settings)?;
    // A short run would otherwise be all warm-up.
    if let (None, Budget::Steps(steps)) = (train.training.warmup, settings.budget) {
        match &mut settings.schedule {
            Schedule::Cosine { warmup, .. } => *warmup = (*warmup).min(steps / 10),
            Schedule::Noam { warmup, .. } => *warmup = (*warmup).min((steps / 10).max(1)),
            Schedule::Constant { .. } | Schedule::Step { .. } => {}
        }
    }
    Ok(settings)
}

/// Changes settings by what was given. The same flags change nothing a second time, so a run goes on with the command
/// that began it and `--resume`.
pub(crate) fn apply(train: &Train, common: &Common, settings: &mut Settings) -> Outcome {
    settings.rung = train.rung;
    set(&mut settings.seed, common.seed);
    set(&mut settings.validation_split, train.validation_split);
    set(
        &mut settings.documents,
        train.documents.as_deref().map(|text| unescaped("--documents", text)).transpose()?.map(Some),
    );
    let budgets =
        [train.steps.map(Budget::Steps), train.epochs.map(Budget::Epochs), train.seconds.map(Budget::Seconds)];
    set(&mut settings.budget, budgets.into_iter().flatten().next());
    apply_model(&train.model, settings);
    apply_arrangement(&train.gpt, settings)?;
    apply_tied(train.model.tied, settings)?;
    apply_fine_tuning(&train.fine_tuning, settings)?;
    apply_pairs(&train.pair_flags, settings)?;
    apply_prompts(train, settings)?;
    apply_training(&train.training, settings)
}

fn set<T>(setting: &mut T, flag: Option<T>) {
    if let Some(value) = flag {
        *setting = value;
    }
}

fn apply_model(flags: &ModelFlags, settings: &mut Settings) {
    set(&mut settings.layers, flags.layers);
    set(&mut settings.hidden, flags.hidden);
    set(&mut settings.embedding, flags.embedding.map(Some));
    set(&mut settings.heads, flags.heads.map(Some));
    set(&mut settings.context, flags.context);
    set(&mut settings.dropout, flags.dropout);
    set(&mut settings.tokenizer, flags.tokenizer.clone());
}

fn apply_arrangement(flags: &GptFlags, settings: &mut Settings) -> Outcome {
    let of_both = [
        ("--feed-forward", flags.feed_forward.is_some()),
        ("--activation", flags.activation.is_some()),
        ("--positions", flags.positions.is_some()),
        ("--checkpointing", flags.checkpointing.is_some()),
    ];
    let of_gpt = [
        ("--architecture", flags.architecture.is_some()),
        ("--key-heads", flags.key_heads.is_some()),
        ("--gated", flags.gated.is_some()),
        ("--norm", flags.norm.is_some()),
        ("--norm-epsilon", flags.norm_epsilon.is_some()),
        ("--rotary-base", flags.rotary_base.is_some()),
        ("--bias", flags.bias.is_some()),
    ];
    let of_transformer = [("--norm-position", flags.norm_position.is_some())];
    let rung = settings.rung;
    if settings.gpt.is_none() {
        refuse(&of_gpt, rung)?;
    }
    match (&mut settings.gpt, &mut settings.transformer) {
        (Some(gpt), _) => {
            refuse(&of_transformer, rung)?;
            apply_gpt(flags, gpt);
        }
        (None, Some(transformer)) => {
            set(&mut transformer.feed_forward, flags.feed_forward.map(Some));
            set(&mut transformer.activation, flags.activation);
            set(&mut transformer.norm_position, flags.norm_position);
            set(&mut transformer.positions, flags.positions);
            set(&mut transformer.checkpointing, flags.checkpointing);
        }
        (None, None) => {
            refuse(&of_both, rung)?;
            refuse(&of_transformer, rung)?;
        }
    }
    Ok(())
}

fn apply_gpt(flags: &GptFlags, gpt: &mut GptSettings) {
    // What belongs to an architecture comes with it, but not a second time: a run goes on with what was changed since.
    if let Some(architecture) = flags.architecture.filter(|&architecture| architecture != gpt.architecture) {
        *gpt = GptSettings::of(architecture);
    }
    set(&mut gpt.key_heads, flags.key_heads.map(Some));
    set(&mut gpt.feed_forward, flags.feed_forward.map(Some));
    set(&mut gpt.activation, flags.activation);
    set(&mut gpt.gated, flags.gated);
    set(&mut gpt.norm, flags.norm);
    set(&mut gpt.norm_epsilon, flags.norm_epsilon);
    if let Some(positions) = flags.positions.filter(|&positions| positions != gpt.positions) {
        gpt.positions = positions;
        gpt.rotary_base = (positions == PositionKind::Rotary).then_some(ROTARY_BASE);
    }
    set(&mut gpt.rotary_base, flags.rotary_base.map(Some));
    set(&mut gpt.bias, flags.bias);
    set(&mut gpt.checkpointing, flags.checkpointing);
}

/// Whether there is one matrix for embedding and head, in the rungs that leave it open.
fn apply_tied(tied: Option<Tied>, settings: &mut Settings) -> Outcome {
    let rung = settings.rung;
    match (&mut settings.gpt, &mut settings.pairs) {
        (Some(gpt), _) => set(&mut gpt.tied, tied.map(|tied| tied.head(rung)).transpose()?),
        (_, Some(pairs)) => set(&mut pairs.tied, tied),
        (None, None) => refuse(&[("--tied", tied.is_some())], rung)?,
    }
    Ok(())
}

/// The first of these flags that was given is refused: the rung has nothing that it could set.
fn refuse(given: &[(&str, bool)], rung: Rung) -> Outcome {
    match given.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Failure::input(format!("{flag}: the rung {rung} has no such setting"))),
        None => Ok(()),
    }
}

fn apply_fine_tuning(flags: &FineTuningFlags, settings: &mut Settings) -> Outcome {
    let details = [
        ("--lora-alpha", flags.lora_alpha.is_some()),
        ("--lora-targets", flags.lora_targets.is_some()),
        ("--lora-dropout", flags.lora_dropout.is_some()),
    ];
    if settings.gpt.is_none() {
        let given = [("--lora", flags.lora.is_some()), ("--train-last-layers", flags.train_last_layers.is_some())];
        refuse(&given, settings.rung)?;
        refuse(&details, settings.rung)?;
    }
    let tuning = &mut settings.fine_tuning;
    set(&mut tuning.train_last_layers, flags.train_last_layers.map(Some));
    // What belongs to a rank comes with it, but not a second time.
    let known = tuning.lora.as_ref().map(|lora| lora.rank);
    if let Some(rank) = flags.lora.filter(|&rank| Some(rank) != known) {
        tuning.lora = Some(Lora::of_rank(rank));
    }
    match (&mut tuning.lora, details.iter().find(|(_, given)| *given)) {
        (Some(lora), _) => {
            set(&mut lora.alpha, flags.lora_alpha);
            set(&mut lora.targets, flags.lora_targets.clone());
            set(&mut lora.dropout, flags.lora_dropout);
            Ok(())
        }
        (None, Some((flag, _))) => Err(Failure::input(format!("{flag}: without --lora there is no adapter"))),
        (None, None) => Ok(()),
    }
}

fn apply_pairs(flags: &PairFlags, settings: &mut Settings) -> Outcome {
    let rung = settings.rung;
    let given = [
        ("--cell", flags.cell.is_some()),
        ("--reverse", flags.reverse.is_some()),
        ("--scheduled-sampling", flags.scheduled_sampling.is_some()),
        ("--min-count", flags.min_count.is_some()),
        ("--lower-case", flags.lower_case.is_some()),
        ("--attention", flags.attention.is_some()),
        ("--score", flags.score.is_some()),
        ("--both-ways", flags.both_ways.is_some()),
    ];
    let Some(pairs) = &mut settings.pairs else { return refuse(&given, rung) };
    set(&mut pairs.cell, flags.cell.map(Some));
    set(&mut pairs.reverse, flags.reverse);
    set(&mut pairs.scheduled_sampling, flags.scheduled_sampling);
    set(&mut pairs.min_count, flags.min_count);
    set(&mut pairs.lower_case, flags.lower_case);
    set(&mut pairs.attention, flags.attention.map(Some));
    set(&mut pairs.score, flags.score.map(Some));
    set(&mut pairs.both_ways, flags.both_ways.map(Some));
    Ok(())
}

/// What a language model is to learn to answer from, if that was given.
fn task(train: &Train) -> Option<PromptKind> {
    match (&train.pairs, &train.dialogue) {
        (Some(_), _) => Some(PromptKind::Pairs),
        (None, Some(_)) => Some(PromptKind::Dialogue),
        (None, None) => None,
    }
}

fn apply_prompts(train: &Train, settings: &mut Settings) -> Outcome {
    if settings.rung.learns() == Learns::Pairs {
        let given = [("--dialogue", train.dialogue.is_some()), ("--template", train.template.is_some())];
        return refuse(&given, settings.rung);
    }
    if let Some(task) = task(train) {
        let as_before = settings.prompts.take().filter(|prompts| prompts.task == task);
        settings.prompts = Some(as_before.unwrap_or_else(|| PromptSettings::of(task)));
    }
    let Some(template) = &train.template else { return Ok(()) };
    let prompts = settings.prompts.as_mut();
    let prompts = prompts.ok_or_else(|| Failure::input("--template: a text has none (--pairs and --dialogue have)"))?;
    prompts.template = unescaped("--template", template)?;
    Ok(())
}

fn apply_training(flags: &TrainingFlags, settings: &mut Settings) -> Outcome {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use clap::Parser;
    use rungs::settings::{Architecture, NormName};

    fn parse(line: &str) -> (Box<Train>, Common) {
        let arguments = Arguments::try_parse_from(format!("rungs train {line}").split_whitespace()).unwrap();
        match arguments.command {
            Command::Train(train) => (train, arguments.common),
            other => panic!("not train: {other:?}"),
        }
    }

    fn settings(line: &str) -> Settings {
        let (train, common) = parse(line);
        fresh(&train, &common, Settings::of(train.rung)).unwrap()
    }

    #[test]
    fn nothing_given_is_the_rungs_recipe() {
        for rung in Rung::ALL {
            assert_eq!(settings(rung.name()), Settings::of(rung));
        }
    }

    #[test]
    fn what_belongs_together_moves_together() {
        let cosine = |line| match settings(line).schedule {
            Schedule::Cosine { rate, minimum, warmup } => (rate, minimum, warmup),
            other => panic!("not cosine: {other:?}"),
        };
        assert_eq!(cosine("gpt --steps 500"), (1e-3, 1e-4, 50));
        assert_eq!(cosine("gpt --steps 5000"), (1e-3, 1e-4, 100));
        assert_eq!(cosine("gpt --steps 500 --warmup 70 --lr 0.5"), (0.5, 0.05, 70));
        assert_eq!(cosine("lstm --lr 0.5 --min-lr 0"), (0.5, 0.0, 0));
        let step = settings("rnn --schedule step --steps 100 --lr 1").schedule;
        assert_eq!(step, Schedule::Step { rate: 1.0, factor: 0.5, every: 25 });
        assert_eq!(settings("rnn --clip 0").clip, None);
        let noam = |line| settings(line).schedule;
        let expected = |factor, width, warmup| Schedule::Noam { factor, width, warmup };
        assert_eq!(noam("gpt --schedule noam --steps 50000"), expected(1.0, 128, 4000));
        assert_eq!(noam("gpt --schedule noam --hidden 64 --steps 500 --lr-factor 2"), expected(2.0, 64, 50));
        assert_eq!(noam("gpt --schedule noam --steps 5 --warmup 70"), expected(1.0, 128, 70));
        assert_eq!(noam("gpt --schedule noam --steps 5"), expected(1.0, 128, 1));
        let kept = settings("gpt --label-smoothing 0.1 --ema 0.99 --patience 3").regularization;
        assert_eq!((kept.label_smoothing, kept.ema, kept.patience), (Some(0.1), Some(0.99), Some(3)));
        assert_eq!(settings("gpt --label-smoothing 0 --ema 0 --patience 0"), Settings::of(Rung::Gpt));
        let adamw = Method::AdamW(AdamW { beta2: 0.9, weight_decay: 0.0, ..AdamW::default() });
        assert_eq!(settings("rnn --optimizer adamw --beta2 0.9 --weight-decay 0").optimizer, adamw);
    }

    #[test]
    fn the_same_flags_change_nothing_a_second_time() {
        for line in [
            "gpt --steps 500 --lr 0.002 --seed 3 --dropout 0.1",
            "lstm --optimizer rmsprop --beta2 0.95 --schedule step --steps 80 --lr-factor 0.3",
            "rnn --optimizer sgd --schedule constant --lr 0.1 --validation-split 0.2",
            "gpt --tokenizer bpe:2000",
            "gpt --architecture llama --key-heads 2 --norm layer --positions learned --tied true",
            "gpt --schedule noam --steps 500 --lr-factor 0.5 --label-smoothing 0.1 --ema 0.9 --patience 4",
            "gpt --lora 4 --lora-alpha 3 --lora-targets qkv,feed-forward.up --lora-dropout 0.1",
            "gpt --train-last-layers 2",
            "attention --tokenizer runs/other",
            "transformer --tokenizer bpe:500 --tied all --positions learned --norm-position post --feed-forward 9",
            "gpt --pairs pairs.tsv --template {source}={target}\\n",
            "lstm --dialogue talk.jsonl",
        ] {
            let (train, common) = parse(line);
            let first = fresh(&train, &common, Settings::of(train.rung)).unwrap();
            let mut second = first.clone();
            apply(&train, &common, &mut second).unwrap();
            assert_eq!(second, first);
        }
    }

    #[test]
    fn an_architecture_decides_what_is_not_said() {
        let gpt = |line| settings(line).gpt.unwrap();
        assert_eq!(gpt("gpt --architecture llama"), GptSettings::of(Architecture::Llama));
        let mixed = gpt("gpt --architecture llama --norm layer --tied true --feed-forward 99");
        let layer = GptSettings { norm: NormName::Layer, ..GptSettings::of(Architecture::Llama) };
        assert_eq!(mixed, GptSettings { tied: true, feed_forward: Some(99), ..layer });
        assert_eq!(gpt("gpt --positions rotary").rotary_base, Some(10_000.0));
        assert_eq!(gpt("gpt --architecture llama --positions learned").rotary_base, None);
        assert_eq!(gpt("gpt --positions rotary --rotary-base 500").rotary_base, Some(500.0));
    }

    #[test]
    fn pairs_and_dialogues_have_a_template_and_a_text_has_none() {
        let template = |line| settings(line).prompts.map(|prompts| prompts.template);
        assert_eq!(template("gpt --text book.txt"), None);
        assert_eq!(template("gpt --pairs pairs.tsv").as_deref(), Some("{source}\n=> {target}\n"));
        assert_eq!(template("rnn --dialogue talk.jsonl").as_deref(), Some("{role}: {text}\n"));
        assert_eq!(template("attention --pairs pairs.tsv"), None, "it reads sources as they are");
        // A model to begin with hands on its template, if it is to learn more of the same kind.
        let from = settings("gpt --pairs pairs.tsv --template {source}:{target}.").beginning();
        let fresh = |line| {
            let (train, common) = parse(line);
            super::fresh(&train, &common, from.clone()).unwrap().prompts.map(|prompts| prompts.template)
        };
        assert_eq!(fresh("gpt --pairs other.tsv").as_deref(), Some("{source}:{target}."));
        assert_eq!(fresh("gpt --dialogue talk.jsonl").as_deref(), Some("{role}: {text}\n"));
        assert_eq!(fresh("gpt --text book.txt"), None);
    }

    #[test]
    fn flags_of_another_choice_are_refused() {
        for (line, flag) in [
            ("rnn --optimizer sgd --beta2 0.9", "--beta2"),
            ("rnn --weight-decay 0.1", "--weight-decay"),
            ("rnn --schedule constant --warmup 3", "--warmup"),
            ("gpt --lr-every 3", "--lr-every"),
            ("gpt --schedule noam --lr 0.1", "--lr:"),
            ("gpt --schedule noam --min-lr 0.1", "--min-lr"),
            ("gpt --schedule step --epochs 2", "--schedule step"),
            ("lstm --architecture llama", "--architecture"),
            ("attention --norm rms", "--norm"),
            ("attention --feed-forward 9", "--feed-forward"),
            ("attention --norm-position pre", "--norm-position"),
            ("gpt --norm-position pre", "--norm-position"),
            ("gpt --tied all", "tied"),
            ("transformer --norm rms", "--norm"),
            ("transformer --key-heads 2", "--key-heads"),
            ("rnn --tied true", "--tied"),
            ("lstm --lora 4", "--lora: the rung lstm has no such setting"),
            ("transformer --train-last-layers 1", "--train-last-layers"),
            ("gpt --lora-alpha 4", "--lora-alpha: without --lora there is no adapter"),
            ("gpt --template {source}={target}", "--template"),
            ("attention --template {source}={target}", "--template"),
            ("seq2seq --dialogue talk.jsonl", "--dialogue"),
        ] {
            let (train, common) = parse(line);
            let failure = format!("{:?}", fresh(&train, &common, Settings::of(train.rung)).unwrap_err());
            assert!(failure.contains(flag), "{failure}");
        }
    }
}
