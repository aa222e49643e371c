//! How a run is going, on stderr: a bar where somebody looks at it, and a plain line now and then where it is a file.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rungs::trainer::Event;

use crate::output::{clock, thousands};

/// How fine the bar is.
const PARTS: u64 = 1000;
/// The least time between two plain lines.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Follows the events of one run.
pub(crate) struct Progress {
    label: String,
    bar: Option<ProgressBar>,
    last_line: Instant,
    /// When the first step of this process ended, and how much of the run was done then.
    start: Option<(Instant, f64)>,
    /// Tokens and seconds of the steps of this process.
    tokens: usize,
    seconds: f64,
    /// The training loss, smoothed over a few dozen steps.
    loss: Option<f64>,
    validation: Option<f64>,
}

impl Progress {
    /// A display for a run called `label`; `machine` if a program reads our output, so that a bar would be wasted.
    pub(crate) fn new(label: impl Into<String>, machine: bool) -> Self {
        let bar = (!machine && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(PARTS), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{prefix:>5} {bar:24.cyan/blue} {msg}");
            bar.with_style(style.expect("the template is a constant"))
        });
        let label = label.into();
        if let Some(bar) = &bar {
            bar.set_prefix(label.clone());
        }
        Self {
            label,
            bar,
            last_line: Instant::now(),
            start: None,
            tokens: 0,
            seconds: 0.0,
            loss: None,
            validation: None,
        }
    }

    /// Takes note of an event and shows it, if it is time to.
    pub(crate) fn show(&mut self, event: &Event) {
        match *event {
            Event::Step { step, loss, tokens, seconds, progress, .. } => {
                self.start.get_or_insert((Instant::now(), progress));
                self.tokens += tokens;
                self.seconds += seconds;
                self.loss = Some(self.loss.map_or(loss, |smooth| smooth + 0.05 * (loss - smooth)));
                match &self.bar {
                    Some(bar) => {
                        bar.set_position((progress * PARTS as f64) as u64);
                        bar.set_message(self.line(step, progress));
                    }
                    None if self.last_line.elapsed() >= BETWEEN_LINES => {
                        self.last_line = Instant::now();
                        let percent = (progress * 100.0) as u64;
                        // Where stderr is closed there is nobody to tell.
                        let line = self.line(step, progress);
                        let _ = writeln!(std::io::stderr(), "{}: {percent} %, {line}", self.label);
                    }
                    None => {}
                }
            }
            Event::Evaluated { loss, .. } => self.validation = Some(loss),
            _ => {}
        }
    }

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
            Some((start, before)) if progress > before => {
                let left = start.elapsed().as_secs_f64() * (1.0 - progress) / (progress - before);
                line + &format!(", {} left", clock(left))
            }
            _ => line,
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
