//! How questions and answers become tokens, with every kind of tokenizer.

use crate::data::{Corpus, LeftOut, Prompts};
use crate::prelude::{Rung, Settings};
use crate::settings::Template;
use crate::text::tokenizer::BpeTokenizer;
use crate::text::{Tokenizer, Turns, WordOptions};
use crate::{Dialogue, Examples, PromptKind, PromptSettings, Role, TextPair, Turn, read_dialogues};
use serde_json::Value;

fn pair(source: &str, target: &str) -> TextPair {
    TextPair { source: source.to_owned(), target: target.to_owned() }
}

fn pairs() -> Vec<TextPair> {
    let words = ["one", "two", "three", "four", "five"];
    let other = ["un", "deux", "trois", "quatre", "cinq"];
    let of =
        |i: usize| pair(&format!("{} {}", words[i % 5], words[i / 5]), &format!("{} {}", other[i / 5], other[i % 5]));
    (0..25).chain(0..25).map(of).collect()
}

fn dialogues() -> Vec<Dialogue> {
    let turn = |(i, pair): (usize, &TextPair)| {
        let (role, text) = if i % 2 == 0 { (Role::User, &pair.source) } else { (Role::Assistant, &pair.target) };
        Turn { role, text: text.clone() }
    };
    (0..20).map(|i| pairs()[i..i + 2 + i % 5].iter().enumerate().map(turn).collect()).collect()
}

fn within(context: usize, settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    settings.set_context(context);
    settings
}

fn settings(task: PromptKind, template: &str) -> Settings {
    let mut settings = Settings::of(Rung::Gpt);
    settings.data.examples = Examples::Prompts(PromptSettings { task, template: template.to_owned() });
    within(100, &settings)
}

/// A tokenizer of every kind that has learnt these texts.
fn tokenizers(text: &str) -> Vec<Tokenizer> {
    vec![
        Tokenizer::char_from(text).unwrap(),
        Tokenizer::word_from(text, WordOptions::default()).unwrap(),
        Tokenizer::bpe_from(text, 256 + 20).unwrap(),
        BpeTokenizer::from_documents(text, "<|endoftext|>", 257 + 20).unwrap().into(),
    ]
    .into_iter()
    .chain(of_hugging_face())
    .collect()
}

/// Tokenizers of other makers, Llama's kin among them, which put a space before a text and a token before that.
fn of_hugging_face() -> Vec<Tokenizer> {
    let fixture: Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/tokens_huggingface.json"
    )))
    .unwrap();
    let described = fixture["tokenizers"].as_array().unwrap();
    described.iter().map(|described| Tokenizer::from_json(&described["file"].to_string()).unwrap()).collect()
}

/// The token that ends a text, if there is one.
fn end_of(tokenizer: &Tokenizer) -> Option<&'static str> {
    let Tokenizer::Bpe(bpe) = tokenizer else { return None };
    let is_token = |name: &&str| bpe.encode_ordinary(name).unwrap().len() > 1 && bpe.encode(name).unwrap().len() == 1;
    ["<|endoftext|>", "</s>", "<|end_of_text|>"].into_iter().find(is_token)
}

#[test]
fn every_filled_template_decodes_back_and_its_answer_begins_where_it_does() {
    let by_hand = |turns: &[(Role, &str)], template: &Template, task: PromptKind, end: &str| -> String {
        match (task, turns) {
            (PromptKind::Pairs, [(_, source), (_, target)]) => {
                [&template.before, *source, &template.between, *target, end].concat()
            }
            (PromptKind::Pairs, _) => panic!("a pair is two"),
            (PromptKind::Dialogue, turns) => turns
                .iter()
                .map(|(role, text)| [&template.before, role.name(), &template.between, *text, end].concat())
                .collect(),
        }
    };
    for (task, template) in [
        (PromptKind::Pairs, "{source}\n=> {target}\n"),
        (PromptKind::Pairs, "English: {source} French:{target}."),
        (PromptKind::Pairs, "{source} {target}\n\n"),
        (PromptKind::Dialogue, "{role}: {text}\n"),
        (PromptKind::Dialogue, "<{role}>\n{text}</end>\n"),
    ] {
        let (pairs, dialogues) = (pairs(), dialogues());
        let all: Vec<Vec<(Role, &str)>> = match task {
            PromptKind::Pairs => pairs.iter().map(crate::text::Turns::turns).collect(),
            PromptKind::Dialogue => dialogues.iter().map(crate::text::Turns::turns).collect(),
        };
        let parsed = PromptSettings { task, template: template.to_owned() }.parsed().unwrap();
        let text: String = all.iter().map(|turns| by_hand(turns, &parsed, task, &parsed.after)).collect();
        for tokenizer in tokenizers(&text) {
            let settings = settings(task, template);
            let prompts = Prompts::new(&settings, &tokenizer).unwrap();
            let end = end_of(&tokenizer).unwrap_or(&parsed.after);
            let begins = tokenizer.beginning().len();
            // Some vocabularies put a space before a text that decoding leaves there.
            let before = if tokenizer.decode(&tokenizer.encode("one").unwrap()[begins..]) == " one" { " " } else { "" };
            for turns in &all {
                let said: Vec<Turn> = turns.iter().map(|&(role, text)| Turn { role, text: text.to_owned() }).collect();
                let example = prompts.example(&said.turns()).unwrap();
                let decoded = tokenizer.decode(&example.ids()[begins..]);
                let expected = format!("{before}{}", by_hand(turns, &parsed, task, end));
                assert_eq!(decoded, expected, "{}", tokenizer.kind());
                // What is learnt begins behind the prompt of each answer, and is what the assistant says with its end.
                let mut at = 0;
                for (i, &(role, text)) in turns.iter().enumerate() {
                    if role == Role::User {
                        continue;
                    }
                    let prompt = prompts.prompt(&said[..i].to_vec().turns()).unwrap();
                    assert!(example.ids().starts_with(&prompt), "{}", tokenizer.kind());
                    assert!(example.learnt()[at..prompt.len()].iter().all(|&learnt| !learnt));
                    let learnt = example.learnt()[prompt.len()..].iter().take_while(|&&learnt| learnt).count();
                    let answer = tokenizer.decode(&example.ids()[prompt.len()..prompt.len() + learnt]);
                    assert_eq!(answer.strip_prefix(' ').unwrap_or(&answer), format!("{text}{end}"));
                    at = prompt.len() + learnt;
                }
                assert!(example.learnt()[at..].iter().all(|&learnt| !learnt));
            }
        }
    }
}

#[test]
fn what_a_text_says_is_no_special_token() {
    let tokenizer: Tokenizer =
        BpeTokenizer::from_documents(&"a b c d ".repeat(9), "<|endoftext|>", 260).unwrap().into();
    let end = tokenizer.encode("<|endoftext|>").unwrap()[0];
    let prompts = Prompts::new(&settings(PromptKind::Pairs, "{source}\n=> {target}\n"), &tokenizer).unwrap();
    let example = prompts.example(&pair("a <|endoftext|> b", "c <|endoftext|> d").turns()).unwrap();
    let ends: Vec<usize> = (0..example.ids().len()).filter(|&at| example.ids()[at] == end).collect();
    assert_eq!(ends, [example.ids().len() - 1], "the end of the answer, and no other");
    assert_eq!(tokenizer.decode(example.ids()), "a <|endoftext|> b\n=> c <|endoftext|> d<|endoftext|>");
    // A template means what it says.
    let marked = Prompts::new(&settings(PromptKind::Pairs, "{source}<|endoftext|>{target}"), &tokenizer).unwrap();
    assert_eq!(marked.question("a").unwrap().last(), Some(&end));
}

#[test]
fn a_vocabulary_must_be_able_to_say_the_template_and_an_answer_not_its_end() {
    let says = |template: &str, tokenizer: &Tokenizer| {
        Prompts::new(&settings(PromptKind::Pairs, template), tokenizer).unwrap_err().to_string()
    };
    let characters = Tokenizer::char_from("abc: \n").unwrap();
    let problem = "template: unknown character '=' at position 1: it is not among the 6 of the vocabulary";
    assert_eq!(says("{source}\n=> {target}\n", &characters), problem);
    let problem = "template: unknown character '.' at position 0: it is not among the 6 of the vocabulary";
    assert_eq!(says("{source}: {target}.", &characters), problem);
    let words = Tokenizer::word_from("a b a b : :", WordOptions::default()).unwrap();
    let problem = "template: this vocabulary of words cannot say \"\\n=>\": it becomes \"<unk><unk><unk>\"";
    assert_eq!(says("{source}\n=> {target}:", &words), problem);
    assert!(says("{source}: {target}", &characters).starts_with("template: something must end an answer"));

    let prompts = Prompts::new(&settings(PromptKind::Pairs, "{source}: {target}\n"), &characters).unwrap();
    assert!(prompts.example(&pair("a", "b c").turns()).is_ok());
    let error = prompts.example(&pair("a", "b\nc").turns()).unwrap_err().to_string();
    assert_eq!(error, r#"template: an answer ends with "\n", and this one says it: "b\nc""#);
    // An end that begins within the answer is one too early.
    let prompts = Prompts::new(&settings(PromptKind::Pairs, "{source}:{target}aba"), &characters).unwrap();
    assert!(prompts.example(&pair("a", "cab").turns()).is_err(), "cab|aba has an aba one place further on the left");
    assert!(prompts.example(&pair("a", "cc").turns()).is_ok());
}

#[test]
fn what_cannot_be_learnt_is_counted() {
    let known = Tokenizer::char_from("abc: \n").unwrap();
    let all = [pair("a", "b"), pair("aaaaaaaaa", "b"), pair("é", "b"), pair("a", "ü")];
    let settings = within(8, &settings(PromptKind::Pairs, "{source}: {target}\n"));
    let corpus = Corpus::of_turns(&all, &all[..1], Some(known.clone()), &settings).unwrap();
    assert_eq!(corpus.parts.examples().map(<[_]>::len), [1, 1]);
    let LeftOut { too_long, unknown, character, shortened } = corpus.left_out.clone();
    assert_eq!((too_long, unknown, character, shortened), (1, 2, Some('é'), 0));
    assert_eq!(corpus.left_out.count(), 3);
    let error =
        |part: &[TextPair]| Corpus::of_turns(part, &all[..1], Some(known.clone()), &settings).unwrap_err().to_string();
    assert_eq!(error(&all[1..2]), "no pair of the training part has at most 8 tokens with its template");
    assert!(error(&all[2..3]).contains("('é' is unknown)"), "{}", error(&all[2..3]));
    // A tokenizer that is learnt is that of the filled-in templates of the training part.
    let learnt = Corpus::of_turns(&all[..2], &all[..1], None, &within(20, &settings)).unwrap();
    assert_eq!(learnt.tokenizers.target, Tokenizer::char_from("ab: \n").unwrap());
}

#[test]
fn long_dialogues_are_learnt_from_their_last_turns_and_so_are_they_prompted() {
    let file = r#"{"turns": [
        {"role": "user", "text": "aa"}, {"role": "assistant", "text": "bb"}, {"role": "user", "text": "cc"},
        {"role": "assistant", "text": "dd"}, {"role": "user", "text": "ee"}]}"#
        .replace('\n', " ");
    let dialogues = read_dialogues(&file, "talk").unwrap();
    let characters = Tokenizer::char_from("abcdeuserassistant: \n").unwrap();
    let all = settings(PromptKind::Dialogue, "{role}: {text}\n");
    let text = |context: usize| {
        let settings = within(context, &all);
        let corpus = Corpus::of_turns(&dialogues, &dialogues, Some(characters.clone()), &settings);
        corpus.map(|corpus| (characters.decode(corpus.parts.examples()[0][0].ids()), corpus.left_out.shortened))
    };
    let [first, second] = ["user: aa\nassistant: bb\n", "user: cc\nassistant: dd\n"];
    assert_eq!(text(45).unwrap(), (format!("{first}{second}"), 0), "behind the last answer nothing is learnt");
    assert_eq!(text(44).unwrap(), (second.to_owned(), 2), "both parts");
    assert_eq!(text(22).unwrap(), (second.to_owned(), 2));
    let error = text(21).unwrap_err().to_string();
    assert_eq!(error, "no dialogue of the training part has at most 21 tokens with its template");

    let prompts = Prompts::new(&all, &characters).unwrap();
    let latest = |most: usize| {
        let latest = prompts.latest(&dialogues[0].turns(), most).unwrap();
        latest.map(|(ids, forgotten)| (characters.decode(&ids), forgotten))
    };
    let last = "user: ee\nassistant: ";
    assert_eq!(latest(66), Some((format!("{first}{second}{last}"), 0)));
    assert_eq!(latest(65), Some((format!("{second}{last}"), 2)));
    assert_eq!(latest(20), Some((last.to_owned(), 4)));
    assert_eq!(latest(19), None);

    // What the system says stays, where the vocabulary has the letters for it.
    let turns = [&[Turn { role: Role::System, text: "ab".to_owned() }], dialogues[0].as_slice()].concat();
    let latest = |tokenizer: &Tokenizer, most: usize| {
        let latest = Prompts::new(&all, tokenizer).unwrap().latest(&turns.turns(), most);
        latest.map(|latest| latest.map(|(ids, forgotten)| (tokenizer.decode(&ids), forgotten)))
    };
    let letters = Tokenizer::char_from("abcdeuserassistantsystem: \n").unwrap();
    assert_eq!(latest(&letters, 31).unwrap(), Some((format!("system: ab\n{last}"), 4)));
    assert_eq!(latest(&letters, 30).unwrap(), None);
    assert!(latest(&characters, 31).unwrap_err().to_string().contains("unknown"));
}
