"""The page, in a browser: a person starts and stops a session with it, is told what went wrong, and gives a token.

The browser may take so much of a small machine that the run calls itself too slow (exit code 4); checks say the rest.
"""

import json
from pathlib import Path

import pytest

from simulator import web
from tests.live.browser import Tab, browser, chromium
from tests.live.rig import Stage, groups, perform, plan_of

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(chromium() is None, reason="no Chromium on this machine"),
]
ONE = "1.6-001"
CARD = '[data-card="1"] '
STATUS = f"document.querySelector('{CARD}.badge')?.dataset.status"


async def until_status(tab: Tab, *wanted: str) -> None:
    await tab.until(f"{json.dumps(wanted)}.includes({STATUS})", f"the card shows {' or '.join(wanted)}")


def test_a_session_is_started_and_stopped_with_the_page(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        evse = stage.farm.by_id[ONE].station.evses[0]
        async with browser(f"{stage.run.http_url}/#{ONE}") as tab:
            await until_status(tab, "Available")
            await tab.click(CARD + '[data-act="plug"]')
            await until_status(tab, "Preparing")
            assert evse.connected
            await tab.write(CARD + '[data-field="token"]', "VALID-PAGE")
            await tab.click(CARD + '[data-act="present"]')
            await until_status(tab, "Charging")
            await stage.until(lambda: evse.tx is not None and evse.tx.told_started, "the CSMS was told")
            assert evse.grant is not None and evse.grant.id_token == "VALID-PAGE"
            await tab.click(CARD + '[data-act="deauthorise"]')
            await until_status(tab, "Finishing")
            await tab.click(CARD + '[data-act="unplug"]')
            await until_status(tab, "Available")
            assert evse.tx is None and not evse.connected
            await tab.click(CARD + '[data-act="unplug"]')
            said = await tab.until(f"document.querySelector('{CARD}.said.no')?.textContent", "the refusal is shown")
            assert "nothing is plugged in" in said
            frames = "[...document.querySelectorAll('#frames b')].map(e => e.textContent)"
            await tab.until(f"{frames}.includes('StopTransaction')", "the frames have passed")
            assert await tab.js(f"{frames}.includes('StartTransaction')")
            listed = "[...document.querySelectorAll('#list .id')].map(e => e.textContent)"
            assert await tab.js(listed) == [ONE, "2.0.1-001", "2.1-001"]
            await tab.write("#search", "2.1")
            await tab.until(f"{listed}.join() === '2.1-001'", "the search narrows the list")
            assert tab.errors == ["Failed to load resource: the server responded with a status of 409 (Conflict)"]
        await stage.quiet()

    played = perform(plan_of(tmp_path, groups(1)), play, http_port=0)
    assert played.violations == [] and "FAIL" not in played.verdicts().values(), played.summary["checks"]
    assert [row["energy_wh"] >= 0 for row in played.booked if row["station"] == ONE] == [True]
    assert played.summary["transactions"]["stopped"] == 1


def test_a_token_is_asked_for_and_kept_out_of_the_page(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        async with browser(stage.run.http_url) as tab:
            await tab.until("document.getElementById('ask').open", "the page asks for a token")
            assert ONE not in await tab.js("document.documentElement.outerHTML")
            await tab.write("#token", "wrong")
            await tab.click("#ask button")
            await tab.until("document.getElementById('refused').textContent", "the page says that it was refused")
            await tab.write("#token", "open sesame")
            await tab.click("#ask button")
            await until_status(tab, "Available")
            await tab.until("document.querySelectorAll('#frames details').length > 2", "frames are shown")
            assert "sesame" not in await tab.js("document.documentElement.outerHTML + location.href")
        await stage.quiet()

    played = perform(plan_of(tmp_path, groups(1)), play, http_port=0, http_token="open sesame")
    assert "FAIL" not in played.verdicts().values(), played.summary["checks"]


def test_the_page_needs_nothing_from_outside() -> None:
    text = web.page().decode()
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text
    assert "innerHTML" not in text and " style=" not in text and "onclick=" not in text
    policy = web.PAGE_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and policy.count("'sha256-") == 2
