"""The whole of a recording: every channel, in order, once; and what happens when it breaks off."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from audio.soundfiles import tone, write
from pipeline.engines import Polyglot, Worker
from pipeline.recordings import Turns, taking_turns

from malgwi import text
from malgwi.audio import open_recording
from malgwi.errors import BadAudio, BadOption, EngineFailed
from malgwi.ops.sample import _TURNS
from malgwi.pipeline import CutRule, Engines, Progress, Request, transcribe
from malgwi.stt import Transcriber
from malgwi.testing import ScriptedTranscriber
from malgwi.types import SAMPLE_RATE, Notice, Samples, Span, Transcript, Utterance
from malgwi.vad import VoiceDetector
from malgwi.vad.energy import EnergyDetector

ENGLISH = Request(languages=["en"])


def run(recording: Turns, stt: Transcriber | None = None, request: Request = ENGLISH) -> Transcript:
    return transcribe(recording, Engines(EnergyDetector, stt or ScriptedTranscriber()), request)


def places(utterances: Sequence[Utterance]) -> list[tuple[int, int]]:
    """Channel and whole second of each."""
    return [(each.channel, round(each.span.start)) for each in utterances]


def at_work() -> list[str]:
    """The threads of a transcription that are still there."""
    names = [each.name for each in threading.enumerate()]
    return [name for name in names if name.startswith(("read-ahead", "recognise"))]


def wait_for(event: Event) -> None:
    assert event.wait(20)


def test_every_turn_of_every_channel_is_there_once_in_the_order_of_time() -> None:
    recording = taking_turns(minutes=5, channels=5)

    transcript = run(recording, Worker(parallel=3))

    expected = [(channel, round(span.start)) for channel, span in recording.turns]
    assert places(transcript.utterances) == expected
    assert len({each.id for each in transcript.utterances}) == len(expected)
    assert [each.label for each in transcript.channels] == list(recording.labels)
    assert transcript.complete
    assert transcript.duration == 300.0
    assert not at_work()


def test_two_who_speak_at_once_are_both_heard() -> None:
    both = Span(3.0, 5.0)

    transcript = run(Turns([(0, both), (1, both)], duration=8.0))

    assert places(transcript.utterances) == [(0, 3), (1, 3)]


def test_the_order_of_time_does_not_depend_on_which_batch_was_done_first() -> None:
    second_is_done = Event()

    def before(call: int) -> None:
        if call == 1:
            wait_for(second_is_done)
        elif call == 3:  # by the other worker, which had the second
            second_is_done.set()

    recording = taking_turns(minutes=2)

    transcript = run(recording, Worker(before))

    assert places(transcript.utterances) == places(run(recording).utterances)


def test_silence_is_an_empty_transcript() -> None:
    transcript = run(Turns([], duration=60.0))

    assert transcript.utterances == ()
    assert transcript.complete
    assert transcript.timings.speech == 0.0


def test_how_the_file_is_cut_into_blocks_makes_no_difference(tmp_path: Path) -> None:
    sound = tone(440.0, 30.0)
    sound[:, 4 * SAMPLE_RATE : 9 * SAMPLE_RATE] = 0.0
    file = write(tmp_path / "call.wav", sound)

    one, other = (
        transcribe(
            open_recording([file], block_seconds=seconds),
            Engines(EnergyDetector, ScriptedTranscriber()),
            ENGLISH,
        )
        for seconds in (0.7, 60.0)
    )

    assert one.utterances == other.utterances != ()


def test_no_piece_is_longer_than_the_engine_can_take() -> None:
    engine = Worker(longest=3.0)

    run(Turns([(0, Span(1.0, 20.0))], duration=25.0), engine)

    assert len(engine.heard) >= 7
    assert max(piece.duration for piece in engine.heard) <= 3.0


def test_no_more_calls_at_a_time_than_the_engine_allows() -> None:
    engine = Worker(parallel=2, batch=1)

    run(taking_turns(minutes=5), engine)

    assert engine.calls > 50
    assert engine.most_at_once <= 2


def test_pieces_of_several_channels_share_a_batch() -> None:
    engine = Worker(batch=8, parallel=1)

    run(
        Turns([(channel, Span(1.0, 3.0)) for channel in range(8)], channels=8, duration=6.0), engine
    )

    assert engine.calls == 1


def test_the_engine_is_at_work_before_the_recording_was_read() -> None:
    recording = taking_turns(minutes=5)
    all_read: list[bool] = []

    run(recording, Worker(lambda _: all_read.append(recording.all_read.is_set())))

    assert not all_read[0]
    assert recording.all_read.is_set()


def test_which_pieces_share_a_batch_does_not_depend_on_how_fast_the_engine_is() -> None:
    lengths = np.random.default_rng(2).permutation(np.linspace(0.6, 3.9, 35)).tolist()
    turns = [(n % 4, Span(6.0 * n, 6.0 * n + length)) for n, length in enumerate(lengths)]
    recording = Turns(turns, channels=4, duration=6.0 * len(turns))
    quick = Worker(batch=4)
    slow = Worker(lambda _: wait_for(recording.all_read), batch=4)

    run(recording, quick)
    recording.all_read.clear()
    run(recording, slow)

    assert sorted(quick.batches) == sorted(slow.batches)
    assert sum(map(len, quick.batches)) == len(turns)


def test_hints_are_refused_where_the_engine_takes_none() -> None:
    for request in (Request(["en"], prompt="So."), Request(["en"], hotwords="Malgwi")):
        with pytest.raises(BadOption, match="takes neither a prompt nor hot words"):
            run(Turns([], duration=4.0), request=request)


def test_the_engine_is_told_the_language_of_each_channel_the_prompt_and_the_hot_words() -> None:
    engine = Worker(prompts=True)
    turns = [(0, Span(1.0, 2.0)), (1, Span(4.0, 5.0))]

    transcript = run(Turns(turns, duration=8.0), engine, Request(["ko", "EN"], "So.", "Malgwi"))

    assert sorted((each.language, each.prompt, each.hotwords) for each in engine.heard) == [
        ("en", "So.", "Malgwi"),
        ("ko", "So.", "Malgwi"),
    ]
    assert [each.language for each in transcript.utterances] == ["ko", "en"]


def test_a_language_that_was_not_given_is_detected_and_said() -> None:
    engine = Polyglot(sure=0.4)

    transcript = run(taking_turns(minutes=1, channels=2), engine, Request())

    assert [each.language for each in transcript.channels] == ["en", "en"]
    assert {each.language for each in engine.heard} == {"en"}
    assert [notice.code for notice in transcript.notices] == ["language-unsure"] * 2


@pytest.mark.parametrize(
    ("languages", "sentence"),
    [(["kor"], "Did you mean ko?"), (["en", "ko", "en"], "3 languages were given for 2 channels")],
)
def test_a_wrong_language_is_refused_before_anything_is_decoded(
    languages: list[str], sentence: str
) -> None:
    recording = Turns([], duration=4.0)

    with pytest.raises(BadOption) as caught:
        run(recording, request=Request(languages))

    assert sentence in str(caught.value)
    assert recording.most_alive == 0


def test_text_rules_are_applied_with_the_labels_of_the_channels() -> None:
    told: list[Sequence[str]] = []

    def rules(labels: Sequence[str]) -> Sequence[text.Rule]:
        told.append(labels)
        return [lambda utterance: replace(utterance, text=utterance.text.upper())]

    engines = Engines(EnergyDetector, ScriptedTranscriber(), rules)
    transcript = transcribe(Turns([(0, Span(1.0, 2.0))], duration=4.0), engines, ENGLISH)

    [line] = transcript.utterances
    assert (line.raw_text, line.text) == ("hello there", "HELLO THERE")
    assert told == [("ch01", "ch02")]


def test_what_the_recording_has_to_say_is_in_the_transcript() -> None:
    notice = Notice("audio-truncated", "It breaks off.")

    assert run(Turns([], duration=4.0, notices=[notice])).notices == (notice,)


def test_progress_never_goes_back_and_ends_where_the_recording_does() -> None:
    steps: list[Progress] = []
    recording = taking_turns(minutes=3, channels=3)

    transcribe(
        recording, Engines(EnergyDetector, Worker(batch=4)), ENGLISH, on_progress=steps.append
    )

    for one, other in pairwise(steps):
        assert one.audio_done <= other.audio_done <= 180.0
        assert one.speech_done <= other.speech_done <= other.speech_found
        assert one.wall <= other.wall
    stages = list(dict.fromkeys(each.stage for each in steps))
    assert stages == ["decoding", "recognising", "writing"]
    assert steps[-1].audio_done == steps[-1].audio_total == recording.duration
    assert steps[-1].speech_done == pytest.approx(steps[-1].speech_found)


def test_progress_is_made_where_nothing_was_understood_too() -> None:
    steps: list[Progress] = []
    engines = Engines(EnergyDetector, ScriptedTranscriber(text=""))

    transcribe(taking_turns(minutes=2), engines, ENGLISH, on_progress=steps.append)

    assert "recognising" in {each.stage for each in steps}


def test_progress_of_silence_reaches_the_end_too() -> None:
    steps: list[Progress] = []

    transcribe(
        Turns([], duration=7.77),
        Engines(EnergyDetector, ScriptedTranscriber()),
        ENGLISH,
        on_progress=steps.append,
    )

    assert steps[-1].audio_done == pytest.approx(7.77, abs=1e-3)


def test_timings_add_up_the_sound_of_all_channels() -> None:
    recording = taking_turns(minutes=1, channels=4)

    timings = run(recording).timings

    assert timings.audio == 240.0
    spoken = sum(span.duration for _, span in recording.turns)
    margins = 2 * CutRule().margin + 0.2  # the energy detector hears in steps
    assert spoken <= timings.speech <= spoken + margins * len(recording.turns)
    assert timings.real_time_factor is not None and timings.real_time_factor < 1


def interrupted(recording: Turns, call: int) -> Transcript:
    """Stopped by the user while the engine works on its batch number `call`."""
    stop = Event()
    engine = Worker(lambda now: stop.set() if now == call else None)
    return transcribe(recording, Engines(EnergyDetector, engine), ENGLISH, stop=stop)


@pytest.mark.parametrize("call", [1, 4, 9])
def test_what_was_recognised_before_it_was_stopped_is_kept_whole(call: int) -> None:
    recording = taking_turns(minutes=6)
    whole = {(each.channel, each.span): each for each in run(recording).utterances}

    part = interrupted(recording, call)

    assert not part.complete
    assert 0 < len(part.utterances) < len(whole)
    for each in part.utterances:
        assert replace(each, id="") == replace(whole[each.channel, each.span], id="")
    assert not at_work()


def test_a_stopped_transcript_says_up_to_where_nothing_is_missing() -> None:
    recording = taking_turns(minutes=6)

    part = interrupted(recording, 5)

    [notice] = part.notices
    assert notice.code == "interrupted"
    until = float(notice.message.split(" s ")[0].split()[-1])
    early = [place for place in places(run(recording).utterances) if place[1] < until]
    assert early
    assert places(part.utterances)[: len(early)] == early


def test_stopped_when_everything_was_recognised_it_is_complete() -> None:
    transcript = interrupted(Turns([(0, Span(1.0, 2.0))], duration=1.9), call=1)

    assert transcript.complete
    assert transcript.notices == ()


def test_stopped_before_it_began_it_is_empty_and_says_so() -> None:
    stop = Event()
    stop.set()

    transcript = transcribe(
        taking_turns(minutes=2), Engines(EnergyDetector, ScriptedTranscriber()), ENGLISH, stop=stop
    )

    assert (transcript.utterances, transcript.complete) == ((), False)


def test_a_file_that_was_not_read_to_its_end_is_not_said_to_be_broken(tmp_path: Path) -> None:
    file = write(tmp_path / "call.wav", tone(440.0, 90.0))
    stop = Event()
    engine = Worker(lambda _: stop.set(), batch=1, parallel=1)

    transcript = transcribe(
        open_recording([file], block_seconds=5.0),
        Engines(EnergyDetector, engine),
        ENGLISH,
        stop=stop,
    )

    assert [notice.code for notice in transcript.notices] == ["interrupted"]


def test_an_engine_that_breaks_ends_it_and_leaves_no_thread() -> None:
    def before(call: int) -> None:
        if call == 3:
            raise EngineFailed("Out of memory.")

    with pytest.raises(EngineFailed, match="Out of memory"):
        run(taking_turns(minutes=5), Worker(before))

    assert not at_work()


def test_sound_that_cannot_be_decoded_ends_it_and_leaves_no_thread() -> None:
    broken = BadAudio("No sound could be decoded.")

    with pytest.raises(BadAudio, match="No sound"):
        run(Turns([(0, Span(1.0, 3.0))], duration=20.0, error=broken))

    assert not at_work()


@pytest.mark.slow
@pytest.mark.parametrize("voices", ["nobody", "turns", "everybody"])
def test_an_hour_keeps_a_few_blocks_of_sound_alive(voices: str) -> None:
    minutes = 60
    recording = {
        "nobody": Turns([], duration=minutes * 60),
        "turns": taking_turns(minutes, channels=2),
        "everybody": Turns([(0, Span(0.0, minutes * 60))], duration=minutes * 60),
    }[voices]

    transcript = run(recording, request=Request(["en"], cut=CutRule(longest=20.0)))

    assert transcript.complete
    assert recording.most_alive <= 20  # of 1800, each of 2 s; a piece is 20 s at most


def test_every_turn_of_the_sample_is_found_in_its_time(
    sample: Path, silero: Callable[[], VoiceDetector]
) -> None:
    transcript = transcribe(
        open_recording([sample]), Engines(silero, ScriptedTranscriber()), ENGLISH
    )

    expected = sorted((channel, at) for channel, at, _ in _TURNS)
    found = sorted((each.channel, each.span.start) for each in transcript.utterances)
    assert [channel for channel, _ in found] == [channel for channel, _ in expected]
    assert np.allclose([at for _, at in found], [at for _, at in expected], atol=0.6)


@pytest.fixture(scope="module")
def understood(
    sample: Path, silero: Callable[[], VoiceDetector], whisper: Transcriber
) -> Transcript:
    """The sample by way of the engines that everybody uses."""
    return transcribe(open_recording([sample]), Engines(silero, whisper), ENGLISH)


@pytest.mark.model
def test_every_turn_of_the_sample_is_understood(understood: Transcript) -> None:
    said = " ".join(each.text.lower() for each in understood.of_channel(0))

    assert "it was the best of times" in said
    assert "the season of light" in said
    assert "in the superlative degree of comparison only" in said
    assert len(understood.utterances) == len(_TURNS)
    assert not any(each.duplicate_of for each in understood.utterances)


@pytest.mark.model
def test_words_are_where_there_is_sound(understood: Transcript, channels: list[Samples]) -> None:
    for each in understood.utterances:
        begin, end = (round(t * SAMPLE_RATE) for t in (each.span.start, each.span.end))
        first = max(0, begin - SAMPLE_RATE)
        around = channels[each.channel][first : end + SAMPLE_RATE]
        loud = (np.flatnonzero(np.abs(around) > 0.02) + first) / SAMPLE_RATE
        assert each.span.start == pytest.approx(loud[0], abs=0.3)
        assert each.span.end == pytest.approx(loud[-1], abs=0.5)


def test_what_is_known_to_be_speech_is_recognised_as_it_is_without_looking_for_any() -> None:
    engine = ScriptedTranscriber()
    quiet = Turns([(0, Span(0.0, 9.0))], channels=1, duration=9.0, loudness=0.001)

    whole = run(quiet, engine, replace(ENGLISH, find_speech=False, cut=CutRule(longest=30.0)))

    assert len(run(quiet).utterances) == 0
    assert [len(piece.samples) for piece in engine.heard] == [9 * SAMPLE_RATE]
    assert len(whole.utterances) == 1


def test_a_translation_is_refused_where_the_engine_makes_none() -> None:
    with pytest.raises(BadOption, match="does not translate"):
        run(taking_turns(minutes=1), request=replace(ENGLISH, task="translate"))


def test_a_language_is_looked_for_among_those_that_were_named() -> None:
    english = run(taking_turns(minutes=1), request=Request())
    korean = run(taking_turns(minutes=1), request=Request(among=["ko"]))

    assert {each.language for each in english.channels} == {"en"}
    assert {each.language for each in korean.channels} == {"ko"}
