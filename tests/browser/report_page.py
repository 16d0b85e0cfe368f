"""The HTML report in a real browser. Run by scripts/browser-test.sh."""

import pathlib
import sys
import traceback

from browser import Browser

PAGES = pathlib.Path(sys.argv[2]).resolve()
REPORT = (PAGES / "report.html").as_uri()
HOSTILE = (PAGES / "hostile.html").as_uri()
MANY = (PAGES / "many.html").as_uri()

VISIBLE = "[...document.querySelectorAll('details.row')].filter(r => r.offsetParent).length"
# Every text that stands on a colour of its own or is toned down, with the contrast to what is
# behind it (WCAG 2.2, 1.4.3).
CONTRAST = """(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  let worst = [99, ''];
  for (const element of document.querySelectorAll('.badge, .note, .chip span, .because, small, .title, dt, .raw, .field, .quote b, a, .reads td, .meaning')) {
    if (!element.offsetParent || element.classList.contains('who')) continue;
    const front = light(parse(getComputedStyle(element).color).slice(0, 3)), back = light(behind(element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < worst[0]) worst = [ratio, element.outerHTML.slice(0, 120)];
  }
  return worst;
})()"""


def quiet(browser):
    assert browser.complaints() == [], browser.complaints()
    assert browser.requests() == [], browser.requests()


def the_page_opens_without_a_complaint_and_asks_the_network_for_nothing(browser):
    browser.open(REPORT)
    assert browser.run(VISIBLE) == 19
    assert browser.run("!document.getElementById('filters').hidden"), "the script did not run"
    quiet(browser)


def nothing_that_an_endpoint_sent_runs_or_becomes_an_element(browser):
    browser.open(HOSTILE)
    assert browser.run("document.images.length") == 0
    assert browser.run("document.scripts.length") == 1
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    quiet(browser)
    assert browser.run("document.images.length") == 0
    assert browser.run("document.querySelectorAll('.cell-detail .reads').length") > 0


def a_filter_hides_rows_and_is_kept_in_the_address(browser):
    browser.open(REPORT)
    browser.run("document.querySelector('input[value=fail]').click()")
    assert browser.run(VISIBLE) == 4
    assert browser.run("document.getElementById('shown').textContent") == "4"
    assert browser.run("location.hash") == "#verdict=fail"
    browser.run("document.querySelector('input[value=warn]').click()")
    assert browser.run(VISIBLE) == 8
    browser.run("document.querySelector('input[value=should]').click()")
    assert browser.run(VISIBLE) == 4
    assert browser.run("location.hash") == "#verdict=fail,warn&level=should"
    browser.open(REPORT + "#verdict=fail,warn&level=should")
    assert browser.run(VISIBLE) == 4
    assert browser.run("document.querySelector('input[value=warn]').checked")
    browser.run("document.querySelector('button[type=reset]').click(); new Promise(r => setTimeout(r, 50))")
    assert browser.run(VISIBLE) == 19
    assert browser.run("location.hash") == ""
    quiet(browser)


def suites_text_and_difference_filter_too(browser):
    for query, rows in [
        ("suite=tools", 3),
        ("text=spread-merging", 0),
        ("text=four-byte+character", 1),
        ("differ=yes", 14),
        ("suite=tools&verdict=fail&text=schema", 1),
        ("suite=no-such-suite", 19),
    ]:
        browser.open(f"{REPORT}#{query}")
        assert browser.run(VISIBLE) == rows, (query, browser.run(VISIBLE))
        nothing = browser.run("!document.getElementById('nothing').hidden")
        assert nothing == (rows == 0), query
    quiet(browser)


def a_row_opens_by_keyboard(browser):
    browser.open(REPORT)
    row = "document.getElementById('c-streaming-sse.done-sentinel')"
    browser.run(f"{row}.querySelector('summary').focus()")
    browser.press("Enter", 13)
    assert browser.run(f"{row}.open")
    assert browser.run(f"{row}.querySelector('.cell-detail.v-fail').open")
    assert not browser.run(f"{row}.querySelector('.cell-detail.v-pass').open")
    quiet(browser)


def a_cell_shows_the_wire_log_with_the_read_that_is_meant(browser):
    browser.open(REPORT + "#c-streaming-sse.done-sentinel")
    cell = "document.getElementById('c-streaming-sse.done-sentinel-0')"
    assert browser.run(f"{cell}.offsetParent !== null"), "the address did not open the row"
    browser.run(f"{cell}.querySelector('.wire > summary').click(); new Promise(r => setTimeout(r, 100))")
    assert browser.run(f"{cell}.querySelectorAll('.reads tbody tr').length") == 15
    here = f"{cell}.querySelector('.reads tr.here')"
    assert browser.run(f"{here}.dataset.frame") == "14"
    assert "data: [DONE]⏎" in browser.run(f"{here}.textContent")
    ids = browser.run("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids)), "the copy brought an id with it"
    quiet(browser)


def a_link_keeps_the_filters_and_opens_its_row(browser):
    browser.open(REPORT + "#verdict=fail")
    browser.run("document.querySelector('.broken a').click()")
    assert browser.run("location.hash") == "#verdict=fail&open=c-streaming-sse.done-sentinel"
    assert browser.run("document.getElementById('c-streaming-sse.done-sentinel').open")
    quiet(browser)


def the_reproducer_is_copied(browser):
    browser.open(REPORT + "#c-streaming-sse.done-sentinel")
    browser.run("document.querySelector('#c-streaming-sse\\\\.done-sentinel .curl').open = true")
    copied = browser.run("""(async () => {
      const button = [...document.querySelectorAll('button.copy')].find((b) => b.offsetParent);
      let text = '';
      addEventListener('copy', () => (text = String(getSelection())));
      try { Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (t) => { text = t } } }) } catch {}
      button.click();
      await new Promise((r) => setTimeout(r, 100));
      return [text, button.textContent];
    })()""")
    assert copied[0].startswith("curl -sS -i --no-buffer http://127.0.0.1:41801/"), copied
    assert "$PROOFHOUSE_KEY" in copied[0] and copied[1] == "Copied", copied
    quiet(browser)


def nothing_sticks_out_and_everything_can_be_read(browser):
    for width in [390, 1400]:
        for dark in [False, True]:
            browser.size(width, 900, dark)
            browser.open(REPORT)
            browser.run("document.querySelectorAll('details').forEach(d => d.open = true); new Promise(r => setTimeout(r, 100))")
            wide = browser.run("document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} px at {width}"
            ratio, where = browser.run(CONTRAST)
            assert ratio >= 4.5, f"contrast {ratio:.2f} {'dark' if dark else 'light'}: {where}"
            red = browser.run("parseInt(getComputedStyle(document.body).backgroundColor.slice(4))")
            assert (red < 128) == dark, red
            browser.open(MANY)
            wide = browser.run("document.documentElement.scrollWidth")
            assert wide <= width, f"{wide} px at {width} with many targets"
    browser.size(1400, 900)


def without_its_script_the_page_is_whole(browser):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(REPORT)
        assert browser.run("document.getElementById('filters').hidden")
        browser.run("document.querySelector('#c-streaming-sse\\\\.done-sentinel > summary').click()")
        assert browser.run("document.querySelector('#c-streaming-sse\\\\.done-sentinel .pair').offsetParent !== null")
        assert browser.run("document.querySelectorAll('.exchange .reads').length") == 16
        assert browser.complaints() == [], browser.complaints()
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def print_shows_what_went_wrong(browser):
    browser.open(REPORT)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run("document.getElementById('c-streaming-sse.done-sentinel').open")
    assert not browser.run("document.getElementById('c-streaming-sse.content-type').open")
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert not browser.run("document.getElementById('c-streaming-sse.done-sentinel').open")
    assert len(browser.call("Page.printToPDF")["data"]) > 10_000


def pictures(browser):
    for width in [1400, 390]:
        for dark in [False, True]:
            browser.size(width, 900, dark)
            name = f"{width}-{'dark' if dark else 'light'}"
            browser.open(REPORT)
            browser.screenshot(PAGES / f"report-{name}.png")
            browser.open(REPORT + "#text=done-sentinel")
            browser.run("""(async () => {
              const row = document.getElementById('c-streaming-sse.done-sentinel');
              row.open = true;
              row.querySelectorAll('.cell-detail.v-fail details').forEach(d => d.open = true);
              await new Promise(r => setTimeout(r, 100));
              scrollTo(0, 0);
            })()""")
            browser.screenshot(PAGES / f"cell-{name}.png")
    browser.size(1400, 900)


def run_all(checks):
    browser = Browser(sys.argv[1])
    browser.size(1400, 900)
    failed = 0
    try:
        for check in checks:
            name = check.__name__.replace("_", " ")
            try:
                check(browser)
                print(f"ok      {name}", flush=True)
            except Exception:
                failed += 1
                print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
    finally:
        browser.close()
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(
        run_all(
            [
                the_page_opens_without_a_complaint_and_asks_the_network_for_nothing,
                nothing_that_an_endpoint_sent_runs_or_becomes_an_element,
                a_filter_hides_rows_and_is_kept_in_the_address,
                suites_text_and_difference_filter_too,
                a_row_opens_by_keyboard,
                a_cell_shows_the_wire_log_with_the_read_that_is_meant,
                a_link_keeps_the_filters_and_opens_its_row,
                the_reproducer_is_copied,
                nothing_sticks_out_and_everything_can_be_read,
                without_its_script_the_page_is_whole,
                print_shows_what_went_wrong,
                pictures,
            ]
        )
    )
