import json
import threading

import numpy as np
import onnx
import pytest
import tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper

import zoo
from zoo.errors import BadInput, BrokenSpecialist
from zoo.manifest import WEIGHTS
from zoo.runtime import INDEPENDENT

texts = st.lists(st.sampled_from([*tiny.WORDS, "unheard"]), min_size=1, max_size=20).map(" ".join)
many = st.lists(texts, min_size=1, max_size=12)
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def int8(specialist):
    return zoo.load(specialist)


@pytest.fixture(scope="module")
def fp32(specialist):
    return zoo.load(specialist, weights="fp32", batch_size=4)


def by_hand(folder, text, temperature=1.5, max_tokens=12):
    """The same answer, from the graph's own numbers."""
    numbers = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(folder / WEIGHTS["fp32"])).graph.initializer}
    ids = [2 + tiny.WORDS.index(word) if word in tiny.WORDS else 1 for word in text.split()][:max_tokens]
    logits = (numbers["embedding"][ids] @ numbers["weights"]).mean(axis=0)
    odds = np.exp(logits / temperature)
    return odds / odds.sum()


@shared
@given(text=texts)
def test_probabilities_are_the_calibrated_softmax_of_the_pooled_logits(fp32, specialist, text):
    np.testing.assert_allclose(fp32.predict_proba([text])[0], by_hand(specialist, text), rtol=1e-5)


@shared
@given(group=many, data=st.data())
def test_int8_answers_do_not_depend_on_neighbours_or_order(int8, group, data):
    alone = [int8.predict(text, scores=True) for text in group]
    assert int8.predict(group, scores=True) == alone
    order = data.draw(st.permutations(range(len(group))))
    assert int8.predict([group[i] for i in order], scores=True) == [alone[i] for i in order]


@shared
@given(group=many, data=st.data())
def test_fp32_answers_in_batches_do_not_depend_on_neighbours_or_order(fp32, group, data):
    alone = np.concatenate([fp32.predict_proba([text]) for text in group])
    order = data.draw(st.permutations(range(len(group))))
    np.testing.assert_allclose(fp32.predict_proba([group[i] for i in order]), alone[order], rtol=1e-5)


def test_how_many_texts_a_run_takes_the_file_says(copy):
    assert zoo.load(copy).batch_size == 1  # tiny's is quantized dynamically
    assert zoo.load(copy, weights="fp32").batch_size == 32
    file = copy / WEIGHTS["int8"]
    model = onnx.load(file)
    onnx.helper.set_model_props(model, dict([INDEPENDENT]))
    onnx.save(model, file)
    tiny.seal(copy)
    assert zoo.load(copy).batch_size == 8 and zoo.load(copy, batch_size=3).batch_size == 3


def test_int8_answers_in_batches_would_depend_on_neighbours(specialist):
    # Why the default is one at a time where the file does not say that texts are independent.
    batched = zoo.load(specialist, batch_size=8)
    alone = batched.predict_proba(["word5"])[0]
    together = batched.predict_proba(["word5", *tiny.WORDS[:7]])[0]
    assert not np.array_equal(alone, together)


@shared
@given(text=texts)
def test_an_answer_is_the_best_label_and_scores_sum_to_one(int8, text):
    answer = int8.predict(text, scores=True)
    assert tuple(answer.scores) == tiny.LABELS
    assert answer.confidence == max(answer.scores.values()) == answer.scores[answer.label]
    assert sum(answer.scores.values()) == pytest.approx(1)
    assert answer.unsure == (answer.confidence < 0.5)


def test_scores_only_on_request(int8):
    assert int8.predict("word1").scores is None
    assert int8.predict(["word1"], scores=True)[0].scores


def test_answers_can_be_put_in_sets(int8):
    assert len({*int8.predict(["word1", "word1"], scores=True)}) == 1


def test_threshold_decides_unsure(copy):
    for threshold, unsure in ((None, False), (0.0, False), (1.0, True)):
        assert zoo.load(tiny.seal(copy, threshold=threshold)).predict("word1").unsure is unsure


def test_a_labels_own_threshold_decides_for_its_answers(copy):
    label = zoo.load(tiny.seal(copy)).predict("word1").label
    other = next(one for one in tiny.LABELS if one != label)
    for threshold, own, unsure in ((0.0, {label: 1.0}, True), (1.0, {label: 0.0}, False), (None, {other: 0.0}, True)):
        sealed = tiny.seal(copy, threshold=threshold, thresholds=own)
        assert zoo.load(sealed).predict("word1").unsure is unsure


def test_texts_are_cut_at_max_tokens(int8):
    head = " ".join(tiny.WORDS[:12])
    assert int8.predict(head + " word20" * 50_000, scores=True) == int8.predict(head, scores=True)
    assert int8.predict(head, scores=True) != int8.predict(" ".join(tiny.WORDS[:11]), scores=True)


def test_many_texts_keep_their_order(fp32):
    group = [" ".join(tiny.WORDS[i % 7 : i % 7 + 1 + i % 5]) for i in range(5000)]
    answers = fp32.predict_proba(group)
    assert answers.shape == (5000, 3)
    for i in (0, 1, 34, 4095, 4096, 4999):
        np.testing.assert_allclose(answers[i], fp32.predict_proba([group[i]])[0], rtol=1e-5)


def test_no_texts_no_answers(int8):
    assert int8.predict([]) == []
    assert int8.predict_proba([]).shape == (0, 3)


@pytest.mark.parametrize("text", ["", " \n\t", "\ud800"])
def test_texts_that_cannot_be_asked_about(int8, text):
    with pytest.raises(BadInput):
        int8.predict(text)
    with pytest.raises(BadInput, match="text 1"):
        int8.predict(["word1", text])


@pytest.mark.parametrize("value", [None, 1, b"word1", {"word1"}, {"a": "b"}, ["word1", None], [["word1"]]])
def test_what_is_not_text(int8, value):
    with pytest.raises(BadInput, match=r"not (NoneType|int|bytes|set|dict|list)"):
        int8.predict(value)


@shared
@given(text=st.text(min_size=1))
def test_any_text_is_answered_or_refused_clearly(int8, text):
    try:
        assert int8.predict(text).label in tiny.LABELS
    except BadInput as error:
        assert error.what


def test_threads_share_a_specialist(int8):
    group = [" ".join(tiny.WORDS[i : i + 1 + i % 9]) for i in range(30)]
    expected = int8.predict(group, scores=True)
    results = []

    def work():
        results.extend(int8.predict(group, scores=True) == expected for _ in range(10))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [True] * 80


def test_default_weights_are_the_publishers(copy):
    assert zoo.load(copy).weights == WEIGHTS["int8"]
    assert zoo.load(tiny.seal(copy, default_weights=WEIGHTS["fp32"])).weights == WEIGHTS["fp32"]


@pytest.mark.parametrize("options", [{"weights": "int4"}, {"threads": 0}, {"threads": "2"}, {"batch_size": 0}])
def test_options_that_do_not_exist(specialist, options):
    with pytest.raises(BadInput):
        zoo.load(specialist, **options)


def test_two_threads_answer_the_same(specialist, int8):
    assert (
        zoo.load(specialist, threads=2).predict("word1 word2", scores=True).label == int8.predict("word1 word2").label
    )


def test_labels_that_do_not_fit_the_model(copy):
    with pytest.raises(BrokenSpecialist, match="4 labels"):
        zoo.load(tiny.seal(copy, labels=("a", "b", "c", "d")))


def test_another_kind_needs_a_newer_zoo(copy):
    with pytest.raises(BrokenSpecialist, match="translation"):
        zoo.load(tiny.seal(copy, kind="translation"))


@pytest.mark.parametrize("name", ["tokenizer.json", "onnx/model_int8.onnx"])
def test_files_that_are_not_what_they_should_be(copy, name):
    (copy / name).write_bytes(b"{}")
    with pytest.raises(BrokenSpecialist, match="can't be read"):
        zoo.load(tiny.seal(copy))


def test_a_graph_with_other_inputs(copy):
    model = tiny.graph(3)
    model.graph.input[0].name = "tokens"
    model.graph.node[0].input[1] = "tokens"
    onnx.save(model, str(copy / WEIGHTS["int8"]))
    with pytest.raises(BrokenSpecialist, match="it must take attention_mask, input_ids"):
        zoo.load(tiny.seal(copy))


def test_a_tokenizer_that_knows_more_words_than_the_model(copy):
    path = copy / "tokenizer.json"
    raw = json.loads(path.read_text())
    raw["model"]["vocab"]["extra"] = 999
    path.write_text(json.dumps(raw))
    loaded = zoo.load(tiny.seal(copy))
    with pytest.raises(BrokenSpecialist, match="can't be run"):
        loaded.predict("extra")


def test_a_model_that_answers_nan(copy):
    model = tiny.graph(3)
    for place, constant in enumerate(model.graph.initializer):
        if constant.name == "weights":
            model.graph.initializer[place].CopyFrom(
                numpy_helper.from_array(np.full((16, 3), np.nan, dtype=np.float32), "weights")
            )
    onnx.save(model, str(copy / WEIGHTS["int8"]))
    with pytest.raises(BrokenSpecialist, match="not a number"):
        zoo.load(tiny.seal(copy))
