#!/usr/bin/env python3
"""Reads the schema and the golden frames with PyPI's `sbe`, and nothing else of this repository.

Every frame is decoded by the emitted XML alone, its values are compared with the rule at the head of frames.txt, and
it is encoded again and compared octet by octet. What that package cannot do is said, not hidden: it does not read a
text behind a block, and of an array of octets it reads the first one only.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import sbe

HERE = Path(__file__).resolve().parent
PREFIX = 24
HEADER = 8


class Types:
    """What frames.txt needs to know of the XML that `sbe` does not keep."""

    def __init__(self, path):
        root = ElementTree.parse(path).getroot()
        types = root.find("types")
        self.primitive = {t.get("name"): t.get("primitiveType") for t in types.findall("type")}
        self.length = {t.get("name"): int(t.get("length", "1")) for t in types.findall("type")}
        self.optional = {t.get("name") for t in types.findall("type") if t.get("presence") == "optional"}
        self.enums = {e.get("name"): [v.get("name") for v in e] for e in types.findall("enum")}
        self.sets = {s.get("name"): [(c.get("name"), int(c.text)) for c in s] for s in types.findall("set")}
        self.messages = {int(m.get("id")): m for m in root if m.tag.endswith("message")}

    def expected(self, template, number, kind, which):
        """The value that the rule in frames.txt gives a field."""
        if kind in self.enums:
            values = self.enums[kind]
            return values[number % len(values)]
        if kind in self.sets:
            return [name for name, bit in self.sets[kind] if bit % 2 == 0]
        if which == "nulls" and kind in self.optional:
            return None
        if self.primitive[kind] == "char":
            return "".join(chr(65 + number + at) for at in range(12))
        if self.length[kind] > 1:
            return 65 + number
        if self.primitive[kind] == "uint8":
            return number
        value = 100 * template + number
        return -value if self.primitive[kind].startswith("int") and number % 2 else value


def compare(types, template, which, fields, values):
    for field in fields:
        expected = types.expected(template, int(field.get("id")), field.get("type"), which)
        found = values[field.get("name")]
        if found != expected:
            raise ValueError(f"{field.get('name')} is {found!r}, not {expected!r}")


def check(schema, types, template, which, octets):
    """What of a frame was compared: a word for the summary and the words for the line."""
    told = types.messages[template]
    message = schema.messages[template]
    body = octets[PREFIX:]
    texts = told.findall("data")
    # Left in, the package would take the text's length and first octet for fields.
    message.fields = [f for f in message.fields if f.name not in {t.get("name") for t in texts}]

    decoded = schema.decode(body)
    if decoded.message_name != told.get("name"):
        raise ValueError(f"is a {decoded.message_name}")
    if which in ("values", "nulls"):
        compare(types, template, which, told.findall("field"), decoded.value)
        for group in told.findall("group"):
            for row, values in enumerate(decoded.value[group.get("name")]):
                compare(types, template + row, which, group.findall("field"), values)

    encoded = schema.encode(message, decoded.value)
    arrays = [t for t in told.findall("field") if types.length.get(t.get("type"), 1) > 1]
    arrays = [t for t in arrays if types.primitive[t.get("type")] != "char"]
    block = HEADER + int(told.get("blockLength"))
    if arrays:
        length = block - types.length[arrays[0].get("type")] + 1
        result, words = "part", f"all but the octets of {arrays[0].get('name')} after the first"
    elif texts:
        length, result, words = block, "part", "block; the text behind it is not read by this package"
    else:
        length, result, words = len(body), "whole", "all"
    if encoded[:length] != body[:length]:
        raise ValueError(f"encoded again as {encoded[:length].hex()}")
    if len(encoded) < length:
        raise ValueError("encoded again too short")
    return result, f"{words}, {length} octets"


def main():
    with open(HERE / "fulcrum_private.xml", encoding="utf-8") as file:
        schema = sbe.Schema.parse(file)
    types = Types(HERE / "fulcrum_private.xml")
    lines = (HERE / "frames.txt").read_text(encoding="ascii").splitlines()
    counts = {"whole": 0, "part": 0, "failed": 0}
    seen = set()
    for line in lines:
        if line.startswith("#"):
            continue
        template, name, which, hexadecimal = line.split()
        seen.add(int(template))
        try:
            result, words = check(schema, types, int(template), which, bytes.fromhex(hexadecimal))
        except Exception as error:  # every frame gets its line
            result, words = "failed", f"{type(error).__name__}: {error}"
        counts[result] += 1
        print(f"{template:>4} {name} {which}: {result}: {words}")
    missing = sorted(set(types.messages) - seen)
    print(
        f"{len(seen)} of {len(types.messages)} templates; frames: {counts['whole']} whole, {counts['part']} in part, "
        f"{counts['failed']} failed" + (f"; no frame of {missing}" if missing else "")
    )
    return 1 if counts["failed"] or missing else 0


if __name__ == "__main__":
    sys.exit(main())
