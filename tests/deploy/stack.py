"""Containers that compose brought up, and the door to them."""

import json
import os
import signal
import socket
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import deadline
import httpx
from deploy.engine import Environment

until = partial(deadline.until, seconds=240.0)
"""Machines may be slow, and are not what is tried."""


class Stack:
    """The containers, and the door to them."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self.folder, self.environment = folder, environment
        self.http = httpx.Client(timeout=60, trust_env=False)

    def another(self, name: str, port: int) -> "Stack":
        """Of the same clone, with volumes of its own."""
        project = f"{self.environment['COMPOSE_PROJECT_NAME']}-{name}"
        own = {"COMPOSE_PROJECT_NAME": project, "STACK_HTTP_PORT": str(port)}
        return Stack(self.folder, {**self.environment, **own})

    def up(self) -> "subprocess.CompletedProcess[str]":
        return self.run("./up.sh")

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def compose(self, *arguments: str) -> str:
        done = self.run("docker", "compose", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def state(self, service: str) -> dict[str, Any]:
        id = self.compose("ps", "--quiet", "--all", service).strip()
        [found] = json.loads(self.run("docker", "inspect", id).stdout)
        return dict(found)

    def pid(self, service: str) -> int:
        return int(self.state(service)["State"]["Pid"])

    def kill(self, service: str) -> None:
        """As the kernel would, where memory is short: Docker was not asked, and starts it again."""
        before = self.pid(service)
        os.kill(before, signal.SIGKILL)
        until(lambda: self.pid(service) != before)

    def healthy(self, service: str) -> bool:
        return bool(self.state(service)["State"].get("Health", {}).get("Status") == "healthy")

    def submit(self, sound: Path, **fields: str) -> tuple[str, str]:
        """Ids of the recording and of its job."""
        with sound.open("rb") as file:
            answer = self.http.post("/v1/recordings", files={"file": file}, data=fields)
        assert answer.status_code == 201, answer.text
        made = answer.json()
        return made["recording"]["id"], made["job"]["id"]

    def is_done(self, job: str) -> bool:
        try:
            answer = self.http.get(f"/v1/jobs/{job}")
        except httpx.TransportError:  # the door itself was killed
            return False
        if answer.status_code >= 500:
            return False
        assert answer.json()["state"] not in ("failed", "dead"), answer.text
        return bool(answer.json()["state"] == "done")

    def progress(self, job: str) -> float:
        """Seconds of speech that were recognised."""
        progress = self.http.get(f"/v1/jobs/{job}").json()["progress"]
        return float(progress.get("speech_done", 0.0))

    def said(self, recording: str) -> str:
        [record] = self.http.get(f"/v1/recordings/{recording}/transcripts").json()
        transcript = self.http.get(f"/v1/transcripts/{record['id']}").json()
        return " ".join(each["text"] for each in transcript["utterances"])


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
