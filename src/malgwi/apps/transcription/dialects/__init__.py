"""The HTTP dialects: the same service, as the clients of four others already speak to it.

openai        /v1/audio/transcriptions, /v1/audio/translations, /v1/models

doors         what every dialect is given
reception     from a request to the recording in it
refusals      what is not done here, said in a sentence
cutting       how sound is to be cut, in a client's words
spoken        what counts as said
measures      what Whisper's JSON says of a segment
languages     what Whisper's clients call a language
extras        what we know and a dialect has no place for
"""

from collections.abc import Mapping

from fastapi import APIRouter

from malgwi.apps.transcription.dialects import asr, deepgram, openai, whisper_cpp
from malgwi.apps.transcription.dialects.doors import Doors
from malgwi.gateway import Shape

__all__ = ["SHAPES", "Doors", "routers"]

SHAPES: Mapping[str, Shape] = {
    "/v1": openai.shape,
    "/v1/listen": deepgram.shape,
    "/inference": whisper_cpp.shape,
    "/load": whisper_cpp.shape,
    "/asr": asr.shape,
    "/detect-language": asr.shape,
}
"""How errors are said, by the prefix of the path."""


def routers(doors: Doors) -> list[APIRouter]:
    return [each.router(doors) for each in (openai, deepgram, whisper_cpp, asr)]
