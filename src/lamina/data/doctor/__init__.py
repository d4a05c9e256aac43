"""The data doctor: what is wrong with the data, before a network learns it.

Each check looks at a ``Case`` for one thing and answers with findings. The quick ones run before every
fit; the thorough ones (near copies, broken pictures, doubtful labels, one column that outweighs the rest)
take seconds to minutes and run when the doctor is called.
"""

from __future__ import annotations

from lamina.data.doctor.case import Case, Check
from lamina.data.doctor.checkup import QUICK, THOROUGH, examine, set_aside, stop_on_fatal
from lamina.data.doctor.report import Report, doctor

__all__ = ["QUICK", "THOROUGH", "Case", "Check", "Report", "doctor", "examine", "set_aside", "stop_on_fatal"]
