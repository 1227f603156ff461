"""Whisper on torch, for cards that CTranslate2's wheels do not serve: needs `transformers`.

It takes the folder of a model for CTranslate2 and hears as `faster_whisper` does, with the same
windows, retries and word times; in float32, the same words. What differs is the library that
computes, and that this one knows no int8.
"""

from pathlib import Path
from typing import Any

import torch

from malgwi.errors import BadOption, OutOfMemory
from malgwi.stt.torch_whisper import TorchWhisper
from malgwi.stt.whisper import Whisper, check_files
from malgwi.types import Engine

COMPUTE_TYPES = ("float32", "float16", "bfloat16")


class TransformersWhisper(Whisper):
    """A Transcriber that runs Whisper on torch."""

    def __init__(  # noqa: PLR0913 (an option each)
        self,
        model_dir: Path,
        *,
        device: str = "cpu",
        device_index: int = 0,
        compute_type: str = "auto",
        threads: int = 1,
        batch: int = 8,
    ) -> None:
        """`compute_type` "auto" is float16 on GPUs that are all good at it, of compute capability 8
        and later, and float32 elsewhere: among older ones there are some that give nonsense.

        `threads` are those of a CPU. More than one are hardly faster, and wait for each other by
        spinning: on a busy machine two took seven times as long as one.
        Raises ModelMissing, ModelBroken, BadOption, OutOfMemory.
        """
        if threads < 1 or batch < 1:
            raise BadOption("transformers needs at least one thread and a batch of one.")
        check_files(model_dir)
        place = _place(device, device_index)
        precision = _precision(compute_type, place)
        on_cpu = place.type == "cpu"
        if on_cpu:
            torch.set_num_threads(threads)
        try:
            model = TorchWhisper(model_dir, place, precision)
        except torch.cuda.OutOfMemoryError as error:
            raise OutOfMemory(f"There is no room for {model_dir.name} on {place}.") from error
        super().__init__(
            model_dir,
            model,
            Engine("transformers", model_dir.name, str(place), precision),
            batch,
            parallel=1 if on_cpu else 2,  # one prepares while the other computes
        )


def _place(device: str, index: int) -> Any:
    """A device on which torch has just computed something. Raises BadOption with its words."""
    try:
        place = torch.device(device, index) if device == "cuda" else torch.device(device)
        torch.ones(2, device=place).sum().item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).strip().splitlines()[0].rstrip(".")
        raise BadOption(
            f'transformers cannot use {device}: {first}. Give the option device "cpu", '
            "or see to the driver and to the build of torch."
        ) from error
    return place


def _precision(compute_type: str, place: Any) -> str:
    """The name of one of torch's types."""
    if compute_type == "auto":
        return "float16" if place.type == "cuda" and _is_good_at_halves(place) else "float32"
    if compute_type not in COMPUTE_TYPES:
        raise BadOption(
            f"transformers cannot compute in {compute_type!r}; it knows auto, "
            f"{', '.join(COMPUTE_TYPES)}."
        )
    return compute_type


def _is_good_at_halves(place: Any) -> bool:
    return bool(torch.cuda.get_device_properties(place).major >= 8)
