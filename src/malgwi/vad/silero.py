"""Voice activity by Silero v6, all channels in one call; its weights come with faster-whisper.

The network is run as two graphs. The encoder looks at one window at a time and so need not hear
what is digitally silent, most of a radio or telephone channel, more than once; the decoder is an
LSTM that goes through the windows in order, the channels side by side as its batch. As a window
makes only four frames, each convolution of the encoder is one small matrix product over all of
them, which is several times as fast as a convolution over so short an axis.
"""

import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # or ONNX Runtime tells its makers who uses it for what
import onnxruntime
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from malgwi.errors import ModelBroken

_Floats = NDArray[np.float32]

_PACKAGE = find_spec("faster_whisper")  # found, not imported: that would load the recogniser too
if _PACKAGE is None or _PACKAGE.origin is None:
    raise ModuleNotFoundError("No module named 'faster_whisper'", name="faster_whisper")
WEIGHTS = Path(_PACKAGE.origin).with_name("assets") / "silero_vad_v6.onnx"

_WINDOW = 512
_CONTEXT = 64  # samples before the window that the network looks at again
_FRAME, _HOP = 256, 128
_FRAMES = 4  # in window and context, after as many samples as the context has are reflected
_STRIDES = (1, 2, 2, 1)  # of the encoder's convolutions
_HIDDEN = 128
_AT_ONCE = 256  # windows, of all channels together: what a run touches stays in the cache


class SileroDetector:
    """A VoiceDetector that runs on one thread."""

    window = _WINDOW

    def __init__(self, weights: Path = WEIGHTS) -> None:
        """Raises ModelBroken where `weights` is not what it should be."""
        self._encoder, self._decoder = _networks(weights)
        self._silence = self._heard(np.zeros((1, _CONTEXT + _WINDOW), np.float32))
        self._kept: _Floats | None = None
        self._state: tuple[_Floats, _Floats]

    def probabilities(self, samples: _Floats) -> _Floats:
        sound = np.concatenate([self._context(len(samples)), samples], axis=1)
        whole = (sound.shape[1] - _CONTEXT) // _WINDOW
        self._kept = sound[:, whole * _WINDOW :].copy()
        answers = [self._decode(self._encode(windows)) for windows in _portions(sound, whole)]
        return np.concatenate(answers or [np.empty((len(samples), 0), np.float32)], axis=1)

    def _context(self, channels: int) -> _Floats:
        """What of the last call's sound is still needed; before the first call it was silent."""
        if self._kept is None:
            self._kept = np.zeros((channels, _CONTEXT), np.float32)
            nothing = np.zeros((1, channels, _HIDDEN), np.float32)
            self._state = nothing, nothing
        return self._kept

    def _encode(self, windows: _Floats) -> _Floats:
        """What the encoder makes of `[steps, channels, samples]`: `[steps, channels, hidden]`."""
        sounding = windows.any(axis=2)
        encoded = np.empty((*windows.shape[:2], _HIDDEN), np.float32)
        encoded[~sounding] = self._silence
        if sounding.any():
            encoded[sounding] = self._heard(windows[sounding])
        return encoded

    def _heard(self, windows: _Floats) -> _Floats:
        reflected = windows[:, -2 : -2 - _CONTEXT : -1]
        frames = np.empty((len(windows), _FRAMES, _FRAME), np.float32)
        for index in range(_FRAMES - 1):
            frames[:, index] = windows[:, index * _HOP :][:, :_FRAME]
        frames[:, -1, :-_CONTEXT] = windows[:, (_FRAMES - 1) * _HOP :]
        frames[:, -1, -_CONTEXT:] = reflected
        [encoded] = self._encoder.run(None, {"frames": frames.reshape(-1, _FRAME)})
        return np.asarray(encoded)

    def _decode(self, encoded: _Floats) -> _Floats:
        hidden, cell = self._state
        given = {"encoded": encoded, "h": hidden, "c": cell}
        probabilities, hidden, cell = self._decoder.run(None, given)
        self._state = hidden, cell
        return np.asarray(probabilities)[:, 0]


@cache
def _networks(weights: Path) -> tuple[Any, Any]:
    """Encoder and decoder, made once: they remember nothing, and any thread may run them."""
    try:
        model = onnx.load(str(weights))
        return _session(_encoder_of(model)), _session(_decoder_of(model))
    except (OSError, DecodeError, LookupError, StopIteration, ValueError) as error:
        raise ModelBroken(
            f"The Silero weights in {weights} cannot be used. "
            "Run: pip install --force-reinstall 'malgwi[silero]'"
        ) from error


def _portions(sound: _Floats, whole: int) -> Iterator[_Floats]:
    """The windows of `sound`, each with its context, as `[steps, channels, samples]`."""
    if not whole:
        return
    windows = sliding_window_view(sound, _CONTEXT + _WINDOW, axis=1)[:, ::_WINDOW]
    steps = max(1, _AT_ONCE // len(sound))
    for first in range(0, whole, steps):
        yield windows[:, first : first + steps].swapaxes(0, 1)


def _encoder_of(model: Any) -> Any:
    """Frames to encodings: the spectrum's magnitude, then four convolutions with ReLU."""
    stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    basis = stored["encoder.feature_extractor.forward_basis_buffer"][:, 0].T
    weights = {"real": basis[:, : _HOP + 1], "imaginary": basis[:, _HOP + 1 :]}
    weights["shape"] = np.array([-1, _FRAMES * (_HOP + 1)])
    nodes = [
        helper.make_node("MatMul", ["frames", "real"], ["re"]),
        helper.make_node("MatMul", ["frames", "imaginary"], ["im"]),
        helper.make_node("Mul", ["re", "re"], ["re2"]),
        helper.make_node("Mul", ["im", "im"], ["im2"]),
        helper.make_node("Add", ["re2", "im2"], ["power"]),
        helper.make_node("Sqrt", ["power"], ["magnitude"]),
        helper.make_node("Reshape", ["magnitude", "shape"], ["layer0"]),
    ]
    frames = _FRAMES
    for index, stride in enumerate(_STRIDES):
        name = f"encoder.conv_layers.{index}"
        matrix = _as_matrix(stored[f"{name}.weight"], frames, stride)
        frames = -(-frames // stride)
        weights[f"w{index}"] = matrix
        weights[f"b{index}"] = np.tile(stored[f"{name}.bias"], frames)
        nodes += [
            helper.make_node("Gemm", [f"layer{index}", f"w{index}", f"b{index}"], [f"sum{index}"]),
            helper.make_node("Relu", [f"sum{index}"], [f"layer{index + 1}"]),
        ]
    inputs, outputs = [_value("frames", "n", _FRAME)], [_value("layer4", "windows", _HIDDEN)]
    constants = [
        numpy_helper.from_array(np.ascontiguousarray(array), name)
        for name, array in weights.items()
    ]
    return _model_like(model, nodes, inputs, outputs, constants)


def _as_matrix(weight: _Floats, frames: int, stride: int) -> _Floats:
    """A convolution of three taps over `frames`, a silent frame put before and after, as a
    matrix from all incoming to all outgoing frames."""
    leaving, entering, taps = weight.shape
    results = -(-frames // stride)
    matrix = np.zeros((frames + 2, entering, results, leaving), np.float32)
    for result in range(results):
        for tap in range(taps):
            matrix[result * stride + tap, :, result] = weight[:, :, tap].T
    return matrix[1:-1].reshape(frames * entering, results * leaving)


def _decoder_of(model: Any) -> Any:
    """The model from its LSTM to the probabilities, for any number of channels."""
    graph = model.graph
    first = next(i for i, node in enumerate(graph.node) if node.op_type == "LSTM")
    nodes = list(graph.node)[first:-1]  # the last one would flatten the channels
    nodes[0].input[0] = "encoded"
    state = ("steps", "channels", _HIDDEN)
    inputs = [_value("encoded", *state), _value("h", 1, *state[1:]), _value("c", 1, *state[1:])]
    outputs = [
        _value(nodes[-1].output[0], "channels", 1, "steps"),
        _value("hn", 1, *state[1:]),
        _value("cn", 1, *state[1:]),
    ]
    used = {name for node in nodes for name in node.input}
    constants = [each for each in graph.initializer if each.name in used]
    return _model_like(model, nodes, inputs, outputs, constants)


def _value(name: str, *shape: int | str) -> Any:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)


def _model_like(model: Any, nodes: Any, inputs: Any, outputs: Any, constants: Any) -> Any:
    graph = helper.make_graph(nodes, "silero", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def _session(model: Any) -> Any:
    """One thread that sleeps while it waits: the recogniser runs at the same time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
