"""Whisper's weights out of a folder for CTranslate2, under the names that transformers gives them.

So that an engine on another library needs no second download, and a machine without a network no
second set of files. Only numpy, and no model: the file is mapped, and one tensor at a time is
brought into memory. The layout is that of `ctranslate2.specs.model_spec`, and the names are those
of its `whisper_spec`; how they correspond can be read in `ctranslate2.converters.transformers`.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from malgwi.errors import ModelBroken

Variables = Mapping[str, NDArray[Any]]

VERSION = 6
"""Of the layout of the file; it has been this since before there was Whisper."""
BFLOAT16 = "bfloat16"  # numpy has none: the upper half of a float32
TYPES = ("float32", "int8", "int16", "int32", "float16", BFLOAT16)
PARTS = {
    "self_attention/layer_norm": ["self_attn_layer_norm"],
    "self_attention/linear_0": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    "self_attention/linear_1": ["self_attn.out_proj"],
    "attention/layer_norm": ["encoder_attn_layer_norm"],
    "attention/linear_0": ["encoder_attn.q_proj"],
    "attention/linear_1": ["encoder_attn.k_proj", "encoder_attn.v_proj"],
    "attention/linear_2": ["encoder_attn.out_proj"],
    "ffn/layer_norm": ["final_layer_norm"],
    "ffn/linear_0": ["fc1"],
    "ffn/linear_1": ["fc2"],
}
"""Of a layer, and what each becomes: CTranslate2 keeps projections of the same input as one."""
KINDS = {"gamma": "weight", "beta": "bias"}
OTHERS = {
    "embeddings/weight": "embed_tokens.weight",
    "position_encodings/encodings": "embed_positions.weight",
}
"""Outside the layers, where the name differs."""


@dataclass(frozen=True, slots=True)
class WhisperShape:
    """How large a Whisper is, as far as its weights tell."""

    mels: int
    vocabulary: int
    width: int
    inner_width: int
    encoder_layers: int
    decoder_layers: int
    heads: int
    frames: int
    """Of the encoder's output: 1500 for 30 s."""
    tokens: int
    """That the decoder has room for."""


def read_variables(file: Path) -> Variables:
    """What is in a `model.bin`, under CTranslate2's names; read from the disk when it is used.

    Raises ModelBroken where it is cut off or not a Whisper.
    """
    try:
        with file.open("rb") as opened:
            return _Reader(mmap(opened.fileno(), 0, access=ACCESS_READ)).variables()
    except (ValueError, IndexError, struct.error) as error:
        raise ModelBroken(
            f"{file} is no Whisper for CTranslate2, or not whole ({error}). "
            f"Run: malgwi models verify {file.parent.name}"
        ) from error


def shape(variables: Variables) -> WhisperShape:
    """Raises ModelBroken where something is missing."""
    try:
        width, mels, _ = variables["encoder/conv1/weight"].shape
        return WhisperShape(
            mels=mels,
            vocabulary=len(variables["decoder/embeddings/weight"]),
            width=width,
            inner_width=len(variables["encoder/layer_0/ffn/linear_0/weight"]),
            encoder_layers=_layers(variables, "encoder"),
            decoder_layers=_layers(variables, "decoder"),
            heads=int(variables["encoder/num_heads"]),
            frames=len(variables["encoder/position_encodings/encodings"]),
            tokens=len(variables["decoder/position_encodings/encodings"]),
        )
    except KeyError as error:
        raise ModelBroken(f"The model lacks {error}, which every Whisper has.") from error


def tensors(variables: Variables) -> Iterator[tuple[str, NDArray[Any]]]:
    """Name and values of each tensor of transformers' `WhisperModel`, one at a time.

    Float arrays of their own, in the precision of the file; what is of 8 or 16 bits comes as
    float32. The output layer is not among them: it is the embedding of the tokens.
    """
    for name, stored in variables.items():
        if stored.ndim and not name.startswith("decoder/projection/") and "_scale" not in name:
            targets = _targets(name)
            values = np.split(_values(stored, variables.get(f"{name}_scale")), len(targets))
            yield from (
                (target, value)
                for target, value in zip(targets, values, strict=True)
                if not target.endswith("k_proj.bias")  # zeros: Whisper has none
            )


def _targets(name: str) -> list[str]:
    side, rest = name.split("/", 1)
    in_layer = re.fullmatch(r"layer_(\d+)/(.+)/(\w+)", rest)
    if not in_layer:
        *path, kind = rest.split("/")
        return [f"{side}.{OTHERS.get(rest) or '.'.join([*path, KINDS.get(kind, kind)])}"]
    number, part, kind = in_layer.groups()
    return [
        f"{side}.layers.{number}.{target}.{KINDS.get(kind, kind)}"
        for target in PARTS.get(part, [part])
    ]


def _values(stored: NDArray[Any], scale: NDArray[Any] | None) -> NDArray[Any]:
    """A copy: in the file nothing is aligned."""
    if stored.dtype == np.uint16:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    if scale is None:
        return np.array(stored)
    rows = scale.astype(np.float32).reshape(-1, *[1] * (stored.ndim - 1))
    return stored.astype(np.float32) / rows


def _layers(variables: Variables, side: str) -> int:
    return sum(
        re.fullmatch(rf"{side}/layer_\d+/ffn/linear_0/weight", name) is not None
        for name in variables
    )


class _Reader:
    """Goes through the file once. Little-endian, as the machines that write it."""

    def __init__(self, data: mmap) -> None:
        self._data = data
        self._at = 0

    def variables(self) -> Variables:
        version, name = self._number("I"), self._text()
        if (version, name) != (VERSION, "WhisperSpec"):
            raise ValueError(f"version {version} of {name!r}, not {VERSION} of 'WhisperSpec'")
        self._number("I")  # the revision: what there is tells the same
        found = dict(self._variable() for _ in range(self._number("I")))
        for _ in range(self._number("I")):
            alias, name = self._text(), self._text()
            if name not in found:
                raise ValueError(f"{alias} stands for {name}, which is missing")
            found[alias] = found[name]
        return found

    def _variable(self) -> tuple[str, NDArray[Any]]:
        name = self._text()
        dimensions = [self._number("I") for _ in range(self._number("B"))]
        kind = TYPES[self._number("B")]
        size = self._number("I")
        dtype = np.dtype("<u2" if kind == BFLOAT16 else kind)
        values = np.frombuffer(self._data, dtype, size // dtype.itemsize, self._at)
        self._at += size
        return name, values.reshape(dimensions)

    def _number(self, kind: str) -> int:
        [number] = struct.unpack_from(f"<{kind}", self._data, self._at)
        self._at += struct.calcsize(kind)
        return int(number)

    def _text(self) -> str:
        [text] = struct.unpack_from(f"<{self._number('H')}s", self._data, self._at)
        self._at += len(text)
        return bytes(text).rstrip(b"\0").decode()
