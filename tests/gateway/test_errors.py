import inspect

import pytest

from malgwi import errors
from malgwi.errors import EngineUnknown, MalgwiError, ModelMissing, Overloaded
from malgwi.gateway import Answer, BadField, Refusal, status_of

STATUS = {
    "BadAudio": (400, "invalid_audio"),
    "BadOption": (400, "invalid_request"),
    "BadGlossary": (400, "invalid_request"),
    "TooLarge": (413, "too_large"),
    "OutputError": (507, "no_room"),
    "ModelBroken": (503, "model_broken"),
    "DeviceRefused": (503, "device_refused"),
    "OutOfMemory": (503, "out_of_memory"),
    "EngineGone": (503, "engine_gone"),
    "EngineFailed": (500, "engine_failed"),
    "Cancelled": (408, "cancelled"),
    "NetworkError": (502, "network_failed"),
    "NotFound": (404, "not_found"),
    "Conflict": (409, "conflict"),
    "StoreFull": (507, "store_full"),
    "StoreGone": (503, "store_gone"),
    "StoreError": (500, "store_failed"),
}


@pytest.mark.parametrize("name", STATUS)
def test_each_error_has_its_status_and_code(name: str) -> None:
    answer = status_of(getattr(errors, name)("What was wrong."))

    assert (answer.status, answer.code, answer.message) == (*STATUS[name], "What was wrong.")


def test_a_model_that_is_not_here_is_not_found() -> None:
    assert status_of(ModelMissing("large", "/models")).code == "model_not_found"
    assert status_of(EngineUnknown("stt", "x", [])).status == 404


def test_who_comes_too_early_hears_when_to_come_again() -> None:
    assert status_of(Overloaded("Too much.", 17)).retry_after == 17
    assert status_of(errors.EngineGone("It died.")).retry_after == 5
    assert status_of(errors.StoreGone("No answer.")).retry_after == 5
    assert status_of(errors.BadAudio("No sound.")).retry_after is None


def test_who_corrects_what_was_corrected_hears_which_revision_to_read() -> None:
    answer = status_of(errors.Stale("It is at 7.", 7))

    assert (answer.status, answer.code, answer.more) == (409, "stale", {"revision": 7})


def test_what_only_a_door_refuses_is_answered_as_it_says() -> None:
    answer = Answer(423, "locked", "Somebody else sends it.", retry_after=1)

    assert status_of(Refusal(answer)) == answer


def test_a_field_that_is_wrong_is_named_apart() -> None:
    assert status_of(BadField("temperature", "no number")).param == "temperature"


def test_every_error_of_ours_is_known_here() -> None:
    kinds = [each for _, each in inspect.getmembers(errors, inspect.isclass)]

    for kind in (each for each in kinds if issubclass(each, MalgwiError) and each != MalgwiError):
        error = kind.__new__(kind)
        vars(error)["retry_after"] = 1
        assert status_of(error).code != "internal", kind.__name__


def test_of_an_error_that_is_not_ours_only_the_id_is_told() -> None:
    answer = status_of(ValueError("mayday"), "r1")

    assert answer.status == 500
    assert "mayday" not in answer.message
    assert "r1" in answer.message
