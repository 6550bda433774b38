from minibento.wording import did_you_mean, sentence, shown, shown_json


class Mute:
    def __repr__(self) -> str:
        raise ValueError("no words")


def test_a_value_is_shown_by_its_repr_cut_to_length() -> None:
    assert shown("abc") == "'abc'"
    assert shown([1, 2]) == "[1, 2]"
    assert shown("x" * 10_000, 40) == "'" + "x" * 36 + "..."
    assert len(shown(object(), 10)) == 10


def test_what_cannot_be_shown_is_described() -> None:
    assert shown(10**5000) == "an integer of 16610 bits"
    assert shown(list(range(21))) == "list of 21 entries"
    assert shown(Mute()) == "a value of type Mute"


def test_what_came_as_json_is_called_as_there() -> None:
    assert [shown_json(one) for one in (None, True, False)] == ["null", "true", "false"]
    assert shown_json([None, {"a": True}]) == '[null, {"a": true}]'
    assert shown_json(["x" * 100], 20) == '["' + "x" * 15 + "..."
    assert shown_json("a") == "'a'"
    assert shown_json([object]) == shown([object])
    assert shown_json([None] * 21) == "list of 21 entries"


def test_the_nearest_known_name_is_meant_if_one_is_near() -> None:
    assert did_you_mean("predit", ["fit", "predict"]) == "did you mean 'predict'?"
    assert did_you_mean("xyz", ["fit", "predict"], "it has fit") == "it has fit"
    assert did_you_mean("xyz", []) == ""


def test_a_sentence_ends_with_one_full_stop() -> None:
    assert sentence("no such key") == "no such key."
    assert sentence("no such key.\n") == "no such key."
    assert sentence("did you mean 'a'?") == "did you mean 'a'?"
