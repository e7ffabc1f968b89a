import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.errors import BadName
from zoo.names import Reference, Version, check_name

numbers = st.integers(min_value=0, max_value=999_999_999)
versions = st.builds(Version, numbers, numbers, numbers)
small = st.builds(Version, *[st.integers(0, 3)] * 3)


@given(versions)
def test_a_version_reads_back(version):
    assert Version.parse(str(version)) == version


@given(versions, versions)
def test_versions_are_ordered_by_their_numbers_not_their_text(a, b):
    assert (a < b) == ([int(x) for x in str(a).split(".")] < [int(x) for x in str(b).split(".")])
    assert (a < b) + (b < a) + (a == b) == 1


@given(st.lists(small), st.lists(st.integers(0, 3), max_size=3).map(tuple))
def test_newest_is_the_largest_that_matches(known, wanted):
    found = Reference("a/b", wanted).newest(known)
    matching = [v for v in known if (v.major, v.minor, v.patch)[: len(wanted)] == wanted]
    assert found == (sorted(matching)[-1] if matching else None)


@given(st.text())
def test_any_text_is_a_version_or_a_clear_error(text):
    try:
        assert str(Version.parse(text)) == text
    except BadName as error:
        assert "1.0.0" in str(error)


@pytest.mark.parametrize("text", ["1", "1.2", "v1.0.0", "01.0.0", "1.0.0-rc1", " 1.0.0", "1.0.0\n", "１.0.0", "-1.0.0"])
def test_what_is_no_version(text):
    with pytest.raises(BadName):
        Version.parse(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("a/b", ()), ("a/b@1", (1,)), ("a/b@1.2", (1, 2)), ("a/b@1.2.10", (1, 2, 10)), ("a_1/b-c_d@0", (0,))],
)
def test_references(text, wanted):
    assert Reference.parse(text).wanted == wanted


@pytest.mark.parametrize(
    "text", ["", "a", "a/b/c", "A/b", "a/b@", "a/b@x", "a/b@1.2.3.4", "../b", "a/..", "a-b/c", "a/b@1@2", "a/b "]
)
def test_what_is_no_reference(text):
    with pytest.raises(BadName):
        Reference.parse(text)


words = st.text("ab0", min_size=1, max_size=2)
names = st.builds(
    "{}/{}".format,
    st.lists(words, min_size=1, max_size=2).map("_".join),
    st.lists(words, min_size=1, max_size=3).map("-".join),
)


@given(names, names)
def test_two_names_are_never_one_repository(a, b):
    assert (check_name(a).replace("/", "-") == b.replace("/", "-")) == (a == b)
