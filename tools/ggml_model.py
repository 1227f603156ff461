"""Writes a Whisper model of CTranslate2's as the ggml file that whisper.cpp reads.

    ggml_model.py ~/.malgwi/models/whisper-base ggml-base.bin

For tests and small machines: what is already here need not be fetched a second time. The layouts
are those of ctranslate2's `specs/model_spec.py` (version 6) and of whisper.cpp's
`models/convert-h5-to-ggml.py`. Matrices become float16, all else float32.
"""

import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

Arrays = dict[str, Any]
DTYPES = ("<f4", "<i1", "<i2", "<i4", "<f2")  # in the order of CTranslate2's DataType
MAGIC = 0x67676D6C  # "ggml"


def read_arrays(file: BinaryIO) -> Arrays:
    """Every array of a model.bin as float32, those of int8 with their scales taken out."""

    def number(kind: str) -> int:
        value: int = struct.unpack("<" + kind, file.read(struct.calcsize("<" + kind)))[0]
        return value

    def string() -> str:
        return file.read(number("H"))[:-1].decode()

    version, spec, _ = number("I"), string(), number("I")
    if (version, spec) != (6, "WhisperSpec"):
        raise SystemExit(f"This is {spec} in version {version}; only WhisperSpec in 6 can be read.")
    arrays = {}
    for _ in range(number("I")):
        name = string()
        shape = [number("I") for _ in range(number("B"))]
        dtype = DTYPES[number("B")]
        arrays[name] = np.frombuffer(file.read(number("I")), dtype).reshape(shape)
    return {
        name: _unscaled(array, arrays.get(f"{name}_scale"))
        for name, array in arrays.items()
        if not name.endswith("_scale")
    }


def _unscaled(array: Any, scale: Any) -> Any:
    wide = array.astype(np.float32)
    return wide if scale is None else wide / scale.reshape(-1, *[1] * (array.ndim - 1))


def renamed(arrays: Arrays) -> Iterator[tuple[str, Any]]:
    """The same arrays under the names that OpenAI gave them, and whisper.cpp kept."""
    for side in ("encoder", "decoder"):
        position = arrays[f"{side}/position_encodings/encodings"]
        yield f"{side}.positional_embedding", position
        final = "ln_post" if side == "encoder" else "ln"
        yield from _norm(arrays, f"{side}/layer_norm", f"{side}.{final}")
        for layer in range(_layers(arrays, side)):
            yield from _block(arrays, f"{side}/layer_{layer}", f"{side}.blocks.{layer}")
    for conv in ("conv1", "conv2"):
        yield f"encoder.{conv}.weight", arrays[f"encoder/{conv}/weight"]
        yield f"encoder.{conv}.bias", arrays[f"encoder/{conv}/bias"].reshape(-1, 1)
    yield "decoder.token_embedding.weight", arrays["decoder/embeddings/weight"]


def _block(arrays: Arrays, theirs: str, ours: str) -> Iterator[tuple[str, Any]]:
    width = len(arrays[f"{theirs}/self_attention/layer_norm/beta"])
    attentions = [("self_attention", "attn")]
    if f"{theirs}/attention/linear_0/weight" in arrays:
        attentions.append(("attention", "cross_attn"))
    for source, target in attentions:
        yield from _norm(arrays, f"{theirs}/{source}/layer_norm", f"{ours}.{target}_ln")
        last = "linear_1" if source == "self_attention" else "linear_2"
        fused = ["linear_0"] if source == "self_attention" else ["linear_0", "linear_1"]
        for part in ("weight", "bias"):
            whole = np.concatenate([arrays[f"{theirs}/{source}/{each}/{part}"] for each in fused])
            for i, name in enumerate(("query", "key", "value")):
                if (name, part) != ("key", "bias"):  # Whisper has none
                    yield f"{ours}.{target}.{name}.{part}", whole[i * width : (i + 1) * width]
            yield f"{ours}.{target}.out.{part}", arrays[f"{theirs}/{source}/{last}/{part}"]
    yield from _norm(arrays, f"{theirs}/ffn/layer_norm", f"{ours}.mlp_ln")
    for part in ("weight", "bias"):
        yield f"{ours}.mlp.0.{part}", arrays[f"{theirs}/ffn/linear_0/{part}"]
        yield f"{ours}.mlp.2.{part}", arrays[f"{theirs}/ffn/linear_1/{part}"]


def _norm(arrays: Arrays, theirs: str, ours: str) -> Iterator[tuple[str, Any]]:
    yield f"{ours}.weight", arrays[f"{theirs}/gamma"]
    yield f"{ours}.bias", arrays[f"{theirs}/beta"]


def _layers(arrays: Arrays, side: str) -> int:
    return len({name.split("/")[1] for name in arrays if name.startswith(f"{side}/layer_")}) - 1


def vocabulary(folder: Path) -> list[bytes]:
    """What each token writes, special ones left out: whisper.cpp knows them by their numbers."""
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = sorted(set(range(256)) - set(visible))
    letters = {chr(byte): byte for byte in visible}
    letters |= {chr(256 + i): byte for i, byte in enumerate(hidden)}  # GPT-2's way with bytes
    ordered = sorted(model["vocab"].items(), key=lambda item: item[1])
    return [
        bytes(letters[letter] for letter in token)
        for token, _ in ordered
        if not (token.startswith("<|") and token.endswith("|>"))
    ]


def write_ggml(folder: Path, file: BinaryIO) -> None:
    with (folder / "model.bin").open("rb") as source:
        arrays = read_arrays(source)
    embeddings = arrays["decoder/embeddings/weight"]
    mels = arrays["encoder/conv1/weight"].shape[1]
    filters = np.asarray(FeatureExtractor(feature_size=mels).mel_filters, "<f4")
    tokens = vocabulary(folder)
    sizes = []
    for side in ("encoder", "decoder"):
        context = len(arrays[f"{side}/position_encodings/encodings"])
        heads = int(arrays[f"{side}/num_heads"])
        sizes += [context, embeddings.shape[1], heads, _layers(arrays, side)]
    file.write(struct.pack("<12i", MAGIC, len(embeddings), *sizes, mels, 1))
    file.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
    file.write(struct.pack("<i", len(tokens)))
    for token in tokens:
        file.write(struct.pack("<i", len(token)) + token)
    for name, array in renamed(arrays):
        half = array.ndim > 1 and not name.endswith((".bias", "positional_embedding"))
        encoded = name.encode()
        file.write(struct.pack("<3i", array.ndim, len(encoded), half))
        file.write(struct.pack(f"<{array.ndim}i", *reversed(array.shape)) + encoded)
        file.write(np.ascontiguousarray(array, "<f2" if half else "<f4").tobytes())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    with Path(sys.argv[2]).open("wb") as out:
        write_ggml(Path(sys.argv[1]).expanduser(), out)
