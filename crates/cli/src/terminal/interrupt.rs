//! Signals: Ctrl-C as a request, and a file that may not grow as an error.
//!
//! The first Ctrl-C asks the run to stop after the step and save, the second leaves at once. Leaving at once is safe as
//! well: a save replaces whole files, so the folder resumes from the last one that was made. While nobody asks, as
//! before a run begins, nothing is there to be saved, and the first leaves at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rungs::trainer::Control;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::terminal::failure::{Failure, Outcome};

/// Whether the user has asked for an end.
#[derive(Debug)]
pub(crate) struct Interrupt {
    requested: Arc<AtomicBool>,
    /// Whether the next signal ends the program.
    at_once: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts to listen. Only commands that save do; the others simply end.
    pub(crate) fn listen() -> Outcome<Self> {
        let (requested, at_once) = (Arc::<AtomicBool>::default(), Arc::new(AtomicBool::new(true)));
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup()) {
            // In this order: the first signal finds the flag down, and raises it.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&at_once))
                .and_then(|_| flag::register(signal, Arc::clone(&at_once)))
                .and_then(|_| flag::register(signal, Arc::clone(&requested)))
                .map_err(|error| Failure::running(format!("cannot listen for Ctrl-C: {error}")))?;
        }
        Ok(Self { requested, at_once })
    }

    /// Tells a long task whether to go on: until the signal has come. Whoever asks is going to ask again.
    pub(crate) fn control(&self) -> Control {
        let requested = self.requested.load(Ordering::SeqCst);
        self.at_once.store(requested, Ordering::SeqCst);
        if requested { Control::Stop } else { Control::Continue }
    }

    /// Nobody asks any more for now: a signal ends the program.
    pub(crate) fn leave_at_once(&self) {
        self.at_once.store(true, Ordering::SeqCst);
    }
}

/// The signal of a terminal that was closed, if it is not ignored, as `nohup` has it. Where the system does not tell,
/// it is left alone.
fn hangup() -> Option<i32> {
    const HANGUP: i32 = 1;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let ignored = u64::from_str_radix(ignored.trim(), 16).ok()?;
    (ignored >> (HANGUP - 1) & 1 == 0).then_some(HANGUP)
}

/// Where memory runs out, the standard library says so in one line and aborts. With a handler the program ends with
/// exit code 1 then, as for everything else that fails while it runs.
pub(crate) fn let_failed_allocations_end() {
    #[cfg(unix)]
    let _ = flag::register_conditional_shutdown(signal_hook::consts::SIGABRT, 1, Arc::new(AtomicBool::new(true)));
}

/// Where the size of files is limited (`ulimit -f`), Unix ends a program that writes too much without a word. With a
/// handler, which has nothing to do, the write fails instead, and is reported as any other.
pub(crate) fn let_oversized_writes_fail() {
    #[cfg(unix)]
    // If it cannot be registered, the program still ends, only less politely.
    let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
}
