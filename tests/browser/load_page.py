"""The HTML report of a load in a real browser. Run by scripts/browser-test.sh."""

import pathlib
import sys

from browser import Browser
from report_page import CONTRAST, quiet, run_all

PAGES = pathlib.Path(sys.argv[2]).resolve()
LOAD = (PAGES / "load.html").as_uri()
HOSTILE = (PAGES / "load-hostile.html").as_uri()
SIZES = [(width, dark) for width in [390, 1400] for dark in [False, True]]

# Labels of one plot that cover each other.
OVERLAPS = """(() => {
  const found = [];
  for (const plot of document.querySelectorAll('.plot')) {
    const boxes = [...plot.querySelectorAll('text')].map((text) => [text, text.getBoundingClientRect()]);
    for (const [a, p] of boxes) for (const [b, q] of boxes) {
      if (a === b || a.matches('.over') || b.matches('.over')) continue;
      const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
      const high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      if (wide > 1 && high > 3) found.push(`${a.textContent} and ${b.textContent}`);
    }
  }
  return found;
})()"""
# Labels that stick out of their plot.
OUTSIDE = """[...document.querySelectorAll('.plot text')].filter((text) => {
  const box = text.getBoundingClientRect(), plot = text.closest('.plot').getBoundingClientRect();
  return box.left < plot.left - 1 || box.right > plot.right + 1 || box.bottom > plot.bottom + 1;
}).map((text) => text.textContent)"""


def the_page_opens_without_a_complaint_and_asks_the_network_for_nothing(browser):
    browser.open(LOAD)
    assert browser.run("document.querySelectorAll('figure.chart').length") == 10
    assert browser.run("document.scripts.length") == 0
    quiet(browser)


def nothing_that_an_endpoint_sent_runs_or_becomes_an_element(browser):
    browser.open(HOSTILE)
    assert browser.run("document.images.length + document.scripts.length") == 0
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    quiet(browser)


def every_line_is_drawn_where_it_can_be_seen(browser):
    browser.open(LOAD)
    # A lone value is a dot, and has no size but its stroke.
    small = browser.run("""[...document.querySelectorAll('.drawn')].filter((path) => {
      const box = path.getBoundingClientRect(), plot = path.closest('.plot').getBoundingClientRect();
      return box.width < 5 || box.left < plot.left - 3 || box.right > plot.right + 3
        || box.top < plot.top - 3 || box.bottom > plot.bottom;
    }).length""")
    assert small == 0, small
    assert browser.run("document.querySelectorAll('.part').length") > 10
    quiet(browser)


def nothing_sticks_out_and_everything_can_be_read(browser):
    for width, dark in SIZES:
        browser.size(width, 900, dark)
        for page in [LOAD, HOSTILE]:
            browser.open(page)
            browser.run("document.querySelectorAll('details').forEach(d => d.open = true); new Promise(r => setTimeout(r, 100))")
            wide = browser.run("document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} px at {width}"
        browser.open(LOAD)
        browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        ratio, where = browser.run(CONTRAST)
        assert ratio >= 4.5, f"contrast {ratio:.2f} {'dark' if dark else 'light'}: {where}"
        assert browser.run(OVERLAPS) == [], (width, browser.run(OVERLAPS))
        assert browser.run(OUTSIDE) == [], (width, browser.run(OUTSIDE))
        size = browser.run("Math.min(...[...document.querySelectorAll('.plot text')].map(t => t.getBoundingClientRect().height))")
        assert size >= 10, f"labels of {size} px at {width}"
    browser.size(1400, 900)


def it_prints(browser):
    browser.open(LOAD)
    assert len(browser.call("Page.printToPDF")["data"]) > 10_000


def pictures(browser):
    for width, dark in SIZES:
        browser.size(width, 900, dark)
        browser.open(LOAD)
        browser.screenshot(PAGES / f"load-{width}-{'dark' if dark else 'light'}.png")
    browser.size(1400, 900)


if __name__ == "__main__":
    sys.exit(
        run_all(
            [
                the_page_opens_without_a_complaint_and_asks_the_network_for_nothing,
                nothing_that_an_endpoint_sent_runs_or_becomes_an_element,
                every_line_is_drawn_where_it_can_be_seen,
                nothing_sticks_out_and_everything_can_be_read,
                it_prints,
                pictures,
            ]
        )
    )
