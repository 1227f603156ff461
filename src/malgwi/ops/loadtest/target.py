"""The service that is put under load: one that its owner means, and that is ready for it."""

import ipaddress
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from malgwi.client import Client
from malgwi.errors import BadOption, EngineFailed, NetworkError, StoreFull
from malgwi.ops.loadtest.plan import Plan

LOADING = 180.0
"""Seconds that a model may take to load."""
_PACE = 0.5
_ROOM = 2 * 2**30  # bytes that are left free on the disk of the service


def check_address(address: str, *, meant: bool) -> bool:
    """Whether it is this machine. Raises BadOption for an address that is neither here nor on a
    private network, unless it is `meant`: such a test is an attack on somebody else."""
    host = urlsplit(address).hostname
    if not host:
        raise BadOption(f"{address} is no address. An example: http://127.0.0.1:8000")
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError) as error:
        raise NetworkError(f"The name {host} is not known here. Is it spelt right?") from error
    addresses = [ipaddress.ip_address(str(each).partition("%")[0]) for each in found]
    if not meant and not all(each.is_private or each.is_link_local for each in addresses):
        raise BadOption(
            f"{host} is neither this machine nor on a private network. A load test keeps it busy "
            "for hours: give --yes-really-this-host if it is yours."
        )
    return all(each.is_loopback for each in addresses)


def ready(client: Client, plan: Plan) -> Mapping[str, Any]:
    """What /v1/system says, once the engines are loaded. Raises what keeps the test from
    beginning; nothing was sent by then."""
    end = time.monotonic() + LOADING
    while True:
        system = client.system()
        engines = system["engines"]
        for each in engines:
            if each["state"] == "failed":
                why = each["reason"] or "its log says why"
                raise EngineFailed(f"The engine of the service is not there: {why}")
        if all(each["state"] != "loading" for each in engines):
            break
        if time.monotonic() > end:
            raise EngineFailed(f"The model was not loaded within {LOADING:.0f} s.")
        time.sleep(_PACE)
    free, wanted = system["disk"]["free"], plan.bytes + _ROOM
    if free < wanted:
        raise StoreFull(
            f"The test needs {wanted / 1e9:.1f} GB on the disk of the service, and "
            f"{free / 1e9:.1f} are free. Give fewer --hours, or make room."
        )
    return system
