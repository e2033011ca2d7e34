"""What an ONNX file would have its reader do, found by walking its messages; nothing is loaded.

A bundle may come from anywhere. ONNX lets a tensor lie in any other file of the machine, and lets a network loop.
What ``export`` writes does neither, so networks that do are refused. The walk knows the fields of onnx.proto3 that
lead to tensors and graphs; protobuf's wire format: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MOST_DEPTH = 32
"""Messages within messages. Exports have five."""
_STANDARD = {b"", b"ai.onnx"}
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5

_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "subgraph", 2: "subgraph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "subgraph": {},
    "function": {},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "subgraph", 10: "tensor", 11: "subgraph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
    "external": {},
}
_REFUSED = {
    "external": "one that names other files",
    "subgraph": "one with loops or branches",
    "function": "one with functions of its own",
    "training": "one with training steps",
}
_NODE_DOMAIN, _DATA_LOCATION = 7, 14


class _Field(NamedTuple):
    number: int
    wire: int
    value: memoryview | int
    """Bytes of a field with a length; the number of a varint."""


def unsafe_content(data: bytes) -> str | None:
    """Why the ONNX network in ``data`` is not to be opened, in words after "got"; None where it may be."""
    try:
        return _refused("model", memoryview(data), 0)
    except (IndexError, ValueError):
        return "no ONNX network"


def _refused(kind: str, message: memoryview, depth: int) -> str | None:
    if kind in _REFUSED:
        return _REFUSED[kind]
    if depth > MOST_DEPTH:
        raise ValueError("too deep")
    children = _CHILDREN[kind]
    for field in _fields(message):
        if isinstance(field.value, int):
            if kind == "tensor" and field.number == _DATA_LOCATION and field.value:
                return _REFUSED["external"]
            continue
        if kind == "node" and field.number == _NODE_DOMAIN:
            if bytes(field.value) not in _STANDARD:
                return "one with operators that are not of ONNX"
        elif field.number in children:
            found = _refused(children[field.number], field.value, depth + 1)
            if found is not None:
                return found
    return None


def _fields(message: memoryview) -> Iterator[_Field]:
    """The fields of a message; ``ValueError`` or ``IndexError`` where it is none."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError("field 0")
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield _Field(number, wire, value)
        elif wire == _LENGTH:
            length, at = _varint(message, at)
            if at + length > len(message):
                raise ValueError("cut short")
            yield _Field(number, wire, message[at : at + length])
            at += length
        elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if wire == _EIGHT_BYTES else 4
        else:  # groups, which ONNX has none of
            raise ValueError("a group")
    if at != len(message):
        raise ValueError("cut short")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
    raise ValueError("a number of too many bytes")
