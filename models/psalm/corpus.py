"""The training text of the psalm model: the King James Bible and Jane Austen's six novels.

Both are in the public domain and both are read from Debian packages that are
installed on the machine; nothing is downloaded:

* ``bible-kjv`` and ``bible-kjv-text`` (the ``bible`` program and its data);
* ``r-cran-janeaustenr`` (R itself is not needed, see ``read_r_strings``).

``documents()`` yields ``Document`` records in a fixed order. A chapter is the
unit of the train/held-out split; it is then cut, at verse or paragraph ends,
into passages of varied length, so that the model sees many document ends.
"""

import hashlib
import math
import random
import re
import struct
import subprocess
import zlib
from collections import namedtuple

Document = namedtuple("Document", "source chapter held_out text")

BIBLE_RANGE = "Genesis 1:1-Revelation 22:21"
AUSTEN_DATA = "/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb"
HELD_OUT_PER_MILLE = 40
PASSAGE_BYTES = (250, 4000)  # lengths are drawn log-uniformly between these


def kjv_chapters():
    """Yields (chapter name, list of verses)."""
    out = subprocess.run(["bible", "-f", BIBLE_RANGE], check=True, capture_output=True)
    name, verses = None, []
    for line in out.stdout.decode("latin-1").splitlines():
        match = re.match(r"(\S+):\d+ (.*)", line)
        if not match:
            continue
        chapter, verse = match.groups()
        if chapter != name:
            if verses:
                yield name, verses
            name, verses = chapter, []
        verses.append(verse.strip())
    if verses:
        yield name, verses


def read_r_strings(path):
    """Yields each character vector of an R lazy-load database as a list of lines.

    Such a file is a row of records: a big-endian length, then a zlib stream
    with one object in R's XDR serialisation. Objects other than plain
    character vectors (type 16) are skipped.
    """
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        inflater = zlib.decompressobj()
        raw = inflater.decompress(data[at + 4:])
        at = len(data) - len(inflater.unused_data)
        pos = 14                                    # "X\n", format, two R versions
        if struct.unpack(">i", raw[2:6])[0] >= 3:   # format 3 adds the encoding's name
            pos += 4 + struct.unpack(">i", raw[pos:pos + 4])[0]
        flags, count = struct.unpack(">ii", raw[pos:pos + 8])
        if flags & 0xFF != 16:
            continue
        pos += 8
        lines = []
        for _ in range(count):
            _, length = struct.unpack(">ii", raw[pos:pos + 8])
            pos += 8
            lines.append(raw[pos:pos + max(length, 0)].decode("utf-8"))
            pos += max(length, 0)
        yield lines


def austen_chapters():
    """Yields (chapter name, list of paragraphs), paragraphs re-joined to one line each."""
    for lines in read_r_strings(AUSTEN_DATA):
        title, number, paragraphs, current = lines[0].strip().title(), 0, [], []
        for line in lines[1:] + ["CHAPTER END"]:
            heading = re.match(r"\s*(CHAPTER|Chapter|VOLUME|Volume|FINIS|THE END|End of)\b", line)
            if heading or not line.strip():
                if current and current[0][0] not in "[*":    # editors' notes, rules of stars
                    paragraphs.append(tidy(" ".join(current)))
                current = []
            else:
                current.append(line.strip())
            if heading:
                if number and paragraphs:
                    yield f"{title} {number}", paragraphs
                paragraphs = []
                number += re.match(r"\s*chapter", line, re.I) is not None


def tidy(paragraph):
    """Drops the underscores that mark italics and makes dashes and spaces uniform."""
    return re.sub(r"\s+", " ", paragraph.replace("_", "")).strip()


def held_out(chapter):
    """Whether a chapter is kept for measuring; depends on its name alone."""
    digest = hashlib.sha256(chapter.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 1000 < HELD_OUT_PER_MILLE


def passages(chapter, parts):
    """Cuts a chapter into passages; the lengths are drawn from a generator seeded by its name."""
    draw = random.Random(chapter)
    low, high = (math.log(b) for b in PASSAGE_BYTES)
    text, target = "", math.exp(draw.uniform(low, high))
    for part in parts:
        text += part + "\n"
        if len(text) >= target:
            yield text.rstrip("\n")
            text, target = "", math.exp(draw.uniform(low, high))
    if text:
        yield text.rstrip("\n")


def documents():
    """Yields every passage of the corpus, always in the same order."""
    for source, chapters in (("kjv", kjv_chapters()), ("austen", austen_chapters())):
        for chapter, parts in chapters:
            out = held_out(chapter)
            for text in passages(chapter, parts):
                yield Document(source, chapter, out, text)


if __name__ == "__main__":
    totals = {}
    for doc in documents():
        key = (doc.source, "held out" if doc.held_out else "train")
        count, size = totals.get(key, (0, 0))
        totals[key] = (count + 1, size + len(doc.text.encode()))
    for key, (count, size) in sorted(totals.items()):
        print(*key, f"{count} passages, {size} bytes")
