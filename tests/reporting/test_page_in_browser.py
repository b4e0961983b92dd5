"""The page in a real browser: it asks for nothing, nothing of a model runs, tables sort, completions are filtered, and
it fits a phone. Skipped where there is no Chromium (Debian: `apt-get install chromium`).
"""

import pytest
from browser import CHROMIUM, browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
SHOWN = "[...document.querySelectorAll('details.sample')].filter(one => one.checkVisibility())"


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture
def page(chromium, reported):
    chromium.requests.clear()
    chromium.errors.clear()
    chromium.look(1280)
    chromium.open(reported / "report/index.html")
    return chromium


def choose(page, **values: str) -> None:
    for name, value in values.items():
        page.run(f"document.querySelector('form.filter').elements['{name}'].value = {value!r}")
    page.run("document.querySelector('form.filter').dispatchEvent(new Event('input'))")


def test_it_asks_for_nothing_and_nothing_of_a_model_runs(page):
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert len(page.requests) == 1 and page.requests[0].startswith("file:///") and page.errors == []
    assert page.run("document.title") == "<b>root"
    assert page.run("document.querySelectorAll('pre *, .question *:not(pre):not(p):not(bdi)').length") == 0
    assert page.run("document.body.innerText.includes('<b onclick=alert(1)>')")


@pytest.mark.parametrize(
    "wanted",
    [
        "fetch('https://example.com/')",
        "import('https://example.com/')",
        "document.body.append(Object.assign(new Image(), {src: 'https://example.com/x.png'}))",
        "document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))",
        "document.body.insertAdjacentHTML('beforeend', '<iframe src=https://example.com>')",
    ],
)
def test_its_own_policy_forbids_requests_and_other_scripts(page, wanted):
    page.call(
        "Runtime.evaluate",
        expression=f"(async () => {{ try {{ await {wanted} }} catch (error) {{}} }})()",
        awaitPromise=True,
    )
    page.run("1")
    assert any("Content Security Policy" in error for error in page.errors) and page.run("document.title") != "1"


@pytest.mark.parametrize(
    ("column", "once", "twice"),
    [
        (0, ["teacher", "student-small", "student-large"], ["student-large", "student-small", "teacher"]),
        (1, ["teacher", "student-large", "student-small"], ["student-small", "student-large", "teacher"]),
        (2, ["teacher", "student-large", "student-small"], ["student-small", "student-large", "teacher"]),
        (5, ["teacher", "student-large", "student-small"], ["student-large", "teacher", "student-small"]),
    ],
)
def test_a_heading_sorts_and_what_is_not_measured_stays_last(page, column, once, twice):
    table = "document.querySelector('#summary table')"
    names = f"[...{table}.tBodies[0].rows].map(row => row.cells[0].textContent)"
    heading = f"{table}.tHead.rows[0].cells[{column}]"
    page.run(f"{heading}.querySelector('button').click()")
    assert page.run(names) == once and page.run(f"{heading}.ariaSort") == "descending"
    page.run(f"{heading}.querySelector('button').click()")
    assert page.run(names) == twice and page.run(f"{heading}.ariaSort") == "ascending"


def test_completions_are_filtered(page):
    problems = page.run("[...document.querySelectorAll('.problem')].filter(one => one.checkVisibility()).length")
    assert problems == 20
    choose(page, benchmark="school math", model="student-small", tag="cut")
    found = page.run(f"{SHOWN}.map(one => [one.dataset.model, one.closest('section').dataset.benchmark])")
    assert found and all(one == ["student-small", "school math"] for one in found)
    assert all("cut" in tags.split("|") for tags in page.run(f"{SHOWN}.map(one => one.dataset.tags)"))
    said = page.run("document.querySelector('form.filter output').textContent")
    assert said.startswith(f"{len(found)} completions of ")
    choose(page, benchmark="", model="", tag="", text="11 TIMES SEVEN")
    assert page.run(f"{SHOWN}.length") > 0 and page.run("document.querySelector('button.more').hidden")
    choose(page, text="nobody wrote this")
    assert page.run(f"{SHOWN}.length") == 0


def test_more_problems_come_when_asked_for(page):
    count = "[...document.querySelectorAll('.problem')].filter(one => one.checkVisibility()).length"
    page.run("document.querySelector('button.more').click()")
    assert page.run(count) == 40
    for _ in range(2):
        page.run("document.querySelector('button.more').click()")
    assert page.run(count) == 64 and page.run("document.querySelector('button.more').hidden")


def test_without_its_script_all_can_be_read(page, reported):
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(reported / "report/index.html")
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert page.run("[...document.querySelectorAll('.problem')].filter(one => one.checkVisibility()).length") == 64
    assert page.run("document.querySelectorAll('form:not([hidden]), thead button').length") == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_names_of_models_that_differ_at_their_end_are_shown_whole(page, reported, width):
    page.look(width)
    page.open(reported / "report/index.html")
    page.run("document.querySelectorAll('.bars tbody th').forEach(one => one.textContent = 'a-long-name'.repeat(9))")
    cut = "[...document.querySelectorAll('.bars tbody th')].filter(one => one.scrollWidth > one.clientWidth).length"
    assert page.run(cut) == 0 and page.run("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_makes_the_page_scroll_sideways(page, reported, width):
    page.look(width)
    page.open(reported / "report/index.html")
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.run("document.documentElement.scrollWidth") == width


CONTRAST = """(() => {
  const light = colour => { const [r, g, b] = colour.match(/[\\d.]+/g).map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b }
  const back = one => { for (; one; one = one.parentElement) { const c = getComputedStyle(one).backgroundColor
    if (!c.startsWith('rgba(0, 0, 0, 0')) return c } }
  const words = [...document.querySelectorAll('p, th, td, small, .tag, .soft, .known, a, summary, h1, h2, h3, pre')]
  return Math.min(...words.filter(one => one.checkVisibility()).map(one => {
    const [a, b] = [light(getComputedStyle(one).color), light(back(one))].sort((x, y) => y - x)
    return (a + .05) / (b + .05) }))
})()"""


@pytest.mark.parametrize(("dark", "media"), [(False, ""), (True, ""), (True, "print")])
def test_words_stand_out_in_light_in_dark_and_on_paper(page, dark, media):
    page.look(1280, dark, media)
    assert page.run(CONTRAST) >= 4.5
    back = page.run("getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(255, 255, 255)") == (not dark or media == "print")
