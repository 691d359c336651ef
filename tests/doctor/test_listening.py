"""What is heard of steps, and that listening changes nothing."""

import pytest
import torch
from torch import nn

import sparring
from sparring.doctor.listening import Listener
from sparring.game import OptimizerConfig
from sparring.kinds import Points
from sparring.loop import Play, State, play


class Cloud:
    schema = {"x": Points((2,), (0.0, 0.0), (1.0, 1.0))}  # noqa: RUF012

    def __len__(self) -> int:
        return 40

    def batch(self, draw: int, size: int, seed: int) -> dict[str, torch.Tensor]:
        return {"x": torch.randn(size, 2, generator=torch.Generator().manual_seed(draw))}


def started(kind: str = "sgd") -> State:
    torch.manual_seed(0)
    optimizer = OptimizerConfig(0.1, kind)
    return State.start(sparring.duel(nn.Linear(3, 2), nn.Linear(2, 1), latent=3, optimizer=optimizer))


def rounds(state: State, count: int) -> None:
    playing = play(state, Cloud(), Play(0, 8, 10))
    for _ in range(count):
        next(playing)


def test_the_step_of_plain_gradient_descent_is_the_rate_times_the_gradient():
    state = started()
    before = torch.cat([p.detach().flatten() for p in state.owned["generator"]]).norm().item()
    listener = Listener(state)
    listener.start()
    rounds(state, 1)
    heard = listener.stop()["generator"]
    assert heard.weights == pytest.approx(before)
    assert heard.update == pytest.approx(0.1 * heard.gradient / before, rel=1e-4)


def test_layers_are_named_and_their_gradients_add_up():
    state = started()
    listener = Listener(state)
    listener.start()
    rounds(state, 1)
    heard = listener.stop()["generator"]
    assert list(heard.layers) == ["G.weight", "G.bias"]
    total = heard.layers["G.weight"] ** 2 * 6 + heard.layers["G.bias"] ** 2 * 2
    assert total**0.5 == pytest.approx(heard.gradient, rel=1e-4)


@pytest.mark.parametrize("kind", ["sgd", "adam", "rmsprop"])
def test_listening_changes_nothing(kind):
    deaf, listened = started(kind), started(kind)
    listener = Listener(listened)
    rounds(deaf, 3)
    listener.start()
    rounds(listened, 3)
    listener.stop()
    for a, b in zip(deaf.owned["generator"], listened.owned["generator"], strict=True):
        assert torch.equal(a, b)


def test_nothing_is_heard_before_the_start_or_after_the_stop():
    state = started()
    listener = Listener(state)
    rounds(state, 1)
    assert not listener.listening
    listener.start()
    assert listener.listening
    assert listener.stop() == {}
    listener.start()
    rounds(state, 1)
    assert set(listener.stop()) == {"discriminator", "generator"}
    rounds(state, 1)
    assert listener.stop() == {}


def test_a_player_that_is_told_not_to_learn_is_heard():
    torch.manual_seed(0)
    rates = (OptimizerConfig(0.1, "sgd"), OptimizerConfig(0.0, "sgd"))
    state = State.start(sparring.duel(nn.Linear(3, 2), nn.Linear(2, 1), latent=3, optimizer=rates))
    listener = Listener(state)
    listener.start()
    rounds(state, 1)
    heard = listener.stop()
    assert heard["discriminator"].update == 0.0 < heard["generator"].update
    assert heard["discriminator"].rate == heard["generator"].rate == 1.0
