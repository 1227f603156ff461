"""NODE: all machines of an inventory, looked at from one of them: what each offers to the others,
and what its services tell of themselves.

Each check is made for every node. A node that does not answer is one failure: what else would be
looked at there is skipped, and the others are looked at all the same.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from importlib import import_module
from importlib.metadata import version

from malgwi import jobs
from malgwi.errors import MalgwiError
from malgwi.jobs import Facts
from malgwi.ops.doctor import doors
from malgwi.ops.doctor.base import Check, Found, NotThere, check, fail, ok, skip, warn
from malgwi.ops.doctor.database import seen
from malgwi.ops.doctor.doors import Ports, Site
from malgwi.ops.doctor.subject import Subject
from malgwi.ops.nodes import Inventory
from malgwi.ops.nodes import Node as InventoryNode

_DAY = 86_400.0
_SOON = 30 * _DAY  # until a certificate is over
_FAR = 0.05  # seconds there and back: between machines of one house it is a hundredth of that
_APART, _FAR_APART = 2.0, 30.0  # seconds, as for the clock of one machine
_LIVE_WAIT = 2.0
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED

NodeLook = Callable[[Subject, "Node"], Found]


class Node:
    """A node as the checks see it; what several of them want to know is looked up once."""

    def __init__(self, site: Site, others: "Mapping[str, Node]") -> None:
        """`others` has all of them, by name."""
        self.site = site
        self._others = others
        self.name, self.address = site.node.name, site.node.address
        self._reached = partial(_reached, site)

    def reached(self, subject: Subject) -> Mapping[int, str | None]:
        """By port why it does not answer; None where it does."""
        return subject.once(self._reached)

    def services(self, subject: Subject, role: str = "worker") -> Sequence[Facts]:
        """What those of that role tell of themselves. Raises NotThere."""
        told = subject.once(services)
        of_web = role == "api" and self.site.node == self.site.inventory.web
        return [
            each
            for each in told
            if each.get("role") == role and (of_web or each.get("node") == self.name)
        ]

    def check_alive(self, subject: Subject, *needed: InventoryNode) -> None:
        """And those that are needed as well. Raises NotThere."""
        for each in (self, *(self._others[one.name] for one in needed)):
            if not each.is_alive(subject):
                raise NotThere(f"{each.name} does not answer; NODE-001 says so.")

    def is_alive(self, subject: Subject) -> bool:
        if self.site.doors:
            return None in self.reached(subject).values()
        return bool(self.services(subject))


def _reached(site: Site, subject: Subject) -> Mapping[int, str | None]:
    return doors.reached(subject.machine, site.node.address, [each.port for each in site.doors])


def services(subject: Subject) -> Sequence[Facts]:
    """Raises NotThere."""
    broker = subject.config.jobs.broker
    if broker is None:
        raise NotThere("The settings name no queue, in which workers would tell how they are.")
    try:
        return jobs.present(broker.get_secret_value())
    except MalgwiError as error:
        raise NotThere("The queue cannot be asked how workers are; QUEUE-001 says why.") from error


def trusting(subject: Subject) -> ssl.SSLContext:
    """Raises NotThere."""
    if not doors.authorities(subject.config):
        raise NotThere("The settings name no authority of our own; run it in the container api.")
    try:
        return doors.trusting(subject.config)
    except OSError as error:
        raise NotThere("The certificate of our authority cannot be read.") from error


_MADE: list[tuple[Check, NodeLook]] = []


def node_check(
    id: str, *, looks: str, why: str, mend: str, seconds: float = 3.0
) -> Callable[[NodeLook], NodeLook]:
    """As `check`, for each node."""

    def making(look: NodeLook) -> NodeLook:
        made = check(id, looks=looks, why=why, mend=mend, seconds=seconds)(_for_no_node)
        _MADE.append((made, look))
        return look

    return making


def _for_no_node(subject: Subject) -> Found:
    return skip("It is looked at for each node: malgwi doctor --all-nodes.")


@node_check(
    "NODE-001",
    looks="Does the node answer?",
    why="What it carries is not there while it does not.",
    mend="Is it switched on, and is its network well? Then on it, in its folder: ./up.sh; and "
    "docker compose ps says what does not run.",
)
def answers(subject: Subject, node: Node) -> Found:
    if node.is_alive(subject):
        return ok(f"{node.name} answers.", node.address)
    said = [f"{port}: {why}" for port, why in sorted(node.reached(subject).items())]
    return fail(
        f"{node.name} does not answer.",
        evidence=f"{node.address}, {'; '.join(said) or 'none of its workers'}; it carries "
        f"{node.site.carries}",
    )


@node_check(
    "NODE-002",
    looks="Does each port answer that the node has for the others?",
    why="A port that is shut is a service that is not there for the other nodes.",
    mend="On the node: docker compose ps, and does its firewall let the other nodes in? "
    "docs/network.md lists who asks what.",
)
def open_ports(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    found = node.reached(subject)
    if not found:
        return skip(f"{node.name} has no port for the others.")
    names = {each.port: each.what for each in node.site.doors}
    shut = [f"{port} ({names[port]}): {why}" for port, why in found.items() if why]
    if shut:
        return fail(f"{node.name} does not answer at all of its ports.", evidence="; ".join(shut))
    return ok(f"{node.name} answers at all of its ports.", ", ".join(map(str, found)))


@node_check(
    "NODE-003",
    looks="Are the ports shut that nobody else needs?",
    why="What can be reached can be attacked; the API, the engine and Wyoming are for their node.",
    mend="See who listens: ss -ltnp. Publish it on 127.0.0.1, or shut it in the firewall.",
)
def shut_ports(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    found = doors.reached(subject.machine, node.address, node.site.shut)
    if stand := [str(port) for port, why in found.items() if why is None]:
        return fail(
            f"{node.name} has ports open that nobody else needs.", evidence=", ".join(stand)
        )
    return ok(f"{node.name} has no other of our ports open.")


@node_check(
    "NODE-004",
    looks="Are the certificates of the node trusted, for its address, and good for long?",
    why="With another certificate than its own the other nodes do not speak with it.",
    mend="Render again, which renews it: malgwi deploy render. Carry the folder to the node, and "
    "there: ./up.sh --force-recreate.",
)
def certificates(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    found, context = node.reached(subject), subject.once(trusting)
    secured = [each for each in node.site.doors if each.speaks != "http"]
    secured = [each for each in secured if found[each.port] is None]
    if not secured:
        return skip(f"{node.name} has no port with a certificate.")
    days: list[int] = []
    for door in secured:
        trusted = doors.trusting(subject.config, by_name=False) if door.foreign else context
        try:
            days.append(int(doors.left(node.address, door, trusted) / _DAY))
        except ssl.SSLCertVerificationError as error:
            if door.foreign and error.verify_code != _EXPIRED:
                continue
            said = f"port {door.port}: {error.verify_message}"
            return fail(f"{node.name} has a certificate that does not count.", evidence=said)
        except (OSError, KeyError) as error:
            said = f"port {door.port}: {str(error) or type(error).__name__}"
            return fail(f"{node.name} has a port without TLS.", evidence=said)
    if not days:
        return skip(f"{node.name} has no port with a certificate.")
    if min(days) * _DAY < _SOON:
        return warn(
            f"{node.name} has a certificate that is over soon.", evidence=f"{min(days)} days left"
        )
    return ok(f"{node.name} has certificates that count.", f"{min(days)} days left")


@node_check(
    "NODE-005",
    looks="Is the way to the node short?",
    why="Each piece of speech and each note of a job goes there and back.",
    mend="Measure it: ping ADDRESS. A cable, a switch of the house, and no VPN between the nodes.",
)
def near(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    stand = [port for port, why in node.reached(subject).items() if why is None]
    if not stand:
        return skip(f"{node.name} has no port for the others.")
    try:
        took = doors.there_and_back(node.address, stand[0])
    except OSError as error:
        raise NotThere(f"{node.name} has no port for the others.") from error
    said = f"{took * 1000:.1f} ms to connect"
    if took > _FAR:
        return warn(f"{node.name} is far away.", evidence=said)
    return ok(f"{node.name} is near.", said)


@node_check(
    "NODE-006",
    looks="Is the clock of the node that of the others?",
    why="Jobs, sessions and certificates count on one time; recordings are told apart by it.",
    mend="Let all nodes keep their clocks by the same server: chronyc sources.",
    seconds=4.5,
)
def clock(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    ahead = [*_by_date(subject, node), *_by_database(subject, node), *_by_workers(subject, node)]
    if not ahead:
        return skip(f"{node.name} does not tell the time.")
    apart = max(map(abs, ahead))
    said = f"{apart:,.1f} s apart"
    if apart > _FAR_APART:
        return fail(f"{node.name} has a clock that is far from the others.", evidence=said)
    if apart > _APART:
        return warn(f"{node.name} has a clock that is not that of the others.", evidence=said)
    return ok(f"{node.name} has the clock of the others.", said)


@node_check(
    "NODE-007",
    looks="Does each worker that the node should have tell that it is there?",
    why="Jobs of its queues wait, or others have to do them.",
    mend="On the node: docker compose ps, and docker compose logs worker. A worker waits for its "
    "engine.",
)
def workers(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    wanted, found = node.site.node.engines, node.services(subject)
    if not wanted and not found:
        return skip(f"{node.name} has no workers.")
    said = f"{len(found)} of {wanted}"
    if len(found) < wanted:
        return fail(f"{node.name} has too few workers.", evidence=said)
    if any(set(each.get("queues", ())) != set(node.site.node.queues) for each in found):
        queues = sorted({name for each in found for name in each.get("queues", ())})
        return warn(
            f"{node.name} has workers for other queues than the inventory says.",
            evidence=", ".join(queues),
        )
    return ok(f"{node.name} has its workers.", said)


@node_check(
    "NODE-008",
    looks="Is the same Malgwi on every node?",
    why="An older one does not know what a newer one keeps and asks.",
    mend="Bring the same images to all nodes: malgwi bundle install, then ./up.sh on each.",
)
def versions(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    ours = version("malgwi")
    found: list[tuple[str, str]] = []
    for each in (*node.services(subject), *node.services(subject, "api")):
        found.append((str(each.get("role")), str(each.get("version"))))
        if theirs := each.get("engine", {}).get("version"):
            found.append(("engine", str(theirs)))
    if not found:
        return skip(f"{node.name} has nothing of Malgwi that tells its version.")
    other = sorted({f"{role} {each}" for role, each in found if each != ours})
    if other:
        said = f"{', '.join(other)}; here {ours}"
        return fail(f"{node.name} runs another Malgwi.", evidence=said)
    return ok(f"{node.name} runs the same Malgwi.", ours)


@node_check(
    "NODE-009",
    looks="Do the engines of the node compute on what the inventory says?",
    why="An engine that fell back to the CPU is ten times as slow.",
    mend="On the node: docker compose exec engine malgwi doctor --only GPU,DRV,LIB.",
)
def devices(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    wanted = "cuda" if node.site.node.gpus else "cpu"
    told = [each["engine"] for each in node.services(subject) if each.get("engine")]
    if faults := [str(each["fault"]) for each in told if each.get("fault")]:
        return fail(
            f"{node.name} has an engine that its worker cannot ask.", evidence="; ".join(faults)
        )
    if reasons := sorted({reason for each in told for reason in each.get("fallbacks", ())}):
        return fail(
            f"{node.name} has an engine that fell back to the CPU.", evidence="; ".join(reasons)
        )
    found = sorted({device for each in told for device in each.get("devices", ())})
    if not found:
        return skip(f"{node.name} has no engine that has loaded a model.")
    if any(each.partition(":")[0] != wanted for each in found):
        said = f"{', '.join(found)}; the inventory says {wanted}"
        return fail(f"{node.name} computes on something else.", evidence=said)
    return ok(f"{node.name} computes on what the inventory says.", ", ".join(found))


@node_check(
    "NODE-010",
    looks="Are the services of the node those of the one database, and their folders, too?",
    why="A node with another database keeps what nobody finds; with another folder it starts not.",
    mend="Render again, and copy the folder of the node anew. A folder of another installation: "
    "docker compose down, then docker volume rm the volume data, on a node without the recordings.",
    seconds=4.5,
)
def identity(subject: Subject, node: Node) -> Found:
    node.check_alive(subject, node.site.inventory.data)
    found = [*node.services(subject), *node.services(subject, "api")]
    known = [each["database"] for each in found if each.get("database")]
    if not known:
        return skip(f"{node.name} has no service that asks the database.")
    if faults := [str(each["fault"]) for each in known if each.get("fault")]:
        return fail(f"{node.name} cannot ask the database.", evidence="; ".join(sorted(faults)))
    ours = seen(subject).condition.instance
    theirs = {str(each.get(key)) for each in known for key in ("instance", "folder")} - {"None"}
    if theirs - {str(ours)}:
        said = f"{', '.join(sorted(theirs - {str(ours)}))}; here {ours}"
        return fail(f"{node.name} is of another installation.", evidence=said)
    return ok(f"{node.name} is of this installation.", str(ours))


@node_check(
    "NODE-011",
    looks="Can the workers of the node fetch recordings?",
    why="Without the recordings they can do no job.",
    mend="The same key in MALGWI_SERVE__MEDIA_KEY_FILE of the API and MALGWI_STORE__MEDIA_KEY_FILE "
    "of the worker: malgwi deploy render writes both.",
)
def media(subject: Subject, node: Node) -> Found:
    node.check_alive(subject, node.site.inventory.web)
    found = node.services(subject)
    fetching = [each["media"] for each in found if each.get("media")]
    if not fetching:
        if found and node.site.node != node.site.inventory.web:
            return fail(f"{node.name} has workers that do not fetch recordings.")
        return skip(f"{node.name} has no workers that fetch recordings.")
    if faults := sorted({str(each["fault"]) for each in fetching if each.get("fault")}):
        return fail(f"{node.name} cannot fetch recordings.", evidence=" ".join(faults))
    return ok(f"{node.name} fetches recordings.", str(fetching[0].get("from")))


@node_check(
    "NODE-012",
    looks="Is somebody behind the doors of the node?",
    why="A door can stand open before a service that is not there.",
    mend="On the node: docker compose ps, and docker compose logs api engine.",
)
def behind(subject: Subject, node: Node) -> Found:
    node.check_alive(subject)
    asking = {"the door": "/health/live", "the engine of the API": "/health/live"}
    found, context = node.reached(subject), subject.once(trusting)
    seen_any = False
    for what, path in asking.items():
        door = node.site.door(what)
        if door is None or found[door.port] is not None:
            continue
        seen_any = True
        try:
            answer = doors.asked(node.address, door, path, context, _LIVE_WAIT)
        except OSError as error:
            said = f"port {door.port}: {str(error) or type(error).__name__}"
            return fail(f"{node.name} has nobody behind {what}.", evidence=said)
        if answer.status != 200:
            said = f"port {door.port}: {answer.status}"
            return fail(f"{node.name} has nobody behind {what}.", evidence=said)
    if not seen_any:
        return skip(f"{node.name} has no door to a service.")
    return ok(f"{node.name} has its services behind its doors.")


def _by_date(subject: Subject, node: Node) -> list[float]:
    """How far this machine is ahead of it, by the header Date of what answers over https."""
    try:
        context = subject.once(trusting)
    except NotThere:
        return []
    for door in node.site.doors:
        if door.speaks != "https" or node.reached(subject)[door.port] is not None:
            continue
        try:
            answer = doors.asked(node.address, door, "/health/live", context, _LIVE_WAIT)
            theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
        except (OSError, TypeError, ValueError):
            continue
        # It tells whole seconds, and told them before now.
        return [max(0.0, abs(subject.machine.now() - theirs) - 1.0)]
    return []


def _by_database(subject: Subject, node: Node) -> list[float]:
    if node.site.node != node.site.inventory.data:
        return []
    try:
        looked = seen(subject)
    except NotThere:
        return []
    at = looked.condition.clock
    return [] if at is None else [looked.at - at.timestamp()]


def _by_workers(subject: Subject, node: Node) -> list[float]:
    """How far they are ahead of the database, as they have measured it."""
    try:
        found = node.services(subject)
    except NotThere:
        return []
    told = (each.get("database", {}).get("ahead") for each in found)
    return [float(each) for each in told if isinstance(each, int | float)]


NODE_CHECKS: Sequence[Check] = tuple(made for made, _ in _MADE)
"""All there is, for no node in particular."""


def node_checks(inventory: Inventory, ports: Ports | None = None) -> Sequence[Check]:
    """Those of all nodes."""
    _load()
    nodes: dict[str, Node] = {}
    for each in inventory.nodes:
        nodes[each.name] = Node(Site(inventory, each, ports or Ports()), nodes)
    return [_of(made, look, node) for node in nodes.values() for made, look in _MADE]


def _load() -> None:
    """What takes long to load, before the checks' time runs: dozens of threads that load it at once
    take much longer."""
    for name in ("redis", "psycopg", "alembic", "malgwi.store"):
        with suppress(ModuleNotFoundError):
            import_module(name)


def _of(made: Check, look: NodeLook, node: Node) -> Check:
    return Check(
        made.id, made.looks, made.why, made.mend, lambda subject: look(subject, node), made.seconds
    )
