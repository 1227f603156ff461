"""A real Chromium that looks at pages, and says what it did not like about them."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Playwright, expect

CHROMIUM = shutil.which("chromium")
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
AXE = _CACHE / "malgwi" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
_RUN_AXE = """async () => (await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
})).violations.map((one) => ({
    id: one.id, impact: one.impact, where: one.nodes.slice(0, 5).map((node) => node.html),
}))"""
SERIOUS = ("serious", "critical")
PATIENCE = 15_000  # milliseconds; a machine that builds beside the tests is slow

expect.set_options(timeout=PATIENCE)


def launched(playwright: Playwright) -> Browser:
    assert CHROMIUM
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@contextmanager
def looking(browser: Browser, address: str, **how: Any) -> Iterator[Page]:
    """A page of a person of their own. Fails on an error in its console, and on a request to
    anywhere but the service. `allow` are statuses, and other words of the browser, that the test
    means to provoke."""
    allowed = [
        f"status of {each}" if isinstance(each, int) else each for each in how.pop("allow", ())
    ]
    faults: list[str] = []
    context = browser.new_context(**{"locale": "en-GB", "base_url": address, **how})
    context.add_cookies([{"name": "malgwi_later", "value": "1", "url": address}])
    page = context.new_page()
    page.set_default_timeout(PATIENCE)

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(address).netloc:
            faults.append(f"asked {url}")

    def wrote(kind: str, text: str) -> None:
        meant = any(
            (f"status of {each}" if isinstance(each, int) else each) in text for each in allowed
        )
        if kind in ("error", "warning") and not meant:
            faults.append(f"{kind}: {text}")

    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url.replace("ws", "http", 1)))
    page.on("console", lambda message: wrote(message.type, message.text))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    try:
        yield page
        assert not faults, "\n".join(faults)
    finally:
        context.close()


def _failed(meant: int | str) -> str:
    return meant if isinstance(meant, str) else f"status of {meant}"


def barriers(page: Page) -> list[dict[str, Any]]:
    """What keeps people with a screen reader, or without a mouse, from using the page."""
    # As a script of the page, which its policy forbids, it would say nothing of the page.
    page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(_RUN_AXE)
    return [each for each in found if each["impact"] in SERIOUS]


def told(found: list[dict[str, Any]]) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False)
