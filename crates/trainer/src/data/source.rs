//! Where the tokens of a text are: in memory, or wherever somebody keeps them.

use crate::TrainError;
use std::fmt::Debug;
use std::sync::Arc;

/// Token ids that are read where they are: from a file, for example, where they are more than memory holds.
pub trait TokenSource: Debug + Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the `length` ids from `start` on to `ids`.
    ///
    /// # Errors
    /// If they cannot be read, or are damaged.
    ///
    /// # Panics
    /// If there are not so many.
    fn read(&self, start: usize, length: usize, ids: &mut Vec<u32>) -> Result<(), TrainError>;
}

/// A row of token ids, shared by whatever reads it. What is read is the same wherever they are.
#[derive(Clone, Debug)]
pub enum Tokens {
    /// In memory.
    Memory(Arc<[u32]>),
    /// Elsewhere: memory is needed for what is read at a time.
    Source(Arc<dyn TokenSource>),
}

impl Tokens {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(ids) => ids.len(),
            Self::Source(source) => source.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the `length` ids from `start` on to `ids`.
    ///
    /// # Errors
    /// If a source cannot be read or is damaged.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn read(&self, start: usize, length: usize, ids: &mut Vec<u32>) -> Result<(), TrainError> {
        match self {
            Self::Memory(all) => {
                ids.extend_from_slice(&all[start..start + length]);
                Ok(())
            }
            Self::Source(source) => source.read(start, length, ids),
        }
    }
}

impl From<Arc<[u32]>> for Tokens {
    fn from(ids: Arc<[u32]>) -> Self {
        Self::Memory(ids)
    }
}

impl From<Vec<u32>> for Tokens {
    fn from(ids: Vec<u32>) -> Self {
        Self::Memory(ids.into())
    }
}

impl From<&[u32]> for Tokens {
    fn from(ids: &[u32]) -> Self {
        Self::Memory(ids.into())
    }
}

impl<S: TokenSource + 'static> From<S> for Tokens {
    fn from(source: S) -> Self {
        Self::Source(Arc::new(source))
    }
}
