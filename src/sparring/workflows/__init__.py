"""The glue: from a source and a recipe to a run, and from a run to samples."""

from sparring.workflows.api import Run, resume, train
from sparring.workflows.configuring import CUSTOM, Length, Settings, Source
from sparring.workflows.encoding import check_encoder, decoded, encode, reconstruct
from sparring.workflows.generator import Generator, generator_of
from sparring.workflows.given import asked as given_to
from sparring.workflows.inheriting import existing
from sparring.workflows.partnering import fairly_tested, partners_of
from sparring.workflows.planning import Opening, Plan, open_data, plan, plan_resumed, reopened
from sparring.workflows.playing import Status, run
from sparring.workflows.sampling import PER_CLASS, Sampler, by_class, makers_of, sample, sampler
from sparring.workflows.translating import Size, Translation, check_seeds, translate

__all__ = [
    "CUSTOM",
    "PER_CLASS",
    "Generator",
    "Length",
    "Opening",
    "Plan",
    "Run",
    "Sampler",
    "Settings",
    "Size",
    "Source",
    "Status",
    "Translation",
    "by_class",
    "check_encoder",
    "check_seeds",
    "decoded",
    "encode",
    "existing",
    "fairly_tested",
    "generator_of",
    "given_to",
    "makers_of",
    "open_data",
    "partners_of",
    "plan",
    "plan_resumed",
    "reconstruct",
    "reopened",
    "resume",
    "run",
    "sample",
    "sampler",
    "train",
    "translate",
]
