"""The opponents of a student that marks spans."""

from __future__ import annotations

from factory.row import Lineage, Row, Span
from factory.span import problem, ragged, strip
from factory.students.span_baselines import Lexicon, WordFeatures
from tests import kitchen

LABELS = tuple(kitchen.WORDS)


def row(marked: str, weight: float = 1.0) -> Row:
    text, spans, reason = strip(marked, LABELS)
    assert not reason
    return Row(text=text, spans=spans, weight=weight, origin="generated", lineage=Lineage(spec="s"))


def named(text: str, spans: tuple[Span, ...]) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.label) for span in spans]


def test_a_lexicon_marks_the_longest_whole_words_whatever_their_case() -> None:
    known = Lexicon([row("<Food>onion</Food> and <Food>red onion</Food>"), row("an <Tool>oven</Tool>")])
    text = "Red  Onion, onions, ONION in the oven-door"
    (found,) = known.predict([text])
    assert named(text, found) == [("Red  Onion", "Food"), ("ONION", "Food"), ("oven", "Tool")]


def test_a_lexicon_goes_by_the_weight_of_what_it_was_told() -> None:
    known = Lexicon([row("<Food>pan</Food>", 0.4), row("<Food>pan</Food>", 0.4), row("<Tool>pan</Tool>")])
    assert named("a pan", known.predict(["a pan"])[0]) == [("pan", "Tool")]
    assert Lexicon([row("nothing here")]).predict(["a pan", ""]) == [(), ()]


def test_word_features_learn_from_neighbours_and_shape() -> None:
    rows = [
        row(f"we ate {n} grams of <Food>{word}</Food> with a <Tool>spoon{n}</Tool> .")
        for n, word in enumerate(["ham", "rice", "corn", "beef", "pork", "lamb", "kale", "peas"])
    ]
    model = WordFeatures(rows, LABELS)
    text = "we ate 9 grams of tofu with a spoon9 ."
    (found,), (scores,) = model.predict([text])
    assert named(text, found) == [("tofu", "Food"), ("spoon9", "Tool")]
    assert len(scores) == 2 and all(0 < score <= 1 for score in scores)


def test_word_features_mark_sound_spans_of_whole_words() -> None:
    samples = [kitchen.sample(list(kitchen.MIDDLES)[n % 4], n // 4) for n in range(120)]
    rows = [Row(text=t, spans=s, origin="reviewed", lineage=Lineage(spec="s")) for t, s in samples]
    model = WordFeatures(rows, LABELS)
    texts = [kitchen.sample("Food + Tool", n)[0] for n in range(60, 80)] + ["", "   "]
    for text, found in zip(texts, model.predict(texts)[0], strict=True):
        assert not problem(text, found, LABELS) and not ragged(text, found)
    right = [found == kitchen.spans_of(text) for text, found in zip(texts, model.predict(texts)[0], strict=True)]
    assert sum(right) / len(right) > 0.8


def test_word_features_of_rows_without_spans_find_none() -> None:
    assert WordFeatures([row("nothing to see"), row("nor here")], LABELS).predict(["a pan"]) == ([()], [[]])
