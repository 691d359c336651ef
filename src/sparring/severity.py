"""The doctor's verdicts, and how serious each of them is; known here so that a log can be shown without torch."""

SEVERITY = {
    "diverged": "bad",
    "vanishing-gradients": "bad",
    "stalled": "warning",
    "memorising": "bad",
    "discriminator-overfitting": "warning",
    "junk-feedback": "bad",
    "mode-collapse": "bad",
    "oscillating": "warning",
    "converged": "good",
    "learning": "going",
    "warming-up": "quiet",
}
"""By verdict: bad and warning are diseases."""

VERDICTS = tuple(SEVERITY)


def severity_of(verdict: str) -> str:
    """How serious a verdict is; one that this version does not know is bad."""
    return SEVERITY.get(verdict, "bad")


def is_trouble(verdict: str) -> bool:
    """Whether the training is not well."""
    return severity_of(verdict) in ("bad", "warning")


TROUBLE = tuple(verdict for verdict in VERDICTS if is_trouble(verdict))
"""The diseases."""
