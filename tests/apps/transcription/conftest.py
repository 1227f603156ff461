"""A recording of four channels, in Korean and English, with all that a transcript can have."""

import pytest

from malgwi.types import (
    Change,
    Channel,
    Engine,
    Notice,
    Span,
    Timings,
    Transcript,
    Utterance,
    Word,
)


def spoken(text: str, start: float, end: float, confidence: float = 0.9) -> tuple[Word, ...]:
    """Words of `text`, spread evenly."""
    parts = text.split()
    step = (end - start) / max(1, len(parts))
    return tuple(
        Word(
            f" {part}", Span(round(start + at * step, 3), round(start + (at + 1) * step, 3)),
            confidence,
        )
        for at, part in enumerate(parts)
    )  # fmt: skip


def said(  # noqa: PLR0913, PLR0917 (a line of the script below)
    id: str, channel: int, start: float, end: float, text: str, language: str = "ko", *,
    confidence: float = 0.9, speaker: str | None = None, attempts: int = 1,
    suppressed: str | None = None, duplicate_of: str | None = None, raw_text: str | None = None,
    changes: tuple[Change, ...] = (),
) -> Utterance:  # fmt: skip
    return Utterance(
        id, channel, Span(start, end), raw_text or text, text, spoken(text, start, end, confidence),
        language, speaker, confidence, 0.02, attempts, -23.5, changes, suppressed, duplicate_of,
    )  # fmt: skip


LONG = (
    "오늘 오전 회의에서는 관제 구역의 교통량 증가에 대해 논의했습니다. "
    "먼저 지난달 자료를 살펴보고, 다음으로 새 절차를 설명하겠습니다. 질문은 마지막에 받겠습니다."
)

UTTERANCES = (
    said("00-0001", 0, 1.2, 4.5, "대한항공 공이칠 이륙을 허가합니다.",
         raw_text="대한 항공 027 이륙을 허가합니다.",
         changes=(Change("glossary:대한항공", 0, 5, "대한 항공", "대한항공"),
                  Change("glossary:digits", 5, 8, "027", "공이칠"))),
    said("01-0001", 1, 4.1, 7.0, "Tower, Korean Air 027, cleared for take-off.", "en"),
    said("02-0001", 2, 4.3, 6.9, "cleared for take off", "en", confidence=0.41,
         duplicate_of="01-0001"),
    said("03-0001", 3, 9.0, 27.4, LONG, attempts=2),
    said("01-0002", 1, 12.0, 13.1, "음 <잡음> R&D --> 확인", confidence=0.32, speaker="김 기장"),
    said("00-0002", 0, 40.0, 42.0, "시청해 주셔서 감사합니다.", suppressed="stock:ko-thanks"),
    said("02-0002", 2, 95.0, 98.2, "=1+1 ground, vacate left,\nthen hold short", "en"),
    said("00-0003", 0, 3661.0, 3662.5, "관제 종료"),
)  # fmt: skip

RADIO = Transcript(
    sources=("/recordings/관제 무전 1.wav",),
    duration=3700.0,
    channels=(
        Channel(0, "tower", "ko", 0.9871),
        Channel(1, "지상 관제", "en"),
        Channel(2, "ch 03", "en", 0.75),
        Channel(3, "briefing"),
    ),
    utterances=UTTERANCES,
    engine=Engine("faster-whisper", "whisper-base", "cpu", "int8", "No CUDA device was found."),
    timings=Timings(
        wall=120.5, decoding=10.0, vad=12.25, recognition=100.0, audio=14800.0, speech=35.0
    ),
    notices=(Notice("audio-truncated", "The file breaks off at 01:01:40."),),
)


@pytest.fixture
def radio() -> Transcript:
    return RADIO
