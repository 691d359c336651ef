import pytest

from sparring.reporting.story import Reading, gather
from sparring.reporting.verdicts import MOST, diagnosis, spells, thinned, timeline


def readings(*verdicts: str) -> list[Reading]:
    return [Reading(10 * (k + 1), verdict, 0.5, f"seen {k}", "") for k, verdict in enumerate(verdicts)]


def test_readings_of_one_verdict_are_a_spell_until_the_next_or_the_end():
    found = spells(readings("learning", "learning", "stalled", "learning"), 70)
    assert [(spell.begin, spell.end, spell.last.verdict, spell.last.evidence) for spell in found] == [
        (10, 30, "learning", "seen 1"), (30, 40, "stalled", "seen 2"), (40, 70, "learning", "seen 3")
    ]  # fmt: skip


def test_a_short_trouble_is_never_thinned_away():
    many = readings(*["learning"] * 5000, "mode-collapse", *["learning"] * 4999)
    few = thinned(many)
    assert len(few) == MOST
    assert [reading.evidence for reading in few if reading.trouble] == ["seen 5000"]
    assert few[-1] == many[-1]
    assert thinned(many[:MOST]) == many[:MOST]


def test_the_diagnosis_names_the_last_verdict_and_earlier_troubles(make, terms, health):
    log = [
        health(2, "mode-collapse"), health(3, "mode-collapse"), health(4, "learning"), health(5, "stalled"),
        health(6, "converged", evidence="as near as reals", advice="stop --here=..."),
    ]  # fmt: skip
    said = diagnosis(gather(make(log=[*terms([7]), *log])))
    assert 'class="diagnosis good"' in said
    for words in ("converged", "80% sure, at round 6", "As near as reals.", "Stop --here=...</p>"):
        assert words in said
    assert "<b>mode collapse</b> 2 times from round 2 to 3. mode-collapse at 3." in said
    assert "<b>stalled</b> at round 5. Stalled at 5" in said
    assert "learning" not in said


def test_a_trouble_that_lasts_is_not_an_earlier_one(make, health):
    said = diagnosis(gather(make(log=[health(1, "stalled"), health(2, "stalled")])))
    assert "Seen before" not in said


def test_without_a_doctor_there_is_no_diagnosis_and_no_band(make, terms):
    story = gather(make(log=terms([1, 2])))
    assert "No diagnosis" in diagnosis(story)
    assert list(timeline(story.readings, story.round)) == []


@pytest.mark.parametrize("end", [0, 10, 40])
def test_the_band_covers_the_rounds_from_the_first_reading_on(end):
    band, *_ = timeline(readings("learning", "stalled"), end)
    assert band.count('class="spell') == 2
    assert 'aria-label="Verdicts: learning from round 10; stalled from round 20."' in band
    if end == 40:
        assert "left:min(25.00%, 100% - 6px);width:25.00%" in band
        assert "left:min(50.00%, 100% - 6px);width:50.00%" in band
