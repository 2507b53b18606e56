#!/usr/bin/env python3
"""Makes the labelled set: labelled.py TEST_PACKAGES PRODUCT_PACKAGES OUT_TSV, one "SET\tnegative|positive\tTEXT" a line.

English: the sentences of shop, film and restaurant reviews that the package sentiment measures itself by (Kotzias and others 2015,
1,000 of each). Chinese: CLDR's Chinese keywords of each face, joined by commas, labelled by the value the emoji itself has in
emoji-emotion. Nobody labelled Chinese sentences in a package we can take; this is the next best: words chosen by people, judged by others.
"""
import json
import os
import re
import sys


def english(folder):
    for name in ("amazon", "imdb", "yelp"):
        with open(os.path.join(folder, "sentiment/test/fixtures", name + ".json"), encoding="utf-8") as file:
            for row in json.load(file):
                yield name, row["class"] == 1, row["text"]


def chinese(folder, product):
    with open(os.path.join(product, "emoji-emotion/index.js"), encoding="utf-8") as file:
        values = {e.replace("\ufe0f", ""): int(v) for e, v in re.findall(r"emoji: '([^']*)',\s*polarity: (-?\d+)", file.read())}
    with open(os.path.join(folder, "cldr-annotations-modern/annotations/zh/annotations.json"), encoding="utf-8") as file:
        notes = json.load(file)["annotations"]["annotations"]
    for face, value in sorted(values.items()):
        note = notes.get(face)
        if note and value:
            yield "cldr-zh", value > 0, "，".join(dict.fromkeys(note.get("tts", []) + note.get("default", [])))


def main():
    packages, product, path = sys.argv[1:]
    with open(path, "w", encoding="utf-8") as out:
        for name, positive, text in [*english(packages), *chinese(packages, product)]:
            out.write(f"{name}\t{'positive' if positive else 'negative'}\t{' '.join(text.split())}\n")


if __name__ == "__main__":
    main()
