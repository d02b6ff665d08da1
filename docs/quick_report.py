"""Store the page of the quick study in docs/, and its picture for the README; run from the root of the repository.

`make pictures` trains the study first. The stored page is without the links to figures, which are not beside it; the
picture, which needs Chromium, shows its answer and its table of results.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from tests.reporting.page.browser import Browser

PAGE, PICTURE = Path("docs/quick_report.html"), Path(".github/quick_report.png")
BESIDE = re.compile(r'^<p class="files small">.*\n|^ *footer::after \{ content: "The numbers .*\n', re.MULTILINE)
"""What a page says of the files beside it."""
LEFT_OUT = "#fair, #results > p, #results .data, #results ~ *"


def picture(page: Path) -> bytes:
    """Draw the answer and the section of results, as PNG of a few colors."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(Path(profile))
        browser.open(page, width=1300)
        browser.run(f"document.querySelectorAll('{LEFT_OUT}').forEach((each) => each.remove())")
        bottom = browser.run("document.querySelector('#results table').getBoundingClientRect().bottom")
        drawn = browser.screenshot(height=int(bottom) + 6)
        browser.close()
    small = io.BytesIO()
    Image.open(io.BytesIO(drawn)).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    PAGE.write_text(BESIDE.sub("", Path(sys.argv[1]).read_text()))
    PICTURE.write_bytes(picture(PAGE))
