"""MODEL: the models that are here, by names, sizes, and sums of what is small."""

from malgwi.errors import BadOption, ModelBroken, ModelMissing
from malgwi.ops.digest import fault
from malgwi.ops.doctor.base import Found, check, fail, ok, size, skip, warn
from malgwi.ops.doctor.subject import Subject
from malgwi.ops.models import find, listing
from malgwi.ops.registry import read_registry

_SMALL = 16_000_000  # bytes of a file that is read; malgwi models verify reads all
_ELSEWHERE = "Speech is recognised elsewhere: STT_ENDPOINT."
_NONE = "The engine needs no model."
_BRING = "Carry it over and run: malgwi models add FOLDER. With a network: malgwi models pull NAME."


@check(
    "MODEL-001",
    looks="Is the folder of the models there, and not empty?",
    why="A volume that was not mounted, or mounted empty, looks like no models at all.",
    mend=f"Mount the volume, or set MALGWI_MODELS. {_BRING}",
)
def folder(subject: Subject) -> Found:
    place = subject.config.models
    if subject.config.stt.endpoint:
        return skip(_ELSEWHERE)
    if subject.model is None:
        return skip(_NONE)
    try:
        count = sum(each.is_dir() and not each.name.startswith(".") for each in place.iterdir())
    except OSError as error:
        return fail(
            "The folder of the models cannot be read.", evidence=f"{place}: {error.strerror}"
        )
    if not count:
        return fail("The folder of the models is empty.", evidence=str(place))
    return ok(f"{count} models in {place}.")


@check(
    "MODEL-002",
    looks="Is the model of the settings here, with all its files?",
    why="Nothing is recognised without it.",
    mend=_BRING,
)
def default(subject: Subject) -> Found:
    if subject.config.stt.endpoint:
        return skip(_ELSEWHERE)
    if subject.model is None:
        return skip(_NONE)
    try:
        place = find(subject.model, subject.config.models)
    except ModelMissing:
        return fail(f"The model {subject.model} is not here.", evidence=str(subject.config.models))
    except (ModelBroken, BadOption) as error:
        return fail(f"The model {subject.model} cannot be used.", evidence=str(error))
    return ok(f"{subject.model} is in {place}.")


@check(
    "MODEL-003",
    looks="Are the other models whole, by names and sizes?",
    why="Whoever asks for one of them would be refused.",
    mend="Run: malgwi models verify. Then take the broken one away, and bring it anew.",
)
def others(subject: Subject) -> Found:
    here = [each for each in listing(subject.config.models) if each.folder]
    if not here:
        return skip("There are no models.")
    if broken := [each for each in here if each.fault and each.model.name != subject.model]:
        return warn(
            "A model is not whole.",
            evidence="; ".join(f"{each.model.name}: {each.fault}" for each in broken),
        )
    return ok(f"{len(here)} are.")


@check(
    "MODEL-004",
    looks="Are the small files of the model what they should be?",
    why="A pointer of Git LFS, or a file of another model, has the right name and the wrong bytes.",
    mend=f"Run: malgwi models verify, which reads the large ones too. {_BRING}",
)
def sums(subject: Subject) -> Found:
    known = read_registry().get(subject.model or "")
    place = subject.config.models / (subject.model or "")
    if known is None or not place.is_dir():
        return skip("There is no model here whose sums are known.")
    small = [each for each in known.files if each.size <= _SMALL]
    said = (fault(place / each.name, each) for each in small)
    if faults := [each for each in said if each]:
        return fail(
            f"Files of {known.name} are not what they should be.", evidence=" ".join(faults)
        )
    return ok(
        f"{len(small)} files of {known.name} have their sums.", "the large ones were not read"
    )


@check(
    "MODEL-005",
    looks="May the models be used for what they are used for?",
    why="Some licences forbid commercial use.",
    mend="Use another model; or if yours is no commercial use, set MALGWI_ACCEPT_LICENCE=1.",
)
def licences(subject: Subject) -> Found:
    here = [each.model for each in listing(subject.config.models) if each.folder]
    if not here:
        return skip("There are no models.")
    bound = [each for each in here if each.commercial_use is False]
    if bound and not subject.config.accept_licence:
        return warn(
            "A model must not be used commercially.",
            evidence=", ".join(f"{each.name}: {each.licence}" for each in bound),
        )
    unknown = [each.name for each in here if each.commercial_use is None]
    return ok("They may.", f"of {', '.join(unknown)} nobody knows" * bool(unknown))


@check(
    "MODEL-006",
    looks="Is there something left of models that were not fetched to the end?",
    why="It takes room; the next malgwi models pull goes on from there.",
    mend="Run malgwi models pull again, or remove .partial in the folder of the models.",
)
def leftovers(subject: Subject) -> Found:
    left = subject.config.models / ".partial"
    files = [each for each in left.rglob("*") if each.is_file() and each.name != "lock"]
    if files:
        total = sum(each.stat().st_size for each in files)
        return warn("A model was not fetched to the end.", evidence=f"{size(total)} in {left}")
    return ok("Nothing.")


CHECKS = (folder, default, others, sums, licences, leftovers)
