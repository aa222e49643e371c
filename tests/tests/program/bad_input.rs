//! Bad input is refused: exit code 2, one line that names what is wrong, and nothing written.

use super::text_runs::{folder, trained};
use crate::binary::{Ran, bad_input, command, rungs, snapshot};

#[test]
fn bad_arguments() {
    let folder = folder();
    let at = folder.path();
    for (arguments, words) in [
        ("", &["a command is missing", "--help"][..]),
        ("--json", &["a command is missing"]),
        ("trian lstm", &["trian", "train"]),
        ("train", &["RUNG"]),
        ("train bert --text text.txt", &["bert", "rnn, lstm, gru, gpt"]),
        ("train lstm --text text.txt --setps 3", &["--setps", "--steps"]),
        ("train lstm --text", &["--text"]),
        ("train lstm --text text.txt --steps 0", &["--steps", "1 or more"]),
        ("train lstm --text text.txt --steps many", &["--steps", "many"]),
        ("train lstm --text text.txt --steps 5 --epochs 2", &["--steps", "--epochs"]),
        ("train lstm --text text.txt --seconds -1", &["-1"]),
        ("train lstm --text text.txt --lr nan", &["--lr", "finite"]),
        ("train lstm --text text.txt --lr 0", &["--lr"]),
        ("train lstm --text text.txt --lr 0.1 --min-lr 0.2", &["learning rate", "0.2"]),
        ("train lstm --text text.txt --clip=-1", &["clip", "-1"]),
        ("train lstm --text text.txt --dropout 1", &["dropout", "1"]),
        ("train lstm --text text.txt --optimizer adan", &["adan", "adam"]),
        ("train lstm --text text.txt --optimizer sgd --beta2 0.9", &["--beta2", "sgd"]),
        ("train lstm --text text.txt --optimizer adamw --beta2 1", &["beta2", "1"]),
        ("train lstm --text text.txt --schedule constant --warmup 5", &["--warmup", "cosine"]),
        ("train lstm --text text.txt --tokenizer bpe", &["--tokenizer", "bpe:8000"]),
        ("train lstm --text text.txt --validation-split 1", &["validation-split", "1"]),
        ("train lstm --text text.txt --validation-split 0", &["validation-split", "0"]),
        ("train lstm --text text.txt --seed -1", &["-1"]),
        ("train lstm --text text.txt --threads 0", &["--threads", "1 or more"]),
        ("train gpt --text text.txt --hidden 130 --heads 4", &["width 130", "heads 4"]),
        ("train gpt --text text.txt --embedding 64", &["embedding", "gpt"]),
        ("train lstm --text text.txt --heads 2", &["heads", "lstm"]),
        ("train lstm --text text.txt --hidden 0", &["--hidden", "1 or more"]),
        ("train lstm --text text.txt --hidden 10000000", &["parameters"]),
        ("train lstm --text text.txt --hidden 30000", &["parameters", "memory"]),
        ("train lstm --text text.txt --hidden 99999999999999999999", &["--hidden", "too large"]),
        ("train gpt --text text.txt --layers 100000", &["layers", "100000"]),
        ("train gpt --text text.txt --context 99999999", &["context"]),
        ("train gpt --text text.txt --batch-size 99999999", &["batch-size"]),
        ("climb --steps-per-rung 5 --seconds-per-rung 5", &["--steps-per-rung", "--seconds-per-rung"]),
        ("climb --resume", &["--out"]),
        ("generate", &["DIR"]),
        ("generate nowhere", &["nowhere", "no run"]),
        ("evaluate nowhere --text text.txt", &["nowhere", "no run"]),
        ("info nowhere", &["nowhere", "no run"]),
        ("info text.txt", &["text.txt", "not a folder"]),
        ("info .", &["no run"]),
    ] {
        bad_input(at, arguments, words);
    }
}

#[test]
fn bad_texts() {
    let folder = folder();
    let at = folder.path();
    for (arguments, words) in [
        ("train lstm --text missing.txt", &["missing.txt", "no such file"][..]),
        ("train lstm --text empty.txt", &["empty.txt", "empty"]),
        ("train lstm --text nul.txt", &["nul.txt", "binary", "byte 9"]),
        ("train lstm --text latin1.txt", &["latin1.txt", "not UTF-8", "byte 3"]),
        ("train lstm --text short.txt", &["short.txt", "too"]),
        ("train gpt --text short.txt", &["short.txt", "64"]),
        ("train lstm --text text.txt --batch-size 500", &["text.txt", "500"]),
        ("train lstm --text text.txt --validation empty.txt", &["empty.txt", "empty"]),
        ("train lstm --text text.txt --validation missing.txt", &["missing.txt", "no such file"]),
        ("train lstm --text .", &[".", "directory"]),
        ("train lstm --text text.txt/deeper", &["text.txt/deeper"]),
        ("train lstm --text /dev/zero", &["/dev/zero", "binary"]),
        ("train lstm --text text.txt --out text.txt", &["text.txt"]),
        ("train lstm --text text.txt --out text.txt/below/it", &["text.txt is a file, not a folder"]),
        ("climb --steps-per-rung 1 --out text.txt/below", &["text.txt is a file, not a folder"]),
    ] {
        bad_input(at, arguments, words);
    }
}

#[test]
fn bad_questions_to_a_good_model() {
    let folder = trained("lstm");
    let at = folder.path();
    let before = snapshot(at);
    for (arguments, words) in [
        ("generate run --prompt αβγ", &["--prompt", "'α'", "position 0"][..]),
        ("generate run --prompts missing.txt", &["missing.txt", "no such file"]),
        ("generate run --prompts greek.txt", &["greek.txt, line 1", "'α'", "position 13"]),
        ("generate run --prompts nul.txt", &["nul.txt", "binary"]),
        ("generate run --prompt-ids 0,999", &["--prompt-ids", "999"]),
        ("generate run --prompt-ids 0,x", &["--prompt-ids", "x"]),
        ("generate run --prompt a --prompt-ids 1", &["--prompt", "--prompt-ids"]),
        ("generate run --beam 1 --temperature 2", &["--temperature", "not drawn"]),
        ("info run --threads 1000000", &["--threads", "1024 or less"]),
        ("generate run --temperature=-1", &["temperature -1"]),
        ("generate run --top-k 0", &["top-k"]),
        ("generate run --top-p 1.5", &["top-p 1.5"]),
        ("generate run --greedy --top-k 3", &["--greedy", "--top-k"]),
        ("generate run --min-tokens 9 --max-tokens 3", &["min-tokens 9", "max-tokens 3"]),
        (r"generate run --stop \q", &["--stop", r"\q"]),
        ("generate run --n 0", &["--n", "1 or more"]),
        ("evaluate run --text greek.txt", &["greek.txt", "'α'", "position 13"]),
        ("evaluate run --text empty.txt", &["empty.txt", "empty"]),
        ("evaluate run --text missing.txt", &["missing.txt"]),
        ("evaluate run", &["--text"]),
    ] {
        rungs(at, arguments).refused(2, words);
    }
    let empty = command(at, "generate run --prompt").arg("").output().unwrap();
    Ran::of(&empty).refused(2, &["--prompt", "empty"]);
    assert!(snapshot(at) == before, "nothing was written");
}
