"""Whisper on torch, with the methods of CTranslate2's `Whisper`: needs `torch`, `transformers`.

The layers are those of transformers, the weights those of a folder for CTranslate2. Its
`generate()` is not used: that wants 30 s, and here a piece is as long as what was said. Nothing
is downloaded. Calls from several threads take turns. What the encoder made stays on the device.
"""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import tokenizers
import torch
from torch.nn import Embedding
from torch.nn import functional as nn
from transformers import DynamicCache, EncoderDecoderCache, WhisperConfig, WhisperModel

from malgwi.errors import ModelBroken
from malgwi.stt.ctranslate2_weights import Variables, read_variables, shape, tensors
from malgwi.stt.dtw import cheapest_path
from malgwi.stt.torch_search import Rules, Step, search

MEDIAN_WIDTH = 7  # frames over which the attention is smoothed, as in openai/whisper
Projected = dict[tuple[int, str], Any]
"""By layer, and by the name of the projection."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What the encoder made of some pieces, `[pieces, frames, width]`."""

    tensor: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)


@dataclass(frozen=True, slots=True)
class Answer:
    """As CTranslate2's WhisperGenerationResult."""

    sequences_ids: list[list[int]]
    scores: list[float]
    no_speech_prob: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """As CTranslate2's WhisperAlignmentResult."""

    alignments: list[tuple[int, int]]
    text_token_probs: list[float]


class TorchWhisper:
    """One model on one device. All methods raise RuntimeError where torch breaks."""

    def __init__(self, model_dir: Path, device: Any, compute_type: str) -> None:
        """`device` is a torch.device that is there. Raises ModelBroken too."""
        variables = read_variables(model_dir / "model.bin")
        try:
            config = json.loads((model_dir / "config.json").read_text("utf-8"))
            self._languages: list[int] = config["lang_ids"]
            self._heads: list[tuple[int, int]] = config["alignment_heads"]
            self._words = tokenizers.Tokenizer.from_file(str(model_dir / "tokenizer.json"))
            self._start, end, untimed = (
                self._words.token_to_id(f"<|{name}|>")
                for name in ("startoftranscript", "endoftext", "notimestamps")
            )
            self._rules = Rules(end, untimed + 1, config["suppress_ids"])
        except Exception as error:  # tokenizers raises nothing more special
            raise ModelBroken(
                f"config.json or tokenizer.json in {model_dir} is not one of Whisper's. "
                f"Run: malgwi models verify {model_dir.name}"
            ) from error
        self._no_speech = untimed - 1  # called so, or nocaptions
        self._lock = Lock()
        self.device = device
        self._type = getattr(torch, compute_type)
        self.compute_type = compute_type
        with self._alone():
            self._model = _load(variables, self.device, self._type)
        self._places = self._model.encoder.embed_positions.weight
        self.n_mels = self._model.config.num_mel_bins
        self.num_languages = len(self._languages)
        self.is_multilingual = self._model.config.vocab_size >= 51865

    def encode(self, features: Any) -> Encoded:
        """`features` are an array `[pieces, mels, frames]`.

        Transformers' encoder insists on 30 s: it is given the places of as much as there is.
        """
        tensor = torch.from_numpy(np.array(features)).to(self.device, self._type)
        frames = tensor.shape[-1] // 2
        with self._alone():
            encoder = self._model.encoder
            encoder.embed_positions = Embedding.from_pretrained(self._places[:frames])
            encoder.config.max_source_positions = frames
            return Encoded(encoder(tensor).last_hidden_state)

    def generate(
        self,
        encoded: Encoded,
        prompts: Sequence[Sequence[int]],
        *,
        beam_size: int,
        max_length: int,
        **_also: bool,
    ) -> list[Answer]:
        """What was said in each piece, with time stamps; all prompts are of one length.

        Scores and probabilities of silence are given, whether they are asked for or not.
        """
        with self._alone():
            step, hidden = self._read(encoded, prompts)
            start = list(prompts[0]).index(self._start)
            nothing = self._logits(hidden[:, start]).softmax(-1)[:, self._no_speech].tolist()
            logits = self._logits(hidden[:, -1])
            most = max_length - len(prompts[0])
            best = search(logits, step, self._rules, beam_size, most)
        return [
            Answer([list(each.tokens)], [each.mean], no_speech)
            for each, no_speech in zip(best, nothing, strict=True)
        ]

    def detect_language(self, encoded: Encoded) -> list[list[tuple[str, float]]]:
        """Every language it knows as `<|ko|>`, and its probability, the likeliest first."""
        with self._alone():
            _, hidden = self._read(encoded, [[self._start]] * len(encoded.tensor))
            logits = self._logits(hidden[:, -1])[:, self._languages]
            probabilities = logits.softmax(-1).tolist()
        names = [self._words.id_to_token(token) for token in self._languages]
        return [
            sorted(zip(names, row, strict=True), key=lambda each: -each[1]) for row in probabilities
        ]

    def align(
        self,
        encoded: Encoded,
        start_sequence: Sequence[int],
        text_tokens: Sequence[Sequence[int]],
        num_frames: Sequence[int],
    ) -> list[Alignment]:
        """Where the text of each piece is in its sound; `num_frames` are those of the features."""
        begin, longest = len(start_sequence), max(map(len, text_tokens))
        lead, end = [*start_sequence, self._rules.first_time - 1], [self._rules.end]
        prompts = [[*lead, *text, *end * (longest + 1 - len(text))] for text in text_tokens]
        answers = []
        with self._alone(), self._watched() as projected:
            _, hidden = self._read(encoded, prompts)
            for row, (text, frames) in enumerate(zip(text_tokens, num_frames, strict=True)):
                last = begin + len(text)
                weights = self._attention(projected, row, last + 2, frames // 2)[begin : last + 1]
                sure = self._sure(hidden[row, begin:last], text)
                answers.append(Alignment(cheapest_path(-weights.cpu().numpy()), sure))
        return answers

    def _sure(self, hidden: Any, text: Sequence[int]) -> list[float]:
        """How probable each token was among all that are text; what is none has 0."""
        logits = self._logits(hidden)[:, : self._rules.end + 1]
        logits[:, -1] = -math.inf
        probabilities: list[float] = logits.softmax(-1)[range(len(text)), list(text)].tolist()
        return probabilities

    def _read(self, encoded: Encoded, prompts: Sequence[Sequence[int]]) -> tuple[Step, Any]:
        """What the decoder makes of each token of the prompts, and how to go on after them."""
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        pieces = list(range(len(prompts)))  # by row of the batch

        def forward(tokens: Sequence[Sequence[int]]) -> Any:
            return self._model.decoder(
                input_ids=torch.tensor(tokens, device=self.device),
                encoder_hidden_states=encoded.tensor,
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state

        def step(rows: list[int], tokens: list[int]) -> Any:
            if rows != list(range(len(pieces))):
                of_rows = [pieces[row] for row in rows]
                # what was heard is the same for all hypotheses of a piece, and large
                moved = cache.self_attention_cache if of_rows == pieces else cache
                moved.reorder_cache(torch.tensor(rows, device=self.device))
                pieces[:] = of_rows
            return self._logits(forward([[token] for token in tokens])[:, -1])

        return step, forward(prompts)

    def _logits(self, hidden: Any) -> Any:
        return nn.linear(hidden, self._model.decoder.embed_tokens.weight).float()

    @contextmanager
    def _watched(self) -> Iterator[Projected]:
        """Queries and keys of the layers that tell times, whichever way attention is computed."""
        seen: Projected = {}

        def keep(layer: int, name: str) -> Any:
            part = getattr(self._model.decoder.layers[layer].encoder_attn, name)
            return part.register_forward_hook(
                lambda _part, _given, made: seen.__setitem__((layer, name), made)
            )

        layers = {layer for layer, _ in self._heads}
        hooks = [keep(layer, name) for layer in layers for name in ("q_proj", "k_proj")]
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()

    def _attention(self, projected: Projected, row: int, tokens: int, frames: int) -> Any:
        """Where each token looks, by the heads that know; `[tokens, frames]`."""
        config = self._model.config
        width = config.d_model // config.decoder_attention_heads
        scores = []
        for layer, head in self._heads:
            part = slice(head * width, (head + 1) * width)
            queries = projected[layer, "q_proj"][row, :tokens, part].float()
            keys = projected[layer, "k_proj"][row, :frames, part].float()
            scores.append(queries @ keys.T / math.sqrt(width))
        return _sharpened(torch.stack(scores).softmax(-1)).mean(0)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """With the model: its encoder is changed from call to call, and it is watched."""
        with self._lock, torch.inference_mode():
            yield


def _load(variables: Variables, device: Any, precision: Any) -> Any:
    size = shape(variables)
    config = WhisperConfig(
        num_mel_bins=size.mels,
        vocab_size=size.vocabulary,
        d_model=size.width,
        encoder_layers=size.encoder_layers,
        decoder_layers=size.decoder_layers,
        encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads,
        encoder_ffn_dim=size.inner_width,
        decoder_ffn_dim=size.inner_width,
        max_source_positions=size.frames,
        max_target_positions=size.tokens,
    )
    with torch.device("meta"):  # no memory, and no weights drawn by chance
        model = WhisperModel(config)
    weights = {
        name: torch.from_numpy(values).to(device, precision) for name, values in tensors(variables)
    }
    try:
        model.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise ModelBroken(f"The weights are not those of a Whisper ({error}).") from error
    return model.eval()


def _sharpened(weights: Any) -> Any:
    """What sets each token apart from the others, smoothed; `[heads, tokens, frames]`."""
    deviation, mean = torch.std_mean(weights, dim=-2, keepdim=True, correction=0)
    weights = (weights - mean) / deviation.clamp_min(1e-9)
    edge = MEDIAN_WIDTH // 2
    if weights.shape[-1] <= edge:
        return weights
    padded = nn.pad(weights, (edge, edge), mode="reflect")
    return padded.unfold(-1, MEDIAN_WIDTH, 1).median(-1).values
