use super::*;
use crate::arguments::{Arguments, Command};
use clap::Parser;
use rungs::Rung;
use rungs::layers::{NormKind, Rotary};
use rungs::models::{GptConfig, Positions};
use rungs::trainer::{AdamW, Method, Schedule};

fn parse(line: &str) -> (Train, Common) {
    let arguments = Arguments::try_parse_from(format!("rungs train {line}").split_whitespace()).unwrap();
    match arguments.command {
        Command::Train(train) => (train.into(), arguments.common),
        other => panic!("not train: {other:?}"),
    }
}

fn settings(line: &str) -> Settings {
    let (train, common) = parse(line);
    new(&train, &common).unwrap()
}

#[test]
fn nothing_given_is_the_rungs_recipe() {
    for rung in Rung::ALL {
        assert_eq!(settings(rung.name()), Settings::of(rung));
    }
}

#[test]
fn what_belongs_together_moves_together() {
    let cosine = |line| match settings(line).training.schedule {
        Schedule::Cosine { rate, minimum, warmup } => (rate, minimum, warmup),
        other => panic!("not cosine: {other:?}"),
    };
    assert_eq!(cosine("gpt --steps 500"), (1e-3, 1e-4, 50));
    assert_eq!(cosine("gpt --steps 5000"), (1e-3, 1e-4, 100));
    assert_eq!(cosine("gpt --steps 500 --warmup 70 --lr 0.5"), (0.5, 0.05, 70));
    assert_eq!(cosine("lstm --lr 0.5 --min-lr 0"), (0.5, 0.0, 0));
    let step = settings("rnn --schedule step --steps 100 --lr 1").training.schedule;
    assert_eq!(step, Schedule::Step { rate: 1.0, factor: 0.5, every: 25 });
    assert_eq!(settings("rnn --clip 0").training.clip, None);
    let noam = |line| settings(line).training.schedule;
    let expected = |factor, width, warmup| Schedule::Noam { factor, width, warmup };
    assert_eq!(noam("gpt --schedule noam --steps 50000"), expected(1.0, 128, 4000));
    assert_eq!(noam("gpt --schedule noam --hidden 64 --steps 500 --lr-factor 2"), expected(2.0, 64, 50));
    assert_eq!(noam("gpt --schedule noam --steps 5 --warmup 70"), expected(1.0, 128, 70));
    assert_eq!(noam("gpt --schedule noam --steps 5"), expected(1.0, 128, 1));
    let kept = settings("gpt --label-smoothing 0.1 --ema 0.99 --patience 3").training;
    assert_eq!((kept.label_smoothing, kept.ema, kept.patience), (Some(0.1), Some(0.99), Some(3)));
    assert_eq!(settings("gpt --label-smoothing 0 --ema 0 --patience 0"), Settings::of(Rung::Gpt));
    let adamw = Method::AdamW(AdamW { beta2: 0.9, weight_decay: 0.0, ..AdamW::default() });
    assert_eq!(settings("rnn --optimizer adamw --beta2 0.9 --weight-decay 0").training.optimizer, adamw);
}

#[test]
fn the_same_flags_change_nothing_a_second_time() {
    for line in [
        "gpt --steps 500 --lr 0.002 --seed 3 --dropout 0.1",
        "lstm --optimizer rmsprop --beta2 0.95 --schedule step --steps 80 --lr-factor 0.3",
        "rnn --optimizer sgd --schedule constant --lr 0.1 --validation-split 0.2",
        "gpt --tokenizer bpe:2000",
        "gpt --architecture llama --key-heads 2 --norm layer --positions learned --tied true",
        "gpt --schedule noam --steps 500 --lr-factor 0.5 --label-smoothing 0.1 --ema 0.9 --patience 4",
        "gpt --lora 4 --lora-alpha 3 --lora-targets qkv,feed-forward.up --lora-dropout 0.1",
        "gpt --train-last-layers 2",
        "attention --tokenizer runs/other",
        "transformer --tokenizer bpe:500 --tied all --positions learned --norm-position post --feed-forward 9",
        "gpt --pairs pairs.tsv --template {source}={target}\\n",
        "lstm --dialogue talk.jsonl",
    ] {
        let (train, common) = parse(line);
        let first = new(&train, &common).unwrap();
        let mut second = first.clone();
        apply(&train, &common, &mut second).unwrap();
        assert_eq!(second, first);
    }
}

#[test]
fn a_preset_decides_what_is_not_said() {
    let gpt = |line| match settings(line).model {
        ModelConfig::Gpt(config) => config,
        other => panic!("not a gpt: {other:?}"),
    };
    for line in ["gpt --preset llama", "gpt --architecture llama"] {
        assert_eq!(gpt(line), GptConfig::llama());
    }
    let mixed = gpt("gpt --architecture llama --norm layer --tied true --feed-forward 99");
    let layer = GptConfig { norm: NormKind::Layer(1e-5), ..GptConfig::llama() };
    assert_eq!(mixed, GptConfig { tied: true, feed_forward: Some(99), ..layer });
    let rotary = |theta| Positions::Rotary(Rotary { theta });
    assert_eq!(gpt("gpt --positions rotary").positions, rotary(10_000.0));
    assert_eq!(gpt("gpt --architecture llama --positions learned").positions, Positions::Learned);
    assert_eq!(gpt("gpt --positions rotary --rotary-base 500").positions, rotary(500.0));
    assert_eq!(gpt("gpt --gated true").feed_forward(), 512, "the arrangement decides the inner width");
    assert_eq!(gpt("gpt --architecture llama --gated false").feed_forward(), GptConfig::llama().feed_forward());
    assert_eq!(gpt("gpt --preset gpt2 --layers 2"), GptConfig { layers: 2, ..GptConfig::gpt2() });
    assert_eq!(gpt("gpt --preset nanogpt --hidden 64"), gpt("gpt --width 64"));
}

#[test]
fn options_of_earlier_versions_are_read() {
    for (old, new) in [
        ("gpt --hidden 64 --checkpointing true", "gpt --width 64 --gradient-checkpointing true"),
        ("transformer --hidden 64 --checkpointing true", "transformer --width 64 --gradient-checkpointing true"),
        ("gpt --positions rotary --rotary-base 9", "gpt --positions rotary --rope-theta 9"),
        ("attention --both-ways false", "attention --bidirectional false"),
        ("gpt --architecture gpt", "gpt"),
    ] {
        assert_eq!(settings(old), settings(new), "{old}");
    }
}

#[test]
fn pairs_and_dialogues_have_a_template_and_a_text_has_none() {
    let template = |line| settings(line).prompts().map(|prompts| prompts.template.clone());
    assert_eq!(template("gpt --text book.txt"), None);
    assert_eq!(template("gpt --pairs pairs.tsv").as_deref(), Some("{source}\n=> {target}\n"));
    assert_eq!(template("rnn --dialogue talk.jsonl").as_deref(), Some("{role}: {text}\n"));
    assert_eq!(template("attention --pairs pairs.tsv"), None, "it reads sources as they are");
    // A model to begin with hands on its template, if it is to learn more of the same kind.
    let from = settings("gpt --pairs pairs.tsv --template {source}:{target}.").beginning();
    let fresh = |line| {
        let (train, common) = parse(line);
        changed(&train, &common, from.clone()).unwrap().prompts().map(|prompts| prompts.template.clone())
    };
    assert_eq!(fresh("gpt --pairs other.tsv").as_deref(), Some("{source}:{target}."));
    assert_eq!(fresh("gpt --dialogue talk.jsonl").as_deref(), Some("{role}: {text}\n"));
    assert_eq!(fresh("gpt --text book.txt"), None);
}

#[test]
fn every_option_of_a_model_is_a_field_of_its_configuration() {
    let blocks = "--layers 3 --width 16 --heads 2 --feed-forward 9 --activation relu --dropout 0.2 \
                  --gradient-checkpointing true";
    let recurrent = "--layers 3 --hidden 16 --embedding 8 --dropout 0.2";
    let decoder = "--cell gru --tied true --scheduled-sampling 0.3";
    let gpt = "--key-heads 1 --gated true --bias true --tied false --norm rms --norm-epsilon 0.1 --positions rotary \
               --rope-theta 9";
    for line in [
        format!("lstm {recurrent}"),
        format!("gpt {blocks} {gpt}"),
        format!("seq2seq {recurrent} {decoder} --reverse false"),
        format!("attention {recurrent} {decoder} --attention luong --score dot --bidirectional false"),
        format!("transformer {blocks} --scheduled-sampling 0.3 --norm-position post --positions learned --tied all"),
    ] {
        let named = settings(&line).named();
        let options: Vec<&str> = line.split_whitespace().skip(1).collect();
        for option in options.chunks(2) {
            let (name, value) = (&option[0][2..], option[1]);
            let found = named.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
            assert_eq!(found.map(|found| found.trim_end_matches(".0")), Some(value), "{line}: {name}");
        }
    }
}

#[test]
fn flags_of_another_choice_are_refused() {
    for (line, flag) in [
        ("rnn --optimizer sgd --beta2 0.9", "--beta2"),
        ("rnn --weight-decay 0.1", "--weight-decay"),
        ("rnn --schedule constant --warmup 3", "--warmup"),
        ("gpt --lr-every 3", "--lr-every"),
        ("gpt --schedule noam --lr 0.1", "--lr:"),
        ("gpt --schedule noam --min-lr 0.1", "--min-lr"),
        ("gpt --schedule step --epochs 2", "--schedule step"),
        ("gpt --lora-alpha 4", "--lora-alpha: without --lora there is no adapter"),
        ("gpt --template {source}={target}", "--template"),
        ("gpt --rope-theta 9", "--rope-theta"),
        ("gpt --dialogue talk.jsonl --documents x", "--documents"),
    ] {
        let (train, common) = parse(line);
        let failure = format!("{:?}", new(&train, &common).unwrap_err());
        assert!(failure.contains(flag), "{failure}");
    }
}

#[test]
fn what_a_rung_does_not_have_cannot_be_said() {
    for line in [
        "lstm --architecture llama",
        "lstm --heads 2",
        "attention --norm rms",
        "attention --feed-forward 9",
        "attention --norm-position pre",
        "attention --reverse true",
        "gpt --norm-position pre",
        "gpt --tied all",
        "gpt --embedding 2",
        "transformer --norm rms",
        "transformer --key-heads 2",
        "rnn --tied true",
        "lstm --lora 4",
        "transformer --train-last-layers 1",
        "attention --template {source}={target}",
        "seq2seq --dialogue talk.jsonl",
        "seq2seq --text book.txt",
    ] {
        let parsed = Arguments::try_parse_from(format!("rungs train {line}").split_whitespace());
        assert!(parsed.is_err(), "{line}");
    }
}
