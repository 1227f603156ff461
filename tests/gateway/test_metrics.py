import os
import re
from pathlib import Path

import pytest
from gateway.doors import Doors
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from malgwi.gateway import METRICS, Metrics, resident_bytes

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "monitoring.md"
ENGINE = {"engine": "whisper", "model": "base", "device": "cuda"}


def values(client: TestClient, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """What is there at the moment, by labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [each for family in families for each in family.samples]
    return {tuple(sorted(s.labels.items())): s.value for s in samples if s.name == name}


def labels(**given: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(given.items()))


def test_a_batchs_time_is_shared_out_by_sound(opened: Doors, client: TestClient) -> None:
    opened.metrics.batch_done(**ENGINE, pieces=4, seconds=2.0, audio={"live": 10, "batch": 30})

    processing = values(client, "malgwi_processing_seconds_total")
    audio = values(client, "malgwi_audio_seconds_total")

    assert processing == {
        labels(**ENGINE, lane="live"): 0.5,
        labels(**ENGINE, lane="batch"): 1.5,
    }
    assert audio[labels(**ENGINE, lane="batch")] == 30
    assert values(client, "malgwi_batch_size_sum") == {labels(**ENGINE): 4}


def test_a_batch_of_silence_counts_its_time_too(opened: Doors, client: TestClient) -> None:
    opened.metrics.batch_done(**ENGINE, pieces=1, seconds=2.0, audio={"live": 0.0})

    assert values(client, "malgwi_processing_seconds_total") == {labels(**ENGINE, lane="live"): 2}


def test_what_happens_to_models_is_seen(opened: Doors, client: TestClient) -> None:
    opened.metrics.model_loaded(**ENGINE, seconds=3.5)
    opened.metrics.canary_done(**ENGINE, seconds=0.25)
    opened.metrics.fell_back(requested="cuda", actual="cpu", reason="no driver")
    opened.metrics.engine_restarted(engine="whisper", model="base")
    opened.metrics.piece_answered("live", 0.3)
    opened.metrics.recognised(**ENGINE, outcome="doubtful", again=True)

    assert values(client, "malgwi_model_loaded_info") == {labels(**ENGINE): 1}
    assert values(client, "malgwi_model_load_seconds") == {labels(**ENGINE): 3.5}
    assert values(client, "malgwi_canary_seconds") == {labels(**ENGINE): 0.25}
    assert values(client, "malgwi_device_fallback_info") == {
        labels(requested="cuda", actual="cpu", reason="no driver"): 1
    }
    assert values(client, "malgwi_engine_restarts_total") == {
        labels(engine="whisper", model="base"): 1
    }
    assert values(client, "malgwi_pieces_total") == {labels(**ENGINE, outcome="doubtful"): 1}
    assert values(client, "malgwi_pieces_decoded_again_total") == {labels(**ENGINE): 1}
    assert values(client, "malgwi_lag_seconds_count") == {labels(lane="live"): 1}


def test_restarts_of_an_engine_are_counted_from_nought_on(
    opened: Doors, client: TestClient
) -> None:
    opened.metrics.model_loaded(**ENGINE, seconds=3.5)

    restarts = values(client, "malgwi_engine_restarts_total")

    assert restarts == {labels(engine="whisper", model="base"): 0}


def test_a_model_that_is_unloaded_is_no_longer_there(opened: Doors, client: TestClient) -> None:
    opened.metrics.model_loaded(**ENGINE, seconds=3.5)

    opened.metrics.model_unloaded(**ENGINE)
    opened.metrics.model_unloaded(**ENGINE)

    assert values(client, "malgwi_model_loaded_info") == {}


def test_what_is_pulled_is_asked_for_at_every_scrape(opened: Doors, client: TestClient) -> None:
    waiting: dict[tuple[str, ...], float] = {("live",): 3.0}
    opened.metrics.pull("malgwi_queue_pieces", lambda: waiting)
    assert values(client, "malgwi_queue_pieces") == {labels(lane="live"): 3}

    waiting[("live",)] = 5.0

    assert values(client, "malgwi_queue_pieces") == {labels(lane="live"): 5}


def test_uploads_are_counted(opened: Doors, client: TestClient) -> None:
    client.post("/body", content=bytes(1234))

    assert values(client, "malgwi_upload_bytes_total") == {(): 1234}
    assert values(client, "malgwi_uploads_active") == {(): 0}


def test_requests_are_measured_by_the_template_of_their_path(client: TestClient) -> None:
    client.get("/items/1")
    client.get("/items/2")
    client.get("/nowhere/3")

    counted = values(client, "malgwi_request_duration_seconds_count")

    assert counted[labels(route="/items/{name}", status="200")] == 2
    assert counted[labels(route="none", status="404")] == 1
    assert not [each for each in counted if "nowhere" in str(each)]


def test_the_memory_of_this_process_and_of_its_engines_is_there(
    opened: Doors, client: TestClient
) -> None:
    opened.metrics.pull("malgwi_process_resident_memory_bytes", lambda: {("whisper",): 5e6})

    found = values(client, "malgwi_process_resident_memory_bytes")

    assert found[labels(process="whisper")] == 5e6
    assert found[labels(process="parent")] > 10_000_000


def test_a_process_that_is_gone_has_no_memory() -> None:
    assert resident_bytes(os.getpid()) is not None
    assert resident_bytes(2**30) is None


def test_openmetrics_is_spoken_to_whoever_asks_for_it(client: TestClient) -> None:
    answer = client.get("/metrics", headers={"accept": "application/openmetrics-text"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize("kind", ["application/openmetrics-text", "text/plain"])
def test_who_asks_for_a_version_that_is_none_gets_the_plain_text(
    client: TestClient, kind: str
) -> None:
    answer = client.get("/metrics", headers={"accept": f"{kind}; version=newest"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


def test_names_keep_the_rules_of_prometheus() -> None:
    for metric in METRICS:
        assert metric.name.startswith("malgwi_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not {"id", "file", "path"} & set(metric.labels)


def test_all_that_is_exposed_is_in_the_list(opened: Doors) -> None:
    exposed = {family.name for family in opened.metrics.registry.collect()}

    assert exposed <= {metric.name.removesuffix("_total") for metric in METRICS}


def test_every_metric_is_documented_and_nothing_else() -> None:
    rows = re.findall(r"^\| `(malgwi_\w+)` \| (\w+) \| (.*?) \|", PAGE.read_text("utf-8"), re.M)

    documented = {name: (kind, re.findall(r"`(\w+)`", said)) for name, kind, said in rows}

    assert documented == {each.name: (each.kind, list(each.labels)) for each in METRICS}


def test_a_metric_that_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError):
        Metrics("1").pull("malgwi_surprise", dict)
