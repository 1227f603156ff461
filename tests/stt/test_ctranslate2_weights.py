"""The weights in a folder for CTranslate2 come out as transformers wants them."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ctranslate2.specs import WhisperSpec
from numpy.typing import NDArray

from malgwi import ops
from malgwi.errors import ModelBroken
from malgwi.stt.ctranslate2_weights import WhisperShape, read_variables, shape, tensors

WIDTH, INNER, MELS, WORDS = 6, 10, 4, 12
SMALL = WhisperShape(
    mels=MELS,
    vocabulary=WORDS,
    width=WIDTH,
    inner_width=INNER,
    encoder_layers=2,
    decoder_layers=1,
    heads=3,
    frames=7,
    tokens=5,
)


def written(folder: Path, quantization: str | None = None) -> tuple[Path, dict[str, Any]]:
    """A small Whisper as CTranslate2 itself writes it, and what went in by our names."""
    spec, expected = WhisperSpec(2, 3, 1, 3), {}
    draw = np.random.default_rng(1).normal

    def tensor(name: str, *size: int) -> NDArray[np.float32]:
        expected[name] = draw(size=size).astype(np.float32)
        return expected[name].copy()

    def norm(to: Any, name: str) -> None:
        to.gamma, to.beta = tensor(f"{name}.weight", WIDTH), tensor(f"{name}.bias", WIDTH)

    def linear(to: Any, rows: int, columns: int, *names: str) -> None:
        to.weight = np.concatenate([tensor(f"{name}.weight", rows, columns) for name in names])
        to.bias = np.concatenate(
            [
                np.zeros(rows, np.float32) if "k_proj" in name else tensor(f"{name}.bias", rows)
                for name in names
            ]
        )

    def attention(to: Any, name: str, *parts: str) -> None:
        norm(to.layer_norm, f"{name}_layer_norm")
        for layer, part in zip(to.linear, parts, strict=True):
            linear(layer, WIDTH, WIDTH, *(f"{name}.{each}_proj" for each in part.split()))

    for side, stack in (("encoder", spec.encoder), ("decoder", spec.decoder)):
        norm(stack.layer_norm, f"{side}.layer_norm")
        length = SMALL.frames if side == "encoder" else SMALL.tokens
        places = tensor(f"{side}.embed_positions.weight", length, WIDTH)
        stack.position_encodings.encodings = places
        for number, layer in enumerate(stack.layer):
            name = f"{side}.layers.{number}"
            attention(layer.self_attention, f"{name}.self_attn", "q k v", "out")
            if side == "decoder":
                attention(layer.attention, f"{name}.encoder_attn", "q", "k v", "out")
            norm(layer.ffn.layer_norm, f"{name}.final_layer_norm")
            linear(layer.ffn.linear_0, INNER, WIDTH, f"{name}.fc1")
            linear(layer.ffn.linear_1, WIDTH, INNER, f"{name}.fc2")
    for name, before in (("conv1", MELS), ("conv2", WIDTH)):
        conv = getattr(spec.encoder, name)
        conv.weight = tensor(f"encoder.{name}.weight", WIDTH, before, 3)
        conv.bias = tensor(f"encoder.{name}.bias", WIDTH)
    words = tensor("decoder.embed_tokens.weight", WORDS, WIDTH)
    spec.decoder.embeddings.weight = spec.decoder.projection.weight = words
    spec.decoder.projection.bias = np.zeros(WORDS, np.float32)
    spec.register_vocabulary([str(number) for number in range(WORDS)])
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))
    return folder / "model.bin", expected


@pytest.mark.parametrize(
    ("quantization", "error"),
    [(None, 0.0), ("float16", 2e-3), ("int16", 4e-3), ("int8", 2e-2), ("bfloat16", 2e-2)],
)
def test_every_tensor_comes_back_under_its_name(
    quantization: str | None, error: float, tmp_path: Path
) -> None:
    if quantization == "bfloat16" and not find_spec("torch"):
        pytest.skip("CTranslate2 writes bfloat16 with torch only, which is not installed.")
    file, expected = written(tmp_path, quantization)

    found = dict(tensors(read_variables(file)))

    assert found.keys() == expected.keys()
    for name, values in found.items():
        assert values.dtype == (np.float16 if quantization == "float16" else np.float32)
        assert np.allclose(values, expected[name], atol=error), name


def test_the_size_of_the_model_is_read_from_its_weights(tmp_path: Path) -> None:
    file, _ = written(tmp_path)

    assert shape(read_variables(file)) == SMALL


def test_a_file_that_is_cut_off_anywhere_is_said_to_be_broken(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    whole = file.read_bytes()

    for length in [*range(0, 200), *range(200, len(whole), 37), len(whole) - 1]:
        file.write_bytes(whole[:length])
        with pytest.raises(ModelBroken, match="malgwi models verify"):
            read_variables(file)


def test_another_model_is_refused(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    file.write_bytes(file.read_bytes().replace(b"WhisperSpec", b"WhimperSpec"))

    with pytest.raises(ModelBroken, match="WhimperSpec"):
        read_variables(file)


def test_a_model_that_lacks_something_is_refused(tmp_path: Path) -> None:
    file, _ = written(tmp_path)
    variables = dict(read_variables(file))
    del variables["encoder/num_heads"]

    with pytest.raises(ModelBroken, match="num_heads"):
        shape(variables)


@pytest.mark.model
def test_whisper_base_comes_out_whole(models: Path) -> None:
    variables = read_variables(ops.find("whisper-base", models) / "model.bin")

    found = dict(tensors(variables))

    assert shape(variables) == WhisperShape(80, 51865, 512, 2048, 6, 6, 8, 1500, 448)
    assert len(found) == 245
    assert all(np.isfinite(values).all() for values in found.values())
    fused = variables["encoder/layer_3/self_attention/linear_0/bias"]
    assert not fused[512:1024].any()  # keys have no bias: nothing is lost by leaving it out
    assert found["encoder.layers.3.self_attn.v_proj.bias"].tolist() == fused[1024:].tolist()
