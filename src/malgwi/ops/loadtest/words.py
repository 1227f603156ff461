"""What the report says, in Korean and English, one entry a phrase."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["ko", "en"]

PHRASES: Mapping[str, tuple[str, str]] = {
    "title": ("부하 시험", "Load test"),
    # how it was delivered, in the first line
    "real_time": (
        "실시간: 녹음기처럼 {piece} 초마다 {channels}채널 소리를 보냅니다. 모두 {hours} 시간.",
        "Real time: {channels} channels, handed in every {piece} s as recorders do, {hours} h in all.",  # noqa: E501
    ),
    "accelerated": (
        "가속: 실시간의 {speed} 배. 실시간 시험이 아닙니다. {channels}채널 {hours} 시간, 조각은 {piece} 초.",  # noqa: E501
        "Accelerated: {speed} times real time, so this is not a real-time run. {channels} channels, {hours} h, in pieces of {piece} s.",  # noqa: E501
    ),
    "at_most": (
        "서비스가 받는 만큼 빠르게: 실시간 시험이 아닙니다. {channels}채널 {hours} 시간, 조각은 {piece} 초.",  # noqa: E501
        "As fast as the service takes it, so this is not a real-time run. {channels} channels, {hours} h, in pieces of {piece} s.",  # noqa: E501
    ),
    # verdicts
    "under_way": ("시험이 진행 중입니다.", "The test is under way."),
    "interrupted": (
        "끝나기 전에 중단했습니다. 그때까지 측정한 내용입니다.",
        "Stopped before its end. This is what was measured until then.",
    ),
    "passed": (
        "통과: 잃은 것이 없고 밀리지 않습니다.",
        "Passed: nothing was lost, and it keeps up.",
    ),
    "not_passed": ("통과하지 못함.", "Not passed."),
    "keeps_up": ("밀리지 않음: 지연이 늘지 않습니다.", "Keeps up: the lag does not grow."),
    "fast_enough": (
        "밀리지 않음: 실시간의 {speed} 배로 받아쓰고 있습니다.",
        "Keeps up: it transcribes {speed} times as fast as real time.",
    ),
    "falls_behind": (
        "실시간의 {speed} 배에서 1 분에 {behind} 초씩 밀립니다.",
        "At {speed} times real time it falls behind by {behind} s a minute.",
    ),
    "falls_behind_live": (
        "실시간에서 1 분에 {behind} 초씩 밀립니다.",
        "In real time it falls behind by {behind} s a minute.",
    ),
    "too_slow": (
        "실시간의 {speed} 배로만 받아쓰므로 밀립니다.",
        "It transcribes at {speed} times real time only, and would fall behind.",
    ),
    "cannot_tell": (
        "받아쓴 조각이 {pieces} 개뿐이라 밀리는지 알 수 없습니다.",
        "Only {pieces} pieces have a transcript: too few to tell whether it keeps up.",
    ),
    "failed": (
        "작업 {pieces} 개가 실패해서 녹음 {seconds} 초에 전사가 없습니다.",
        "Jobs failed ({pieces}): {seconds} s of recordings have no transcript.",
    ),
    "undelivered": (
        "조각 {pieces} 개를 서비스가 받지 않아서 녹음 {seconds} 초에 전사가 없습니다.",
        "The service did not take all pieces ({pieces}): {seconds} s of recordings have no transcript.",  # noqa: E501
    ),
    "unfinished": (
        "시험이 끝났을 때 조각 {pieces} 개, 녹음 {seconds} 초에 아직 전사가 없었습니다.",
        "At the end of the test pieces were not transcribed yet ({pieces}): {seconds} s of recordings.",  # noqa: E501
    ),
    "unheard": (
        "전사된 조각의 말 {spoken} 초 가운데 {seconds} 초가 전사에 없습니다.",
        "Of {spoken} s of speech in transcribed pieces, {seconds} s are not in the transcripts.",
    ),
    "broken": ("서비스가 더는 응답하지 않았습니다.", "The service did not answer any more."),
    "left": (
        "녹음 {left} 개를 지우지 못했습니다. 라벨은 loadtest-{run} 입니다.",
        "{left} recordings could not be removed from the disk; their label is loadtest-{run}.",
    ),
    # sections and rows
    "verdict": ("판정", "Verdict"),
    "speed_section": ("속도", "Speed"),
    "rtf_whole": ("RTF (소리 1 초에 든 시간)", "RTF (seconds for a second of sound)"),
    "rtf_channel": ("RTF, 채널·초마다", "RTF, per channel-second"),
    "rtf_piece": ("조각마다: 중앙값 / 95 % / 최대", "Of a piece: median / 95 % / most"),
    "rtf_engine": ("엔진 시간, 말 1 초마다", "Engine time, per second of speech"),
    "delivered": ("보낸 속도", "Delivered at"),
    "transcribed": ("받아쓴 속도", "Transcribed at"),
    "times_real_time": ("실시간의 {speed} 배", "{speed} times real time"),
    "lag_section": ("지연", "Lag"),
    "lag_row": (
        "소리가 끝나고 전사까지: 중앙값 / 95 % / 최대",
        "From the end of the sound to its transcript: median / 95 % / most",
    ),
    "lag_slope": ("추세", "Trend"),
    "a_minute": (
        "1 분에 {slope} 초 (우연일 확률 {chance})",
        "{slope} s a minute (by chance: {chance})",
    ),
    "lost_section": ("잃은 초", "Lost seconds"),
    "spoken": ("넣은 말, 모든 채널", "Speech put in, all channels"),
    "unheard_row": (
        "전사에 없는 말 (허용 오차 {tolerance} 초)",
        "Speech that no utterance covers (tolerance {tolerance} s)",
    ),
    "without_row": ("전사가 없는 조각의 말", "Speech in pieces without a transcript"),
    "recordings_row": ("전사가 없는 녹음", "Recordings without a transcript"),
    "failed_row": ("실패한 작업", "Failed jobs"),
    "again_row": ("다시 시도한 작업", "Jobs tried again"),
    "pieces_row": ("조각: 받아쓴 것 / 보낸 것 / 계획", "Pieces: transcribed / handed in / planned"),
    "why_row": ("실패한 까닭", "Why they failed"),
    "memory_section": ("메모리와 디스크", "Memory and disk"),
    "service_memory": ("서비스: 처음 / 최대 / 끝", "The service: first / most / last"),
    "machine_memory": ("시스템 사용: 최대 / 한도", "In use on the machine: most / limit"),
    "headroom": ("메모리 여유", "Headroom of memory"),
    "gpu_headroom": ("GPU 메모리 여유: 최소 / 전체", "GPU memory free: least / of"),
    "disk_row": ("녹음이 차지한 디스크", "Disk taken by recordings"),
    "queue_section": ("대기열", "Queue"),
    "queue_row": ("대기: 최대 / 끝", "Waiting: most / last"),
    "running_row": ("동시에 실행: 최대", "Running at once: most"),
    "about_section": ("무엇을 어떻게", "What and how"),
    "service_row": ("서비스", "Service"),
    "own_service": ("이 시험이 띄운 것", "One of the test's own"),
    "engine_row": ("엔진", "Engine"),
    "machine_row": ("시험을 실행한 컴퓨터", "Machine of this command"),
    "cores": (
        "{processor}, 코어 {cores} 개, {memory}, 시험 전 부하 {load}",
        "{processor}, {cores} cores, {memory}, load before the test {load}",
    ),
    "activity_row": ("채널마다 말하는 비율", "Share of time that a channel speaks"),
    "seed_row": ("시드", "Seed"),
    "began_row": ("시작 / 끝 (UTC)", "Began / ended (UTC)"),
    "version_row": ("버전", "Version"),
    "run_row": ("시험 이름", "Name of the run"),
    # plots
    "lag_plot": ("지연 (초)", "Lag (s)"),
    "queue_plot": ("대기열 (작업)", "Queue (jobs)"),
    "memory_plot": ("메모리 (GB)", "Memory (GB)"),
    "rtf_plot": ("조각마다의 RTF", "RTF of each piece"),
    "lost_plot": ("채널마다 잃은 초", "Lost seconds of each channel"),
    "minutes": ("시험 시작부터 (분)", "minutes since the test began"),
    "channel": ("채널", "channel"),
    "series_lag": ("조각", "a piece"),
    "series_trend": ("추세", "trend"),
    "series_waiting": ("대기", "waiting"),
    "series_running": ("실행", "running"),
    "series_service": ("서비스", "service"),
    "series_machine": ("시스템", "machine"),
    "series_gpu": ("GPU 여유", "GPU, free"),
    "series_real": ("실시간 (1)", "real time (1)"),
    "series_unheard": ("전사에 없는 말", "not in the transcript"),
    "series_without": ("전사가 없는 조각", "piece without transcript"),
    "nothing_to_draw": ("그릴 것이 없습니다.", "There is nothing to draw."),
    "nothing_lost": ("잃은 초가 없습니다.", "No second was lost."),
    # why something was not measured
    "not_of_service": (
        "서비스가 알려 주지 않습니다. /metrics가 이 키에 답하지 않았거나 /proc이 없습니다.",
        "The service does not tell it: /metrics did not answer this key, or it has no /proc.",
    ),
    "elsewhere": (
        "서비스가 이 컴퓨터에 없습니다. 그 컴퓨터에서 보거나 거기서 시험하세요.",
        "The service is not on this machine. Watch it there, or run the test there.",
    ),
    "no_gpu": (
        "서비스가 쓰는 GPU가 없거나 /metrics가 이 키에 답하지 않았습니다.",
        "The service sees no GPU, or /metrics did not answer this key.",
    ),
    "no_engine": (
        "다른 곳의 엔진이 계산했거나 /metrics가 이 키에 답하지 않았습니다.",
        "Engines elsewhere computed, or /metrics did not answer this key.",
    ),
    "too_few": ("전사된 조각이 너무 적습니다.", "Too few pieces have a transcript."),
    "no_pace": (
        "받는 만큼 보낼 때는 조각이 서비스를 기다리므로 지연이 늘 수 없습니다.",
        "A piece waits for the service, where there is no pace: its lag cannot grow.",
    ),
}


def said(phrase: str, language: Language = "en", **values: object) -> str:
    """The phrase with its values. Raises KeyError for one that there is not."""
    return PHRASES[phrase][0 if language == "ko" else 1].format(**values)


def in_language(sentence: str, language: Language) -> str:
    """A phrase of ours that stands in the data in English; anything else as it is."""
    return next(
        (said(name, language) for name, (_, english) in PHRASES.items() if english == sentence),
        sentence,
    )
