#!/usr/bin/env python3
"""Makes the text that the program trains on when it is given none: the prose of this book.

    python3 docs/extract_text.py            writes crates/cli/src/book.txt
    python3 docs/extract_text.py --check    exits 1, with one line, if that file is not what would be written
    python3 docs/extract_text.py --dropped  prints the sentences that do not make it into the text

Chapters are read in the order of SUMMARY.md. Headings, paragraphs and list items stay, one to a line; code blocks,
tables, displayed formulas, HTML and whatever stands between <!-- results --> and <!-- /results --> go. A sentence
stays whole or goes whole: it goes if it cannot be written in ALPHABET, once code and formulas that read as words
(`rungs climb`, h_t, lambda) have been turned into them, or if it only leads up to something that went. No
number printed by a command reaches the text, so refreshing a result never changes what the models are trained on.
"""

import html
import re
import string
import sys
import unicodedata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "docs" / "src"
TARGET = ROOT / "crates" / "cli" / "src" / "book.txt"

# A small alphabet is quickly learnt: what is rare in prose is spelt with what is common, or left out.
ALPHABET = set(string.ascii_letters + string.digits + " .,;:'()-?/_")
SPELT = {
    "\u2018": "'", "\u2019": "'", "\u201c": "'", "\u201d": "'", '"': "'",
    "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": " - ",
    "\u2026": "...", "\u00a0": " ", "\u202f": " ", "&": " and ", "!": ".",
}
UNWRITABLE = "\0"  # stands for a piece of a sentence that has no plain spelling; its sentence is dropped
GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta lambda mu nu xi pi rho sigma tau phi chi psi omega"
).split()
# The full stop of one of these ends no sentence; neither does that of a numbered item.
ABBREVIATIONS = ("e.g.", "i.e.", "et al.", "cf.", "vs.", "Eq.", "Fig.", "Dr.")


class BookError(Exception):
    """A chapter that cannot be read, in one line."""


# Blocks ---------------------------------------------------------------------------------------------------------


def blocks(text, name):
    """The blocks of a chapter in order: (kind, text) with kind `item`, `text`, `gap` or a heading's level."""
    found, lines, kind = [], [], None

    def close():
        nonlocal lines, kind
        if lines:
            found.append((kind, " ".join(lines)))
        lines, kind = [], None

    def gap():
        close()
        found.append(("gap", ""))

    rest = iter(text.splitlines())

    def skip(what, ends):
        """Drops lines up to the first that ends the construct, or complains that none does."""
        if not any(ends(line.strip()) for line in rest):
            raise BookError(f"{name}: {what} is not closed")

    for line in rest:
        bare = line.strip()
        if fence := re.match(r"`{3,}|~{3,}", bare):
            gap()
            mark = fence[0]
            skip("a code block", lambda line: line.startswith(mark) and not line.strip(mark[0]))
        elif bare == "<!-- results -->":
            gap()
            skip("a block of results", lambda line: line == "<!-- /results -->")
        elif bare.startswith("<!--"):
            close()
            if "-->" not in bare:
                skip("a comment", lambda line: "-->" in line)
        elif bare.startswith("\\\\["):
            gap()
            if "\\\\]" not in bare:
                skip("a formula", lambda line: "\\\\]" in line)
        elif bare.startswith("$$"):
            gap()
            if "$$" not in bare[2:]:
                skip("a formula", lambda line: "$$" in line)
        elif re.match(r"</?[a-zA-Z]", bare):
            gap()
            any(not line.strip() for line in rest)  # an HTML block ends at an empty line, or with the file
        elif bare.startswith("|") or re.fullmatch(r"[-:| ]*\|[-:| ]*", bare):
            gap()
        elif bare.startswith("{{#") or re.match(r"\[[^\]]+\]:\s", bare) or re.fullmatch(r"(-{3,}|\*{3,}|_{3,})", bare):
            close()
        elif not bare:
            close()
        elif heading := re.match(r"(#{1,6})\s+(.*?)(\s*\{#[^}]*\})?\s*#*$", bare):
            close()
            found.append((len(heading[1]), heading[2]))
        elif (item := re.match(r"([-*+]|\d+[.)])\s+(.*)", bare)) and (
            # In the middle of a paragraph "1986) and" is no item; only bullets and a first number interrupt one.
            not lines or item[1] in "-*+" or item[1][:-1] == "1" or (kind == "item" and not line.startswith(" "))
        ):
            close()
            kind, lines = "item", ["- " + item[2] if item[1] in "-*+" else f"{item[1]} {item[2]}"]
        elif line.startswith("    ") and not lines and not (found and found[-1][0] == "item"):
            gap()
        else:
            kind = kind or "text"
            lines.append(re.sub(r"^>\s?", "", bare))
    close()
    return found


# Sentences ------------------------------------------------------------------------------------------------------


def plain_formula(formula):
    """An inline formula as one would type it, if it is only a name: h_t, h_(t-1), lambda, c(a, b)."""
    text = formula.strip()
    text = re.sub(r"\\(" + "|".join(GREEK) + r")(?![a-zA-Z])", lambda m: m[1].removeprefix("var"), text)
    text = re.sub(r"\{(\w)\}", r"\1", text)
    text = re.sub(r"_\{([^{}]*)\}", r"_(\1)", text)
    return text if set(text) <= ALPHABET and re.match(r"\w", text) else UNWRITABLE


def sentences(text):
    """The sentences of a block as plain text. One that contains UNWRITABLE has no plain form."""
    kept_as_is = []

    def keep(piece):
        kept_as_is.append(piece if set(piece) <= ALPHABET else UNWRITABLE)
        return f"\1{len(kept_as_is) - 1}\2"

    text = re.sub(r"(`+)(.+?)\1", lambda m: keep(m[2].strip()), text)
    text = re.sub(r"\\\\\((.+?)\\\\\)", lambda m: keep(plain_formula(m[1])), text)
    text = re.sub(r"\\\\\[.+?\\\\\]", UNWRITABLE, text)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|\[\^[^\]]+\]", "", text)
    text = re.sub(r"\[([^\]]+)\](\([^)]*\)|\[[^\]]*\])", r"\1", text)
    text = re.sub(r"<?\b(https?|mailto):[^\s>)]*>?", UNWRITABLE, text)
    text = re.sub(r"</?[a-zA-Z][^>]*>", "", text)
    text = re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<!\w)([*_])(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text)
    text = html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text))
    text = re.sub(r"\s*%", " percent", text)
    text = "".join(SPELT.get(c, c) for c in text)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = re.sub(r"\s+", " ", text).strip()

    parts, start = [], 0
    for end in re.finditer(r"[.?](?:['\")]*) ", text):
        before = text[start : end.start() + 1]
        if not before.endswith(ABBREVIATIONS) and not re.fullmatch(r"\d+\.", before):
            parts.append(text[start : end.end() - 1])
            start = end.end()
    parts.append(text[start:])
    return [re.sub("\1(\\d+)\2", lambda m: kept_as_is[int(m[1])], part) for part in parts if part]


def writable(sentence):
    return set(sentence) <= ALPHABET


def ends(sentence):
    return re.search(r"[.?]['\")]*$", sentence) is not None


def prose(chapter, name, dropped):
    """The lines of a chapter that are prose, headings marked by their level: (level or None, line)."""
    lines = []
    found = blocks(chapter, name)
    items = [kind == "item" for kind, _ in found] + [False]
    for at, (kind, text) in enumerate(found):
        if kind == "gap":
            continue
        parts = sentences(text)
        kept = [part for part in parts if writable(part)]
        lost = [part for part in parts if not writable(part)]
        if kind in ("text", "item"):
            # What went on after a formula in the middle of a sentence is not a sentence.
            if kept and kind == "text" and at and found[at - 1][0] == "gap" and re.match(r"[a-z,;]", text):
                if kept[0] == parts[0]:
                    lost.append(kept.pop(0))
            # Neither is what led up to something that is gone; a list may follow a colon.
            if kept and kind == "text" and not ends(kept[-1]) and not (kept[-1].endswith(":") and items[at + 1]):
                lost.append(kept.pop())
            if kept and kind == "item" and kept[-1].endswith((":", ",")):
                lost.append(kept.pop())
            # An item whose first words are gone no longer says what it is about.
            if kind == "item" and kept and kept[0] != parts[0]:
                lost, kept = parts, []
        dropped.extend(f"{name}: {part.replace(UNWRITABLE, '#')}" for part in lost)
        if kept:
            lines.append((kind if isinstance(kind, int) else None, " ".join(kept)))
    # A heading with nothing below it announces nothing.
    following = lines[1:] + [(1, "")]
    return [
        (level, line)
        for (level, line), (next_level, _) in zip(lines, following)
        if level is None or next_level is None or next_level > level
    ]


# The book -------------------------------------------------------------------------------------------------------


def book(dropped):
    summary = read(SOURCE / "SUMMARY.md")
    lines = []
    for path in re.findall(r"\]\(([^)#]+\.md)\)", summary):
        name = f"docs/src/{path}"
        lines += [line for _, line in prose(read(SOURCE / path), name, dropped)]
    return "\n\n".join(lines) + "\n"


def read(path):
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BookError(f"{path.relative_to(ROOT)}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}") from error


def main(arguments):
    if arguments not in ([], ["--check"], ["--dropped"]):
        print("usage: extract_text.py [--check | --dropped]", file=sys.stderr)
        return 2
    dropped = []
    try:
        text = book(dropped)
    except BookError as error:
        print(error, file=sys.stderr)
        return 1
    where = TARGET.relative_to(ROOT)
    if arguments == ["--dropped"]:
        print("\n".join(dropped))
    elif arguments == ["--check"]:
        if not TARGET.exists() or TARGET.read_bytes() != text.encode("ascii"):
            print(f"{where}: differs from the book; run python3 docs/extract_text.py and commit it", file=sys.stderr)
            return 1
    else:
        TARGET.write_bytes(text.encode("ascii"))
        paragraphs = text.count("\n\n") + 1
        print(
            f"{where}: {len(text)} characters of {len(set(text))} kinds in {paragraphs} paragraphs; "
            f"{len(dropped)} sentences dropped"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
