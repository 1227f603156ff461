"""Packets that had nowhere to go, as the kernel counts them for each network."""

from pathlib import Path

_COUNTED = {"Ip": ("OutNoRoutes",), "Udp": ("NoPorts",)}
FILES = ("/proc/net/snmp", "/proc/net/snmp6")


def unreachable() -> int:
    """Of all programs in this network."""
    texts = []
    for name in FILES:
        try:
            texts.append(Path(name).read_text())
        except OSError:
            continue
    return unreachable_in("".join(texts))


def unreachable_in(counters: str) -> int:
    """By the content of the files."""
    found, names = 0, [""]
    for line in counters.splitlines():
        kind, *values = line.split() or [""]
        if kind == "Ip6OutNoRoutes":
            found += int(values[0])
        elif values and kind == names[0]:  # a line of names, then one of values
            table = dict(zip(names[1:], values, strict=True))
            found += sum(int(table[each]) for each in _COUNTED.get(kind.rstrip(":"), ()))
        names = [kind, *values]
    return found
