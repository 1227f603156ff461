"""What is wrong here, before it hurts: checks that look at the machine and change nothing on it.

`examine` runs them all at once, `CHECKS` is what there is, `diagnoses` reads captured words. Each
check has an id that stays, says what it saw, why, and what to do, first of all without a network.

    base, examination       what a check is, and how all of them are run
    machine, subject        what they look at
    host, disk, clock       HOST MEM, DISK, CLOCK
    docker, compose         DOCK, COMPOSE
    gpu, packages           GPU DRV, LIB WHEEL
    models, database, queue MODEL, DB, QUEUE
    services, network       PORT ENGINE, NET
    secrets                 SECRET CONF
    all_nodes, doors        NODE: all machines of an inventory, from one of them
    telling                 what a service tells of itself to who looks at all machines
    logfile, report         from captured words to diagnoses; for people and for programs
"""

from malgwi.ops.doctor import (
    clock,
    compose,
    database,
    disk,
    docker,
    gpu,
    host,
    models,
    network,
    packages,
    queue,
    secrets,
    services,
)
from malgwi.ops.doctor.all_nodes import NODE_CHECKS, node_checks
from malgwi.ops.doctor.base import Check, Found, State
from malgwi.ops.doctor.doors import Ports
from malgwi.ops.doctor.examination import Examination, Result, chosen, examine
from malgwi.ops.doctor.logfile import Told, diagnoses
from malgwi.ops.doctor.machine import Machine
from malgwi.ops.doctor.report import Say, as_json, explanation, known_check, lines, log_lines
from malgwi.ops.doctor.subject import Subject
from malgwi.ops.doctor.telling import facts, unchanging

CHECKS = (
    *host.CHECKS,
    *disk.CHECKS,
    *clock.CHECKS,
    *docker.CHECKS,
    *compose.CHECKS,
    *gpu.CHECKS,
    *packages.CHECKS,
    *models.CHECKS,
    *database.CHECKS,
    *queue.CHECKS,
    *services.CHECKS,
    *network.CHECKS,
    *secrets.CHECKS,
)
"""All that there are of one machine."""

__all__ = [
    "CHECKS",
    "NODE_CHECKS",
    "Check",
    "Examination",
    "Found",
    "Machine",
    "Ports",
    "Result",
    "Say",
    "State",
    "Subject",
    "Told",
    "as_json",
    "chosen",
    "diagnoses",
    "examine",
    "explanation",
    "facts",
    "known_check",
    "lines",
    "log_lines",
    "node_checks",
    "unchanging",
]
