"""The page of errors: every reference, its exit status, its sentence, read from the sources."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
HEAD: Final = """# Errors

What booty says when something cannot be done: a stable reference, a sentence, a hint. Generated from the sources by `make docs`.

A fault is `{"status", "reference", "message", "subject", "hint"}`, with `lines` where a program ended: its last ones. Over the control socket it is
this object; in Python it is an exception with the same attributes; with `--json` the command prints `{"error": …}` on stdout, beside the words on
stderr (an `up` whose start failed prints the table with the same `error` in it).

Several at once are shown one after another (in Python `BootyErrors`, with `--json` the first with `faults`: all of them); the exit status is that of
the first. Wrong use of a command is `usage`, what nobody thought of is `unexpected`.

| status | exception | meaning |
| --- | --- | --- |
| 0 | | ok |
| 1 | `BootyError` | unexpected; the traceback is shown with `-vv` |
| 2 | | usage |
| 3 | `ConfigError` | booty.toml, a layer, a reference, a value |
| 4 | `ProviderError` | missing, broken, wrong API number |
| 5 | `FetchError` | a program cannot be had |
| 6 | `VerifyError` | what came is not what was promised |
| 7 | `StartError` | ended, or a hook failed, before it was ready |
| 8 | `HealthError` | a readiness or waiting deadline passed, or something is unhealthy |
| 9 | `StopError` | something had to be killed |
| 10 | `ConflictError` | a port, a lock, a copied folder, another command at work |
| 11 | `LostError` | a critical service was lost |
| 130 | | interrupted |

| reference | status | sentence |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Fault:
    """One place in the sources that reports a fault."""

    reference: str
    status: int | None
    message: str
    place: str


def faults() -> list[Fault]:
    """Return every fault of the shipped distributions, by reference and place."""
    found: list[Fault] = []
    statuses = _statuses()
    for file in sorted(ROOT.glob("booty-*/src/**/*.py")):
        place = str(file.relative_to(ROOT))
        for node in ast.walk(ast.parse(file.read_text())):
            found.extend(_of(node, statuses, place))
    return sorted(found, key=lambda one: (one.reference, one.place, one.message))


def _statuses() -> dict[str, int]:
    from booty import errors

    kinds = (getattr(errors, name) for name in errors.__all__)
    return {
        kind.__name__: kind.status
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, errors.BootyError)
    }


def _of(node: ast.AST, statuses: dict[str, int], place: str) -> Iterator[Fault]:
    if isinstance(node, ast.Call):
        given = {word.arg: word.value for word in node.keywords if word.arg}
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        message = node.args[0] if node.args else given.get("message")
        status: int | None = statuses.get(name) or _number(given.get("status"))
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        given = {str(k.value): v for k, v in pairs if isinstance(k, ast.Constant)}
        message, status = given.get("message"), _number(given.get("status"))
    else:
        return
    reference = given.get("reference")
    if isinstance(reference, ast.Constant) and isinstance(reference.value, str):
        if status is None and "/config/" in place:
            status = 3  # collected there and raised together as ConfigError
        yield Fault(reference.value, status, _sentence(message), place)


def _number(node: ast.AST | None) -> int | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


def _sentence(node: ast.AST | None) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_sentence(part) for part in parts)
        case ast.FormattedValue():
            return "…"
        case ast.BinOp(left=left, right=right):
            return _sentence(left) + _sentence(right)
    return ""


def render() -> str:
    """Return the page."""
    rows: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults():
        rows[fault.reference].append(fault)
    lines = []
    for reference, group in sorted(rows.items()):
        statuses = " ".join(sorted({str(one.status) for one in group if one.status is not None}))
        messages = dict.fromkeys(one.message.replace("|", "\\|") for one in group if one.message)
        lines.append(f"| `{reference}` | {statuses} | {' / '.join(messages)} |")
    return HEAD + "\n".join(lines) + "\n"
