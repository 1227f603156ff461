"""LIB and WHEEL: the libraries of the system that a GPU needs, and the Python packages."""

import re
from importlib.metadata import requires
from typing import TYPE_CHECKING

from malgwi.config import Config
from malgwi.devices import known, numbers, wheel
from malgwi.ops.doctor.base import Found, State, check, fail, ok, skip, warn
from malgwi.ops.doctor.machine import Machine
from malgwi.ops.doctor.subject import Subject, inventory

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_WITHOUT_CUDNN = (4, 6, 3)
_CUDA_13_TORCH = (2, 11)
_OPTIONAL = ("engine", "serve", "client", "console")


@check(
    "LIB-001",
    looks="Is cuBLAS for CUDA 12 here, where a card is?",
    why="CTranslate2 wants it, and says so only at the first piece.",
    mend="Run: pip install --no-index --find-links WHEELS nvidia-cublas-cu12, and put its lib "
    "folder into LD_LIBRARY_PATH.",
)
def cublas(subject: Subject) -> Found:
    wanted = [each for each in _wanted(subject) if each.startswith("libcublas")]
    if not wanted:
        return skip("Nothing here computes on a card with it.")
    if subject.machine.loads(wanted[0]):
        return ok(f"{wanted[0]} loads.")
    found = known("no-libcublas")
    package = subject.machine.installed("nvidia-cublas-cu12")
    evidence = (
        f"nvidia-cublas-cu12 {package} is installed, and not in LD_LIBRARY_PATH"
        if package
        else "nvidia-cublas-cu12 is not installed"
    )
    return fail(f"{wanted[0]} cannot be loaded.", evidence=evidence, cause=found.cause)


@check(
    "LIB-002",
    looks="Is the cuDNN here that this CTranslate2 wants?",
    why="Versions from 4.5 to 4.6.2 want cuDNN 9, older ones 8; without it the process dies.",
    mend="Install CTranslate2 4.6.3 or newer, which needs none, from wheels carried over.",
)
def cudnn(subject: Subject) -> Found:
    wanted = [each for each in _wanted(subject) if each.startswith("cuDNN")]
    if not wanted or subject.library != "ctranslate2":
        return skip("Nothing here computes on a card with it.")
    major = wanted[0].split()[1].partition(".")[0]
    if subject.machine.loads(f"libcudnn.so.{major}"):
        return ok(f"cuDNN {major} loads.")
    found = known(f"no-cudnn-{major}")
    return fail(f"cuDNN {major} cannot be loaded.", cause=found.cause)


@check(
    "LIB-003",
    looks="Can recordings be decoded?",
    why="PyAV brings FFmpeg with it; without it no file is read.",
    mend="Run: pip install --no-index --find-links WHEELS --force-reinstall av",
    seconds=4.5,
)
def decoding(subject: Subject) -> Found:
    try:
        import av
    except (ImportError, OSError) as error:
        return fail("Recordings cannot be decoded.", evidence=f"import av: {type(error).__name__}")
    return ok(f"PyAV {av.__version__} loads.")


@check(
    "WHEEL-001",
    looks="Are the Python packages here that the settings need, in versions that fit?",
    why="One that is missing is found out when it is first needed, in the middle of the work.",
    mend="Run: pip install --no-index --find-links WHEELS --require-hashes -r requirements.lock",
)
def requirements(subject: Subject) -> Found:
    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:
        return skip("The package packaging is not here, which reads requirements.")
    all_of = [Requirement(each) for each in requires("malgwi") or ()]
    needed, amiss = _needed(subject.config), []
    for extra in ("", *needed, *_OPTIONAL):
        of_it = [each for each in all_of if _is_of(each, extra)]
        if extra in _OPTIONAL and not any(
            map(subject.machine.installed, (each.name for each in of_it))
        ):
            continue
        amiss += [said for each in of_it if (said := _lacking(subject.machine, each, extra))]
    if amiss:
        return fail(
            "Python packages are missing, or do not fit.", evidence="; ".join(dict.fromkeys(amiss))
        )
    return ok("They are.", f"malgwi[{','.join(needed)}]")


@check(
    "WHEEL-002",
    looks="Is it python-multipart that reads uploads?",
    why="The package multipart takes its place in the folder and cannot do its work.",
    mend="Run: pip uninstall -y multipart && pip install --no-index --find-links WHEELS "
    "--force-reinstall python-multipart",
)
def multipart(subject: Subject) -> Found:
    installed = subject.machine.installed
    if installed("fastapi") is None:
        return skip("No service is installed here.")
    if installed("python-multipart") is None:
        return fail(
            "Uploads cannot be read.",
            evidence="python-multipart is not installed",
            cause=known("no-python-multipart").cause,
        )
    if version := installed("multipart"):
        return warn("The package multipart is there, too.", evidence=f"multipart {version}")
    return ok(f"python-multipart {installed('python-multipart')}.")


@check(
    "WHEEL-003",
    looks="Do torch and CTranslate2 want the same CUDA?",
    why="torch from 2.11 on brings CUDA 13 only, and CTranslate2 wants cuBLAS of CUDA 12.",
    mend="Install nvidia-cublas-cu12 beside it from wheels carried over, or keep the two in "
    "separate images.",
)
def one_cuda(subject: Subject) -> Found:
    installed = subject.machine.installed
    torch, ours = installed("torch"), installed("ctranslate2")
    if torch is None or ours is None:
        return skip("They are not both here.")
    if (
        numbers(torch) >= _CUDA_13_TORCH
        and "+cu12" not in torch
        and installed("nvidia-cublas-cu12") is None
    ):
        state = State.FAIL if subject.once(inventory).cards else State.WARN
        return Found(
            state,
            "torch brings CUDA 13, CTranslate2 wants 12.",
            f"torch {torch}, ctranslate2 {ours}",
        )
    return ok("They do.", f"torch {torch}, ctranslate2 {ours}")


@check(
    "WHEEL-004",
    looks="Is CTranslate2 a version without known trouble?",
    why="Before 4.6.3 it dies where cuDNN is another; before 4.7 int8 fails on an RTX 50xx.",
    mend="Install CTranslate2 4.7 or newer from wheels carried over.",
)
def ctranslate2(subject: Subject) -> Found:
    version = subject.machine.installed("ctranslate2")
    if version is None:
        return skip("CTranslate2 is not installed.")
    if numbers(version) < _WITHOUT_CUDNN:
        return warn("CTranslate2 is old.", evidence=version)
    if wheel("ctranslate2", version) is None:
        return ok(f"CTranslate2 {version}, which nobody has looked into.")
    return ok(f"CTranslate2 {version}.")


def _wanted(subject: Subject) -> tuple[str, ...]:
    """Libraries of the system that the engine's wheel wants; none without a card."""
    version = subject.library_version
    if version is None or subject.library is None or not subject.once(inventory).cards:
        return ()
    inside = wheel(subject.library, version)
    return inside.libraries if inside else ()


def _needed(config: Config) -> tuple[str, ...]:
    """Extras without which the settings cannot be fulfilled."""
    url = config.store.url.get_secret_value() if config.store.url else ""
    found = {
        config.stt.engine: not config.stt.endpoint,
        "openai-http": bool(config.stt.endpoint),
        config.vad.engine: True,
        "postgresql": url.startswith("postgresql"),
        "celery": config.jobs.queue == "celery",
    }
    return tuple(name for name, needed in found.items() if needed)


def _is_of(requirement: "Requirement", extra: str) -> bool:
    """Whether this machine needs it for the extra, and not without."""
    marker = requirement.marker
    if marker is None:
        return not extra
    if not re.search(r"\bextra\b", str(marker)):
        return not extra and marker.evaluate()
    return bool(extra) and marker.evaluate({"extra": extra})


def _lacking(machine: Machine, requirement: "Requirement", extra: str) -> str | None:
    version = machine.installed(requirement.name)
    of = f" for malgwi[{extra}]" if extra else ""
    if version is None:
        return f"{requirement.name} is missing{of}"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{requirement.name} {version} is here, {requirement.specifier} is wanted{of}"
    return None


CHECKS = (cublas, cudnn, decoding, requirements, multipart, one_cuda, ctranslate2)
