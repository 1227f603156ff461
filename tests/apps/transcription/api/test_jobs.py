import json
from collections.abc import Iterator
from threading import Event, Thread

import httpx
import pytest
from apps.transcription.api.site import NO_ID, Site, uploaded, wav
from gateway.serving import serving, until


def events_in(text: str) -> list[dict[str, str]]:
    """What a browser makes of the stream."""
    blocks = [each for each in text.split("\n\n") if "data:" in each]
    return [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]


def claimed(opened: Site) -> tuple[str, int]:
    job = opened.ledger.claim_next(("batch",), "worker", 60)
    assert job
    return job.id, job.attempt


def test_jobs_are_listed_in_pages_and_narrowed(opened: Site) -> None:
    client = opened.client()
    taken = [uploaded(client, wav(pitch=each)) for each in (1, 2, 3)]
    ids = [each["job"]["id"] for each in taken[::-1]]

    first = client.get("/v1/jobs", params={"limit": 2}).json()
    rest = client.get("/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [each["id"] for each in first["items"] + rest["items"]] == ids
    assert rest["next_cursor"] is None
    recording = taken[0]["recording"]["id"]
    (of_it,) = client.get("/v1/jobs", params={"recording": recording}).json()["items"]
    assert of_it == client.get(f"/v1/jobs/{ids[2]}").json()
    assert of_it["recording"] == recording
    for which in ({"state": "done"}, {"kind": "x"}, {"lane": "live"}):
        assert client.get("/v1/jobs", params=which).json()["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "x"},
        {"cursor": "am9iczox"},
        {"cursor": "é"},
        {"state": "asleep"},
        {"limit": "1e3"},
        {"x": "y"},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(opened: Site, query: dict[str, str]) -> None:
    assert opened.client().get("/v1/jobs", params=query).status_code == 400


def test_a_job_that_waits_is_called_off_at_once(opened: Site) -> None:
    client = opened.client()
    job = uploaded(client)["job"]["id"]

    answer = client.post(f"/v1/jobs/{job}/cancel")

    assert answer.json()["state"] == "cancelled"
    assert client.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert opened.actions()[-1] == "job.cancel"


def test_who_does_a_job_is_asked_to_stop(opened: Site) -> None:
    client = opened.client()
    job = uploaded(client)["job"]["id"]
    claimed(opened)

    answer = client.post(f"/v1/jobs/{job}/cancel").json()

    assert (answer["state"], answer["cancel_asked"]) == ("running", True)


def test_only_a_dead_job_is_tried_again(opened: Site) -> None:
    client = opened.client()
    job = uploaded(client)["job"]["id"]
    assert client.post(f"/v1/jobs/{job}/retry").status_code == 409
    opened.ledger.fail(*claimed(opened), "It cannot be read.", final=True)
    assert client.get(f"/v1/jobs/{job}").json()["error"] == "It cannot be read."

    answer = client.post(f"/v1/jobs/{job}/retry")

    assert answer.json()["state"] == "queued"
    assert [each.id for each in opened.sent] == [job, job]


@pytest.mark.parametrize("name", [NO_ID, "x"])
def test_a_job_that_is_not_here_is_not_found(opened: Site, name: str) -> None:
    client = opened.client()

    answers = [
        client.get(f"/v1/jobs/{name}"),
        client.get(f"/v1/jobs/{name}/events"),
        client.post(f"/v1/jobs/{name}/cancel"),
        client.post(f"/v1/jobs/{name}/retry"),
    ]

    assert {each.status_code for each in answers} == {404}


def test_a_job_that_ended_is_told_once_and_a_browser_does_not_come_again(opened: Site) -> None:
    client = opened.client()
    job = uploaded(client)["job"]["id"]
    client.post(f"/v1/jobs/{job}/cancel")

    answer = client.get(f"/v1/jobs/{job}/events")

    (event,) = events_in(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert event["event"] == "end"
    assert json.loads(event["data"])["state"] == "cancelled"
    again = client.get(f"/v1/jobs/{job}/events", headers={"last-event-id": event["id"]})
    assert again.status_code == 204
    other = client.get(f"/v1/jobs/{job}/events", headers={"last-event-id": "of another"})
    assert events_in(other.text) == [event]


@pytest.fixture
def address(opened: Site) -> Iterator[str]:
    with serving(opened.app) as port:
        yield f"http://127.0.0.1:{port}"


def test_what_becomes_of_a_job_is_told_as_it_becomes(opened: Site, address: str) -> None:
    job = uploaded(opened.client())["job"]["id"]
    heard: list[dict[str, str]] = []

    def listen() -> None:
        with httpx.stream("GET", f"{address}/v1/jobs/{job}/events", timeout=10) as answer:
            block = ""
            for line in answer.iter_lines():
                block += line + "\n"
                if not line:
                    heard.extend(events_in(block))
                    block = ""

    listening = Thread(target=listen)
    listening.start()
    until(lambda: len(heard) == 1)
    mine = claimed(opened)
    until(lambda: len(heard) == 2)
    opened.ledger.progress(*mine, {"seconds": 12.5})
    until(lambda: len(heard) == 3)
    opened.ledger.finish(*mine)
    listening.join(10)

    assert [each["event"] for each in heard] == ["state", "state", "progress", "end"]
    told = [json.loads(each["data"]) for each in heard]
    assert [each["state"] for each in told] == ["queued", "running", "running", "done"]
    assert told[2]["progress"] == {"seconds": 12.5}
    assert len({each["id"] for each in heard}) == 4


def test_who_comes_back_hears_only_what_is_new(opened: Site, address: str) -> None:
    job = uploaded(opened.client())["job"]["id"]
    path = f"{address}/v1/jobs/{job}/events"
    with httpx.stream("GET", path, timeout=10) as answer:
        lines = answer.iter_lines()
        last = next(line for line in lines if line.startswith("id: ")).removeprefix("id: ")

    with httpx.stream("GET", path, headers={"last-event-id": last}, timeout=10) as again:
        lines = again.iter_lines()
        assert next(lines) == "retry: 2000"
        opened.ledger.finish(*claimed(opened))
        rest = "\n".join(lines).lstrip("\n")

    assert [each["event"] for each in events_in(rest)] == ["end"]


def hear_of_all(address: str, heard: list[dict[str, str]], began: Event, stop: Event) -> None:
    """All that is told, and what comes once `stop` is set."""
    with httpx.stream("GET", f"{address}/v1/jobs/events", timeout=10) as answer:
        block = ""
        for line in answer.iter_lines():
            began.set()
            block += line + "\n"
            if not line:
                heard.extend(events_in(block))
                block = ""
            if stop.is_set() and heard and heard[-1]["event"] == "end":
                return


def test_all_jobs_are_told_of_on_one_line(opened: Site, address: str) -> None:
    client = opened.client()
    waiting = uploaded(client, wav(pitch=1))["job"]["id"]
    heard: list[dict[str, str]] = []
    began, stop = Event(), Event()
    listening = Thread(target=hear_of_all, args=(address, heard, began, stop))
    listening.start()
    assert began.wait(10)

    later = uploaded(client, wav(pitch=2))["job"]["id"]
    until(lambda: [json.loads(each["data"])["id"] for each in heard] == [later])
    mine = claimed(opened)
    until(lambda: len(heard) == 2)
    stop.set()
    opened.ledger.finish(*mine)
    listening.join(10)

    told = [(each["event"], json.loads(each["data"])) for each in heard]
    assert [(name, job["id"], job["state"]) for name, job in told] == [
        ("state", later, "queued"),
        ("state", waiting, "running"),
        ("end", waiting, "done"),
    ]


def test_who_comes_back_to_all_jobs_hears_what_there_was_since(opened: Site) -> None:
    client = opened.client()

    def told(last: str) -> list[dict[str, str]]:
        headers = {"last-event-id": last}
        path = "/v1/jobs/events?follow=false"
        found = events_in(client.get(path, headers=headers).text)
        return [each for each in found if each["event"] != "reset"]

    begin = events_in(
        client.get("/v1/jobs/events?follow=false", headers={"last-event-id": "of another"}).text
    )
    assert [each["event"] for each in begin] == ["reset"]
    job = uploaded(client)["job"]["id"]
    until(lambda: told(begin[0]["id"]))

    (event,) = told(begin[0]["id"])
    assert json.loads(event["data"])["id"] == job
    assert told(event["id"]) == []
