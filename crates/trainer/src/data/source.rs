//! Where the tokens of a text are: in memory, or in a file.

use super::IdsFile;
use crate::TrainError;
use std::sync::Arc;

/// A row of token ids, shared by whatever reads it. What is read is the same wherever they are.
#[derive(Clone, Debug)]
pub enum Tokens {
    /// In memory.
    Memory(Arc<[u32]>),
    /// In a file: memory is needed for what is read at a time.
    File(IdsFile),
}

impl Tokens {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Memory(ids) => ids.len(),
            Self::File(file) => file.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the `length` ids from `start` on to `ids`.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn read(&self, start: usize, length: usize, ids: &mut Vec<u32>) -> Result<(), TrainError> {
        match self {
            Self::Memory(all) => {
                ids.extend_from_slice(&all[start..start + length]);
                Ok(())
            }
            Self::File(file) => file.read(start, length, ids),
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

impl From<IdsFile> for Tokens {
    fn from(file: IdsFile) -> Self {
        Self::File(file)
    }
}
