"""Kinds of data, one file each, and the columns that an example is made of."""

from sparring.kinds._kind import KINDS, Kind, Schema, check_ending, from_tables, register, to_model, to_tables
from sparring.kinds.categories import Categories, classes_of, labelled
from sparring.kinds.pictures import Pictures, pictured
from sparring.kinds.points import Points

__all__ = [
    "KINDS",
    "Categories",
    "Kind",
    "Pictures",
    "Points",
    "Schema",
    "check_ending",
    "classes_of",
    "from_tables",
    "labelled",
    "pictured",
    "register",
    "to_model",
    "to_tables",
]
