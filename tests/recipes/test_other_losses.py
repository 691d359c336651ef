"""The losses of recipes that are no plain duel, on linear networks, by their papers' equations, in numpy."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparring.errors import UserError
from sparring.game import Game, Step
from sparring.kinds import Categories, Pictures, Points
from sparring.recipes import RECIPES, acgan, began, cgan, cyclegan, ebgan, infogan, projection, sgan, softmax_gan

Array = np.ndarray

POINTS = Points((2,), (0.0, 0.0), (1.0, 1.0))
X = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
Y = torch.tensor([0, 2, 1, 1, 0, 0])


class Linear(nn.Module):
    """A linear map that remembers what it was given."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        weight = torch.randn(outputs, inputs, generator=torch.Generator().manual_seed(inputs))
        self.W = nn.Parameter(weight)
        self.heard: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.heard.append(x)
        return x @ self.W.T


class Critic(nn.Module):
    """A linear discriminator with linear features."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.features, self.head = Linear(inputs, 3), Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x)).squeeze(1)


class Copier(nn.Module):
    """A linear autoencoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = Linear(2, 3), Linear(3, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def errors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self(x) - x, self.encode(x)


class Times(nn.Module):
    """A translator or a discriminator of one weight."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x


class Old(nn.Module):
    """A pool that always gives the same, and remembers what was put in."""

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        self.picture = picture

    def forward(self, fresh: Tensor, rng: torch.Generator) -> Tensor:
        self.fresh = fresh
        return self.picture


def built(recipe: str, schema: dict[str, Any], **options: Any) -> Game[Any]:
    return RECIPES[recipe].build(RECIPES[recipe].options(width=4, **options), schema)


def terms_of(game: Game[Any], player: str, net: Any, batch: dict[str, Tensor], **left: Tensor) -> dict[str, Tensor]:
    loss = next(each.loss for each in game.players if each.name == player)
    return loss(net, Step(batch, 0, 0.0, torch.Generator().manual_seed(1), left))


def total(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def numbers(x: Tensor) -> Array:
    return x.detach().double().numpy()


def log_sigmoid(x: Array) -> Array:
    return -np.log(1 + np.exp(-x))


def matching_labels() -> tuple[Game[Any], cgan.Networks, dict[str, Tensor]]:
    game = built("cgan", {"x": POINTS, "y": Categories(("a", "b", "c"))}, latent_dim=4)
    return game, cgan.Networks(Linear(4 + 3, 2), Critic(2 + 3)), {"x": X, "y": Y}


def test_cgan_judges_examples_with_their_labels_and_fakes_with_the_labels_they_were_made_for():
    # 1411.1784, eq. 2
    game, net, batch = matching_labels()
    labels = np.eye(3)[Y]
    found = total(terms_of(game, "discriminator", net, batch))
    told, weight = numbers(net.G.heard[0]), numbers(net.D.head.W @ net.D.features.W)[0]
    assert np.array_equal(told[:, 4:], labels)
    fake = told @ numbers(net.G.W).T
    real_scores = np.hstack([numbers(X), labels]) @ weight
    fake_scores = np.hstack([fake, labels]) @ weight
    expected = -log_sigmoid(real_scores).mean() - log_sigmoid(-fake_scores).mean()
    assert found.item() == pytest.approx(expected, rel=1e-5)

    found = total(terms_of(game, "generator", net, batch))
    told = numbers(net.G.heard[-1])
    assert np.array_equal(told[:, 4:], labels)
    fake_scores = np.hstack([told @ numbers(net.G.W).T, labels]) @ weight
    assert found.item() == pytest.approx(-log_sigmoid(fake_scores).mean(), rel=1e-5)
    found.backward()
    to_scores = -(1 - np.exp(log_sigmoid(fake_scores))) / 6  # the derivative of -log σ
    assert numbers(net.G.W.grad) == pytest.approx(np.outer(weight[:2], to_scores @ told), rel=1e-4, abs=1e-6)


def test_cgan_tells_the_label_to_the_sampled_generator_and_to_the_critic():
    game, net, batch = matching_labels()
    z = torch.randn(6, 4)
    game.sample(net, z, {"y": Y})
    assert torch.equal(net.G.heard[-1], torch.cat([z, torch.eye(3)[Y]], 1))
    game.critic(net, batch)
    assert torch.equal(net.D.features.heard[-1], torch.cat([X, torch.eye(3)[Y]], 1))


def test_cgan_tells_the_label_of_a_picture_as_channels():
    pictures = torch.randn(2, 1, 3, 5)
    seen = cgan.told(pictures, torch.tensor([1, 0]), 2)
    assert torch.equal(seen[:, :1], pictures)
    assert torch.equal(seen[0, 1:], torch.stack([torch.zeros(3, 5), torch.ones(3, 5)]))
    assert torch.equal(seen[1, 1:], torch.stack([torch.ones(3, 5), torch.zeros(3, 5)]))


LABELS = {"x": POINTS, "y": Categories(("a", "b", "c"))}


def slopes(f: Any, at: Array) -> Array:
    """The gradient by central differences."""
    steps = 1e-6 * np.eye(at.size).reshape(at.size, *at.shape)
    return np.array([(f(at + step) - f(at - step)) / 2e-6 for step in steps]).reshape(at.shape)


def test_projection_adds_the_labels_direction_to_the_score():
    # 1802.05637, eq. 3 and 4, and the hinge of section 3
    game = built("projection", LABELS, latent_dim=4)
    net = projection.Networks(Linear(4 + 3, 2), Critic(2), torch.nn.Embedding(3, 3))
    V, features, psi = numbers(net.E.weight), numbers(net.D.features.W), numbers(net.D.head.W)[0]

    def score(x: Array, y: Array) -> Array:
        phi = x @ features.T
        return phi @ psi + (V[y] * phi).sum(1)

    x, y = numbers(X), Y.numpy()
    found = total(terms_of(game, "discriminator", net, {"x": X, "y": Y}))
    told = numbers(net.G.heard[-1])
    assert np.array_equal(told[:, 4:], np.eye(3)[y])
    fake = told @ numbers(net.G.W).T
    expected = np.maximum(0, 1 - score(x, y)).mean() + np.maximum(0, 1 + score(fake, y)).mean()
    assert found.item() == pytest.approx(expected, rel=1e-5)
    found.backward()
    assert net.G.W.grad is None
    assert net.E.weight.grad.abs().sum() > 0

    found = total(terms_of(game, "generator", net, {"x": X, "y": Y}))
    told = numbers(net.G.heard[-1])
    assert np.array_equal(told[:, 4:], np.eye(3)[y])
    assert found.item() == pytest.approx(-score(told @ numbers(net.G.W).T, y).mean(), rel=1e-5)
    found.backward()
    expected = slopes(lambda G: -score(told @ G.T, y).mean(), numbers(net.G.W))
    assert numbers(net.G.W.grad) == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert numbers(game.critic(net, {"x": X, "y": Y})) == pytest.approx(score(x, y), rel=1e-5, abs=1e-6)
    z = torch.randn(6, 4)
    game.sample(net, z, {"y": Y})
    assert torch.equal(net.G.heard[-1], torch.cat([z, torch.eye(3)[Y]], 1))


def test_projections_embedding_has_largest_singular_value_1():
    net = built("projection", LABELS).networks
    assert torch.linalg.svdvals(net.E.weight)[0].item() == pytest.approx(1, abs=0.01)
    assert net.E.weight.shape == (3, net.D.head.in_features)


def cross_entropy(logits: Array, y: Array) -> float:
    return -np.log(softmax_rows(logits)[range(len(y)), y]).mean()


def softmax_rows(logits: Array) -> Array:
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_acgan_names_the_classes_of_reals_and_of_fakes():
    # 1610.09585, eq. 2 and 3: D maximises L_S + L_C, G maximises L_C - L_S, here the non-saturating form
    game = built("acgan", LABELS, latent_dim=4, classify=0.7)
    net = acgan.Networks(Linear(4 + 3, 2), Critic(2), Linear(3, 3))
    trunk = numbers(net.D.features.W)
    to_score, to_class = numbers(net.D.head.W)[0] @ trunk, numbers(net.C.W) @ trunk
    x, y = numbers(X), Y.numpy()
    found = terms_of(game, "discriminator", net, {"x": X, "y": Y})
    told = numbers(net.G.heard[-1])
    assert np.array_equal(told[:, 4:], np.eye(3)[y])  # the labels that fakes are made of are those that they count as
    fake = told @ numbers(net.G.W).T
    adversarial = -log_sigmoid(x @ to_score).mean() - log_sigmoid(-fake @ to_score).mean()
    classes = cross_entropy(x @ to_class.T, y) + cross_entropy(fake @ to_class.T, y)
    assert total(found).item() == pytest.approx(adversarial + 0.7 * classes, rel=1e-5)
    total(found).backward()
    assert net.G.W.grad is None

    found = total(terms_of(game, "generator", net, {"x": X, "y": Y}))
    told = numbers(net.G.heard[-1])

    def paper(G: Array) -> float:
        fake = told @ G.T
        return -log_sigmoid(fake @ to_score).mean() + 0.7 * cross_entropy(fake @ to_class.T, y)

    G = numbers(net.G.W)
    assert found.item() == pytest.approx(paper(G), rel=1e-5)
    found.backward()
    assert numbers(net.G.W.grad) == pytest.approx(slopes(paper, G), rel=1e-4, abs=1e-6)
    z = torch.randn(6, 4)
    game.sample(net, z, {"y": Y})
    assert torch.equal(net.G.heard[-1], torch.cat([z, torch.eye(3)[Y]], 1))


class Namer(Critic):
    """A linear discriminator of three classes."""

    def __init__(self) -> None:
        super().__init__(2)
        self.head = Linear(3, 3)


def test_sgan_names_classes_and_takes_their_sum_for_real():
    # 1606.01583 in the form of 1606.03498, section 5: K + 1 classes, the last one's logit fixed at 0
    game = built("sgan", LABELS, latent_dim=4, labelled=4)
    net = sgan.Networks(Linear(4, 2), Namer(), sgan.Labelled(4, (2,), 3))
    W = numbers(net.D.head.W @ net.D.features.W)
    found = terms_of(game, "discriminator", net, {"x": X, "y": Y})
    assert net.L.y.tolist() == [0, 1, 2, 0]  # Y is 0, 2, 1, 1, 0, 0
    assert torch.equal(net.L.x, X[[0, 2, 1, 4]])
    fake = numbers(net.G.heard[-1]) @ numbers(net.G.W).T

    def shares(x: Array) -> Array:
        return softmax_rows(np.hstack([x @ W.T, np.zeros((len(x), 1))]))

    shown = numbers(net.D.features.heard[0])  # drawn from the labelled ones
    labels = np.array([net.L.y[(net.L.x == torch.tensor(row)).all(1)].item() for row in shown.astype(np.float32)])
    assert found["class"].item() == pytest.approx(cross_entropy(shown @ W.T, labels), rel=1e-4)
    assert found["real"].item() == pytest.approx(-np.log(1 - shares(numbers(X))[:, 3]).mean(), rel=1e-4)
    assert found["fake"].item() == pytest.approx(-np.log(shares(fake)[:, 3]).mean(), rel=1e-4)
    total(found).backward()
    assert net.G.W.grad is None

    found = total(terms_of(game, "generator", net, {"x": X, "y": Y}))
    z = numbers(net.G.heard[-1])

    def paper(G: Array) -> float:
        return -np.log(1 - shares(z @ G.T)[:, 3]).mean()

    G = numbers(net.G.W)
    assert found.item() == pytest.approx(paper(G), rel=1e-5)
    found.backward()
    assert numbers(net.G.W.grad) == pytest.approx(slopes(paper, G), rel=1e-4, abs=1e-6)


def test_sgan_learns_from_no_other_label_than_those_it_keeps():
    game = built("sgan", LABELS, latent_dim=4, labelled=3)
    net = sgan.Networks(Linear(4, 2), Namer(), sgan.Labelled(3, (2,), 3))
    first = total(terms_of(game, "discriminator", net, {"x": X, "y": Y}))
    kept = net.L.x.clone()
    again = total(terms_of(game, "discriminator", net, {"x": X, "y": (Y + 1) % 3}))
    assert torch.equal(net.L.x, kept)
    assert torch.equal(first, again)


def test_sgan_refuses_fewer_labels_than_classes():
    with pytest.raises(UserError, match="labelled = 2 is less than the 3 classes"):
        built("sgan", LABELS, labelled=2)


def softmax_share(scores: Array) -> Array:
    return np.exp(scores) / np.exp(scores).sum()


def test_softmax_gan_shares_one_softmax_over_reals_and_fakes():
    # 1704.06191, the cross-entropy between the target shares and the softmax of the whole batch
    game = built("softmax-gan", {"x": POINTS}, latent_dim=4)
    net = softmax_gan.Networks(Linear(4, 2), Critic(2))
    weight = numbers(net.D.head.W @ net.D.features.W)[0]
    found = total(terms_of(game, "discriminator", net, {"x": X}))
    scores = np.hstack([numbers(X) @ weight, numbers(net.G.heard[-1]) @ numbers(net.G.W).T @ weight])
    assert found.item() == pytest.approx(-np.log(softmax_share(scores)[:6]).mean(), rel=1e-5)
    found.backward()
    assert net.G.W.grad is None

    found = total(terms_of(game, "generator", net, {"x": X}))
    z = numbers(net.G.heard[-1])
    scores = np.hstack([numbers(X) @ weight, z @ numbers(net.G.W).T @ weight])
    assert found.item() == pytest.approx(-np.log(softmax_share(scores)).mean(), rel=1e-5)
    found.backward()
    to_scores = softmax_share(scores)[6:] - 1 / 12
    assert numbers(net.G.W.grad) == pytest.approx(np.outer(weight, to_scores @ z), rel=1e-4, abs=1e-6)


def test_softmax_gans_losses_are_at_least_the_logarithms_of_the_batch():
    game = built("softmax-gan", {"x": POINTS}, latent_dim=4)
    for scale in (0.0, 1.0, 30.0):
        net = softmax_gan.Networks(Linear(4, 2), Critic(2))
        net.D.head.W.data.mul_(scale)
        for player, bound in (("discriminator", np.log(6)), ("generator", np.log(12))):
            found = total(terms_of(game, player, net, {"x": X})).item()
            assert found >= bound - 1e-5
            if not scale and player == "generator":
                assert found == pytest.approx(bound)  # reached where D tells nothing apart


def energies(x: Array, D: Array) -> Array:
    return ((x @ D.T - x) ** 2).mean(1)


def test_ebgan_has_energies_with_a_margin_and_pulls_codes_apart():
    # 1609.03126, eq. 1, 2 and 4
    margin = 1.5
    game = built("ebgan", {"x": POINTS}, latent_dim=4, code=3, margin=margin, pulling_away=0.3)
    net = ebgan.Networks(Linear(4, 2), Copier())
    found = terms_of(game, "discriminator", net, {"x": X})
    D = numbers(net.D.decode.W @ net.D.encode.W)
    fake = numbers(net.G.heard[-1]) @ numbers(net.G.W).T
    assert (energies(fake, D) > margin).any()
    assert (energies(fake, D) < margin).any()
    assert found["real"].item() == pytest.approx(energies(numbers(X), D).mean(), rel=1e-5)
    assert found["fake"].item() == pytest.approx(np.maximum(0, margin - energies(fake, D)).mean(), rel=1e-5)
    total(found).backward()
    assert net.G.W.grad is None

    found = terms_of(game, "generator", net, {"x": X})

    def paper(G: Array) -> float:
        fake = numbers(net.G.heard[-1]) @ G.T
        codes = fake @ numbers(net.D.encode.W).T
        cosines = [
            (a @ b / np.linalg.norm(a) / np.linalg.norm(b)) ** 2
            for i, a in enumerate(codes)
            for j, b in enumerate(codes)
            if i != j
        ]
        return energies(fake, D).mean() + 0.3 * sum(cosines) / (6 * 5)

    G = numbers(net.G.W)
    assert total(found).item() == pytest.approx(paper(G), rel=1e-5)
    total(found).backward()
    for place in ((0, 0), (1, 3)):
        step = np.zeros_like(G)
        step[place] = 1e-6
        slope = (paper(G + step) - paper(G - step)) / 2e-6
        assert net.G.W.grad[place].item() == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_ebgans_margin_is_free_beyond_it_and_its_pulling_away_is_an_option():
    game = built("ebgan", {"x": POINTS}, latent_dim=4, margin=1e-3, pulling_away=0.0)
    net = ebgan.Networks(Linear(4, 2), Copier())
    net.G.W.data.mul_(100)
    assert terms_of(game, "discriminator", net, {"x": X})["fake"].item() == 0
    assert terms_of(game, "generator", net, {"x": X}).keys() == {"fake"}
    assert torch.allclose(game.critic(net, {"x": X}), -(net.D(X) - X).square().mean(1))


def test_pulling_away_is_one_for_equal_codes_and_nothing_for_orthogonal_ones_or_a_single_one():
    assert ebgan.pulled_away(torch.ones(5, 3)).item() == pytest.approx(1)
    assert ebgan.pulled_away(torch.eye(3)).item() == pytest.approx(0)
    assert ebgan.pulled_away(torch.ones(1, 3)).item() == pytest.approx(0)


def test_began_weighs_the_fakes_error_by_k_and_moves_k_to_balance():
    # 1703.10717, section 3.4
    game = built("began", {"x": POINTS}, latent_dim=4, code=3, gamma=0.6, rate_k=0.05)
    net = began.Networks(Linear(4, 2), Copier(), began.Balance())
    net.K.k.fill_(0.3)
    D = numbers(net.D.decode.W @ net.D.encode.W)

    def error(x: Array) -> float:
        return abs(x @ D.T - x).mean()

    left: dict[str, Tensor] = {}
    generator, discriminator = game.players
    step = Step({"x": X}, 0, 0.0, torch.Generator().manual_seed(1), left)
    found = total(generator.loss(net, step))
    on_fake = error(numbers(net.G.heard[-1]) @ numbers(net.G.W).T)
    assert found.item() == pytest.approx(on_fake, rel=1e-5)
    assert net.K.k.item() == pytest.approx(0.3)  # k is D's player's
    assert not left["error"].requires_grad

    found = discriminator.loss(net, step)
    fresh = numbers(net.G.heard[-1]) @ numbers(net.G.W).T
    assert found["real"].item() == pytest.approx(error(numbers(X)), rel=1e-5)
    assert found["fake"].item() == pytest.approx(-0.3 * error(fresh), rel=1e-5)
    assert net.K.k.item() == pytest.approx(0.3 + 0.05 * (0.6 * error(numbers(X)) - on_fake), rel=1e-5)
    total(found).backward()  # k has moved meanwhile
    assert net.G.W.grad is None
    assert torch.allclose(game.critic(net, {"x": X}), -(net.D(X) - X).abs().mean(1))


@pytest.mark.parametrize(("by", "k"), [(-9.0, 0.0), (9.0, 1.0)])
def test_k_stays_between_0_and_1(by, k):
    balance = began.Balance()
    balance.move(torch.tensor(by))
    assert balance.k.item() == k


@pytest.mark.parametrize("continuous", [0, 2])
def test_infogan_pays_for_what_q_cannot_read_back(continuous):
    # 1606.03657, eq. 3, 5 and 6: min over G and Q of V(D, G) - λ E[log Q(c | G(z, c))], with λ = 0.7
    options = {"latent_dim": 4, "categories": 3, "continuous": continuous, "information": 0.7}
    game = built("infogan", {"x": POINTS}, **options)
    net = infogan.Networks(Linear(4 + 3 + continuous, 2), Critic(2), Linear(3, 3 + 2 * continuous))

    found = total(terms_of(game, "discriminator", net, {"x": X}))
    weight = numbers(net.D.head.W @ net.D.features.W)[0]
    fake = numbers(net.G.heard[0]) @ numbers(net.G.W).T
    expected = -log_sigmoid(numbers(X) @ weight).mean() - log_sigmoid(-fake @ weight).mean()
    assert found.item() == pytest.approx(expected, rel=1e-5)

    found = terms_of(game, "generator", net, {"x": X})
    noise = numbers(net.G.heard[-1])
    category, values = noise[:, 4:7], noise[:, 7:]
    fake = noise @ numbers(net.G.W).T
    assert found["fake"].item() == pytest.approx(-log_sigmoid(fake @ weight).mean(), rel=1e-5)
    read = fake @ numbers(net.D.features.W).T @ numbers(net.Q.W).T
    guess, mean, log_variance = read[:, :3], read[:, 3 : 3 + continuous], read[:, 3 + continuous :]
    information = -np.log((np.exp(guess) * category).sum(1) / np.exp(guess).sum(1)).mean()
    if continuous:  # averaged over the values too: docs/recipes/infogan.md
        information += (log_variance + (values - mean) ** 2 / np.exp(log_variance)).mean() / 2
    assert found["information"].item() == pytest.approx(0.7 * information, rel=1e-4)
    assert found.keys() == {"fake", "information"}
    found["information"].backward()
    assert net.G.W.grad.abs().sum() > 0
    assert net.Q.W.grad.abs().sum() > 0


def test_infogans_code_is_a_category_and_uniform_values():
    noise = infogan.Code(infogan.Latent(4), 3, 2)(3000, torch.Generator().manual_seed(0))
    category, values = noise[:, 4:7], noise[:, 7:]
    assert torch.equal(category.sum(1), torch.ones(3000))
    assert category.mean(0).tolist() == pytest.approx([1 / 3] * 3, abs=0.04)
    assert values.std(0).tolist() == pytest.approx([3**-0.5] * 2, abs=0.02)
    assert values.abs().max() <= 1
    assert noise[:, :4].std().item() == pytest.approx(1, abs=0.03)


DOMAIN = Pictures((1, 8, 8))
A, B = torch.randn(2, 3, 1, 8, 8, generator=torch.Generator().manual_seed(2))


def translating(**options: Any) -> tuple[Game[Any], cyclegan.Networks]:
    game = built("cyclegan", {"a": DOMAIN, "b": DOMAIN}, depth=1, **options)
    old = torch.randn(2, 3, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    return game, cyclegan.Networks(Times(2.0), Times(0.3), Times(0.7), Times(-1.1), Old(old[0]), Old(old[1]))


@pytest.mark.parametrize("identity", [0.0, 0.25])
def test_cyclegans_translators_minimise_the_papers_loss(identity):
    # 1703.10593, eq. 1 (by least squares, section 4), 2, 3, and the identity loss of section 5.2
    game, net = translating(cycle=3.0, identity=identity)
    left: dict[str, Tensor] = {}
    loss = game.players[0].loss
    found = loss(net, Step({"a": A, "b": B}, 0, 0.0, torch.Generator(), left))
    assert torch.equal(left["b"], 2.0 * A)
    assert torch.equal(left["a"], 0.3 * B)
    assert not any(fake.requires_grad for fake in left.values())
    a, b = numbers(A), numbers(B)

    def paper(G: float, F: float) -> float:
        adversarial = ((-1.1 * G * a - 1) ** 2).mean() + ((0.7 * F * b - 1) ** 2).mean()
        cycles = abs(F * G * a - a).mean() + abs(G * F * b - b).mean()
        identities = abs(G * b - b).mean() + abs(F * a - a).mean()
        return adversarial + 3 * cycles + 3 * identity * identities

    value = total(found)
    assert value.item() == pytest.approx(paper(2.0, 0.3), rel=1e-5)
    value.backward()
    assert net.G.weight.grad.item() == pytest.approx((paper(2.0 + 1e-6, 0.3) - paper(2.0 - 1e-6, 0.3)) / 2e-6, rel=1e-4)
    assert net.F.weight.grad.item() == pytest.approx((paper(2.0, 0.3 + 1e-6) - paper(2.0, 0.3 - 1e-6)) / 2e-6, rel=1e-4)


def test_cyclegans_discriminators_judge_what_the_pools_give():
    # 1703.10593, section 4: least squares, halved, on a history of fakes
    game, net = translating()
    fresh_a, fresh_b = torch.randn(2, 3, 1, 8, 8)
    found = total(terms_of(game, "discriminators", net, {"a": A, "b": B}, a=fresh_a, b=fresh_b))
    assert net.P_A.fresh is fresh_a
    assert net.P_B.fresh is fresh_b
    a, b, old_a, old_b = (numbers(x) for x in (A, B, net.P_A.picture, net.P_B.picture))
    expected_a = ((0.7 * a - 1) ** 2).mean() / 2 + ((0.7 * old_a) ** 2).mean() / 2
    expected_b = ((-1.1 * b - 1) ** 2).mean() / 2 + ((-1.1 * old_b) ** 2).mean() / 2
    assert found.item() == pytest.approx(expected_a + expected_b, rel=1e-5)


def test_cyclegan_samples_b_from_a_and_scores_b():
    game, net = translating()
    assert torch.equal(game.sample(net, torch.zeros(3, 0), {"a": A}), 2.0 * A)
    assert game.reverse is not None
    assert torch.allclose(game.reverse(net, torch.zeros(3, 0), {"b": B}), 0.3 * B)
    assert torch.allclose(game.critic(net, {"b": B}), (-1.1 * B).mean((1, 2, 3)))
