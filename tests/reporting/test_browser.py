"""The page in Chromium, opened from disk."""

import json
from pathlib import Path

import pytest

import sparring

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def report(make, terms, health) -> Path:
    """A page with something of everything, and with hostile text wherever text can be."""
    log = [
        *terms(
            range(1, 90), **{"discriminator/gradient_penalty": 0.001234567, "generator/fake": -123456.7, HOSTILE: 3.0}
        )
    ]
    log += [
        health(
            k,
            ["learning", "mode-collapse", HOSTILE][k // 10 % 3],
            evidence=HOSTILE,
            signals={"judge": k / 90, "distance": 5.0, HOSTILE: 2.0, "classes": [1.0] * 3},
        )
        for k in range(1, 90)
    ]
    run = make(
        shape=(3, 9, 20),
        log=log,
        classes=["x" * 90, HOSTILE, "ant"],
        sheets=[0, 30, 60, 89],
        data={"source": "/" + "long" * 60},
    )
    row = {"name": "a very long name of a metric indeed", "value": -0.0012345, "spread": 0.01, "floor": 12345.6}
    row |= {"floor_spread": 1.5, "better": "lower", "n": 10_000}
    (run / "metrics.jsonl").write_text(json.dumps({"round": 9, "rows": [row]}) + "\n")
    return sparring.report(run)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 375, 1280])
def test_a_page_opens_from_disk_alone_and_fits_any_screen(report, visit, scheme, width):
    seen = visit(report, scheme, width)
    assert [url for url in seen.requests if not url.startswith("data:")] == [report.as_uri()]
    assert seen.complaints == []
    assert seen.page.title() == "run - sparring report"
    seen.page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    light = seen.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(252, 252, 250)"
    assert light == (scheme == "light")
    assert seen.page.locator("img").evaluate_all("(all) => all.every((each) => each.complete && each.naturalWidth)")


def test_what_is_hostile_is_shown_and_not_run(report, visit):
    page = visit(report).page
    page.locator(".band").hover()
    assert page.title() == "run - sparring report"
    assert page.locator("script").count() == 2
    assert page.locator("img[src=x]").count() == 0
    assert HOSTILE in page.locator(".said").inner_text()
    assert HOSTILE in page.locator(".diagnosis").inner_text()


def test_the_policy_stops_a_script_that_got_in_after_all(report, visit):
    page = visit(report).page
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'owned = 1'}))")
    assert page.evaluate("typeof owned") == "undefined"


def test_the_slider_turns_the_sheets(report, visit):
    page = visit(report).page

    def shown() -> str:
        (alt,) = page.locator(".sheet img:visible").evaluate_all("(all) => all.map((each) => each.alt)")
        return alt

    assert shown() == "Samples at round 89"
    slider = page.locator(".slider input")
    slider.focus()
    slider.press("ArrowLeft")
    assert shown() == "Samples at round 60"
    assert slider.get_attribute("aria-valuetext") == "round 60"
    slider.press("Home")
    assert shown() == "Samples at round 0"
    assert page.locator(".sheets .round").inner_text() == "round 0"
    slider.blur()
    page.keyboard.press("ArrowRight")
    assert shown() == "Samples at round 30"
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    assert shown() == "Samples at round 89"


def test_pointing_at_a_curve_shows_all_values_of_that_round(report, visit):
    page = visit(report).page
    judge = page.locator(".chart", has_text="A fresh judge")
    end = judge.locator(".end.main b")
    assert end.inner_text() == "98.9%"
    plot = page.locator(".chart", has_text="Distance from").locator(".plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 45 / 89, box["y"] + 20)
    assert end.inner_text() == "50.0%"
    assert page.locator(".said").inner_text().startswith("Round 45: ✕ mode collapse, 80% sure.")
    page.mouse.move(1, 1)
    assert end.inner_text() == "98.9%"


def test_a_page_can_be_read_without_javascript(report, visit):
    page = visit(report, javascript=False).page
    assert page.locator(".sheet img:visible").count() == 1
    assert page.locator(".sheet img:visible").get_attribute("alt") == "Samples at round 89"
    assert not page.locator(".slider").is_visible()
    assert page.locator(".plot svg").count() > 5
    page.get_by_text("As a table").click()
    assert page.locator("details table tr").count() == 10


# what a chart takes up, labels and all, and how many pairs of charts take up the same place
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll(".chart")].filter((chart) => chart.offsetParent).map((chart) => {
    const parts = [chart, ...chart.querySelectorAll("*:not(path)")].map((each) => each.getBoundingClientRect());
    const edge = (which, side) => which(...parts.map((part) => part[side]));
    return [edge(Math.min, "left"), edge(Math.max, "right"), edge(Math.min, "top"), edge(Math.max, "bottom")];
  });
  const meet = (a, b) => a[0] < b[1] && b[0] < a[1] && a[2] < b[3] && b[2] < a[3];
  return boxes.flatMap((a, k) => boxes.slice(k + 1).filter((b) => meet(a, b))).length;
}"""


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_of_a_chart_lies_on_another_chart(report, visit, width):
    assert visit(report, width=width).page.evaluate(OVERLAPS) == 0
