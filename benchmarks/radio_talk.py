"""What is said on the radio, made up: half of it Korean, with words as frequent as words are."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

CHANNELS = 16
STARTED = datetime(2026, 1, 1, tzinfo=UTC)

_NAMES = 20_000  # of places, units and people; of each language
_SPEAKERS = 40
_SYLLABLES = """
가 강 거 경 고 곡 관 광 교 구 군 금 기 남 내 노 단 대 덕 도 동 두 둔 등
마 만 명 모 목 무 문 미 반 방 백 벌 범 병 보 봉 부 북 사 산 삼 상 서 석
선 성 소 송 수 신 안 양 여 연 영 오 옥 와 용 우 운 원 월 은 의 이 인 일
장 전 정 제 조 주 중 지 진 천 청 초 춘 충 탄 태 평 포 하 학 한 해 현 호
홍 화 황 회 흥
"""
_PARTICLES = ("에서", "으로", "은", "는", "이", "가", "을", "를", "까지", "부터", "도", "에", "")
_KOREAN = """
네 확인 여기는 이상 현재 이동 중입니다 알겠습니다 대기 출동 바랍니다 도착 완료 현장
지원 요청 차량 환자 인원 상황 보고 무전 채널 변경 다시 말씀해 주세요 잘 안
들립니다 위치 어디입니까 북문 남문 정문 후문 주차장 화재 연기 신고 접수 순찰 이송
병원 구급차 소방차 통제 해제 진입 대피 방송 교대 점검 이상무 수신 양호 감도 시청
앞 사거리 방향 고속도로 정체 사고 처리 견인 요망 철수 복귀
"""
_ENGLISH = """
the to at copy over roger unit control we are on is and in you that go ahead say again stand
by moving position north gate south channel request backup received affirmative negative
clear en route patient ambulance fire engine smoke building floor door second third team
report status location traffic closed road bridge open vehicle white red truck proceed hold
wait return base
"""
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvw", "aeiou"
_FREQUENT = ("확인", "이상", "여기는", "현재", "the", "copy", "over", "control", "네", "무전 채널")
_SINGLE = ("불", "문", "네", "산", "차")


class Talk:
    """Says things by chance; the same things where the chance is the same."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._syllables = _SYLLABLES.split()
        self._korean_words = _KOREAN.split()
        self._english_words = _ENGLISH.split()
        self._korean = [self._korean_name() for _ in range(_NAMES)]
        self._english = [self._english_name() for _ in range(_NAMES)]
        self._name_weights = _zipf(_NAMES)
        self._korean_weights = _zipf(len(self._korean_words))
        self._english_weights = _zipf(len(self._english_words))

    def utterances(self, count: int, seconds: float) -> Iterator[dict[str, Any]]:
        """By time, as columns."""
        for start in sorted(self._chance.uniform(0, seconds) for _ in range(count)):
            language, texts = self._said()
            speaker = self._chance.randrange(_SPEAKERS)
            yield {
                "channel": self._chance.randrange(CHANNELS),
                "start": start,
                "end": start + len(texts) / 2,
                "speaker": f"speaker {speaker}" if speaker < _SPEAKERS // 2 else None,
                "language": language,
                "raw_text": " ".join(texts),
                "text": " ".join(texts),
                "words": [[f" {text}", start, start, 0.9] for text in texts],
                "suppressed": "loop" if self._chance.random() < 0.02 else None,
            }

    def name(self, chance: random.Random) -> str:
        """One that is said, more or less often."""
        names = self._korean if chance.random() < 0.5 else self._english
        return names[int(_NAMES ** chance.random()) - 1]

    def frequent(self, chance: random.Random) -> str:
        return chance.choice(_FREQUENT)

    def beginning(self, chance: random.Random) -> str:
        return chance.choice(self._english)[:4]

    def syllable(self, chance: random.Random) -> str:
        return chance.choice(_SINGLE)

    def _said(self) -> tuple[str, list[str]]:
        language = self._chance.choice(("ko", "en"))
        length = self._chance.randint(3, 14)
        if language == "ko":
            words, weights, names = self._korean_words, self._korean_weights, self._korean
        else:
            words, weights, names = self._english_words, self._english_weights, self._english
        texts = self._chance.choices(words, cum_weights=weights, k=length)
        for name in self._chance.choices(names, cum_weights=self._name_weights, k=2):
            particle = self._chance.choice(_PARTICLES) if language == "ko" else ""
            texts.insert(self._chance.randint(0, length), name + particle)
        return language, texts

    def _korean_name(self) -> str:
        return "".join(
            self._chance.choices(self._syllables, k=self._chance.choice((2, 2, 3, 3, 4)))
        )

    def _english_name(self) -> str:
        pairs = self._chance.choice((2, 3, 3, 4))
        return "".join(
            self._chance.choice(_CONSONANTS) + self._chance.choice(_VOWELS) for _ in range(pairs)
        )


def _zipf(count: int) -> list[float]:
    """Cumulated weights: the second is half as frequent as the first, the third a third."""
    return list(accumulate(1 / rank for rank in range(1, count + 1)))
