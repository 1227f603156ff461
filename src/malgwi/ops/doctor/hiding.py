"""Taking secrets out of what is shown, whoever put them there.

Checks are written so that they show none; this is for what servers and programs say on their own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from malgwi.config import Config

_NAME = re.compile(r"key|secret|token|passw|credential", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"(://[^/:@\s]*:)(?!PASSWORD@)[^/@\s]+@")  # that word is ours
_SHORTEST = 8  # characters; what is shorter would be found everywhere
_HIDDEN = "***"


class Hiding:
    """Knows the secrets of the settings and of the environment."""

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        named = (value for name, value in environ.items() if _NAME.search(name))
        found = {each for each in (*_secrets(config), *_parts(named)) if len(each) >= _SHORTEST}
        self._secrets = sorted(found, key=len, reverse=True)

    def hidden(self, text: str) -> str:
        text = _IN_ADDRESS.sub(rf"\1{_HIDDEN}@", text)
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def _secrets(value: Any, name: str = "") -> Iterator[str]:
    match value:
        case SecretStr():
            yield from _parts([value.get_secret_value()])
        case BaseModel():
            for field in type(value).model_fields:
                yield from _secrets(getattr(value, field), field)
        case dict():
            for key, each in value.items():
                yield from _secrets(each, str(key))
        case str() if _NAME.search(name):
            yield value


def _parts(values: Iterable[str]) -> Iterator[str]:
    """A value may be an address with a password in it, a list of keys, or the name of a file."""
    for value in values:
        if "://" in value:
            yield from _password(value)
        elif not value.startswith("/"):
            yield from re.split(r"[\s,]+", value)


def _password(address: str) -> Iterator[str]:
    try:
        password = urlsplit(address).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
