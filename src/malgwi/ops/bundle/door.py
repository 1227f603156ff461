"""Whether a stack hears: given to Python inside of its API's container, it sends the canary by the
door, waits for what comes of it, and prints that. It imports nothing of ours but the clip, so that
it works with the images of every version."""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from importlib.resources import files
from pathlib import Path
from typing import Any

PLAIN, SECURE = "http://nginx:8080", "https://nginx:8443"
PATIENCE, PACE = 600.0, 0.5  # seconds
BOUNDARY = "malgwi-canary"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    unnamed = ssl.create_default_context()  # its certificate has the name that people use
    unnamed.check_hostname, unnamed.verify_mode = False, ssl.CERT_NONE
    handlers = (urllib.request.HTTPSHandler(context=unnamed), urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(_Stay(), *handlers)


class Door:
    """As a client has it."""

    def __init__(self, key: str) -> None:
        self._headers, self._opener = {"Authorization": f"Bearer {key}"}, _opener()
        self._address = PLAIN
        try:
            self.asked("GET", "/v1/session")
        except urllib.error.HTTPError as error:
            if error.code == 308:
                self._address = SECURE

    def asked(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Any:
        headers = {**self._headers, **({"Content-Type": kind} if kind else {})}
        request = urllib.request.Request(
            self._address + path, data=body, headers=headers, method=method
        )
        with self._opener.open(request, timeout=60) as answer:
            content = answer.read()
        return json.loads(content) if content else None


def form(clip: bytes) -> bytes:
    """The canary and its language. It is another file each time, so that it is heard anew."""
    unlike = b"JUNK" + (16).to_bytes(4, "little") + os.urandom(16)
    size = int.from_bytes(clip[4:8], "little") + len(unlike)
    clip = clip[:4] + size.to_bytes(4, "little") + clip[8:] + unlike
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="'
    fields = "".join(
        f'{part}{name}"\r\n\r\n{value}\r\n'
        for name, value in {"languages": "en", "name": "canary", "lane": "interactive"}.items()
    )
    head = f'{fields}{part}file"; filename="canary.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    return head.encode() + clip + f"\r\n--{BOUNDARY}--\r\n".encode()


def heard(door: Door, clip: bytes, *, keep: bool) -> str:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    made = door.asked("POST", "/v1/recordings", form(clip), kind)
    recording = made["recording"]["id"]
    try:
        return text_of(door, recording, made["job"]["id"])
    finally:
        if not keep:
            door.asked("DELETE", f"/v1/recordings/{recording}?purge=true")


def text_of(door: Door, recording: str, job: str) -> str:
    """Once it is transcribed."""
    began = time.monotonic()
    while (now := door.asked("GET", f"/v1/jobs/{job}"))["state"] != "done":
        if now["state"] in ("failed", "dead", "cancelled"):
            sys.exit(f"the job of the canary is {now['state']}: {now.get('error')}")
        if time.monotonic() - began > PATIENCE:
            sys.exit(f"the canary was not transcribed in {PATIENCE:.0f} seconds")
        time.sleep(PACE)
    [record] = door.asked("GET", f"/v1/recordings/{recording}/transcripts")
    said = door.asked("GET", f"/v1/transcripts/{record['id']}")["utterances"]
    return " ".join(each["text"] for each in said)


def main() -> None:
    from malgwi.stt import CANARY_TEXT

    clip = (files("malgwi.stt") / "canary.wav").read_bytes()
    try:
        door = Door(Path("/run/secrets/admin_key").read_text().strip())
        text = heard(door, clip, keep="keep" in sys.argv)
    except urllib.error.HTTPError as error:
        sys.exit(f"the door answered {error.code}: {error.read(500).decode('utf-8', 'replace')}")
    except OSError as error:
        sys.exit(f"nobody answers at the door: {error}")
    print(json.dumps({"heard": text, "words": CANARY_TEXT}))  # noqa: T201


if __name__ == "__main__":
    main()
