"""A door beyond this machine has a lock: without a key the engine listens on loopback only."""

from ipaddress import ip_address

from malgwi.errors import BadOption
from malgwi.gateway.keys import Keys


def check_exposure(host: str, keys: Keys) -> None:
    """Raises BadOption where `host` can be reached by others and nobody needs a key."""
    if keys or is_loopback(host):
        return
    raise BadOption(
        f"Whoever reaches {host or 'all addresses'} could use this engine, for there is no key. "
        "Make one with `malgwi engine key` and set MALGWI_ENGINE__KEYS or MALGWI_ENGINE__KEY_FILE, "
        "or listen on 127.0.0.1."
    )


def is_loopback(host: str) -> bool:
    """Of names only localhost: what another resolves to is not known for sure."""
    try:
        return ip_address(host.strip("[]").partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
