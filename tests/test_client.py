"""The client and its commands against a service that runs: what they send, follow, find, fetch."""

import hashlib
import json
import signal
import socket
import subprocess
import sys
import wave
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from audio.soundfiles import tone, tones, write
from click.testing import CliRunner, Result
from rich.console import Console
from test_library import Library, library, slow, until
from test_serving import ENGINE, environment

from malgwi import client_display
from malgwi.cli import main
from malgwi.client import LARGE, Client, Hit, Job
from malgwi.errors import (
    BadInput,
    BadOption,
    Conflict,
    MalgwiError,
    NetworkError,
    NotFound,
    OutputExists,
)

KEY = "a-key-that-nobody-guesses"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A service that hears "hello there" wherever there is sound."""
    with library(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A service that takes its time."""
    folder = tmp_path_factory.mktemp("busy")
    with library(folder, MALGWI_STT__OPTIONS=slow(30.0)) as service:
        yield service


@pytest.fixture
def client(running: Library) -> Iterator[Client]:
    with Client(address(running)) as opened:
        yield opened


@pytest.fixture
def radio(tmp_path: Path) -> Path:
    """Nobody has sent it before: no two tests have the same."""
    frequency = 300.0 + int(hashlib.sha256(str(tmp_path).encode()).hexdigest()[:4], 16) / 100
    return write(tmp_path / "북문 radio.wav", tone(frequency, 3.0, 16_000), 16_000)


def address(running: Library) -> str:
    return str(running.http.base_url)


def run(running: Library, *arguments: str, **settings: str) -> Result:
    settings = {"MALGWI_CLIENT__ADDRESS": address(running), **settings}
    return CliRunner().invoke(main, arguments, env=settings)


class Line:
    """The way to a service, which can break: a proxy that hangs up after so many bytes."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.breaks_after: list[int] = []
        """Bytes from the client; one break each."""
        self.broke = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listening.accept()
                Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        host, port = self.target.removeprefix("http://").rstrip("/").split(":")
        with caller, suppress(OSError), socket.create_connection((host, int(port))) as service:
            back = Thread(target=_copied, args=(service, caller), daemon=True)
            back.start()
            passed = 0
            while data := caller.recv(65536):
                service.sendall(data)
                passed += len(data)
                if self.breaks_after and passed > self.breaks_after[0]:
                    self.breaks_after.pop(0)
                    self.broke += 1
                    break
            for each in (caller, service):  # closing alone would not end what is being received
                each.shutdown(socket.SHUT_RDWR)


def _copied(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            to.sendall(data)
    with suppress(OSError):
        to.shutdown(socket.SHUT_RDWR)


@contextmanager
def somebody_else(
    status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b"Welcome!"
) -> Iterator[str]:
    """The address of a server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_a_recording_is_sent_waited_for_and_fetched(
    client: Client, radio: Path, tmp_path: Path
) -> None:
    seen: list[Job] = []

    submitted = client.submit(radio, labels=["night"], languages=["en"])
    job = client.wait(submitted["job"]["id"], seen.append)

    assert submitted["recording"]["name"] == radio.name
    assert submitted["recording"]["labels"] == ["night"]
    assert (job["state"], job["error"]) == ("done", None)
    assert seen[-1] == job and seen[-1]["progress"]["audio_done"] == 3.0
    [record] = client.transcripts(submitted["recording"]["id"])
    assert record["id"] == job["progress"]["transcript"]
    assert "hello there" in client.transcript(record["id"])["utterances"][0]["text"]
    written = client.export(record["id"], "srt", tmp_path / "out.srt")
    assert "hello there" in written.read_text("utf-8")
    assert client.export(record["id"], "txt", tmp_path) == tmp_path / "북문 radio.txt"
    assert not list(tmp_path.glob(".*"))


def test_what_is_there_already_is_not_kept_twice(client: Client, radio: Path) -> None:
    first = client.submit(radio)

    again = client.submit(radio)

    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert again["job"]["id"] == first["job"]["id"]


def test_files_on_one_clock_are_one_recording(client: Client, radio: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.wav", tones(2, seconds=2.0), 16_000)
    began = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    submitted = client.submit(
        [radio, other],
        name="Night watch",
        channel_labels=["tower", "ground", "gate"],
        offsets=[0.0, 1.25],
        started=began,
        metadata={"shift": "야간"},
        languages=["en", "auto", "en"],
    )
    done = client.wait(submitted["job"]["id"])

    assert done["state"] == "done", done["error"]
    kept = client.recording(submitted["recording"]["id"])
    assert (kept["name"], kept["metadata"]) == ("Night watch", {"shift": "야간"})
    assert kept["channel_labels"] == ["tower", "ground", "gate"]
    assert datetime.fromisoformat(kept["started"] or "") == began
    assert kept["duration"] == pytest.approx(3.25, abs=0.1)
    assert kept["id"] in [each["id"] for each in client.recordings(name="Night watch")]


@pytest.mark.slow
def test_what_is_large_goes_on_where_the_connection_broke(
    running: Library, radio: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.wav"
    with wave.open(str(large), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(LARGE))
    sent: list[int] = []

    with closing(Line(address(running))) as line, Client(line.address) as client:
        line.breaks_after = [2**24, 2**22]
        submitted = client.submit(
            [radio, large],
            labels=["long", "quiet"],
            offsets=[0.0, 1.5],
            metadata={"shift": "야간"},
            on_sent=lambda done, of: sent.append(done),
        )
        again = client.submit([radio, large], offsets=[0.0, 1.5])
        client.cancel(submitted["job"]["id"])

        size = radio.stat().st_size + large.stat().st_size
        media = running.http.get(f"/v1/recordings/{submitted['recording']['id']}").json()["media"]
        assert line.broke == 2
        assert sorted(submitted["recording"]["labels"]) == ["long", "quiet"]
        assert submitted["recording"]["metadata"] == {"shift": "야간"}
        for path, kept in zip((radio, large), media, strict=True):
            assert kept["name"] == path.name
            assert kept["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert [each["offset"] for each in media] == [0.0, 1.5]
        assert sent[-1] == size and sent != sorted(sent)
        assert (submitted["duplicate"], again["duplicate"]) == (False, True)


@pytest.mark.slow
def test_waiting_outlives_a_new_start_of_the_service(tmp_path: Path, radio: Path) -> None:
    with ThreadPoolExecutor(1) as one:
        with library(tmp_path, MALGWI_STT__OPTIONS=slow(60.0)) as first:
            line = Line(address(first))
            client = Client(line.address)
            submitted = client.submit(radio, languages=["en"])
            seen: list[Job] = []
            waiting = one.submit(client.wait, submitted["job"]["id"], seen.append)
            until(lambda: seen and seen[-1]["state"] == "running")
            first.process.kill()
            first.process.wait()
        with library(tmp_path) as second, closing(line), client:
            line.target = address(second)

            assert waiting.result(timeout=60)["state"] == "done"


@pytest.mark.slow
def test_jobs_are_listed_called_off_and_tried_again(
    client: Client, running: Library, tmp_path: Path
) -> None:
    (tmp_path / "notes.wav").write_text("this is no sound")
    dead = client.wait(client.submit(tmp_path / "notes.wav")["job"]["id"])

    assert dead["state"] == "dead"
    assert dead["id"] in [each["id"] for each in client.jobs(state="dead", limit=1)]
    assert dead["id"] not in [each["id"] for each in client.jobs(state="done", limit=1)]
    shown = run(running, "jobs", dead["id"])
    assert shown.exit_code == 0 and str(dead["error"]) in shown.stdout
    listed = run(running, "jobs", "--state", "dead")
    assert [each.split()[:2] for each in listed.stdout.splitlines()] == [[dead["id"], "dead"]]
    tried = run(running, "jobs", dead["id"], "--retry", "--json")
    assert json.loads(tried.stdout)["state"] in ("queued", "running", "dead")
    assert client.wait(dead["id"])["state"] == "dead"
    assert client.cancel(dead["id"])["state"] == "dead"
    other = client.submit(write(tmp_path / "other.wav", tone(777.0, 1.0, 16_000), 16_000))
    client.wait(other["job"]["id"])
    with pytest.raises(Conflict):
        client.retry(other["job"]["id"])


@pytest.mark.slow
def test_a_job_is_called_off(busy: Library, radio: Path) -> None:
    with Client(address(busy)) as client:
        job = client.submit(radio, languages=["en"])["job"]

        shown = run(busy, "jobs", job["id"], "--cancel")

        assert shown.exit_code == 0, shown.stderr
        assert client.wait(job["id"])["state"] == "cancelled"


@pytest.mark.slow
def test_what_was_said_is_found_page_after_page(
    client: Client, running: Library, tmp_path: Path
) -> None:
    submitted = client.submit(
        write(tmp_path / "four.wav", tones(4, seconds=2.0), 16_000),
        name="Four",
        labels=["four"],
        channel_labels=["tower", "ground", "gate", "yard"],
        languages=["en"],
        started=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    )
    client.wait(submitted["job"]["id"])

    hits = list(client.search("hello", label="four", limit=1))

    assert sorted(each["channel"] for each in hits) == [0, 1, 2, 3]
    assert {each["recording"] for each in hits} == {submitted["recording"]["id"]}
    assert [hits[0]["text"][slice(*part)] for part in hits[0]["parts"]] == ["hello"]
    assert not list(client.search("goodbye"))
    shown = run(running, "search", "hello", "--label", "four", "--channel", "2")
    assert (shown.exit_code, len(shown.stdout.splitlines())) == (0, 2), shown.stderr
    for part in ("Four", "· gate", "hello there", submitted["recording"]["name"]):
        assert part in shown.stdout
    assert run(running, "search", "hello", "--label", "four", "--until", "2026-02-01").stdout == ""
    since = ("--label", "four", "--since", "2026-02-01", "--limit", "3", "--json")
    found = run(running, "search", "hello", *since).stdout.splitlines()
    assert [json.loads(each)["text"] for each in found] == [hits[0]["text"]] * 3


@pytest.mark.slow
def test_without_the_right_key_it_is_said_how_to_give_one(tmp_path: Path, radio: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    with library(tmp_path, MALGWI_ENGINE__KEYS=KEY) as locked:
        for key, sentence in ((None, "wants a key"), ("one-that-is-wrong", "not one of those")):
            with (
                Client(address(locked), key) as stranger,
                pytest.raises(BadOption, match=f"{sentence}.*MALGWI_CLIENT__KEY_FILE"),
            ):
                stranger.submit(radio)
        refused = run(locked, "jobs")
        assert refused.exit_code == 2 and "MALGWI_CLIENT__KEY_FILE" in refused.stderr
        let_in = run(locked, "jobs", MALGWI_CLIENT__KEY_FILE=str(tmp_path / "key"))
        assert let_in.exit_code == 0, let_in.stderr

        with Client(address(locked), KEY) as administrator:
            assert not list(administrator.jobs())
        role = {"name": "reader", "role": "viewer"}
        locked.http.headers["Authorization"] = f"Bearer {KEY}"
        viewer = locked.http.post("/v1/keys", json=role).json()["secret"]
        with Client(address(locked), viewer) as reader:
            assert not list(reader.recordings())
            with pytest.raises(BadOption, match=r"role.*MALGWI_CLIENT__KEY_FILE"):
                reader.submit(radio)


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "cannot be read"), ("", "no key"), ("two words", "is none")]
)
def test_a_file_without_a_key_in_it_is_refused(
    running: Library, tmp_path: Path, content: str | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)

    refused = run(running, "jobs", MALGWI_CLIENT__KEY_FILE=str(tmp_path / "key"))

    assert refused.exit_code == 2 and sentence in refused.stderr


def test_where_nothing_answers_it_is_said_what_to_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = f"http://127.0.0.1:{taken.getsockname()[1]}"

    with Client(free) as client, pytest.raises(NetworkError, match="malgwi serve"):
        client.job("any")
    with Client(free) as client, pytest.raises(NetworkError, match="malgwi serve"):
        client.wait("any")


@pytest.mark.parametrize("status", [200, 404, 500])
def test_who_is_no_service_of_ours_is_not_believed(status: int) -> None:
    with (
        somebody_else(status) as elsewhere,
        Client(elsewhere) as client,
        pytest.raises(NetworkError, match="Is it the address of"),
    ):
        client.job("any")


def test_a_key_is_not_carried_to_another_address() -> None:
    with (
        somebody_else() as other,
        somebody_else(307, {"Location": other}) as elsewhere,
        Client(elsewhere, KEY) as client,
        pytest.raises(NetworkError, match="not followed"),
    ):
        client.job("any")


@pytest.mark.parametrize("wrong", ["here", "ftp://127.0.0.1", "http://", "http://here:port", ""])
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(BadOption, match="An example"):
        Client(wrong)


def test_files_that_are_not_there_are_said_before_anything_is_sent(
    client: Client, radio: Path, tmp_path: Path
) -> None:
    for missing in (tmp_path / "missing.wav", tmp_path):
        with pytest.raises(BadInput, match=missing.name):
            client.submit([radio, missing])
    with pytest.raises(BadInput, match="no file"):
        client.submit([])

    assert not client.submit(radio)["duplicate"]


@pytest.mark.parametrize("id", ["none", "../keys", "..", "", "a/b?c#d", "%2e%2e"])
def test_an_id_that_is_none_is_not_found_whatever_is_in_it(client: Client, id: str) -> None:
    with pytest.raises(NotFound):
        client.job(id)
    with pytest.raises(NotFound):
        client.transcript(id)
    with pytest.raises(NotFound):
        client.transcripts(id)


def test_no_file_is_replaced_unasked_and_none_is_left_where_it_fails(
    client: Client, radio: Path, tmp_path: Path
) -> None:
    submitted = client.submit(radio)
    transcript = client.wait(submitted["job"]["id"])["progress"]["transcript"]
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")

    with pytest.raises(OutputExists, match=r"mine\.txt"):
        client.export(transcript, "txt", mine)
    assert mine.read_text() == "mine"
    for id, format, error in ((transcript, "pdf", BadInput), ("none", "txt", NotFound)):
        with pytest.raises(error):
            client.export(id, format, tmp_path / "new.txt")
    client.export(transcript, "txt", mine, overwrite=True)

    assert "hello there" in mine.read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine.txt", radio.name]


def test_an_export_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    half = {"Transfer-Encoding": "chunked"}
    with (
        somebody_else(200, half, b"5\r\nhello\r\n") as elsewhere,
        Client(elsewhere) as client,
        pytest.raises(NetworkError),
    ):
        client.export("any", "txt", tmp_path / "half.txt")

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["..%2F..%2Fescaped.txt", "%2Fetc%2Fpasswd", "..", "%00.txt"])
def test_a_name_from_elsewhere_leads_out_of_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    with somebody_else(200, headers) as elsewhere, Client(elsewhere) as client:
        written = client.export("any", "txt", tmp_path / "in")

    assert written.parent == tmp_path / "in"
    assert written.read_bytes() == b"Welcome!"


@pytest.mark.parametrize("name", ["북" * 120 + ".txt", "x" * 300, "북" * 83 + ".txt"])
def test_a_name_that_no_disk_takes_is_cut(tmp_path: Path, name: str) -> None:
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    with somebody_else(200, headers) as elsewhere, Client(elsewhere) as client:
        written = client.export("any", "txt", tmp_path)

    assert written.read_bytes() == b"Welcome!"
    assert written.suffix == ".txt"
    assert [each.name for each in tmp_path.iterdir()] == [written.name]


def test_the_commands_send_wait_and_fetch(running: Library, radio: Path, tmp_path: Path) -> None:
    sent = run(running, "submit", str(radio), "--language", "en", "--label", "day", "--wait")
    assert sent.exit_code == 0, sent.stderr
    shown = dict(line.split()[:2] for line in sent.stdout.splitlines())
    assert list(shown) == ["Recording", "Job", "Transcript"]
    assert sent.stderr.endswith("Done.\n")

    for id in (shown["Recording"], shown["Transcript"]):
        assert "hello there" in run(running, "export", id).stdout
    fetched = run(running, "export", shown["Recording"], "--out", str(tmp_path / "a.vtt"))
    assert (fetched.exit_code, fetched.stdout) == (0, f"{tmp_path / 'a.vtt'}\n")
    assert (tmp_path / "a.vtt").read_text().startswith("WEBVTT")
    again = run(running, "export", shown["Recording"], "--out", str(tmp_path / "a.vtt"))
    assert again.exit_code == 2 and "--overwrite" in again.stderr
    as_json = run(running, "submit", str(radio), "--wait", "--json")
    told = json.loads(as_json.stdout)
    assert told["duplicate"] and told["job"]["progress"]["transcript"] == shown["Transcript"]


@pytest.mark.slow
def test_a_recording_without_a_transcript_is_told_from_one_that_is_not_there(
    running: Library, tmp_path: Path
) -> None:
    (tmp_path / "silly.wav").write_text("nothing to hear")
    sent = run(running, "submit", str(tmp_path / "silly.wav"), "--wait")
    recording = sent.stdout.split()[1]

    assert sent.exit_code == 1 and "is dead" in sent.stderr
    assert "no transcript yet" in run(running, "export", recording).stderr
    assert "There is no" in run(running, "export", "01a1f853").stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["submit", "missing.wav"], "There is no file missing.wav."),
        (["submit", "a.wav", "--offset", "b.wav=1"], "--offset names b.wav"),
        (["submit", "a.wav", "--started", "yesterday"], "yesterday is no time"),
        (["jobs", "--cancel"], "need the id of a job"),
        (["jobs", "some", "--cancel", "--retry"], "do not go together"),
        (["jobs", "some", "--state", "done"], "leave the id out"),
        (["search", "word", "--since", "0000-01-01"], "is no time"),
    ],
)
def test_what_cannot_be_asked_is_a_sentence(
    running: Library, arguments: list[str], sentence: str
) -> None:
    refused = run(running, *arguments)

    assert (refused.exit_code, refused.stdout) == (2, "")
    [line] = refused.stderr.splitlines()
    assert sentence in line


@pytest.mark.slow
def test_ctrl_c_while_waiting_leaves_the_job_alone_and_says_its_id(
    busy: Library, radio: Path, tmp_path: Path
) -> None:
    waiting = subprocess.Popen(
        [sys.executable, "-c", ENGINE, "submit", str(radio), "--language", "en", "--wait"],
        env=environment(tmp_path, {"MALGWI_CLIENT__ADDRESS": address(busy)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with waiting:
        assert waiting.stderr
        while "Running" not in waiting.stderr.readline():
            assert waiting.poll() is None
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=30)

    job = out.splitlines()[1].split()[1]
    assert waiting.returncode == 130
    assert f"Job {job} goes on" in err
    assert busy.job(job)["state"] == "running"
    assert not busy.job(job)["cancel_asked"]


HIT: Hit = {
    "recording": "r", "recording_name": "night\x1b[2J.wav", "transcript": "t", "utterance": "00-1",
    "channel": 2, "channel_label": "gate", "speaker": None, "start": 62.9, "at": None,
    "text": "at the [bold] north\x1b gate", "parts": [[14, 19]],
}  # fmt: skip


def test_what_matched_is_marked_in_a_terminal_and_only_there() -> None:
    terminal, file = StringIO(), StringIO()

    client_display.print_hit(Console(file=terminal, force_terminal=True, width=200), HIT)
    client_display.print_hit(Console(file=file), HIT)

    assert "\x1b[1;33mnorth\x1b[0m" in terminal.getvalue()
    assert file.getvalue() == "night [2J.wav  1:02 · gate  t\n  at the [bold] north  gate\n"


def test_nothing_that_came_from_elsewhere_moves_the_cursor() -> None:
    assert client_display.plain("a\x1b[2J\r\n\u202eb") == "a [2J   b"


def test_an_error_has_the_sentence_of_the_service_on_one_line() -> None:
    body = json.dumps(
        {"type": "urn:malgwi:problem:odd", "detail": "One\n\x1b[2J line.", "status": 418}
    ).encode()
    with (
        somebody_else(418, {}, body) as elsewhere,
        Client(elsewhere) as client,
        pytest.raises(MalgwiError) as refused,
    ):
        client.job("any")

    assert str(refused.value) == "One [2J line."
