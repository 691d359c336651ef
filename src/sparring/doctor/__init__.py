from sparring.doctor.attendance import AUTO, OFF, Doctor, Health, readings
from sparring.doctor.course import Reading
from sparring.doctor.signals import Signals
from sparring.doctor.verdicts import Verdict, diagnose
from sparring.severity import TROUBLE, VERDICTS

__all__ = [
    "AUTO",
    "OFF",
    "TROUBLE",
    "VERDICTS",
    "Doctor",
    "Health",
    "Reading",
    "Signals",
    "Verdict",
    "diagnose",
    "readings",
]
