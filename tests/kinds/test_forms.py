import torch

from sparring.kinds import Categories, Pictures


def test_a_mirrored_picture_has_left_and_right_exchanged():
    picture = torch.tensor([[[[1, 2], [3, 4]]]], dtype=torch.uint8)
    assert Pictures((1, 2, 2)).mirrored(picture).tolist() == [[[[2, 1], [4, 3]]]]


def test_a_class_may_have_a_comma_in_its_name():
    kind = Categories(("a", "cat, big"))
    assert kind.several("cat, big") == [1]
