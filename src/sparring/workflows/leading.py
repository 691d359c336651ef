"""One run in several processes: the first decides, writes and shows; the others play along."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from sparring import checkpoint as checkpoints
from sparring.errors import ProcessesError
from sparring.loop import DivergedError, Round, State, play
from sparring.pacing import interruptions
from sparring.processes import Processes
from sparring.workflows.planning import Plan

PLAY, COMPARE, DECIDE, END = range(4)
"""What the first process says to the others between two rounds."""


class Lead:
    """The first process's word to the others; used as a context manager, it lets them go at the end.

    Args:
        processes: of the run. One by itself has nobody to tell.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._listened_to = True
        self.asked = False
        """Whether another process was asked to stop."""

    def __enter__(self) -> "Lead":
        return self

    def __exit__(self, *error: object) -> None:
        # in the middle of a round nobody listens: the others notice that this process is gone
        if self._listened_to:
            with suppress(ProcessesError):
                self._say(END)

    def rounds(self, rounds: Iterator[Round]) -> Iterator[Round]:
        """These rounds, each of them played by all."""
        while True:
            self._say(PLAY)
            self._listened_to = False
            try:
                played = next(rounds)
            except DivergedError:
                self._listened_to = True  # all have seen the same, and wait
                raise
            self._listened_to = True
            yield played

    def compare(self, state: State) -> None:
        """Make sure that all processes hold the same game.

        Raises:
            ProcessesError: they do not.
        """
        if self._processes.size == 1:
            return
        self._say(COMPARE)
        first, *others = self._processes.gather(checkpoints.digest(state))
        apart = [str(rank) for rank, digest in enumerate(others, 1) if digest != first]
        if apart:
            raise ProcessesError(
                f"in round {state.round} the networks of process {', '.join(apart)} are not those of process 0: "
                "do a loss or `after` draw from elsewhere than step.rng, or do the machines differ?"
            )

    def decide(self, horizon: int) -> None:
        """Tell the others the round in which schedules end, decided after the one just played."""
        if self._processes.size > 1:
            self._say(DECIDE)
            self._processes.exchange(horizon)

    def _say(self, word: int) -> None:
        self._listened_to = False
        self.asked |= any(self._processes.exchange(word)[1:])
        self._listened_to = True


def follow(plan: Plan) -> None:
    """Play along in another process than the first: it writes and says nothing.

    Raises:
        ProcessesError: the first one is gone.
    """
    processes, state, rounds = plan.how.processes, plan.state, play(plan.state, plan.data, plan.how)
    with interruptions() as asked:
        while (word := processes.exchange(asked.is_set())[0]) != END:
            if word == COMPARE:
                processes.gather(checkpoints.digest(state))
            elif word == DECIDE:
                how = replace(plan.how, horizon=processes.exchange(0)[0], begins=state.round)
                rounds = play(state, plan.data, how)
            else:
                with suppress(DivergedError):  # the first process sees the same, and ends the run
                    next(rounds)
