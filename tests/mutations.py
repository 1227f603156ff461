"""Requests that no honest client sends, made from a seed: the same number gives the same bytes.

wild = Wilderness(sounds(tmp_path), seed=7)
request = wild(42)

Damaged sound, files that lie or are no sound at all, broken forms and fields that make no sense,
and any of these together, on every path that takes an upload.
"""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import quote

from audio.soundfiles import tones, wav_bytes, write, write_film

FORMS = {
    "/v1/audio/transcriptions": "file",
    "/v1/audio/translations": "file",
    "/inference": "file",
    "/asr": "audio_file",
    "/detect-language": "audio_file",
}
"""Where forms go, and what the recording is called there."""
LISTEN = "/v1/listen"
CODECS = {
    "a.wav": ("pcm_s16le", 16_000), "b.wav": ("pcm_f32le", 48_000), "c.wav": ("adpcm_ms", 8_000),
    "a.flac": ("flac", 16_000), "a.mp3": ("libmp3lame", 44_100), "a.ogg": ("libopus", 48_000),
    "b.ogg": ("flac", 44_100), "a.m4a": ("aac", 44_100), "b.m4a": ("alac", 44_100),
    "a.aac": ("aac", 44_100), "a.webm": ("libopus", 48_000), "a.mka": ("flac", 16_000),
    "a.aiff": ("pcm_s16be", 16_000), "a.caf": ("pcm_s16le", 16_000), "a.au": ("pcm_mulaw", 8_000),
    "a.wv": ("wavpack", 16_000), "a.tta": ("tta", 16_000), "a.ac3": ("ac3", 48_000),
    "a.wma": ("wmav2", 44_100), "a.w64": ("pcm_s16le", 16_000), "a.mp2": ("mp2", 48_000),
    "a.avi": ("pcm_s16le", 16_000), "a.ts": ("aac", 44_100), "a.flv": ("aac", 44_100),
}  # fmt: skip
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
NUMBERS = (
    "0", "1", "-1", "0.5", "2", "99999999999999999999", "1e308", "1e999", "-0.0", "NaN", "inf",
    "0x10", "1_000", "٣", "1" * 5_000, "1,5", " 7 ",
)  # fmt: skip
FLAGS = ("true", "false", "1", "0", "yes", "off", "TRUE", "maybe", "2", "null", "[]")
LANGUAGES = ("en", "ko", "auto", "korean", "EN", "xx", "zz-ZZ", "multi", "en,ko", "kor", "../en")
MODELS = ("", "whisper-1", "slow", "no-such-model", "../../etc/passwd", "a" * 9_000, "\x00", "%s")
WORDS = ("", "hello", "a\x00b", "\u202e", "🙂" * 500, "'; DROP TABLE", "{}", "a" * 60_000, "\r\n")
STRATEGIES = (
    "auto", "{}", "[]", "null", '{"type": "server_vad"}', '{"threshold": NaN}', "{", "[" * 9_000,
    '{"type": "\\ud800"}', '{"threshold": 1e999}', '{"silence_duration_ms": 1' + "0" * 5_000 + "}",
    '{"threshold": 0, "prefix_padding_ms": 5000, "silence_duration_ms": 100}',
)  # fmt: skip
VALUES: Mapping[str, Sequence[str]] = {
    "model": MODELS, "language": LANGUAGES, "languages": LANGUAGES, "languages[]": LANGUAGES,
    "prompt": WORDS, "hotwords": WORDS, "keywords": WORDS, "keyterm": WORDS,
    "initial_prompt": WORDS, "response_format": (
        "json", "text", "srt", "vtt", "verbose_json", "diarized_json", "xml", "JSON",
    ),
    "temperature": NUMBERS, "timestamp_granularities[]": ("word", "segment", "letter"),
    "include[]": ("logprobs", "all"), "stream": FLAGS, "chunking_strategy": STRATEGIES,
    "chunking_strategy[type]": ("server_vad", "none"), "chunking_strategy[threshold]": NUMBERS,
    "known_speaker_names[]": WORDS, "x_malgwi_vad": FLAGS, "x_malgwi_lane": ("live", "batch", "no"),
    "detect_language": (*FLAGS, *LANGUAGES), "translate": FLAGS, "no_timestamps": FLAGS,
    "offset_t": NUMBERS, "duration": NUMBERS, "diarize": ("", *FLAGS), "vad": FLAGS,
    "vad_threshold": NUMBERS, "vad_min_silence_duration_ms": ("100", *NUMBERS),
    "vad_max_speech_duration_s": ("3", *NUMBERS), "vad_speech_pad_ms": NUMBERS,
    "vad_min_speech_duration_ms": NUMBERS, "encode": FLAGS, "task": ("transcribe", "translate", ""),
    "vad_filter": FLAGS, "word_timestamps": FLAGS, "output": ("txt", "vtt", "srt", "tsv", "json"),
    "multichannel": FLAGS, "utterances": FLAGS, "utt_split": ("0.1", *NUMBERS), "paragraphs": FLAGS,
    "punctuate": FLAGS, "encoding": ("linear16", "mulaw", ""), "sample_rate": ("8000", *NUMBERS),
    "channels": ("3", *NUMBERS), "callback": WORDS, "redact": WORDS, "no-such-field": WORDS,
}  # fmt: skip
"""What is sent in which field, nonsense after a sensible one."""
SPEECH = ("model", "language", "prompt", "response_format", "temperature")
OWN: Mapping[str, Sequence[str]] = {
    "/v1/audio/transcriptions": (
        *SPEECH, "languages", "languages[]", "hotwords", "keywords", "timestamp_granularities[]",
        "include[]", "stream", "stream", "chunking_strategy", "chunking_strategy[type]",
        "chunking_strategy[threshold]", "known_speaker_names[]", "x_malgwi_vad", "x_malgwi_lane",
    ),
    "/v1/audio/translations": (*SPEECH, "hotwords", "x_malgwi_vad", "x_malgwi_lane"),
    "/inference": (
        *SPEECH, "detect_language", "translate", "no_timestamps", "offset_t", "duration", "diarize",
        "vad", "vad_threshold", "vad_min_silence_duration_ms", "vad_max_speech_duration_s",
        "vad_speech_pad_ms", "vad_min_speech_duration_ms",
    ),
    "/asr": (
        "encode", "task", "language", "initial_prompt", "vad_filter", "word_timestamps", "output",
        "diarize",
    ),
    "/detect-language": ("encode",),
    LISTEN: (
        "model", "language", "detect_language", "multichannel", "utterances", "utt_split",
        "paragraphs", "keyterm", "keywords", "punctuate", "encoding", "sample_rate", "channels",
        "diarize", "callback", "redact",
    ),
}  # fmt: skip
"""The fields that mean something where they are sent."""
NAMES = (
    "a.wav", "", " ", ".", "..", "../../../etc/passwd", "..\\..\\boot.ini", "/dev/zero",
    "a\x00b.wav", "n" * 10_000, 'a"b.wav', "한국어 녹음.m4a", "\u202ewav.exe", "%2e%2e%2f",
    "a;b=c.wav", "CON", "\u00a0\u3000", "a\u0301" * 300, "🙂.mp3", "$(id).wav", "ch01.wav\tx",
)  # fmt: skip
KINDS = (
    "audio/wav", "application/octet-stream", "audio/mpeg", "text/plain", "video/mp4", "", "/",
    "multipart/mixed; boundary=y", "application/json", "audio/wav; charset=\xff", "a" * 3_000,
)  # fmt: skip
ADDRESSES = (
    "", "http://127.0.0.1:9/a.wav", "http://127.0.0.1:9/\ud800", "http://127.0.0.1:9/?\ud800",
    "http://\ud800/", "http://[", "http://[::1]/", "file:///etc/passwd", "//127.0.0.1:9",
    "http://127.0.0.1:99999/", "ftp://127.0.0.1:9/", "http://u:p@127.0.0.1:9/", "http://127.1:9/",
    "http://127.0.0.1:9\\@evil/", "http://" + "a" * 70_000, "http://1:9/\r\nHost: x",
    "data:audio/wav;base64,AAAA", "http://xn--a/",
)  # fmt: skip
HEADERS: Mapping[str, Sequence[str]] = {
    "X-Malgwi-Lane": ("live", "batch", "BATCH ", "never", "\xff"),
    "X-Request-ID": ("a" * 65, "é", "ok-1", "../x", "a b"),
    "Accept": ("*/*", "text/html", "\xff", "application/openmetrics-text; version=x"),
    "Content-Encoding": ("gzip", "br", "identity"),
    "Accept-Language": ("ko", "\xe9" * 2_000),
    "Authorization": ("Bearer x", "Token", "Basic \xff", "Bearer " + "k" * 4_000),
    "Expect": ("100-continue", "nothing"),
    "Origin": ("null", "http://localhost:3000", "http://[", "https://evil.example", "x" * 2_000),
    "Cookie": ("a=b", "\xff=\xff"),
    "Range": ("bytes=0-1",),
}


@dataclass(frozen=True, slots=True)
class Wild:
    """A request; `body` is sent as it is, in chunks where there is a `chunk`."""

    number: int
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    chunk: int = 0

    @property
    def saved(self) -> bytes:
        """To look at, and to send again."""
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{n}: {v}" for n, v in self.headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def sounds(folder: Path) -> dict[str, bytes]:
    """A second of sound in each of many containers."""
    made = {}
    for name, (codec, rate) in CODECS.items():
        path = write(folder / f"sound-{name}", tones(2, 0.7, rate), rate, codec)
        made[name] = path.read_bytes()
    made["film.mkv"] = write_film(folder / "sound-film.mkv", tones(1, 0.7), late=0.2).read_bytes()
    made["many.wav"] = wav_bytes(tones(20, 0.2, 8_000), 8_000)
    made["a.amr"] = b"#!AMR\n" + 40 * (b"\x3c" + bytes(range(31)))
    return made


class Wilderness:
    """Makes the requests."""

    def __init__(self, files: Mapping[str, bytes], seed: int) -> None:
        self._files = list(files.values())
        self._seed = seed

    def __call__(self, number: int) -> Wild:
        chance = Random(f"{self._seed}/{number}")
        kind = chance.random()
        if kind < 0.03:
            return self._other_door(number, chance)
        if kind < 0.23:
            return self._raw(number, chance)
        return self._form(number, chance)

    def _form(self, number: int, chance: Random) -> Wild:
        path, field = chance.choice(list(FORMS.items()))
        calm = chance.random() < 0.4  # so that enough of the damaged sound gets to the decoder
        fields = () if calm else _fields(chance, path)
        in_query = path in ("/asr", "/detect-language")
        parts = _parts(chance, field, self._sound(chance), () if in_query else fields)
        kind, body = _multipart(chance, parts, field, calm)
        query = _query(chance, fields) if in_query else ""
        return _sent(number, chance, path + query, kind, body)

    def _raw(self, number: int, chance: Random) -> Wild:
        path = LISTEN + _query(chance, _fields(chance, LISTEN))
        if chance.random() < 0.3:
            return _sent(number, chance, path, "application/json", _address(chance))
        return _sent(number, chance, path, chance.choice(KINDS), self._sound(chance))

    def _other_door(self, number: int, chance: Random) -> Wild:
        said = chance.choice((*MODELS, *NAMES, *WORDS))[:3_000]
        name = quote(said, safe=chance.choice(("", "/")))
        doors = [
            ("GET", f"/v1/models/{name}"), ("POST", f"/v1/models/{name}/load"), ("GET", f"/{name}"),
            ("GET", "/v1/models"), ("GET", "/metrics"), ("GET", "/health"), ("PUT", LISTEN),
            ("GET", "/openapi.json"), ("DELETE", "/asr"), ("OPTIONS", "/inference"),
        ]  # fmt: skip
        method, path = chance.choice(doors)
        return Wild(number, method, path, _headers(chance), b"")

    def _sound(self, chance: Random) -> bytes:
        kind = chance.random()
        if kind < 0.1:
            return chance.choice(self._files)
        if kind < 0.2:
            return chance.choice(STRANGERS)(chance)
        if kind < 0.3:
            return lying_wav(chance)
        sound = chance.choice(self._files)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            sound = chance.choice(DAMAGES)(chance, sound, chance.choice(self._files))
        return sound[:300_000]


# --- sound --------------------------------------------------------------------------------------


def _flip(chance: Random, sound: bytes, other: bytes) -> bytes:
    damaged = bytearray(sound)
    reach = chance.choice((64, 512, len(sound)))
    for _ in range(chance.choice((1, 4, 32, 256)) if damaged else 0):
        damaged[chance.randrange(min(reach, len(damaged)))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _lie(chance: Random, sound: bytes, other: bytes) -> bytes:
    """A number near the beginning is not what it was."""
    place = chance.randrange(min(200, len(sound)) + 1)
    value = chance.choice(EXTREMES) & 0xFFFFFFFF
    number = struct.pack(chance.choice("<>") + "I", value)[: chance.choice((2, 4))]
    return sound[:place] + number + sound[place + len(number) :]


def _cut(chance: Random, sound: bytes, other: bytes) -> bytes:
    return sound[: chance.randrange(len(sound) + 1)]


def _behead(chance: Random, sound: bytes, other: bytes) -> bytes:
    return sound[chance.randrange(min(2_000, len(sound)) + 1) :]


def _lose(chance: Random, sound: bytes, other: bytes) -> bytes:
    first, last = sorted(chance.randrange(len(sound) + 1) for _ in range(2))
    return sound[:first] + sound[last:]


def _splice(chance: Random, sound: bytes, other: bytes) -> bytes:
    place = chance.randrange(len(sound) + 1)
    return sound[:place] + other[chance.randrange(len(other)) :] + sound[place:]


def _change_over(chance: Random, sound: bytes, other: bytes) -> bytes:
    """The beginning of one file, the rest of another."""
    place = chance.randrange(len(sound) + 1)
    return sound[:place] + other[place:]


def _stutter(chance: Random, sound: bytes, other: bytes) -> bytes:
    first, last = sorted(chance.randrange(len(sound) + 1) for _ in range(2))
    return sound[:last] + sound[first:last] * chance.choice((1, 3)) + sound[last:]


def _pad(chance: Random, sound: bytes, other: bytes) -> bytes:
    filling = bytes([chance.choice((0, 0xFF, 0x20))]) * chance.choice((1, 100, 20_000))
    tag = b"ID3\x04\x00\x00" + struct.pack(">I", chance.choice(EXTREMES) & 0x7F7F7F7F)
    return chance.choice((filling + sound, sound + filling, tag + sound, b"\xef\xbb\xbf" + sound))


DAMAGES = (_flip, _lie, _cut, _behead, _lose, _splice, _change_over, _stutter, _pad)


def lying_wav(chance: Random) -> bytes:
    """A header whose numbers do not fit each other, or nothing at all."""
    channels = chance.choice((0, 1, 2, 64, 65, 255, 65_535))
    rate = chance.choice((0, 1, 999, 8_000, 16_000, 384_000, 10**9, 2**32 - 1))
    bits = chance.choice((0, 1, 7, 8, 16, 24, 32, 64, 65_535))
    code = chance.choice((0, 1, 2, 3, 6, 7, 0x11, 0x55, 0x161, 0xFFFE, 0xFFFF))
    align = chance.choice((0, 1, (channels * bits // 8) & 0xFFFF, 65_535))
    layout = struct.pack("<HHIIHH", code, channels, rate, rate * 2 & 0xFFFFFFFF, align, bits)
    size = chance.choice((0, 1, 100, 20_000, 2**31, 2**31 - 1, 2**32 - 1))
    samples = chance.randbytes(chance.choice((0, 1, 3, 400, 20_000)))
    head = b"fmt " + struct.pack("<I", chance.choice((16, 16, 18, 40, 0, 2**32 - 1))) + layout
    kind = chance.choice((b"RIFF", b"RIFF", b"RF64", b"RIFX"))
    whole = struct.pack("<I", chance.choice((0, 36 + size & 0xFFFFFFFF, 2**32 - 1)))
    return kind + whole + b"WAVE" + head + b"data" + struct.pack("<I", size) + samples


def _zip(chance: Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../a.wav", bytes(100_000))
    return file.getvalue()


def _quoted(text: str) -> Callable[[Random], bytes]:
    return lambda chance: text.encode("utf-8")


STRANGERS: Sequence[Callable[[Random], bytes]] = (
    lambda chance: b"",
    lambda chance: bytes(chance.choice((1, 100, 50_000))),
    lambda chance: chance.randbytes(chance.choice((1, 16, 500, 20_000))),
    _zip,
    _quoted("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"),
    _quoted("<!DOCTYPE html><html><body><audio src='http://127.0.0.1:9/a.wav'></audio>"),
    _quoted("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
    _quoted("ffconcat version 1.0\nfile '/etc/passwd'\nfile 'http://127.0.0.1:9/a.wav'\n"),
    _quoted("[playlist]\nFile1=/etc/passwd\nNumberOfEntries=1\n"),
    _quoted("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n"),
    _quoted(
        '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
    ),
    _quoted("<MPD><Period><BaseURL>file:///etc/passwd</BaseURL></Period></MPD>"),
    _quoted("1\n00:00:00,000 --> 00:00:01,000\nhello\n"),
    _quoted("SBAGEN\n-SE\nalloff: -\nNOW alloff\n"),
    _quoted("RIFF"),
    _quoted("fLaC"),
    _quoted("OggS"),
    lambda chance: b"\x89PNG\r\n\x1a\n" + chance.randbytes(900),
    lambda chance: b"\xff\xd8\xff\xe0" + chance.randbytes(900),
    lambda chance: b"\x7fELF\x02\x01\x01" + chance.randbytes(900),
    lambda chance: b"\x00\x00\x00\x18ftypmp42" + chance.randbytes(900),
    lambda chance: b"\x1aE\xdf\xa3" + chance.randbytes(900),
)


# --- forms --------------------------------------------------------------------------------------


def _fields(chance: Random, path: str) -> list[tuple[str, str]]:
    """Mostly none or few, so that some uploads get as far as the engine."""
    names = [_name(chance, path) for _ in range(chance.choice((0, 0, 1, 2, 6)))]
    return [(name, _value(chance, name)) for name in names]


def _name(chance: Random, path: str) -> str:
    return chance.choice(OWN[path] if chance.random() < 0.8 else list(VALUES))


def _value(chance: Random, name: str) -> str:
    kind = chance.random()
    if kind < 0.5:
        return VALUES[name][0]
    return chance.choice(VALUES[name] if kind < 0.9 else WORDS)


def _query(chance: Random, fields: Sequence[tuple[str, str]]) -> str:
    pairs = [f"{quote(name)}={quote(value[:2_000])}" for name, value in fields]
    if chance.random() < 0.05:
        pairs.append(chance.choice(("%", "%ff=%fe", "=", "&&", "a" * 5_000, "encode=%00", "%zz=1")))
    return f"?{'&'.join(pairs)}" if pairs else ""


def _parts(
    chance: Random, field: str, sound: bytes, fields: Sequence[tuple[str, str]]
) -> list[bytes]:
    parts = [_field(name, value) for name, value in fields]
    parts.insert(chance.randrange(len(parts) + 1), _file(chance, field, sound))
    return parts


def _multipart(chance: Random, parts: list[bytes], field: str, calm: bool) -> tuple[str, bytes]:
    """The Content-Type and the body."""
    if not calm and chance.random() < 0.3:
        parts = chance.choice(DISORDERS)(chance, parts, field)
    form = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    kind = "multipart/form-data; boundary=x"
    if not calm and chance.random() < 0.3:
        kind, form = chance.choice(FRAMES)(chance, kind, form)
    return kind, form


def _field(name: str, value: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value.encode()


def _file(chance: Random, field: str, sound: bytes) -> bytes:
    odd = chance.random() < 0.3
    name = chance.choice(NAMES) if odd else "a.wav"
    kind = chance.choice(KINDS) if odd else "audio/wav"
    quoted = name.replace('"', '\\"') if chance.random() < 0.8 else name
    head = f'Content-Disposition: form-data; name="{field}"; filename="{quoted}"\r\n'
    return head.encode() + f"Content-Type: {kind}\r\n\r\n".encode("latin-1") + sound


Parts = list[bytes]


def _head(chance: Random, parts: Parts, field: str) -> Parts:
    """One part begins in another way."""
    head = chance.choice(
        (
            b"Content-Disposition: form-data\r\n\r\n",
            b"Content-Disposition: attachment; filename=a.wav\r\n\r\n",
            b"\r\n",
            b"",
            b"no header at all\r\n\r\n",
            b": nameless\r\n\r\n",
            b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n",
            b"X-Many: a\r\n" * 500 + b"\r\n",
            b'Content-Disposition: form-data; name="' + b"n" * 10_000 + b'"\r\n\r\n',
            b'Content-Disposition: form-data; name="\xff\xfe"\r\n\r\n',
            b"Content-Disposition: form-data; name*=UTF-8''%ff; filename*=no'\r\n\r\n",
            b'Content-Disposition: form-data; name="prompt"\r\n'
            b"Content-Transfer-Encoding: base64\r\n\r\n=====",
            b'Content-Disposition: form-data; name="model"; filename="m"\r\n\r\n',
            b'Content-Disposition: form-data; name="language"\r\n\r\n\xff\xfe\xed\xa0\x80',
        )
    )
    place = chance.randrange(len(parts))
    rest = parts[place].partition(b"\r\n\r\n")[2]
    return [*parts[:place], head + rest, *parts[place + 1 :]]


def _many(chance: Random, parts: Parts, field: str) -> Parts:
    return parts + [_field("prompt", "x")] * chance.choice((60, 64, 2_000))


def _twice(chance: Random, parts: Parts, field: str) -> Parts:
    return parts * 2


def _without(chance: Random, parts: Parts, field: str) -> Parts:
    return [part for part in parts if b"filename=" not in part]


def _misnamed(chance: Random, parts: Parts, field: str) -> Parts:
    return [part.replace(field.encode(), b"recording", 1) for part in parts]


def _as_text(chance: Random, parts: Parts, field: str) -> Parts:
    """The recording as a field without a name of a file."""
    return [part.replace(b"; filename=", b"; other=", 1) for part in parts]


DISORDERS = (_head, _many, _twice, _without, _misnamed, _as_text)


def _said_otherwise(chance: Random, kind: str, form: bytes) -> tuple[str, bytes]:
    form_data = "multipart/form-data"
    said = (
        "", "/", form_data, f"{form_data}; boundary=", f"{form_data}; boundary=y",
        f"{form_data}; boundary={'b' * 300}", f'{form_data}; boundary="x', f"{form_data};" * 500,
        f"{form_data}; boundary=\xff", f"{form_data}; boundary*=UTF-8''x",
        f"{form_data}; boundary=x; boundary=z", f'{form_data}; boundary=" x "',
        "multipart/mixed; boundary=x", "application/x-www-form-urlencoded", "application/json",
        "MULTIPART/FORM-DATA; BOUNDARY=x", "text/plain; charset=utf-7",
    )  # fmt: skip
    return chance.choice(said), form


def _broken_off(chance: Random, kind: str, form: bytes) -> tuple[str, bytes]:
    return kind, form[: chance.choice((0, 3, len(form) // 2, len(form) - 3, len(form) - 9))]


def _bare_lines(chance: Random, kind: str, form: bytes) -> tuple[str, bytes]:
    return kind, form.replace(b"\r\n", chance.choice((b"\n", b"\r", b"\n\r")))


def _gnawed(chance: Random, kind: str, form: bytes) -> tuple[str, bytes]:
    place = chance.randrange(len(form))
    return kind, form[:place] + chance.randbytes(chance.choice((0, 1, 30))) + form[place + 1 :]


def _around(chance: Random, kind: str, form: bytes) -> tuple[str, bytes]:
    noise = chance.randbytes(500)
    return kind, chance.choice((noise + b"\r\n" + form, form + noise, b"--x--\r\n" + form))


def _urlencoded(chance: Random, kind: str, form: bytes) -> tuple[str, bytes]:
    body = chance.choice(
        (b"file=a&model=x", b"%ff=%fe", b"a=b&" * 100, b"\xff\xfe", b"", b"file=" + b"a" * 70_000)
    )
    return "application/x-www-form-urlencoded", body


FRAMES = (_said_otherwise, _broken_off, _bare_lines, _gnawed, _around, _urlencoded)


def _address(chance: Random) -> bytes:
    said = chance.choice(
        (
            json.dumps({"url": chance.choice(ADDRESSES)}),
            json.dumps({"url": chance.choice((None, 1, [], {}, True))}),
            json.dumps(chance.choice((None, [], "url", 7))),
            '{"url": "http://127.0.0.1:9/", "url": 5}', "[" * 50_000, "1" * 6_000, "{", "\ufeff{}",
            '{"a": "' + "a" * 70_000 + '"}', "NaN",
        )
    )  # fmt: skip
    return said.encode() if chance.random() < 0.9 else said.encode("utf-16")


def _headers(chance: Random) -> tuple[tuple[str, str], ...]:
    if chance.random() < 0.85:
        return ()
    return tuple((name, chance.choice(HEADERS[name])) for name in chance.sample(list(HEADERS), 2))


def _sent(number: int, chance: Random, path: str, kind: str, body: bytes) -> Wild:
    headers = (("Content-Type", kind), *_headers(chance))
    chunk = chance.choice((1, 4_000)) if chance.random() < 0.05 else 0
    return Wild(number, "POST", path, headers, body[:2_000] if chunk == 1 else body, chunk)
