//! Recurrent sequences as single operations: the loops over numbers that exist for speed.
//!
//! | read | for |
//! |---|---|
//! | [`sequence_kernel`] | a whole sequence, forward and back, of any cell whose step is [`Equations`] |
//! | [`rnn_kernel`], [`lstm_kernel`], [`gru_kernel`] | the equations of each cell |
//! | [`sequence_reading`] | the order of steps, lengths and shapes, and the loop of the textbook |
//!
//! [`Equations`]: sequence_kernel::Equations

pub(crate) mod gru_kernel;
pub(crate) mod lstm_kernel;
pub(crate) mod rnn_kernel;
pub(crate) mod sequence_kernel;
pub(crate) mod sequence_reading;
