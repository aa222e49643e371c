//! How a run is going, on stderr: a bar where somebody looks at it, and a plain line now and then where it is a file.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rungs::Reading;
use rungs::trainer::Event;

use crate::terminal::output::{clock, thousands};

/// How fine the bar is.
const PARTS: u64 = 1000;
/// The least time between two plain lines.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// The bar, or the lines.
struct Display {
    label: String,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Display {
    /// A display of what is called `label`; `machine` if a program reads our output, so that a bar would be wasted.
    fn new(label: impl Into<String>, machine: bool) -> Self {
        let label = label.into();
        let bar = (!machine && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(PARTS), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{prefix:>5} {bar:24.cyan/blue} {msg}");
            bar.with_style(style.expect("the template is a constant")).with_prefix(label.clone())
        });
        Self { label, bar, last_line: Instant::now() }
    }

    /// Shows how much is done, a share, and what there is to say about it, if it is time to.
    fn show(&mut self, done: f64, message: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_position((done * PARTS as f64) as u64);
                bar.set_message(message());
            }
            None if self.last_line.elapsed() >= BETWEEN_LINES => {
                self.last_line = Instant::now();
                // Where stderr is closed there is nobody to tell.
                let _ = writeln!(std::io::stderr(), "{}: {} %, {}", self.label, (done * 100.0) as u64, message());
            }
            None => {}
        }
    }
}

impl Drop for Display {
    /// The bar goes; what is printed next starts on a clean line.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// `, 1:20 left`, if all goes on as since `start`, when a share of `before` was done; empty where nothing was since.
fn left(start: Instant, before: f64, done: f64) -> String {
    if done <= before {
        return String::new();
    }
    format!(", {} left", clock(start.elapsed().as_secs_f64() * (1.0 - done) / (done - before)))
}

/// Follows the events of one run.
pub(crate) struct Progress {
    display: Display,
    course: Course,
}

impl Progress {
    /// A display for a run called `label`; `machine` if a program reads our output, so that a bar would be wasted.
    pub(crate) fn new(label: impl Into<String>, machine: bool) -> Self {
        Self { display: Display::new(label, machine), course: Course::default() }
    }

    /// Takes note of an event and shows it, if it is time to.
    pub(crate) fn show(&mut self, event: &Event) {
        let Self { display, course } = self;
        match *event {
            Event::Step { step, loss, tokens, seconds, progress, .. } => {
                course.start.get_or_insert((Instant::now(), progress));
                course.tokens += tokens;
                course.seconds += seconds;
                course.loss = Some(course.loss.map_or(loss, |smooth| smooth + 0.05 * (loss - smooth)));
                display.show(progress, || course.line(step, progress));
            }
            Event::Evaluated { loss, .. } => course.validation = Some(loss),
            _ => {}
        }
    }
}

/// What there is to say about a run that is under way.
#[derive(Default)]
struct Course {
    /// When the first step of this process ended, and how much of the run was done then.
    start: Option<(Instant, f64)>,
    /// Tokens and seconds of the steps of this process.
    tokens: usize,
    seconds: f64,
    /// The training loss, smoothed over a few dozen steps.
    loss: Option<f64>,
    validation: Option<f64>,
}

impl Course {
    /// `step 840, loss 1.62 (validation 1.71), 48,211 tokens/s, 1:20 left`
    fn line(&self, step: usize, progress: f64) -> String {
        let mut line = format!("step {}", thousands(step));
        if let Some(loss) = self.loss {
            line += &format!(", loss {loss:.3}");
        }
        if let Some(loss) = self.validation {
            line += &format!(" (validation {loss:.3})");
        }
        if self.seconds > 0.0 {
            line += &format!(", {} tokens/s", thousands((self.tokens as f64 / self.seconds) as usize));
        }
        match self.start {
            Some((start, before)) => line + &left(start, before, progress),
            None => line,
        }
    }
}

/// Follows the translation of texts.
pub(crate) struct TranslationProgress {
    display: Display,
    /// When it was first shown.
    start: Option<Instant>,
    texts: usize,
}

impl TranslationProgress {
    /// A display for so many texts that a run called `label` translates; `machine` as for [`Progress`].
    pub(crate) fn new(label: &str, texts: usize, machine: bool) -> Self {
        Self { display: Display::new(label, machine), start: None, texts }
    }

    /// Shows how many texts are translated and what share of the work that was, if it is time to. The clock starts with
    /// the first call.
    pub(crate) fn show(&mut self, texts: usize, done: f64) {
        let Self { display, start, texts: all } = self;
        let start = *start.get_or_insert_with(Instant::now);
        display.show(done, || {
            format!("{} of {} translations{}", thousands(texts), thousands(*all), left(start, 0.0, done))
        });
    }
}

/// Follows the reading of a text that is larger than memory.
pub(crate) struct ReadingProgress {
    display: Option<Display>,
    label: String,
    machine: bool,
    /// When the pass that is under way began, and what it does.
    pass: Option<(Instant, &'static str)>,
}

impl ReadingProgress {
    /// A display for a run called `label`; `machine` as for [`Progress`]. Nothing is shown before something is read.
    pub(crate) fn new(label: &str, machine: bool) -> Self {
        Self { display: None, label: label.to_owned(), machine, pass: None }
    }

    /// Shows how much is read, if it is time to.
    pub(crate) fn show(&mut self, reading: &Reading) {
        let Reading { what, done, of } = *reading;
        let display = self.display.get_or_insert_with(|| Display::new(self.label.clone(), self.machine));
        let (start, _) =
            *self.pass.insert(self.pass.filter(|(_, pass)| *pass == what).unwrap_or((Instant::now(), what)));
        let share = if of == 0 { 1.0 } else { done as f64 / of as f64 };
        let megabytes = |bytes: u64| thousands((bytes / 1_000_000) as usize);
        display
            .show(share, || format!("{what}, {} of {} MB{}", megabytes(done), megabytes(of), left(start, 0.0, share)));
        if done == of {
            self.display = None; // the bar goes
        }
    }
}
