//! The token ids of a text: in memory, or wherever somebody keeps them.

use crate::TrainError;
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::Arc;

/// Token ids that are read where they are: in memory, or in a file if they are more than memory holds.
pub trait StoredIds: Debug + Send + Sync {
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

impl StoredIds for Arc<[u32]> {
    fn len(&self) -> usize {
        <[u32]>::len(self)
    }

    fn read(&self, start: usize, length: usize, ids: &mut Vec<u32>) -> Result<(), TrainError> {
        ids.extend_from_slice(&self[start..start + length]);
        Ok(())
    }
}

/// A row of token ids, shared by whatever reads it. What is read is the same wherever they are.
#[derive(Clone, Debug)]
pub struct TokenIds(Arc<dyn StoredIds>);

impl TokenIds {
    /// All of them, in memory.
    ///
    /// # Errors
    /// If they cannot be read, or are damaged.
    pub fn to_vec(&self) -> Result<Vec<u32>, TrainError> {
        let mut ids = Vec::with_capacity(self.len());
        self.read(0, self.len(), &mut ids)?;
        Ok(ids)
    }
}

impl Deref for TokenIds {
    type Target = dyn StoredIds;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl<S: StoredIds + 'static> From<S> for TokenIds {
    fn from(ids: S) -> Self {
        Self(Arc::new(ids))
    }
}

impl From<Vec<u32>> for TokenIds {
    fn from(ids: Vec<u32>) -> Self {
        Arc::<[u32]>::from(ids).into()
    }
}

impl From<&[u32]> for TokenIds {
    fn from(ids: &[u32]) -> Self {
        Arc::<[u32]>::from(ids).into()
    }
}
