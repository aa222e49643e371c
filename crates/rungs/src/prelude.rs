//! What nearly every program that builds on Rungs needs: `use rungs::prelude::*;`.

pub use crate::decoding::{GenerateOptions, Generated, Length, Search, generate};
pub use crate::layers::{
    Activation, Bias, Block, BlockConfig, Dropout, Embedding, FeedForward, Init, LearnedPositions, Linear, Lstm, Mode,
    Module, Rnn, SelfAttention, parameters,
};
pub use crate::models::{
    Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig, RnnLanguageModel, State,
};
pub use crate::tensor::{
    Array, CrossEntropy, Element, Gradients, Graph, Ids, Mask, Reduction, Rng, Shape, Tensor, grad,
};
pub use crate::text::Tokenizer;
pub use crate::trainer::{
    Adam, AdamW, Budget, Control, Evaluation, Event, Loss, Method, Optimizer, ParameterGradients, Position, RmsProp,
    Schedule, Sgd, Summary, Task, Trainer, TrainerConfig,
};
pub use crate::{
    Bigram, Corpus, Generator, LanguageTask, ModelConfig, Run, Rung, SavedRun, Settings, TextPair, TokenizerKind,
    evaluate,
};
