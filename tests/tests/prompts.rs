//! What an answer's loss is, for every rung that writes a text: that of the answer alone, exactly.

use proptest::prelude::*;
use rungs::models::{
    Gpt, GptConfig, GruLanguageModel, LanguageModel, LstmLanguageModel, RecurrentConfig, RnnLanguageModel,
};
use rungs::prelude::{CrossEntropy, Ids, Mode, Reduction, Rng, Rung, Settings, Tensor};
use rungs::prompts::{self, PromptCorpus, Prompts};
use rungs::text::tokenizer::BpeTokenizer;
use rungs::text::{Tokenizer, WordOptions};
use rungs::trainer::{Example, ExampleBatch, SortedExamples};
use rungs::{Dialogue, PromptKind, PromptSettings, Role, TextPair, Turn, read_dialogues};
use serde_json::Value;

const V: usize = 11;
const CONTEXT: usize = 24;

fn models() -> Vec<Box<dyn LanguageModel<f64>>> {
    let rng = &mut Rng::new(1);
    let sizes = RecurrentConfig { vocabulary: V, embedding: 3, hidden: 5, layers: 2, dropout: 0.0 };
    let gpt = GptConfig { dropout: 0.0, ..GptConfig::gpt(V, CONTEXT, 8, 2, 2) };
    vec![
        Box::new(RnnLanguageModel::new(&sizes, rng).unwrap()),
        Box::new(LstmLanguageModel::new(&sizes, rng).unwrap()),
        Box::new(GruLanguageModel::new(&sizes, rng).unwrap()),
        Box::new(Gpt::new(&gpt, rng).unwrap()),
    ]
}

/// Parts that are read and learnt in turn: a question, an answer, a question, an answer.
fn example(parts: &[Vec<u32>]) -> Example {
    let mut example = Example::default();
    for (i, ids) in parts.iter().enumerate() {
        if i % 2 == 0 { example.read(ids) } else { example.learn(ids) }
    }
    example
}

fn some_ids(least: usize) -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(0..V as u32, least..5)
}

/// Examples of one to four parts, each with something to learn.
fn examples() -> impl Strategy<Value = Vec<Example>> {
    let parts = (some_ids(1), some_ids(1), some_ids(0), some_ids(0)).prop_map(|(a, b, c, d)| example(&[a, b, c, d]));
    proptest::collection::vec(parts, 1..5)
}

/// All of them in one batch.
fn batch(examples: &[Example]) -> ExampleBatch {
    let sorted = SortedExamples::new(examples.to_vec(), examples.len()).unwrap();
    sorted.batches_within(usize::MAX).next().unwrap()
}

/// The targets of every position of a batch, and whether each is to be learnt.
fn targets(examples: &[Example], batch: &ExampleBatch) -> (Vec<u32>, Vec<bool>) {
    let [b, t] = batch.inputs.dims();
    let (mut targets, mut learnt) = (vec![0; b * t], vec![false; b * t]);
    for (row, &of) in batch.rows.iter().enumerate() {
        let example = &examples[of];
        for step in 0..example.steps() {
            targets[row * t + step] = example.ids()[step + 1];
            learnt[row * t + step] = example.learnt()[step + 1];
        }
    }
    (targets, learnt)
}

fn loss(model: &dyn LanguageModel<f64>, batch: &ExampleBatch) -> Tensor<f64> {
    prompts::loss(model, batch, 0.0, &mut Mode::Eval).total
}

/// The logits of every position, (B, T, V).
fn all_logits(model: &dyn LanguageModel<f64>, batch: &ExampleBatch) -> Tensor<f64> {
    let [b, _] = batch.inputs.dims();
    model.logits(&batch.inputs, &mut model.start(b), &mut Mode::Eval)
}

/// The gradient of a loss by every parameter.
fn gradients(model: &dyn LanguageModel<f64>, loss: &Tensor<f64>) -> Vec<(String, Vec<f64>)> {
    let mut named = Vec::new();
    let gradients = loss.clone().backward();
    rungs::layers::Module::visit(model, &mut rungs::layers::Path::default(), &mut |name: &str, parameter| {
        named.push((name.to_owned(), gradients.wrt(parameter).unwrap().to_vec()));
    });
    named
}

fn assert_near(a: &[(String, Vec<f64>)], b: &[(String, Vec<f64>)]) {
    for ((name, a), (_, b)) in a.iter().zip(b) {
        let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max);
        assert!(worst < 1e-11, "{name}: {worst}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_loss_is_that_of_the_answer_by_hand(examples in examples()) {
        for model in models() {
            let batch = batch(&examples);
            let (targets, learnt) = targets(&examples, &batch);
            prop_assert_eq!(batch.tokens(), learnt.iter().filter(|&&learnt| learnt).count());
            let log_p = all_logits(model.as_ref(), &batch).log_softmax().to_vec();
            let nats = |of: &dyn Fn(usize) -> bool| -> f64 {
                (0..targets.len()).filter(|&i| of(i)).map(|i| -log_p[i * V + targets[i] as usize]).sum()
            };
            let (answers, everything) = (nats(&|i| learnt[i]), nats(&|_| true));
            let found = loss(model.as_ref(), &batch).item();
            prop_assert!((found - answers).abs() < 1e-12 * (1.0 + answers), "{} is not {}", found, answers);
            let difference = everything - nats(&|i| !learnt[i]);
            prop_assert!((found - difference).abs() < 1e-11 * (1.0 + everything), "{} is not {}", found, difference);
        }
    }

    #[test]
    fn what_is_read_is_ignored_exactly(examples in examples(), other in 0..V as u32) {
        for model in models() {
            let batch = batch(&examples);
            let (targets, learnt) = targets(&examples, &batch);
            let of = loss(model.as_ref(), &batch);
            // With all logits, and whatever target where nothing is learnt, if only it is the one that is ignored.
            for ignored in [V as u32, u32::MAX] {
                let masked: Vec<u32> =
                    targets.iter().zip(&learnt).map(|(&id, &learnt)| if learnt { id } else { ignored }).collect();
                let options = CrossEntropy { ignore: Some(ignored), reduction: Reduction::Sum, smoothing: 0.0 };
                let logits = all_logits(model.as_ref(), &batch);
                let whole = logits.cross_entropy(&Ids::new(masked, batch.inputs.shape()), options);
                prop_assert_eq!(of.item(), whole.item());
                assert_near(&gradients(model.as_ref(), &of), &gradients(model.as_ref(), &whole));
            }
            // The gradient is that of everything less that of what is read.
            let options = CrossEntropy { reduction: Reduction::Sum, ..CrossEntropy::default() };
            let all = all_logits(model.as_ref(), &batch).reshape([targets.len(), V]);
            let all_of = |wanted: bool| {
                let places: Vec<usize> = (0..targets.len()).filter(|&i| wanted || !learnt[i]).collect();
                let ids = Ids::new(places.iter().map(|&i| i as u32).collect::<Vec<_>>(), places.len());
                let of = Ids::new(places.iter().map(|&i| targets[i]).collect::<Vec<_>>(), places.len());
                all.select(0, &ids).cross_entropy(&of, options)
            };
            let difference = all_of(true) - all_of(false);
            assert_near(&gradients(model.as_ref(), &of), &gradients(model.as_ref(), &difference));

            // What stands in the padding matters in no bit, neither of the loss nor of any gradient.
            let [_, t] = batch.inputs.dims();
            let filled = batch.inputs.as_slice().iter().enumerate().map(|(i, &id)| {
                let steps = examples[batch.rows[i / t]].steps();
                if i % t < steps { id } else { (other + i as u32) % V as u32 }
            });
            let inputs = Ids::new(filled.collect::<Vec<_>>(), batch.inputs.shape());
            let filled = loss(model.as_ref(), &ExampleBatch { inputs, ..batch.clone() });
            prop_assert_eq!(filled.item().to_bits(), of.item().to_bits());
            prop_assert_eq!(gradients(model.as_ref(), &filled), gradients(model.as_ref(), &of));
        }
    }

    #[test]
    fn a_batch_is_its_examples_one_by_one(examples in examples()) {
        for model in models() {
            let together = loss(model.as_ref(), &batch(&examples));
            let alone: Vec<Tensor<f64>> =
                examples.iter().map(|example| loss(model.as_ref(), &batch(std::slice::from_ref(example)))).collect();
            let sum = alone.iter().skip(1).fold(alone[0].clone(), |sum, loss| sum + loss);
            prop_assert!((together.item() - sum.item()).abs() < 1e-11 * (1.0 + sum.item()));
            assert_near(&gradients(model.as_ref(), &together), &gradients(model.as_ref(), &sum));
        }
    }
}

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
    (0..20).map(|i| Dialogue { turns: pairs()[i..i + 2 + i % 5].iter().enumerate().map(turn).collect() }).collect()
}

fn settings(task: PromptKind, template: &str) -> Settings {
    let prompts = Some(PromptSettings { task, template: template.to_owned() });
    Settings { prompts, context: 100, ..Settings::of(Rung::Gpt) }
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
    let fixture: Value = serde_json::from_str(include_str!("../fixtures/tokens_huggingface.json")).unwrap();
    let described = fixture["tokenizers"].as_array().unwrap();
    described.iter().map(|described| Tokenizer::from_json(&described["file"].to_string()).unwrap()).collect()
}

/// The token that ends a text, if there is one.
fn end_of(tokenizer: &Tokenizer) -> Option<&'static str> {
    let Tokenizer::Bpe(bpe) = tokenizer else { return None };
    let is_token = |name: &&str| bpe.encode_ordinary(name).len() > 1 && bpe.encode(name).len() == 1;
    ["<|endoftext|>", "</s>", "<|end_of_text|>"].into_iter().find(is_token)
}

#[test]
fn every_filled_template_decodes_back_and_its_answer_begins_where_it_does() {
    let by_hand = |turns: &[(Role, &str)], template: &prompts::Template, task: PromptKind, end: &str| -> String {
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
            PromptKind::Pairs => pairs.iter().map(rungs::text::Turns::turns).collect(),
            PromptKind::Dialogue => dialogues.iter().map(rungs::text::Turns::turns).collect(),
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
                let example = prompts.example(said.as_slice()).unwrap();
                let decoded = tokenizer.decode(&example.ids()[begins..]);
                let expected = format!("{before}{}", by_hand(turns, &parsed, task, end));
                assert_eq!(decoded, expected, "{}", tokenizer.kind());
                // What is learnt begins behind the prompt of each answer, and is what the assistant says with its end.
                let mut at = 0;
                for (i, &(role, text)) in turns.iter().enumerate() {
                    if role == Role::User {
                        continue;
                    }
                    let prompt = prompts.prompt(&said[..i]).unwrap();
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
    let example = prompts.example(&pair("a <|endoftext|> b", "c <|endoftext|> d")).unwrap();
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
    assert!(prompts.example(&pair("a", "b c")).is_ok());
    let error = prompts.example(&pair("a", "b\nc")).unwrap_err().to_string();
    assert_eq!(error, r#"template: an answer ends with "\n", and this one says it: "b\nc""#);
    // An end that begins within the answer is one too early.
    let prompts = Prompts::new(&settings(PromptKind::Pairs, "{source}:{target}aba"), &characters).unwrap();
    assert!(prompts.example(&pair("a", "cab")).is_err(), "cab|aba has an aba one place further on the left");
    assert!(prompts.example(&pair("a", "cc")).is_ok());
}

#[test]
fn what_cannot_be_learnt_is_counted() {
    let known = Tokenizer::char_from("abc: \n").unwrap();
    let all = [pair("a", "b"), pair("aaaaaaaaa", "b"), pair("é", "b"), pair("a", "ü")];
    let settings = Settings { context: 8, ..settings(PromptKind::Pairs, "{source}: {target}\n") };
    let corpus = PromptCorpus::new(&all, &all[..1], Some(known.clone()), &settings).unwrap();
    assert_eq!((corpus.train.len(), corpus.validation.len()), (1, 1));
    let prompts::LeftOut { too_long, unknown, character, shortened } = corpus.left_out.clone();
    assert_eq!((too_long, unknown, character, shortened), (1, 2, Some('é'), 0));
    assert_eq!(corpus.left_out.count(), 3);
    let error =
        |part: &[TextPair]| PromptCorpus::new(part, &all[..1], Some(known.clone()), &settings).unwrap_err().to_string();
    assert_eq!(error(&all[1..2]), "no pair of the training part has at most 8 tokens with its template");
    assert!(error(&all[2..3]).contains("('é' is unknown)"), "{}", error(&all[2..3]));
    // A tokenizer that is learnt is that of the filled-in templates of the training part.
    let learnt = PromptCorpus::new(&all[..2], &all[..1], None, &Settings { context: 20, ..settings.clone() }).unwrap();
    assert_eq!(learnt.prompts.tokenizer(), &Tokenizer::char_from("ab: \n").unwrap());
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
        let settings = Settings { context, ..all.clone() };
        let corpus = PromptCorpus::new(&dialogues, &dialogues, Some(characters.clone()), &settings);
        corpus.map(|corpus| (characters.decode(corpus.train[0].ids()), corpus.left_out.shortened))
    };
    let [first, second] = ["user: aa\nassistant: bb\n", "user: cc\nassistant: dd\n"];
    assert_eq!(text(45).unwrap(), (format!("{first}{second}"), 0), "behind the last answer nothing is learnt");
    assert_eq!(text(44).unwrap(), (second.to_owned(), 2), "both parts");
    assert_eq!(text(22).unwrap(), (second.to_owned(), 2));
    let error = text(21).unwrap_err().to_string();
    assert_eq!(error, "no dialogue of the training part has at most 21 tokens with its template");

    let prompts = Prompts::new(&all, &characters).unwrap();
    let latest = |most: usize| {
        let latest = prompts.latest(&dialogues[0], most).unwrap();
        latest.map(|(ids, forgotten)| (characters.decode(&ids), forgotten))
    };
    let last = "user: ee\nassistant: ";
    assert_eq!(latest(66), Some((format!("{first}{second}{last}"), 0)));
    assert_eq!(latest(65), Some((format!("{second}{last}"), 2)));
    assert_eq!(latest(20), Some((last.to_owned(), 4)));
    assert_eq!(latest(19), None);

    // What the system says stays, where the vocabulary has the letters for it.
    let turns = [&[Turn { role: Role::System, text: "ab".to_owned() }], dialogues[0].turns.as_slice()].concat();
    let latest = |tokenizer: &Tokenizer, most: usize| {
        let latest = Prompts::new(&all, tokenizer).unwrap().latest(turns.as_slice(), most);
        latest.map(|latest| latest.map(|(ids, forgotten)| (tokenizer.decode(&ids), forgotten)))
    };
    let letters = Tokenizer::char_from("abcdeuserassistantsystem: \n").unwrap();
    assert_eq!(latest(&letters, 31).unwrap(), Some((format!("system: ab\n{last}"), 4)));
    assert_eq!(latest(&letters, 30).unwrap(), None);
    assert!(latest(&characters, 31).unwrap_err().to_string().contains("unknown"));
}
