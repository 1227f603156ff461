"""How well Korean words are found among particles, endings and compounds.

Sentences and queries are written for this, some sentences to mislead; which of them a person wants
who looks for the query was decided by reading them. What is compared: words as they stand between
spaces, words by their beginning, plain pairs of syllables, ours, and morphemes (kiwipiepy, where it
is installed: it is not among the dependencies, since its model has no wheel).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks import work
from malgwi.store.query import read_query
from malgwi.store.terms import folded, terms_of

Finds = Callable[[str, str], bool]
"""Whether a query finds a sentence."""

SENTENCES = (
    "북문에서 차량 두 대 확인했습니다",
    "북문은 현재 이상 없습니다",
    "동북문 쪽으로 이동 중입니다",
    "북문까지 도보로 이동합니다",
    "문서 북쪽 창고에 보관했습니다",
    "무전 채널을 3번으로 변경합니다",
    "무전채널 3번 수신 양호합니다",
    "무전기 배터리 교체 요청합니다",
    "채널 변경은 본부 지시 후에 하세요",
    "산불 신고 접수됐습니다",
    "불이 났습니다 소방차 보내 주세요",
    "불길이 건물 뒤로 번지고 있습니다",
    "불법 주차 차량 견인 요청합니다",
    "환자 의식이 없습니다",
    "환자를 구급차로 이송합니다",
    "중환자실에 연락했습니다",
    "차 문이 열리지 않습니다",
    "문 열어 주세요",
    "질문 있습니까",
    "정문하고 후문 모두 통제합니다",
    "전문 인력을 보내 주세요",
    "3번 출구에서 만나겠습니다",
    "13번 출구 폐쇄합니다",
    "서울로 가는 열차가 지연됩니다",
    "서울에서 출발했습니다",
    "동서울 터미널 앞입니다",
    "경찰서에서 북쪽으로 오 분 거리입니다",
    "교통사고가 발생했습니다",
    "교통 사고 처리 끝났습니다",
    "사고력 검사 결과입니다",
    "네 알겠습니다",
    "네거리에서 좌회전하세요",
    "물을 좀 갖다 주세요",
    "건물 안에 사람이 있습니다",
    "수돗물이 안 나옵니다",
    "배가 항구에 들어왔습니다",
    "배터리가 부족합니다",
    "담배 연기 같습니다",
    "화재경보기가 울립니다",
    "화재 경보 해제합니다",
    "김민수 씨한테 전화하세요",
    "김민수씨가 현장에 있습니다",
    "민수가 아직 안 왔습니다",
    "팀장님께서 오셨습니다",
    "팀장이 확인했다고 합니다",
    "지원팀 장비를 옮깁니다",
    "지금 출발해요",
    "출발지가 어디입니까",
    "문을 닫았습니다",
    "창문이 깨졌습니다",
    "이송 중에 연락 주세요",
    "전문가 의견을 듣겠습니다",
)

QUERIES: Mapping[str, tuple[int, ...]] = {
    "북문": (0, 1, 3),
    "북문에서": (0, 1, 3),
    "북문은": (0, 1, 3),
    "무전채널": (5, 6),
    "무전 채널": (5, 6),
    "무전 채널을": (5, 6),
    "채널": (5, 6, 8),
    "채널 변경": (5, 8),
    "불": (9, 10, 11),
    "환자": (13, 14),
    "환자를": (13, 14),
    "문": (16, 17, 48),
    "3번": (5, 6, 21),
    "3번 출구": (21,),
    "서울": (23, 24),
    "서울로": (23, 24),
    "교통사고": (27, 28),
    "교통 사고": (27, 28),
    "사고": (27, 28),
    "사고가": (27, 28),
    "네": (30,),
    "물": (32, 34),
    "건물": (11, 33),
    "배": (35,),
    "배터리": (7, 36),
    "배터리가": (7, 36),
    "화재경보": (38, 39),
    "화재": (38, 39),
    "김민수": (40, 41),
    "민수": (40, 41, 42),
    "팀장": (43, 44),
    "팀장이": (43, 44),
    "출발": (24, 46),
    "이송": (14, 50),
    "주차": (12,),
    "불법주차": (12,),
    "북쪽": (4, 26),
    "북쪽으로": (4, 26),
    "전문가": (51,),
    "정문": (19,),
}

READ = {
    "데이터": ("데이터",),
    "모델을": ("모델",),
    "프로젝트": ("프로젝트",),
    "프로젝트로": ("프로젝트",),
    "음성": ("음성",),
    "사용자 지정": ("사용자 지정",),
    "인식": ("인식",),
    "인식 결과": ("인식 결과",),
    "품질": ("품질",),
    "도구": ("도구",),
    "탭": ("탭",),
    "링크": ("링크",),
    "지침": ("지침",),
    "콜센터": ("콜 센터",),
    "포털": ("포털",),
    "영어": ("영어",),
}
"""Of the read passages of the measuring material; a sentence that has it is wanted, as there is
none that has it by chance."""


def measured() -> dict[str, Any]:
    """Precision and recall, by method, of both sets."""
    methods = _methods()
    found = {"written": _of(methods, SENTENCES, QUERIES)}
    if sentences := _read_aloud():
        truth = {
            query: tuple(n for n, each in enumerate(sentences) if any(it in each for it in those))
            for query, those in READ.items()
        }
        found["read"] = _of(methods, sentences, truth)
    return found


def lines(result: dict[str, Any]) -> Iterator[str]:
    for name, rows in result.items():
        yield f"| {name}: {rows['queries']} queries, {rows['sentences']} sentences | P | R |"
        yield "|---|---|---|"
        for method, (precision, recall) in rows["methods"].items():
            yield f"| {method} | {precision:.2f} | {recall:.2f} |"
        yield ""


def _of(
    methods: Mapping[str, Finds], sentences: tuple[str, ...], queries: Mapping[str, tuple[int, ...]]
) -> dict[str, Any]:
    return {
        "queries": len(queries),
        "sentences": len(sentences),
        "methods": {name: _rates(each, sentences, queries) for name, each in methods.items()},
    }


def _rates(
    finds: Finds, sentences: tuple[str, ...], queries: Mapping[str, tuple[int, ...]]
) -> tuple[float, float]:
    right = found = wanted = 0
    for query, truth in queries.items():
        those = {n for n, sentence in enumerate(sentences) if finds(query, sentence)}
        right += len(those & set(truth))
        found += len(those)
        wanted += len(truth)
    return right / found, right / wanted


def _methods() -> dict[str, Finds]:
    methods: dict[str, Finds] = {
        "words between spaces": _has_words,
        "beginnings of words": _has_beginnings,
        "plain pairs of syllables": _has_pairs,
        "ours": lambda query, sentence: read_query(query).match(sentence) is not None,
    }
    if find_spec("kiwipiepy") is None:
        print("Skipped: kiwipiepy is not installed, so nothing is compared with morphemes.")
    else:
        methods["morphemes (kiwipiepy)"] = _morphemes()
    return methods


def _has_words(query: str, sentence: str) -> bool:
    return set(_words(query)) <= set(_words(sentence))


def _has_beginnings(query: str, sentence: str) -> bool:
    words = _words(sentence)
    return all(any(word.startswith(each) for word in words) for each in _words(query))


def _has_pairs(query: str, sentence: str) -> bool:
    """One syllable anywhere; pairs of each word, also over spaces."""
    there = set(terms_of(sentence)) | set(folded(sentence).text)
    wanted = [each for word in query.split() for each in terms_of(word) if word and each]
    pairs = [each for each in wanted if len(each) > 1]
    return all(each in there for each in (pairs or wanted))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", folded(text).text)


def _morphemes() -> Finds:
    kiwi = import_module("kiwipiepy").Kiwi()

    def contents(text: str) -> set[str]:
        """Nouns, verbs, numerals and the like; no particles and no endings."""
        return {
            each.form for each in kiwi.tokenize(text) if each.tag[0] in "NVMSX" or each.tag == "IC"
        }

    def finds(query: str, sentence: str) -> bool:
        wanted = contents(query)
        return bool(wanted) and wanted <= contents(sentence)

    return finds


def _read_aloud() -> tuple[str, ...]:
    if not work.MANIFEST.exists():
        return ()
    texts = (each.said[0] for each in work.passages("ko").recordings)
    return tuple(each for text in texts for each in re.split(r"(?<=[.:])\s+", text) if each)


def main() -> None:
    print("\n".join(lines(measured())))


if __name__ == "__main__":
    main()
