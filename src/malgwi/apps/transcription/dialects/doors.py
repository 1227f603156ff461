"""What every dialect is given: the service, and the ways in that all doors share."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import Request

from malgwi.apps.transcription.service import Service
from malgwi.gateway import Crossing, Spool, Upload

Fetch = Callable[[Request, str], AbstractAsyncContextManager[Upload]]
"""Fetches the recording at an address; `gateway.fetched` with all but these two bound."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Made once in bootstrap, the same for all dialects."""

    service: Service
    spool: Spool
    crossing: Crossing
    fetch: Fetch
