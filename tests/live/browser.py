"""A browser without a screen, driven over its DevTools protocol by the WebSocket client the project has anyway."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-dev-shm-usage",
    "--remote-debugging-port=0", "--window-size=1366,768",
)  # fmt: skip
PATIENCE_S = 15.0


def chromium() -> str | None:
    """The browser on this machine, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """One page. What it logs as errors is in ``errors``."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._number = socket, 0
        self.errors: list[str] = []

    async def do(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol; its result."""
        self._number += 1
        await self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                said = json.loads(await self._socket.recv())
                if said.get("method") == "Runtime.exceptionThrown":
                    self.errors.append(json.dumps(said["params"]["exceptionDetails"]))
                elif said.get("method") == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                    self.errors.append(said["params"]["entry"]["text"])
                if said.get("id") == self._number:
                    assert "error" not in said, said
                    result: dict[str, Any] = said["result"]
                    return result

    async def js(self, code: str) -> Any:
        """The value of an expression in the page."""
        said = await self.do("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def until(self, code: str, why: str) -> Any:
        """Wait until an expression in the page is true; its value. Fails with ``why``."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not (value := await self.js(code)):
            text = await self.js("document.body.innerText")
            assert asyncio.get_running_loop().time() < deadline, f"{why}\n{self.errors}\n{text}"
            await asyncio.sleep(0.05)
        return value

    async def click(self, selector: str) -> None:
        """A real mouse click in the middle of an element."""
        where = await self.until(
            f"""(() => {{ const e = document.querySelector({json.dumps(selector)}); if (!e || e.disabled) return null;
            e.scrollIntoView({{block: "center"}}); const r = e.getBoundingClientRect();
            return r.width ? [r.x + r.width / 2, r.y + r.height / 2] : null }})()""",
            f"nothing to click at {selector}",
        )
        for kind in ("mousePressed", "mouseReleased"):
            await self.do("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    async def write(self, selector: str, text: str) -> None:
        """Type into a field."""
        await self.click(selector)
        await self.do("Input.insertText", text=text)


@asynccontextmanager
async def browser(url: str) -> AsyncIterator[Tab]:
    """A new browser with nothing remembered, showing ``url``."""
    program = chromium()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            program, *FLAGS, f"--user-data-dir={folder}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            said = Path(folder, "DevToolsActivePort")
            async with asyncio.timeout(PATIENCE_S):
                while not said.exists() or said.read_text().count("\n") < 1:
                    await asyncio.sleep(0.05)
            port, path = said.read_text().split("\n")[:2]
            async with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as root:
                top = Tab(root)
                target = (await top.do("Target.createTarget", url="about:blank"))["targetId"]
                page = f"ws://127.0.0.1:{port}/devtools/page/{target}"
                async with connect(page, max_size=None, proxy=None) as socket:
                    tab = Tab(socket)
                    for domain in ("Page", "Runtime", "Log"):
                        await tab.do(f"{domain}.enable")
                    await tab.do("Page.navigate", url=url)
                    await tab.until("document.readyState === 'complete' && location.protocol !== 'about:'", "it loads")
                    yield tab
        finally:
            process.terminate()
            await process.wait()
