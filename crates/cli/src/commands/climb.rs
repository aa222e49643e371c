//! `rungs climb`: every rung learns the built-in text, or the built-in pairs, and the ladder is printed.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use rungs::decoding::{GenerateOptions, Length, Search, Temperature, TopP};
use rungs::tensor::Rng;
use rungs::trainer::checkpoint::FolderLock;
use rungs::trainer::{Budget, Finish, Schedule, Summary};
use rungs::{Corpus, Error, Generator, ModelConfig, Run, RunConfig, Rung, Settings, TextPair};
use serde::Serialize;

use super::learning_data::{Texts, test_dates};
use super::{quoted, train_with_display, with_loss_plot};
use crate::arguments::{Climb, Common};
use crate::terminal::{Facts, Failure, Interrupt, Outcome, clock, output, reason, thousands};

/// How much of each rung's writing is shown.
const SAMPLE_TOKENS: usize = 320;
/// How many dates.
const SAMPLE_DATES: usize = 5;

/// One rung, climbed.
#[derive(Serialize)]
struct Step {
    rung: Rung,
    kind: &'static str,
    parameters: usize,
    tokens_per_second: f64,
    /// Of a rung that learns a text: on the held-out part.
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_per_char: Option<f64>,
    /// Of a rung that learns pairs: the share of held-out sources that it writes exactly as they should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    exact_match: Option<f64>,
    sample: String,
    #[serde(skip)]
    seconds: f64,
}

/// The settings that suit a text of a hundred or two hundred kilobytes and about a minute: small batches, so that a
/// step costs little and there are many; dropout and decay, for the larger rungs could learn such a text by heart.
fn settings(rung: Rung) -> Settings {
    let mut settings = Settings::of(rung);
    let (steps, rate, warmup) = match rung {
        Rung::Rnn => (1500, 2e-3, 0),
        Rung::Lstm | Rung::Gru => (1200, 6e-3, 0),
        Rung::Gpt => (1500, 3e-3, 100),
        Rung::Seq2seq | Rung::Attention => (600, 6e-3, 0),
        Rung::Transformer => (900, 5e-3, 90),
    };
    settings.training.budget = Budget::Steps(steps);
    settings.training.schedule = Schedule::Cosine { rate, minimum: rate / 10.0, warmup };
    match &mut settings.model {
        ModelConfig::Rnn(_) => settings.training.batch_size = 20,
        ModelConfig::Lstm(config) | ModelConfig::Gru(config) => {
            (config.dropout, settings.training.batch_size) = (0.2, 20);
        }
        ModelConfig::Gpt(config) => (config.layers, config.dropout) = (3, 0.1),
        ModelConfig::Seq2seq(config) => (config.hidden, config.embedding) = (128, 64),
        ModelConfig::Attention(config) => (config.hidden, config.embedding) = (128, 64),
        ModelConfig::Transformer(config) => config.width = 64,
    }
    settings
}

pub(crate) fn run(climb: &Climb, common: &Common) -> Outcome {
    let interrupt = Interrupt::listen()?;
    let plans: Vec<Plan> = Rung::ALL.into_iter().map(|rung| Plan::new(rung, climb, common)).collect::<Outcome<_>>()?;
    let mut folders = plans.iter().filter_map(|plan| plan.folder.as_deref());
    let _lock = match &climb.out {
        None => None,
        Some(out) if climb.resume && !folders.any(|folder| folder.join("config.json").exists()) => {
            return Err(Failure::input(format!("{}: holds no ladder that could go on", out.display())));
        }
        Some(out) => {
            // All before any: a ladder that cannot be kept whole is not begun.
            if !climb.resume {
                folders.try_for_each(Run::check_free)?;
            }
            fs::create_dir_all(out)
                .map_err(|error| Failure::running(format!("{}: {}", out.display(), reason(&error))))?;
            Some(FolderLock::acquire(out).map_err(Error::from)?)
        }
    };
    let (mut steps, mut bigram) = (Vec::new(), 0.0);
    for mut plan in plans {
        let corpus = plan.texts.corpus(&plan.config.settings, None)?;
        bigram = corpus.bigram_bits()?.unwrap_or(bigram);
        let (rung, mut run) = (plan.config.settings.rung(), plan.start(climb.resume, corpus)?);
        let summary = train_with_display(&mut run, rung.name(), common.json, &interrupt)?;
        if summary.finish == Finish::Stopped {
            return Err(stopped(&summary, climb, common, rung));
        }
        steps.push(climbed(rung, &run, &summary, common.seed.unwrap_or(0))?);
    }
    let mut facts = Facts::default();
    facts.field("rungs", &steps).field("bigram_bits_per_char", bigram);
    facts.print(common.json, &prose(&steps, bigram))
}

/// What a rung is to do.
struct Plan {
    config: RunConfig,
    texts: Texts<'static>,
    folder: Option<PathBuf>,
}

impl Plan {
    fn new(rung: Rung, climb: &Climb, common: &Common) -> Outcome<Self> {
        let mut settings = settings(rung);
        if let Some(steps) = climb.steps_per_rung {
            settings.training.budget = Budget::Steps(steps);
            if let Schedule::Cosine { warmup, .. } = &mut settings.training.schedule {
                *warmup = (*warmup).min(steps / 10);
            }
        } else if let Some(seconds) = climb.seconds_per_rung {
            settings.training.budget = Budget::Seconds(seconds);
        }
        settings.training.seed = common.seed.unwrap_or(0);
        let texts = Texts::built_in(rung.translates())?;
        let (text, validation) = texts.provenance();
        let config = RunConfig { settings, text, validation, from: None };
        Ok(Self { config, texts, folder: climb.out.as_ref().map(|out| out.join(rung.name())) })
    }

    /// The run, to be begun or gone on with.
    fn start(&self, resume: bool, corpus: Corpus) -> Outcome<Run> {
        let settings = &self.config.settings;
        let Some(folder) = &self.folder else { return Ok(Run::new(settings, corpus)?) };
        // A ladder that was stopped has runs for its first rungs only.
        let start = if resume && folder.join("config.json").exists() { Run::resume } else { Run::create };
        let run = start(folder, &self.config, corpus)?;
        let parameters = run.parameter_count() as u64;
        Ok(with_loss_plot(run, settings.rung(), parameters))
    }
}

fn climbed(rung: Rung, run: &Run, summary: &Summary, seed: u64) -> Outcome<Step> {
    let generator = run.generator()?;
    let (kind, bits_per_char, exact_match, sample) = match rung.translates() {
        false => {
            let loss = summary.best_validation_loss.expect("a finished run was evaluated at its end");
            // A token is a character.
            ("text", Some(loss / std::f64::consts::LN_2), None, sample(&generator, seed)?)
        }
        true => {
            let (right, sample) = sample_dates(&generator)?;
            ("pairs", None, Some(right), sample)
        }
    };
    let Summary { tokens_per_second, seconds, .. } = *summary;
    let parameters = run.parameter_count();
    Ok(Step { rung, kind, parameters, tokens_per_second, bits_per_char, exact_match, sample, seconds })
}

/// The share of dates that a model writes as they should be, and the first of them.
fn sample_dates(generator: &Generator) -> Outcome<(f64, String)> {
    let pairs = test_dates();
    let sources: Vec<_> = pairs.iter().map(|pair| generator.source(&pair.source)).collect::<Result<_, _>>()?;
    let options = GenerateOptions { search: Search::Greedy, length: Length::at_most(20), ..GenerateOptions::default() };
    let found = generator.generate(&sources, &options, &Rng::new(0), &mut |_, _| ControlFlow::Continue(()))?;
    let written = || found.iter().map(|texts| &*texts[0].text).zip(&pairs);
    let right = written().filter(|(text, pair)| *text == pair.target).count();
    let line = |(text, TextPair { source, target }): (&str, &TextPair)| {
        let verdict = if text == target { String::new() } else { format!(" (it is {target})") };
        format!("{source} → {text}{verdict}\n")
    };
    Ok((right as f64 / pairs.len() as f64, written().take(SAMPLE_DATES).map(line).collect()))
}

/// A sample of a model for people to look at.
fn sample(generator: &Generator, seed: u64) -> Outcome<String> {
    let temperature = Temperature::new(0.8).map_err(Failure::running)?;
    let top_p = TopP::new(0.95).map_err(Failure::running)?;
    let options = GenerateOptions {
        processors: vec![Arc::new(temperature), Arc::new(top_p)],
        length: Length::at_most(SAMPLE_TOKENS),
        ..GenerateOptions::default()
    };
    let rng = Rng::new(seed).fork("sample");
    let quiet = &mut |_: usize, _: &str| ControlFlow::Continue(());
    let mut texts = generator.generate(&[generator.beginning()?], &options, &rng, quiet)?;
    Ok(texts.remove(0).remove(0).text)
}

fn stopped(summary: &Summary, climb: &Climb, common: &Common, rung: Rung) -> Failure {
    let Some(out) = &climb.out else {
        let steps = thousands(summary.steps);
        return Failure::interrupted(format!("stopped {rung} after step {steps}; nothing is kept without --out DIR"));
    };
    // What was asked for holds for the rungs that are still to come as well.
    let asked = [
        climb.steps_per_rung.map(|steps| format!(" --steps-per-rung {steps}")),
        climb.seconds_per_rung.map(|seconds| format!(" --seconds-per-rung {seconds}")),
        common.seed.map(|seed| format!(" --seed {seed}")),
    ];
    let asked: String = asked.into_iter().flatten().collect();
    super::train::stopped(summary, &format!("climb --out {} --resume{asked}", quoted(out)))
}

fn prose(steps: &[Step], bigram: f64) -> String {
    let row = |cells: [&str; 5]| cells.map(str::to_owned).to_vec();
    let table = |measure: &str, first: Option<Vec<String>>, figure: fn(&Step) -> Option<String>| {
        let of_step = |step: &Step| {
            let (parameters, speed) = (thousands(step.parameters), thousands(step.tokens_per_second as usize));
            Some(row([step.rung.name(), &parameters, &speed, &clock(step.seconds), &figure(step)?]))
        };
        let header = row(["rung", "parameters", "tokens/s", "time", measure]);
        output::table(header, first.into_iter().chain(steps.iter().filter_map(of_step)))
    };
    let bigram = row(["bigram", "", "", "", &format!("{bigram:.3}")]);
    let texts = table("bits per character", Some(bigram), |step| step.bits_per_char.map(|bits| format!("{bits:.3}")));
    let dates = table("exactly right", None, |step| step.exact_match.map(|share| format!("{:.1} %", 100.0 * share)));
    let mut text = format!(
        "{texts}\n\
         Bits per character on the last tenth of the text, which no rung has learnt from: the fewer, the better.\n\
         The bigram model (Kneser-Ney smoothing) knows one character of the past: the floor to beat.\n\n\
         {dates}\n\
         Dates written in many ways, to be written as year-month-day; those asked for were never seen.\n"
    );
    for step in steps {
        text += &format!("\n{} writes\n", step.rung);
        step.sample.trim().lines().for_each(|line| text += &format!("  {line}\n"));
    }
    text
}
