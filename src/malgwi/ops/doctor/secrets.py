"""SECRET and CONF: who can read what should be secret, and settings that are none."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from malgwi.config import Config, data_folder, unknown_settings
from malgwi.errors import BadOption
from malgwi.ops.doctor.base import Found, check, fail, ok, skip, warn
from malgwi.ops.doctor.database import file_of
from malgwi.ops.doctor.subject import Subject

_GIVEN = Path("/run/secrets")  # by compose, readable for all within the container
_NAME = re.compile(
    r"^[ \t]*(?:export[ \t]+)?\w*(?:PASSWORD|SECRET|TOKEN|KEYS?)[ \t]*=[ \t]*['\"]?[^\s'\"#]",
    re.MULTILINE,
)
_ADDRESS = re.compile(r"://[^/:@\s]*:[^/@\s$]+@")
_WEAK = (
    "malgwi",
    "postgres",
    "password",
    "passwort",
    "changeme",
    "change-me",
    "secret",
    "redis",
    "admin",
    "1234",
    "123456",
    "12345678",
    "test",
)
_SHORT = 8


@check(
    "SECRET-001",
    looks="Can only their owner read the files with keys and passwords?",
    why="What everybody on the machine can read is no secret.",
    mend="Run: chmod 600 FILE, and chown it to the user of the service.",
)
def files(subject: Subject) -> Found:
    named = list(_secret_files(subject.config))
    if not named:
        return skip("The settings name none.")
    said = [amiss for each in named if (amiss := _amiss(each))]
    if said:
        return fail("A secret is not as it should be.", evidence="; ".join(said))
    return ok(f"{len(named)} files.")


@check(
    "SECRET-002",
    looks="Are passwords and keys in files, not in the environment?",
    why="docker inspect and /proc show the environment of a service; a file has rights.",
    mend="Use MALGWI_STORE__PASSWORD_FILE and MALGWI_ENGINE__KEY_FILE.",
)
def in_files(subject: Subject) -> Found:
    config, environ = subject.config, subject.machine.environ
    url = config.store.url
    given = {
        "MALGWI_STORE__URL": url and urlsplit(url.get_secret_value()).password,
        "MALGWI_ENGINE__KEYS": config.engine.keys,
        "MALGWI_SERVE__MEDIA_KEY": config.serve.media_key,
        "MALGWI_STORE__MEDIA_KEY": config.store.media_key,
    }
    if loose := [name for name in given if given[name] and not environ.get(f"{name}_FILE")]:
        return warn("A secret is in the environment.", evidence=", ".join(loose))
    return ok("They are, or there are none.")


@check(
    "SECRET-003",
    looks="Can only the service read what is kept?",
    why="Recordings and transcripts are private; the database holds hashes of keys and passwords.",
    mend="Run: chmod 700 FOLDER, and chmod 600 the database file.",
)
def kept(subject: Subject) -> Found:
    folder = data_folder(subject.config)
    if not folder.is_dir():
        return skip("Nothing is kept yet.")
    if not folder.stat().st_mode & stat.S_IXOTH:
        return ok("It can.")
    if folder.stat().st_mode & stat.S_IROTH:
        return warn("Everybody on the machine can look into the data.", evidence=_mode(folder))
    file = file_of(subject)
    if file and file.exists() and file.stat().st_mode & stat.S_IROTH:
        return warn("Everybody on the machine can read the database.", evidence=_mode(file))
    return ok("It can.")


@check(
    "SECRET-004",
    looks="Can only its owner read .env, where it has secrets?",
    why="It has the passwords of all services.",
    mend="Run: chmod 600 .env",
)
def dotenv(subject: Subject) -> Found:
    folder = subject.machine.folder
    found = [each for each in (folder / ".env", folder / "deploy" / ".env") if each.is_file()]
    if not found:
        return skip("There is no .env here.")
    for each in found:
        if not each.stat().st_mode & stat.S_IROTH:
            continue
        text = each.read_text("utf-8", "replace")
        if _NAME.search(text) or _ADDRESS.search(text):
            return fail(
                "Everybody on the machine can read the secrets in .env.", evidence=_mode(each)
            )
    return ok("It can, or there is no secret in it.")


@check(
    "SECRET-005",
    looks="Is the key file one, with hashes and no keys?",
    why="With a fault in it the engine does not start; a key that stands in it is one no longer.",
    mend="Make the line anew: malgwi engine key.",
)
def key_file(subject: Subject) -> Found:
    file = subject.config.engine.key_file
    if file is None:
        return skip("MALGWI_ENGINE__KEY_FILE is not set.")
    from malgwi import gateway

    try:
        keys = gateway.read_keys(file, None)
    except BadOption as error:
        return fail("The key file cannot be used.", evidence=str(error))
    if not keys:
        return warn("The key file has no key in it.", evidence=str(file))
    return ok(f"{len(keys.digests)} keys.")


@check(
    "SECRET-006",
    looks="Are the passwords of database and Redis ones that nobody guesses?",
    why="The passwords of examples are the first that are tried.",
    mend="Make others: openssl rand -hex 24; set them at the server, and in the file.",
)
def guessable(subject: Subject) -> Found:
    weak, given = [], 0
    for name, secret in _passwords(subject.config):
        given += 1
        if secret.lower() in _WEAK or len(secret) < _SHORT:
            weak.append(name)
    if weak:
        return warn("A password can be guessed.", evidence=", ".join(weak))
    return ok(f"{given} passwords." if given else "None is used.")


@check(
    "CONF-001",
    looks="Is every setting one that there is?",
    why="A slip in a name leaves the default in force, without a word.",
    mend="Correct the name; docs/reference/settings.md lists all.",
)
def unknown(subject: Subject) -> Found:
    if said := unknown_settings(subject.machine.environ):
        return warn("Settings are set that there are not.", evidence=" ".join(said))
    return ok("It is.")


@check(
    "CONF-002",
    looks="Do libraries stay offline, where Malgwi is to?",
    why="With MALGWI_OFFLINE=1 we reach for nothing; a library may wait a minute for the hub "
    "first.",
    mend="Set HF_HUB_OFFLINE=1 and TRANSFORMERS_OFFLINE=1 beside MALGWI_OFFLINE=1.",
)
def offline(subject: Subject) -> Found:
    if not subject.config.offline:
        return skip("MALGWI_OFFLINE is not set.")
    if subject.config.stt.engine != "transformers":
        return ok("They do: none that reaches out is used.")
    lacking = [
        each
        for each in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
        if subject.machine.environ.get(each) != "1"
    ]
    if lacking:
        return warn("A library may reach out.", evidence=f"{', '.join(lacking)} not set")
    return ok("They do.")


def _secret_files(config: Config) -> Iterator[Path]:
    named = [config.engine.key_file, config.client.key_file, config.store.password_file]
    option = config.stt.options.get("api_key_file")
    yield from (Path(each) for each in (*named, option) if each)


def _amiss(file: Path) -> str | None:
    try:
        mode = file.stat().st_mode
        with file.open("rb") as opened:
            empty = not opened.read(1)
    except OSError as error:
        return f"{file}: {(error.strerror or type(error).__name__).lower()}"
    if empty:
        return f"{file} is empty"
    if mode & stat.S_IROTH and not file.is_relative_to(_GIVEN):
        return f"{file} can be read by everybody ({stat.filemode(mode)})"
    return None


def _passwords(config: Config) -> Iterator[tuple[str, str]]:
    named = {"MALGWI_STORE__URL": config.store.url, "MALGWI_JOBS__BROKER": config.jobs.broker}
    for name, address in named.items():
        if address and (password := urlsplit(address.get_secret_value()).password):
            yield name, password
    if file := config.store.password_file:
        try:
            yield "MALGWI_STORE__PASSWORD_FILE", file.read_text("utf-8").strip()
        except (OSError, UnicodeError):
            return


def _mode(path: Path) -> str:
    return f"{path}: {stat.filemode(path.stat().st_mode)}"


CHECKS = (files, in_files, kept, dotenv, key_file, guessable, unknown, offline)
