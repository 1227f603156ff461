"""Every page of the console as a picture: `make screenshots OUT=out/screenshots`.

Starts a service of its own in an empty folder, transcribes the sample, and looks at each page in
Korean and English, light and dark, 1280 and 390 pixels wide. Needs tools/chromium.sh and the models
`whisper-base` and `sample`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

MODELS = Path(os.environ.get("MALGWI_MODELS") or Path.home() / ".malgwi" / "models")
SAMPLE = MODELS / "sample" / "four-channels.wav"
LANGUAGES = {"ko": "ko-KR", "en": "en-GB"}
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
GLOSSARY = "written,spoken\n북문,붕문\nMalgwi,mal gwi\n"


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "out/screenshots")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        with service(Path(folder) / "empty") as address:
            _look(chromium, address, {"first": "/first", "empty": "/recordings"}, out)
        with service(Path(folder) / "full") as address:
            _look(chromium, address, _pages(_filled(address)), out)
        chromium.close()
    print(f"{len(list(out.glob('*.png')))} pictures are in {out}.")


def _pages(transcript: str) -> dict[str, str]:
    lists = ("recordings", "search", "glossaries", "jobs", "status", "people", "sign-in")
    return {
        **{name: f"/{name}" for name in lists},
        "found": "/search?q=the",
        "glossary": "/glossaries/names",
        "transcript": f"/transcripts/{transcript}#t=12",
    }


@contextmanager
def service(home: Path) -> Iterator[str]:
    """The address of a service in which there is nothing."""
    home.mkdir()
    environment = {**os.environ, "MALGWI_HOME": str(home), "MALGWI_MODELS": str(MODELS)}
    command = [sys.executable, "-c", "from malgwi.cli import main; main()", "serve", "--port", "0"]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            command,
            env=environment | {"MALGWI_ENGINE__WYOMING": "0"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            sys.exit((home / "log").read_text())
        try:
            yield line.split()[2].rstrip(".")
        finally:
            process.terminate()


def _filled(address: str) -> str:
    """Puts the sample in; the id of its transcript."""
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as http:
        http.put(
            "/v1/glossaries/names",
            content=GLOSSARY.encode(),
            headers={"content-type": "text/csv"},
        ).raise_for_status()
        with SAMPLE.open("rb") as sound:
            fields = {
                "name": "네 사람 · Four people",
                "labels": ["sample", "교신"],
                "languages": "en",
            }
            made = http.post("/v1/recordings", files={"file": sound}, data=fields).json()
        http.post(
            "/v1/recordings",
            files={"file": ("memo.txt", b"no sound in here" * 100)},
            data={"name": "memo.txt"},
        )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = http.get(f"/v1/recordings/{made['recording']['id']}/transcripts").json()
            if found:
                return str(found[0]["id"])
            time.sleep(0.5)
    sys.exit("The sample was not transcribed within two minutes.")


def _look(chromium: Browser, address: str, pages: dict[str, str], out: Path) -> None:
    for (language, locale), scheme, width in product(LANGUAGES.items(), SCHEMES, WIDTHS):
        context = chromium.new_context(
            base_url=address,
            locale=locale,
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 800},
        )
        context.add_cookies([{"name": "malgwi_later", "value": "1", "url": address}])
        page = context.new_page()
        for name, path in pages.items():
            page.goto(path, wait_until="load")
            page.wait_for_timeout(1200)
            page.screenshot(path=out / f"{name}-{language}-{scheme}-{width}.png")
        context.close()


if __name__ == "__main__":
    main()
