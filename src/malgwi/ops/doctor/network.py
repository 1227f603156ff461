"""NET: names, proxies, and doors that stand open."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from urllib.parse import urlsplit

from malgwi.config import Config
from malgwi.errors import BadOption, EngineMissing
from malgwi.ops.doctor.base import Found, check, fail, ok, skip, warn
from malgwi.ops.doctor.subject import Subject

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@check(
    "NET-001",
    looks="Are the names of database, broker, engine and service known?",
    why="A name that is not known looks like a server that is down.",
    mend="Add it to /etc/hosts, or in the compose file to extra_hosts: "
    "host.docker.internal:host-gateway.",
)
def names(subject: Subject) -> Found:
    hosts = [*dict.fromkeys(host for host in _hosts(subject.config) if not _is_number(host))]
    if not hosts:
        return ok("No name is used.")
    with ThreadPoolExecutor(len(hosts)) as at_once:
        known = list(at_once.map(subject.machine.resolves, hosts))
    if unknown := [host for host, is_known in zip(hosts, known, strict=True) if not is_known]:
        return fail("A name is not known.", evidence=", ".join(unknown))
    return ok(f"{', '.join(hosts)}.")


@check(
    "NET-002",
    looks="Do proxies stay out of the way between our own services?",
    why="A proxy of the company knows no host.docker.internal, and answers in its place.",
    mend="Name our own hosts in NO_PROXY: localhost,127.0.0.1,host.docker.internal.",
)
def proxies(subject: Subject) -> Found:
    environ = subject.machine.environ
    if not any(environ.get(each) for each in _PROXIES):
        return ok("None is set.")
    spared = f"{environ.get('no_proxy', '')},{environ.get('NO_PROXY', '')}".split(",")
    endings = [each.strip().lstrip(".") for each in spared if each.strip()]
    asked = [subject.config.stt.endpoint or "", subject.config.client.address]
    hosts = {urlsplit(each).hostname for each in asked if each} - {None}
    through = sorted(str(each) for each in hosts if not _is_spared(str(each), endings))
    if through:
        return warn("A proxy would be asked for our own services.", evidence=", ".join(through))
    return ok("They do: NO_PROXY names our own.")


@check(
    "NET-003",
    looks="Are doors beyond this machine locked?",
    why="Whoever reaches an engine without keys may use it; Wyoming has none at all.",
    mend="Make a key: malgwi engine key, and MALGWI_ENGINE__KEY_FILE; or listen on 127.0.0.1. "
    "Wyoming: MALGWI_ENGINE__WYOMING_CLIENTS.",
)
def doors(subject: Subject) -> Found:
    settings = subject.config.engine
    if (
        settings.wyoming
        and not _is_loopback(settings.wyoming_host)
        and not settings.wyoming_clients
    ):
        return fail(
            "Wyoming would be open to everybody.", evidence=f"WYOMING_HOST={settings.wyoming_host}"
        )
    if _is_loopback(settings.host):
        return ok("The engine listens on this machine only.")
    try:
        from malgwi import gateway
    except ModuleNotFoundError as error:
        return skip(str(EngineMissing("engine", error.name)))
    plain = settings.keys.get_secret_value() if settings.keys else None
    try:
        gateway.check_exposure(settings.host, gateway.read_keys(settings.key_file, plain))
    except BadOption as error:
        return fail("The engine would not start.", evidence=str(error))
    return ok("The engine has keys.")


@check(
    "NET-004",
    looks="Do recordings of another node come over a line that nobody can listen in on?",
    why="A worker with MALGWI_STORE__MEDIA_URL fetches what people said, and shows its key.",
    mend="Give the API there a certificate, name it with https:// in MALGWI_STORE__MEDIA_URL, and "
    "the authority of a certificate of your own in MALGWI_STORE__MEDIA_CA_FILE. Or keep the nodes "
    "on a line of their own, and know of it.",
)
def media(subject: Subject) -> Found:
    address = subject.config.store.media_url
    if address is None:
        return skip("The recordings are in the data folder.")
    parts = urlsplit(address)
    if parts.scheme == "https":
        return ok("They come by https.")
    if _is_loopback(parts.hostname or ""):
        return ok("They come from this machine.")
    return warn("Recordings and their key go over the network in plain.", evidence="http")


def _hosts(config: Config) -> Iterator[str]:
    addresses = [config.client.address, config.stt.endpoint or "", config.store.media_url or ""]
    addresses += [config.jobs.broker.get_secret_value()] if config.jobs.broker else []
    addresses += [config.store.url.get_secret_value()] if config.store.url else []
    for each in addresses:
        if host := urlsplit(each).hostname:
            yield host


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _is_spared(host: str, endings: list[str]) -> bool:
    return "*" in endings or any(host == each or host.endswith(f".{each}") for each in endings)


CHECKS = (names, proxies, doors, media)
