//! The forms of `tokenizer.json` that people have, each over a small model of its kind: they are opened, and give what
//! Hugging Face's crate gives.

use super::beside_the_crate::{FRAGMENTS, added, check, model};
use crate::BpeTokenizer;
use serde_json::{Value, json};

/// The steps of vocabularies in use, over a small model of the same kind.
fn families() -> Vec<(&'static str, Value)> {
    let level = |space: bool, regex: bool| {
        json!({ "type": "ByteLevel", "add_prefix_space": space, "trim_offsets": true,
                "use_regex": regex })
    };
    let split = |regex: &str| {
        json!({ "type": "Split", "pattern": { "Regex": regex }, "behavior": "Isolated",
                "invert": false })
    };
    let pre = |steps: &[Value]| json!({ "type": "Sequence", "pretokenizers": steps });
    let replace = |what: &str, by: &str| json!({ "type": "Replace", "pattern": { "String": what }, "content": by });
    let decoders = |steps: &[Value]| json!({ "type": "Sequence", "decoders": steps });
    let [bytes, fuse] = [json!({ "type": "ByteFallback" }), json!({ "type": "Fuse" })];
    let strip = json!({ "type": "Strip", "content": " ", "start": 1, "stop": 0 });
    let marks = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false });
    let begins =
        json!({ "type": "Sequence", "normalizers": [{ "type": "Prepend", "prepend": "▁" }, replace(" ", "▁")] });

    let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    let rest = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let gpt_4 = format!(r"{contractions}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}{rest}");
    let qwen_2 = gpt_4.replace("{1,3}", "");
    let (before, upper, lower) =
        (r"[^\r\n\p{L}\p{N}]?", r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]");
    let marks_and_space = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let tekken = format!(r"{before}{upper}*{lower}+|{before}{upper}+{lower}*|\p{{N}}|{marks_and_space}");
    let o200k =
        tekken.replacen("+|", &format!("+{contractions}?|"), 1).replacen("*|", &format!("*{contractions}?|"), 1);
    let deepseek = [
        split(r"\p{N}{1,3}"),
        split("[一-龥぀-ゟ゠-ヿ]+"),
        split(concat!(
            r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##,
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )),
        level(false, false),
    ];
    let digits = json!({ "type": "Digits", "individual_digits": true });
    let nfc = json!({ "type": "NFC" });

    // A name, whether it is byte-level, normalizer, pre-tokenizer, decoder, and whether `<s>` is normalized.
    let of = |name, is_level: bool, normalizer: Value, pre_tokenizer: Value, decoder: Value, normalized: bool| {
        let flags = [!is_level, true, name == "Llama 3", !is_level];
        let indices: Vec<_> = (0..40_usize).map(|i| (i * 7919, i * 104_729)).collect();
        let mut model = model([is_level, false], &indices, flags);
        if name == "Llama 3" {
            model["ignore_merges"] = true.into();
        }
        let tokens = [
            ("<s>", [false, false, false, normalized, true]),
            ("</s>", [false, false, false, normalized, true]),
            ("  ", [false, false, false, name == "NeoX", false]),
            ("▁▁", [false; 5]),
        ];
        let added = added(&tokens[..if ["NeoX", "Gemma"].contains(&name) { 4 } else { 2 }], &model);
        let post = json!({ "type": "RobertaProcessing", "sep": ["</s>", 1], "cls": ["<s>", 0], "trim_offsets": true,
                           "add_prefix_space": false });
        let file = json!({ "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
                           "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": post,
                           "decoder": decoder, "model": model });
        (name, file)
    };
    let byte_level = |name, normalizer: &Value, steps: &[Value]| {
        of(name, true, normalizer.clone(), pre(steps), level(true, true), false)
    };
    let characters = |steps: &[Value]| decoders(&[&[replace("▁", " "), bytes.clone(), fuse.clone()], steps].concat());
    vec![
        of("GPT-2", true, Value::Null, level(false, true), level(false, true), true),
        byte_level("GPT-4", &Value::Null, &[split(&gpt_4), level(false, false)]),
        byte_level("o200k", &Value::Null, &[split(&o200k), level(false, false)]),
        byte_level("Qwen2", &nfc, &[split(&qwen_2), level(false, false)]),
        byte_level("DeepSeek", &Value::Null, &deepseek),
        byte_level("Tekken", &Value::Null, &[split(&tekken), level(false, false)]),
        byte_level("StarCoder and SmolLM", &Value::Null, &[digits, level(false, true)]),
        of("NeoX", true, nfc.clone(), level(false, true), level(false, true), false),
        byte_level("Llama 3", &Value::Null, &[split(&gpt_4), level(false, false)]),
        of(
            "Gemma",
            false,
            replace(" ", "▁"),
            json!({ "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious", "invert": false }),
            characters(&[]),
            false,
        ),
        of("Llama 1", false, begins.clone(), Value::Null, characters(std::slice::from_ref(&strip)), true),
        of("Llama 2", false, begins, Value::Null, characters(std::slice::from_ref(&strip)), false),
        of("Mistral", false, Value::Null, marks, characters(&[strip]), false),
    ]
}

#[test]
fn vocabularies_in_use_are_opened_and_give_the_ids_of_the_crate() {
    let beside = |i: usize| (0..4).map(move |j| FRAGMENTS[(i * 7 + j * 11) % FRAGMENTS.len()]).collect::<String>();
    let mut texts: Vec<String> = (0..FRAGMENTS.len()).map(beside).collect();
    texts.extend(["", " ", "ab  <s> a</s>b", "don't WE'LL 12345 naïve 猫が", "\n\n  x\r\n"].map(str::to_owned));
    let rows: Vec<Vec<usize>> = (0..40_usize).map(|i| (0..5).map(|j| i * 613 + j * 7919).collect()).collect();
    for (name, file) in families() {
        let opened = check(&file.to_string(), &texts, &rows).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(opened, "{name}: {:?}", BpeTokenizer::from_json(&file.to_string()).err());
    }
}
