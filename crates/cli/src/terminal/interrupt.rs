//! Signals: Ctrl-C as a request, and a file that may not grow as an error.
//!
//! The first Ctrl-C asks the run to stop after the step and save, the second leaves at once. Leaving at once is safe as
//! well: a save replaces whole files, so the folder resumes from the last one that was made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rungs::trainer::Control;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::terminal::failure::{Failure, Outcome};

/// Whether the user has asked for an end.
#[derive(Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Starts to listen. Only commands that save do; the others simply end.
    pub(crate) fn listen() -> Outcome<Self> {
        let requested = Arc::<AtomicBool>::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down, and raises it.
            flag::register_conditional_shutdown(signal, 130, Arc::clone(&requested))
                .and_then(|_| flag::register(signal, Arc::clone(&requested)))
                .map_err(|error| Failure::running(format!("cannot listen for Ctrl-C: {error}")))?;
        }
        Ok(Self(requested))
    }

    /// Tells a long task whether to go on: until the signal has come.
    pub(crate) fn control(&self) -> Control {
        if self.0.load(Ordering::SeqCst) { Control::Stop } else { Control::Continue }
    }
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
