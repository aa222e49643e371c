//! A language model goes on with prompts.

use std::ops::ControlFlow;

use rungs::decoding::{GenerateOptions, Search};
use rungs::tensor::Rng;
use rungs::writing::{Prompt, Written};
use rungs::{Error, SavedRun, Writer};

use super::decoding_options;
use super::written_texts::{Report, WrittenText, shown};
use crate::arguments::{Common, Generate};
use crate::terminal::failure::{Failure, Outcome, complain};
use crate::terminal::output;
use crate::text_input;
use crate::text_input::unescaped;

/// The most tokens of a text, unless told; of one that is searched for, where the context has room for them.
const MOST: usize = 300;

pub(super) fn run(run: &SavedRun, flags: &Generate, rng: &Rng, common: &Common) -> Outcome<Report> {
    let stops = flags.stop.iter().map(|stop| unescaped("--stop", stop)).collect::<Outcome<Vec<_>>>()?;
    let mut writer = run.writer()?.with_stops(stops);
    let prompts = prompts(flags, &writer)?;
    let longest = prompts.iter().map(|prompt| prompt.ids().len()).max().unwrap_or(0);
    let context = writer.model().context();
    let room = context.map_or(MOST, |context| (context + 1).saturating_sub(longest));
    let searched = flags.contrastive.is_some() || flags.beam.is_some_and(|beam| beam > 1);
    let most = if searched { room.min(MOST) } else { MOST };
    let token_bytes = || writer.tokenizer().token_bytes();
    let options = decoding_options::options(flags, &token_bytes, writer.end().to_vec(), most, Search::Sample)?;
    if let Some(context) = context.filter(|&context| longest > context && !searched) {
        complain(&format!(
            "a prompt of {longest} tokens is longer than the context of {context}: its beginning is not looked at"
        ));
    }
    if let Some(folder) = &flags.draft {
        let draft = SavedRun::open(folder)?.writer()?;
        let wrong = |error: Error| Failure::input(format!("--draft {}: {error}", folder.display()));
        writer = writer.with_draft(draft, flags.draft_tokens).map_err(wrong)?;
    }
    let texts = match flags.stream {
        true => streamed(&writer, &prompts, &options, rng)?,
        false => writer.write(&prompts, &options, rng, &mut |_, _| ControlFlow::Continue(()))?,
    };
    let mut report = Report::default();
    for (prompt, texts) in prompts.iter().zip(texts) {
        for text in texts {
            if !common.json && !flags.stream {
                separate(report.texts.is_empty())?;
                output::print(&format!("{}{}\n", prompt.text(), text.text))?;
            }
            if let Some(drafted) = text.drafted {
                let [proposed, accepted] = report.drafted.get_or_insert_default();
                *proposed += drafted.proposed;
                *accepted += drafted.accepted;
            }
            report.texts.push(WrittenText { prompt: Some(prompt.text().to_owned()), ..WrittenText::of(text) });
        }
    }
    if let Some([proposed, accepted]) = report.drafted.filter(|_| !common.json) {
        complain(&format!("the draft wrote {proposed} tokens, of which {accepted} stayed"));
    }
    Ok(report)
}

fn prompts(flags: &Generate, writer: &Writer) -> Outcome<Vec<Prompt>> {
    let prompt =
        |name: &str, text: &str| writer.prompt(text).map_err(|error| Failure::input(format!("{name}: {error}")));
    if let Some(text) = &flags.prompt {
        return Ok(vec![prompt("--prompt", text)?]);
    }
    if let Some(path) = &flags.prompts {
        let (name, content) = (text_input::name(path), text_input::read(path)?);
        let prompt = |(i, line): (usize, &str)| prompt(&format!("{name}, line {}", i + 1), line);
        return content.lines().enumerate().map(prompt).collect();
    }
    if let Some(ids) = &flags.prompt_ids {
        let prompt = writer.prompt_ids(ids).map_err(|error| Failure::input(format!("--prompt-ids: {error}")))?;
        return Ok(vec![prompt]);
    }
    Ok(vec![writer.beginning()])
}

/// Writes a text after the other, and shows each as it comes.
fn streamed(writer: &Writer, prompts: &[Prompt], options: &GenerateOptions, rng: &Rng) -> Outcome<Vec<Vec<Written>>> {
    let one = GenerateOptions { texts: 1, ..options.clone() };
    let mut first = true;
    let mut text = |i: usize, j: usize| {
        separate(std::mem::take(&mut first))?;
        output::print(prompts[i].text())?;
        let rng_of = |_: usize, _: usize| rng.fork(&format!("{i}.{j}"));
        shown(|on_text| writer.write_each(&prompts[i..=i], &one, &rng_of, on_text))
    };
    (0..prompts.len()).map(|i| (0..options.texts).map(|j| text(i, j)).collect()).collect()
}

/// A line between texts.
fn separate(first: bool) -> Outcome {
    if first { Ok(()) } else { output::print("---\n") }
}
