"""Faults by name, as the developer console switches them."""

import pytest

from sandbox.control.switches import PARTS, Part
from tests.sandbox.conftest import APP_ID, OTHER_APP_ID, Platform


async def state_of(platform: Platform, part: Part, **params: str) -> str:
    switches = (await platform.control("GET", "switches", **params))["parts"]
    return next(switch["state"] for switch in switches if switch["path"] == part.path)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.path)
async def test_every_choice_is_a_fault_and_is_recognized(platform: Platform, part: Part) -> None:
    assert await state_of(platform, part) == "works"
    for number, _ in enumerate(part.choices):
        await platform.control("POST", "switches", {"path": part.path, "choice": number})
        assert await state_of(platform, part) == str(number)
    await platform.control("POST", "switches", {"path": part.path})
    assert await state_of(platform, part) == "works"


async def test_switch_leaves_what_the_control_api_has_set(platform: Platform) -> None:
    await platform.control("PUT", "faults", {"handshake": {"status": 418, "times": 3}})
    await platform.control("POST", "switches", {"path": "delivery.encoding", "choice": 0})
    faults = await platform.control("GET", "faults")
    assert (faults["handshake"]["status"], faults["delivery"]["encoding"]) == (418, "gzip")
    handshake = next(part for part in PARTS if part.path == "handshake")
    assert await state_of(platform, handshake) == "kept"


async def test_switch_of_one_app_breaks_nothing_for_another(platform: Platform) -> None:
    await platform.control("POST", "switches", {"path": "discovery", "choice": 0, "app_id": APP_ID})
    assert (await platform.discover())["code"] == 1000040343
    assert (await platform.discover(OTHER_APP_ID))["code"] == 0


@pytest.mark.parametrize("wish", [{"path": "weather"}, {"path": "delivery.shuffle", "choice": 9}])
async def test_unknown_switch_is_refused(platform: Platform, wish: dict) -> None:
    assert (await platform.control("POST", "switches", wish, status=404))["error"]
