//! How far a long work is, on stderr: a bar where somebody looks at it, a plain line now and then where it is a file.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rungs::trainer::Event;

use crate::terminal::output::{clock, thousands};

/// How fine the bar is.
const PARTS: u64 = 1000;
/// The least time between two plain lines.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// The bar, or the lines.
pub(crate) struct Progress {
    label: String,
    bar: Option<ProgressBar>,
    last_line: Instant,
    /// When it was first shown, and what share was done then.
    start: Option<(Instant, f64)>,
}

impl Progress {
    /// A display of what is called `label`; `machine` if a program reads our output, so that a bar would be wasted.
    pub(crate) fn new(label: &str, machine: bool) -> Self {
        let bar = (!machine && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(PARTS), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{prefix:>5} {bar:24.cyan/blue} {msg}");
            bar.with_style(style.expect("the template is a constant")).with_prefix(label.to_owned())
        });
        Self { label: label.to_owned(), bar, last_line: Instant::now(), start: None }
    }

    /// Shows what share is done, what there is to say about it and how much time is left, if it is time to. The clock
    /// starts with the first call.
    pub(crate) fn show(&mut self, done: f64, message: impl FnOnce() -> String) {
        let (start, before) = *self.start.get_or_insert_with(|| (Instant::now(), done));
        let left = || clock(start.elapsed().as_secs_f64() * (1.0 - done) / (done - before));
        let line = || if done > before { format!("{}, {} left", message(), left()) } else { message() };
        match &self.bar {
            Some(bar) => {
                bar.set_position((done * PARTS as f64) as u64);
                bar.set_message(line());
            }
            None if self.last_line.elapsed() >= BETWEEN_LINES => {
                self.last_line = Instant::now();
                // Where stderr is closed there is nobody to tell.
                let _ = writeln!(std::io::stderr(), "{}: {} %, {}", self.label, (done * 100.0) as u64, line());
            }
            None => {}
        }
    }
}

impl Drop for Progress {
    /// The bar goes; what is printed next starts on a clean line.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Training progress of this process.
#[derive(Default)]
pub(crate) struct Course {
    tokens: usize,
    seconds: f64,
    /// The training loss, smoothed over a few dozen steps.
    loss: Option<f64>,
    validation: Option<f64>,
}

impl Course {
    /// Takes note of an event and shows it, if it is time to, as
    /// `step 840, loss 1.62 (validation 1.71), 48,211 tokens/s`.
    pub(crate) fn show(&mut self, event: &Event, on: &mut Progress) {
        match *event {
            Event::Step { step, loss, tokens, seconds, progress, .. } => {
                self.tokens += tokens;
                self.seconds += seconds;
                let smooth = self.loss.map_or(loss, |smooth| smooth + 0.05 * (loss - smooth));
                self.loss = Some(smooth);
                on.show(progress, || {
                    let validation = self.validation.map(|loss| format!(" (validation {loss:.3})")).unwrap_or_default();
                    let rate = thousands((self.tokens as f64 / self.seconds) as usize);
                    let speed = if self.seconds > 0.0 { format!(", {rate} tokens/s") } else { String::new() };
                    format!("step {}, loss {smooth:.3}{validation}{speed}", thousands(step))
                });
            }
            Event::Evaluated { loss, .. } => self.validation = Some(loss),
            _ => {}
        }
    }
}
