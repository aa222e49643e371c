//! A model in the middle of some texts, one in each row of a batch.
//!
//! Texts begin with prompts of different lengths. Those of one length are read together; then all rows go on in one
//! batch, the shorter ones padded in front. Nobody looks at padding, and each text has the positions it has alone, so
//! that a text of a batch is the text alone, but for rounding.
//!
//! # Past the end of the context
//! A recurrent model reads on for ever. A GPT has a last position: when the next token would be one too many, the
//! model starts anew with the last half of its context, rounded up, and goes on from there. So it always sees at
//! least half a context of the past, and the cost is one reading of half a context per half a context written.
//! (Dropping only the oldest token would move every other one to a new position: the whole cache would have to be
//! computed again at every step.) A prompt longer than the context is read from its last half context likewise.

use super::prompt::Prompt;
use crate::language_model::LanguageModel;
use crate::source::Source;
use crate::state::{State, row_ids};
use rungs_layers::Mode;
use rungs_layers::tensor::{Element, Ids, Tensor};
use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};

/// How many tokens of a long prompt a recurrent model reads at once, so that memory does not grow with the prompt.
const CHUNK: usize = 512;

/// What each row has read since the model last began anew, as it does past the end of its context.
struct Windows {
    context: usize,
    read: Vec<Vec<u32>>,
}

/// Texts that a model has read, each of which goes on.
pub struct Rows<'m, E: Element> {
    model: &'m dyn LanguageModel<E>,
    state: State<E>,
    /// Where the model can look back so far only, and goes on with texts: there is room for the whole of a translation.
    windows: Option<Windows>,
}

impl<E: Element> Debug for Rows<'_, E> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<'m, E: Element> Rows<'m, E> {
    /// Reads prompts that were [checked](Prompt::check), and goes on from each in as many rows as there are to be
    /// texts; also the logits (B, V) of what comes next.
    pub fn new(model: &'m dyn LanguageModel<E>, prompts: &[Prompt<'_>], texts: usize) -> (Self, Tensor<E>) {
        let context = model.context().filter(|_| model.source_vocabulary().is_none());
        let read = |prompt: &Prompt<'_>| match context {
            Some(context) if prompt.ids.len() > context => last_half(prompt.ids, context),
            _ => prompt.ids.to_vec(),
        };
        let read: Vec<Vec<u32>> = prompts.iter().map(read).collect();
        let begun: Vec<_> = prompts.iter().zip(&read).map(|(prompt, ids)| Prompt { ids, ..*prompt }).collect();
        let (state, mut logits) = begin(model, &begun);
        let mut rows = Self { model, state, windows: context.map(|context| Windows { context, read }) };
        if texts > 1 {
            let each: Vec<usize> = (0..prompts.len()).flat_map(|row| vec![row; texts]).collect();
            rows.select(&each);
            logits = select(&logits, &each);
        }
        (rows, logits)
    }

    /// Reads one token for each row; the logits (B, V) of what comes next.
    pub fn read(&mut self, ids: &[u32]) -> Tensor<E> {
        let column = |ids: &[u32]| Ids::new(ids, [ids.len(), 1]);
        let Some(Windows { context, read }) = &mut self.windows else {
            return self.model.step(&column(ids), &mut self.state);
        };
        read.iter_mut().zip(ids).for_each(|(window, &id)| window.push(id));
        let (over, within): (Vec<usize>, Vec<usize>) = (0..ids.len()).partition(|&row| read[row].len() > *context);
        if over.is_empty() {
            return self.model.step(&column(ids), &mut self.state);
        }
        over.iter().for_each(|&row| read[row] = last_half(&read[row], *context));
        let anew: Vec<Prompt<'_>> = over.iter().map(|&row| Prompt::from(&read[row])).collect();
        let (begun, begun_logits) = begin(self.model, &anew);
        if within.is_empty() {
            self.state = begun;
            return begun_logits;
        }
        let mut state = self.state.rows(&within);
        let going_on: Vec<u32> = within.iter().map(|&row| ids[row]).collect();
        let logits = self.model.step(&column(&going_on), &mut state);
        let states = [state, begun];
        let (merged, logits) = (states[0].merged(&states), Tensor::concat(&[logits, begun_logits], 0));
        let places = places(&[within, over].concat());
        self.state = merged.rows(&places);
        select(&logits, &places)
    }

    /// Goes on with some of the rows, some perhaps several times.
    pub fn select(&mut self, rows: &[usize]) {
        self.state.select_rows(&row_ids(rows));
        if let Some(Windows { read, .. }) = &mut self.windows {
            *read = rows.iter().map(|&row| read[row].clone()).collect();
        }
    }

    /// Where the model [looked] when it read the last token of each row.
    pub fn weights(&self) -> Option<Vec<Vec<f64>>> {
        looked(&self.state)
    }
}

/// Where a model looked when it read the last token of each row, if it looks at a source.
pub fn looked<E: Element>(state: &State<E>) -> Option<Vec<Vec<f64>>> {
    let weights = state.weights()?;
    let row = |row: &[E]| row.iter().map(|a| a.to_f64()).collect();
    Some(weights.to_vec().chunks(weights.shape().last()).map(row).collect())
}

/// Some rows of logits.
fn select<E: Element>(logits: &Tensor<E>, rows: &[usize]) -> Tensor<E> {
    logits.select(0, &row_ids(rows))
}

fn last_half(window: &[u32], context: usize) -> Vec<u32> {
    window[window.len() - context.div_ceil(2)..].to_vec()
}

/// Where each of the numbers from 0 on stands in `order`.
fn places(order: &[usize]) -> Vec<usize> {
    let mut places = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, &row)| places[row] = place);
    places
}

/// The state before the first token of some texts.
pub fn start<E: Element>(model: &dyn LanguageModel<E>, prompts: &[Prompt<'_>]) -> State<E> {
    match prompts.iter().map(|prompt| prompt.source).collect::<Option<Vec<_>>>() {
        Some(sources) => model.encode(&Source::of(&sources), &mut Mode::Eval),
        None => model.start(prompts.len()),
    }
}

/// Reads texts from their first tokens on.
fn begin<E: Element>(model: &dyn LanguageModel<E>, texts: &[Prompt<'_>]) -> (State<E>, Tensor<E>) {
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    texts.iter().enumerate().for_each(|(row, text)| by_length.entry(text.ids.len()).or_default().push(row));
    let read = |(&length, rows): (&usize, &Vec<usize>)| {
        let mut state = start(model, &rows.iter().map(|&row| texts[row]).collect::<Vec<_>>());
        let piece = if model.context().is_some() { length } else { CHUNK };
        let steps = (0..length).step_by(piece).map(|from| {
            let part = from..length.min(from + piece);
            let ids: Vec<u32> = rows.iter().flat_map(|&row| &texts[row].ids[part.clone()]).copied().collect();
            model.step(&Ids::new(ids, [rows.len(), part.len()]), &mut state)
        });
        let logits = steps.last().expect("something to read");
        (state, logits)
    };
    let (mut states, mut logits): (Vec<_>, Vec<_>) = by_length.iter().map(read).unzip();
    if states.len() == 1 {
        return (states.remove(0), logits.remove(0));
    }
    let places = places(&by_length.into_values().flatten().collect::<Vec<_>>());
    (states[0].merged(&states).rows(&places), select(&Tensor::concat(&logits, 0), &places))
}
