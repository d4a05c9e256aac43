"""All checks over one case, and what follows from their findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from lamina.data.doctor import answers, columns
from lamina.data.doctor.case import Case, Check, listed
from lamina.data.doctor.copies import contradictions, copies
from lamina.data.doctor.dominance import dominance
from lamina.data.doctor.equations import encoded, sums
from lamina.data.doctor.labels import labels
from lamina.data.doctor.leaks import leaks, order
from lamina.data.doctor.pictures import pictures
from lamina.data.doctor.texts import near_texts
from lamina.errors import TableError, TargetError
from lamina.records import Finding, Schema

# Quick enough to run before every fit
QUICK: Final[tuple[Check, ...]] = (
    *(answers.one_answer, answers.too_many_classes, answers.few_rows, answers.rare_classes),
    *(columns.no_inputs, columns.useless, columns.id_like, columns.mixed_types),
    *(columns.future_dates, columns.late_dates),
    *(leaks, sums, encoded, order, copies),
)
# Those that fit models or open files
THOROUGH: Final[tuple[Check, ...]] = (contradictions, pictures, near_texts, dominance, labels)

SEVERITIES: Final = ("fatal", "warning", "note")


def examine(case: Case, checks: Iterable[Check] = QUICK) -> tuple[Finding, ...]:
    """All findings about a case, worst first."""
    findings = [finding for one in case.per_target() for check in checks for finding in check(one)]
    return tuple(sorted(_first_per_column(findings), key=lambda each: SEVERITIES.index(each.severity)))


def _first_per_column(findings: list[Finding]) -> list[Finding]:
    """A column is called a leak once, and not also a possible one."""
    sure = {each.column for each in findings if each.code == "leak"}
    kept, seen = [], set()
    findings = list(dict.fromkeys(findings))  # of several targets, each may say the same of a column
    for each in findings:
        again = (each.code, each.column) in seen or (each.code == "possible-leak" and each.column in sure)
        if each.code not in ("leak", "possible-leak") or not again:
            kept.append(each)
        seen.add((each.code, each.column))
    return kept


def set_aside(
    schema: Schema, findings: Iterable[Finding], roles: Mapping[str, str], allow: Collection[str] = ()
) -> tuple[Schema, tuple[Finding, ...]]:
    """The schema without the columns that give the answer away, and the findings in the words that fit.

    A column stays where the user gave it the role input or allows leaks, or where no other input would
    be left.
    """
    findings = tuple(findings)
    leaking = {each.column for each in findings if each.code == "leak" and each.column is not None}
    wanted = leaking if "leak" in allow else {name for name in leaking if roles.get(name) == "input"}
    out = leaking - wanted
    if {each.name for each in schema.with_role("input")} <= out:
        out = set()
    why = "it gives the answer away; the doctor left it out"
    fields = (
        msgspec.structs.replace(each, role="ignored", why=f"{each.why}; {why}") if each.name in out else each
        for each in schema
    )
    said = (each if each.code != "leak" or each.column in out else _stays(each, wanted) for each in findings)
    return Schema(tuple(fields)), tuple(said)


def _stays(finding: Finding, wanted: Collection[str | None]) -> Finding:
    """The finding of a leak that is kept; only a note where the user wants it so."""
    return msgspec.structs.replace(
        finding,
        severity="note" if finding.column in wanted else finding.severity,
        remedy=f"It was kept. Leave it out with roles={{{finding.column!r}: 'ignored'}} "
        "unless it is known before.",
    )


def stop_on_fatal(findings: Iterable[Finding], allow: Collection[str] = ()) -> None:
    """What makes learning impossible ends here, all of it in one error.

    Raises ``TargetError`` where only the target is to blame, else ``TableError``.
    """
    fatal = [each for each in findings if each.severity == "fatal" and each.code not in allow]
    if not fatal:
        return
    ours = all(each.code in ("one-answer", "too-many-classes") for each in fatal)
    raise (TargetError if ours else TableError)(
        " ".join(each.message for each in fatal),
        " ".join(each.remedy for each in fatal),
        codes=[each.code for each in fatal],
        columns=listed([each.column for each in fatal if each.column]),
    )
