"""Clients that go, stall, or come too many at a time; with a real server and real sockets."""

from pathlib import Path

import httpx
from gateway.doors import Doors, doors
from gateway.serving import connect, post, serving, status_in, until
from log_lines import log_lines, parsed

from malgwi.gateway import Limits

MEGABYTE = bytes(1_000_000)


def test_a_client_that_goes_in_mid_upload_leaves_nothing_behind(opened: Doors) -> None:
    with log_lines() as lines, serving(opened.app) as port:
        client = connect(port)
        client.sendall(post("/body", 8_000_000) + MEGABYTE * 4)
        until(opened.files)

        client.close()

        until(lambda: not opened.files() and opened.spool.active == 0)
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200

    (line,) = (each for each in parsed(lines) if each.get("route") == "/body")
    assert (line["message"], line["status"]) == ("broken off", 499)
    assert not [each for each in parsed(lines) if each["level"] == "ERROR"]


def test_a_client_that_goes_in_mid_form_leaves_nothing_behind(opened: Doors) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    with serving(opened.app) as port:
        client = connect(port)
        client.sendall(post("/form", 8_000_000, "multipart/form-data; boundary=B") + head)
        client.sendall(MEGABYTE * 4)
        until(opened.files)

        client.close()

        until(lambda: not opened.files() and opened.spool.active == 0)


def test_a_client_that_goes_while_it_is_served_stops_the_work_and_leaves_nothing(
    opened: Doors,
) -> None:
    head = (
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nsound\r\n--B--\r\n'
    )
    with serving(opened.app) as port:
        client = connect(port)
        client.sendall(post("/work", len(head), "multipart/form-data; boundary=B") + head)
        assert opened.began.wait(10)
        assert len(opened.files()) == 1

        client.close()

        assert opened.stopped.wait(10)
        until(lambda: not opened.files())


def test_a_client_that_goes_in_mid_stream_stops_the_work_and_leaves_nothing(opened: Doors) -> None:
    head = (
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nsound\r\n--B--\r\n'
    )
    with serving(opened.app) as port:
        client = connect(port)
        client.sendall(post("/stream", len(head), "multipart/form-data; boundary=B") + head)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")

        client.close()

        assert opened.stopped.wait(10)
        until(lambda: not opened.files())


def test_a_client_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    with doors(tmp_path / "spool", Limits(silence=0.2)) as opened, serving(opened.app) as port:
        client = connect(port)
        client.sendall(post("/body", 8_000_000) + MEGABYTE * 2)

        answer = client.recv(10_000)

        assert status_in(answer) == 408
        assert opened.files() == []
        client.close()


def test_a_client_that_goes_on_sending_hears_that_it_is_too_much(opened: Doors) -> None:
    with serving(opened.app) as port, connect(port) as client:
        client.sendall(post("/body", 50_000_000))
        for _ in range(50):
            client.sendall(MEGABYTE)  # more than all buffers on the way can hold

        answer = client.recv(10_000)

        assert status_in(answer) == 413
        assert b"connection: close" in answer.lower()
        assert opened.spool.received == 0


def test_a_client_that_asks_before_it_sends_is_refused_at_once(opened: Doors) -> None:
    with serving(opened.app) as port, connect(port) as client:
        head = post("/body", 50_000_000)
        client.sendall(head[:-2] + b"Expect: 100-continue\r\n\r\n")

        assert status_in(client.recv(10_000)) == 413


def test_when_the_server_ends_uploads_in_progress_leave_nothing_behind(opened: Doors) -> None:
    with serving(opened.app) as port:
        client = connect(port)
        client.sendall(post("/body", 8_000_000) + MEGABYTE * 4)
        until(opened.files)

    assert opened.files() == []
    client.close()


def test_an_upload_too_many_waits_for_its_turn(opened: Doors) -> None:
    with serving(opened.app) as port:
        slow = [connect(port) for _ in range(2)]
        for client in slow:
            client.sendall(post("/body", 5) + b"so")
        until(lambda: opened.spool.active == 2)
        third = connect(port)
        third.sendall(post("/body", 5) + b"sound")

        slow[0].sendall(b"und")

        assert status_in(slow[0].recv(10_000)) == 200
        assert status_in(third.recv(10_000)) == 200
        for client in (*slow, third):
            client.close()


def test_an_upload_whose_turn_does_not_come_hears_when_to_try_again(tmp_path: Path) -> None:
    limits = Limits(uploads=2, turn=0.2)
    with doors(tmp_path / "spool", limits) as opened, serving(opened.app) as port:
        slow = [connect(port) for _ in range(2)]
        for client in slow:
            client.sendall(post("/body", 5) + b"so")
        until(lambda: opened.spool.active == 2)

        answer = httpx.post(f"http://127.0.0.1:{port}/body", content=b"sound", timeout=10)

        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "5"
        for client in slow:
            client.close()
