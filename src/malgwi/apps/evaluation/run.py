"""Over a manifest: every recording transcribed, compared with what was said, and reported."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from malgwi.apps.evaluation.cpwer import attributed_errors
from malgwi.apps.evaluation.machine import peak_memory, this_machine
from malgwi.apps.evaluation.manifest import Item, Selection, read_manifest
from malgwi.apps.evaluation.normalise import UNSPACED, characters, words
from malgwi.apps.evaluation.rates import NONE, Errors, Unmeasured, count
from malgwi.apps.evaluation.reference import Reference, reference_of
from malgwi.apps.evaluation.report import Cost, Detection, FalseAlarms, Report, Result, Text
from malgwi.errors import BadInput
from malgwi.types import Engine, Transcript

Transcribe = Callable[[Sequence[Path], str | None], Transcript]
"""The files of a recording and its language (None: detect it) to what was said in it."""

OnItem = Callable[[int, int, Result], None]
"""How many are done, of how many, and the last one."""


def evaluate(
    manifest: Path,
    transcribe: Transcribe,
    selection: Selection | None = None,
    *,
    detect_language: bool = False,
    on_item: OnItem | None = None,
) -> Report:
    """Transcribe the recordings that are selected, one after the other, and measure.

    With `detect_language` the engine is told no language, and is held to the manifest's.
    A recording that cannot be transcribed is in the report with the reason. Raises BadManifest,
    BadOption, EngineMissing (before any work), and what `transcribe` raises but BadInput.
    """
    _check_installed()
    items = read_manifest(manifest, selection)
    references = [reference_of(item) for item in items]
    results: list[Result] = []
    engine, complete = None, True
    for item, reference in zip(items, references, strict=True):
        result, transcript = _measure(item, reference, transcribe, detect_language)
        if transcript is not None:
            engine = transcript.engine
            complete = transcript.complete
        if not complete:
            break
        results.append(result)
        if on_item:
            on_item(len(results), len(items), result)
    return _report(manifest, engine, results, complete)


def _check_installed() -> None:
    """Raises EngineMissing now, not after an hour of transcribing."""
    count(words("", "en"), [])


def _report(
    manifest: Path, engine: Engine | None, results: Sequence[Result], complete: bool
) -> Report:
    return Report(
        manifest=str(manifest),
        engine=engine,
        machine=this_machine(),
        date=datetime.now(UTC),
        peak_memory=peak_memory(),
        results=tuple(results),
        complete=complete,
    )


def _measure(
    item: Item, reference: Reference, transcribe: Transcribe, detect_language: bool
) -> tuple[Result, Transcript | None]:
    try:
        transcript = transcribe(item.files, None if detect_language else item.spoken)
    except BadInput as error:
        return _failed(item, str(error)), None
    return _result(item, reference, transcript, detect_language), transcript


def _failed(item: Item, reason: str) -> Result:
    missing = Unmeasured(reason)
    return Result(
        item.id, item.kind, item.language, item.exact,
        wer=missing, cer=missing, cpwer=missing, false_alarms=missing, detection=missing,
        cost=missing,
    )  # fmt: skip


def _result(
    item: Item, reference: Reference, transcript: Transcript, detect_language: bool
) -> Result:
    texts = _texts(item, reference, transcript)
    return Result(
        id=item.id,
        kind=item.kind,
        language=item.language,
        exact=item.exact,
        wer=_errors(texts, item, words),
        cer=_errors(texts, item, characters),
        cpwer=_attributed(item, reference, transcript),
        false_alarms=_false_alarms(item, transcript),
        detection=_detection(item, transcript, detect_language),
        cost=Cost(transcript.timings.audio, transcript.timings.wall),
        utterances=len(transcript.utterances),
        suppressed=sum(each.suppressed is not None for each in transcript.utterances),
        duplicates=sum(each.duplicate_of is not None for each in transcript.utterances),
        retried=sum(each.attempts > 1 for each in transcript.utterances),
        texts=texts,
    )


def _texts(item: Item, reference: Reference, transcript: Transcript) -> tuple[Text, ...]:
    """The pairs to compare: a pair a channel where it is known what was said on which."""
    if item.channels > 1 and reference.segments:
        return tuple(
            Text(channel.index, reference.of_channel(channel.index),
                 _heard(transcript, channel.index))
            for channel in transcript.channels
        )  # fmt: skip
    whole = reference.whole
    return () if whole is None else (Text(None, whole, _heard(transcript)),)


def _heard(transcript: Transcript, channel: int | None = None) -> str:
    """What is shown of a transcript: what was suppressed or is a duplicate does not count."""
    shown = (each for each in transcript.utterances if each.counts)
    return " ".join(each.text for each in shown if channel in (None, each.channel))


def _errors(
    texts: Sequence[Text], item: Item, units: Callable[[str, str | None], list[str]]
) -> Errors | Unmeasured:
    if not item.is_speech:
        return Unmeasured("nobody speaks in it")
    if not texts:
        return Unmeasured("no reference says what was said")
    if units is words and item.language in UNSPACED:
        return Unmeasured("the language writes no spaces between words")
    pairs = ((units(each.said, item.language), units(each.heard, item.language)) for each in texts)
    return sum((count(said, heard) for said, heard in pairs), NONE)


def _attributed(item: Item, reference: Reference, transcript: Transcript) -> Errors | Unmeasured:
    if not item.is_speech:
        return Unmeasured("nobody speaks in it")
    return attributed_errors(reference, transcript, item.language)


def _false_alarms(item: Item, transcript: Transcript) -> FalseAlarms | Unmeasured:
    if item.is_speech:
        return Unmeasured("somebody speaks in it")
    heard = _heard(transcript).split()
    suppressed = sum(each.suppressed is not None for each in transcript.utterances)
    return FalseAlarms(transcript.timings.audio, len(heard), len("".join(heard)), suppressed)


def _detection(item: Item, transcript: Transcript, detect_language: bool) -> Detection | Unmeasured:
    if not detect_language:
        return Unmeasured("the engine was told the language")
    if not item.is_speech or item.language is None:
        return Unmeasured("the recording has no known language")
    found = [each.language for each in transcript.channels if each.language is not None]
    if not found:
        return Unmeasured("no speech was found to detect a language in")
    return Detection(len(found), sum(each == item.language for each in found))
