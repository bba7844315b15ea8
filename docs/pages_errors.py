"""The page of errors: every reference, its exit status, its sentence, read from the sources."""

from __future__ import annotations

import ast
import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator
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
| 1 | `ClientError` | a call of a [portable client](clients.md) that did not end well; the reference is the word of its code, or one of those below |
| 130 | | interrupted |

| reference | status | sentence |
| --- | --- | --- |
"""


INNER: Final = (ast.Call, ast.Dict)
DEEPEST: Final = 4
"""Names that stand for names, in a sentence."""
Scope = dict[str, ast.expr]
"""Parameters of a wrapper, and what a call puts in their place."""
HANDED_ON: Final = frozenset(("reference", "error.reference", "self.reference", "str(data[…])"))
"""A fault that comes from elsewhere and is handed on: it is listed where it was made."""
STATUSES: Final = {"ControlError.of": 1, "SpawnError": 7, "usage": 2, "unexpected": 1}
"""Status by callee or reference where no class of ``booty.errors`` says it."""


@dataclass(frozen=True)
class Fault:
    """One place in the sources that reports a fault; an unknown status or reference is ``None``."""

    reference: str | None
    status: int | None
    message: str
    place: str


@dataclass(frozen=True)
class Wrapper:
    """A function that is given the reference of the fault that it makes."""

    parameters: tuple[str, ...]
    defaults: Scope
    inner: ast.Call | ast.Dict | None


def faults() -> list[Fault]:
    """Return every fault of the shipped distributions, by reference and place."""
    found: list[Fault] = []
    for file in sorted(ROOT.glob("booty-*/src/**/*.py")):
        found.extend(_Module(file).faults())
    return sorted(found, key=lambda one: (one.reference or "", one.place, one.message))


@functools.cache
def _statuses() -> dict[str, int]:
    from booty import errors
    from booty.clients import errors as clients

    kinds = [getattr(tree, name) for tree in (errors, clients) for name in tree.__all__]
    return STATUSES | {
        kind.__name__: kind.status
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, errors.BootyError)
    }


@functools.cache
def _methods() -> dict[str, Wrapper]:
    # public methods are called from other modules: by their names, which no other wrapper has
    found: dict[str, Wrapper] = {}
    for file in sorted(ROOT.glob("booty-*/src/**/*.py")):
        found |= _of_classes(ast.parse(file.read_text()))
    return {name: one for name, one in found.items() if not name.startswith("_")}


def _of_classes(tree: ast.Module) -> dict[str, Wrapper]:
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    found = [_wrappers(node.body) for node in classes if not node.name.endswith("Error")]
    return {name: one for wrappers in found for name, one in wrappers.items()}


@functools.cache
def _defaults() -> dict[str, ast.expr]:
    """References that an exception has where nobody gives it one, by class."""
    found: dict[str, ast.expr] = {}
    for file in sorted(ROOT.glob("booty-*/src/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            name, body = (node.name, node.body) if isinstance(node, ast.ClassDef) else ("", [])
            for one in body:
                if isinstance(one, ast.FunctionDef) and one.name == "__init__":
                    given = _wrapper(one).defaults
                    found |= {name: given["reference"]} if "reference" in given else {}
    return found


def _wrappers(body: list[ast.stmt]) -> dict[str, Wrapper]:
    found = {
        node.name: _wrapper(node)
        for node in body
        if isinstance(node, ast.FunctionDef)
        and any(one.arg == "reference" for one in (*node.args.args, *node.args.kwonlyargs))
    }
    # others are given references to secrets
    return {name: one for name, one in found.items() if one.inner is not None}


def _wrapper(node: ast.FunctionDef) -> Wrapper:
    given = node.args
    last = given.args[len(given.args) - len(given.defaults) :]
    pairs = [*zip(last, given.defaults, strict=True)]
    pairs += [
        (one, value)
        for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        if value is not None
    ]
    inner = (one for one in ast.walk(node) if isinstance(one, INNER) and _reference(one))
    return Wrapper(
        parameters=tuple(one.arg for one in given.args if one.arg != "self"),
        defaults={one.arg: value for one, value in pairs} | _assigned(ast.walk(node)),
        inner=next(inner, None),
    )


def _assigned(nodes: Iterable[ast.AST]) -> Scope:
    found: Scope = {}
    for one in nodes:
        target = one.targets[0] if isinstance(one, ast.Assign) else getattr(one, "target", None)
        if isinstance(one, (ast.Assign, ast.AnnAssign)) and one.value is not None:
            found |= {target.id: one.value} if isinstance(target, ast.Name) else {}
    return found


class _Module:
    """The faults of one file."""

    def __init__(self, file: Path) -> None:
        self._place = str(file.relative_to(ROOT))
        self._tree = ast.parse(file.read_text())
        self._own = _wrappers(self._tree.body)
        self._methods = _of_classes(self._tree)
        self._constants = _assigned(self._tree.body)

    def faults(self) -> Iterator[Fault]:
        inside = _locals_by_node(self._tree)
        for node in ast.walk(self._tree):
            if isinstance(node, (ast.Call, ast.Dict)):
                yield from self._of(node, inside.get(node, {}))

    def _of(self, node: ast.Call | ast.Dict, scope: Scope) -> Iterator[Fault]:
        wrapper = self._wrapper(node)
        given = _given(node, wrapper)
        reference = given.get("reference") or _by_default(node)
        if reference is None or _words(reference) in HANDED_ON:
            return
        message, status = self._told(node, scope)
        for word in self._names(reference) or [None]:
            known = _statuses().get(str(word)) if status is None else status
            yield Fault(word, known, message, self._place)

    def _wrapper(self, node: ast.Call | ast.Dict) -> Wrapper | None:
        if not isinstance(node, ast.Call):
            return None
        if isinstance(node.func, ast.Name):
            return self._own.get(node.func.id)
        if isinstance(node.func, ast.Attribute):
            own = isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
            known = _methods() | (self._methods if own else {})
            return known.get(node.func.attr)
        return None

    def _told(self, node: ast.Call | ast.Dict, scope: Scope) -> tuple[str, int | None]:
        # through wrappers, with what the call gives them, down to the exception itself
        wrapper = self._wrapper(node)
        given = _given(node, wrapper)
        if wrapper is not None and wrapper.inner is not None:
            inner = {name: scope.get(getattr(one, "id", ""), one) for name, one in given.items()}
            return self._told(wrapper.inner, {**wrapper.defaults, **inner})
        name = _callee(node) if isinstance(node, ast.Call) else ""
        status = _number(_bound(given.get("status"), scope))
        status = _statuses().get(name) if status is None else status
        first = node.args[0] if isinstance(node, ast.Call) and node.args else None
        return _sentence(given.get("message") or first, scope), status

    def _names(self, node: ast.expr | None) -> list[str | None]:
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.IfExp(body=one, orelse=other):
                return [*self._names(one), *self._names(other)]
            case ast.JoinedStr():
                return [_sentence(node, {})]
            case ast.Name(id=name) if name in self._constants:
                return self._names(self._constants[name])
        return []


def _locals_by_node(tree: ast.Module) -> dict[ast.AST, Scope]:
    return {
        inner: scope
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for scope in (_assigned(ast.walk(node)),)
        for inner in ast.walk(node)
    }


def _reference(node: ast.Call | ast.Dict) -> bool:
    return "reference" in _given(node, None)


def _given(node: ast.Call | ast.Dict, wrapper: Wrapper | None) -> Scope:
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {str(key.value): one for key, one in pairs if isinstance(key, ast.Constant)}
    named = {word.arg: word.value for word in node.keywords if word.arg}
    if wrapper is None:
        return named
    return wrapper.defaults | dict(zip(wrapper.parameters, node.args, strict=False)) | named


def _by_default(node: ast.Call | ast.Dict) -> ast.expr | None:
    return _defaults().get(_callee(node)) if isinstance(node, ast.Call) else None


def _callee(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    name = getattr(node.func, "attr", "")
    return f"ControlError.{name}" if name == "of" else name


def _bound(node: ast.expr | None, scope: Scope) -> ast.expr | None:
    return scope.get(node.id, node) if isinstance(node, ast.Name) else node


def _words(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=name), attr=attr):
            return f"{name}.{attr}"
        case ast.Call(func=ast.Name(id="str"), args=[ast.Subscript(value=ast.Name(id=name))]):
            return f"str({name}[…])"
    return ""


def _number(node: ast.AST | None) -> int | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int) else None


def _sentence(  # noqa: PLR0911 - one for each sort of text
    node: ast.AST | None, scope: Scope, depth: int = 0
) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_sentence(part, scope, depth) for part in parts)
        case ast.FormattedValue(value=ast.Name() as name):
            return _sentence(name, scope, depth) or "…"
        case ast.FormattedValue():
            return "…"
        case ast.BinOp(left=left, right=right):
            return _sentence(left, scope, depth) + _sentence(right, scope, depth)
        case ast.IfExp(body=body):
            return _sentence(body, scope, depth)
        case ast.Name(id=name) if name in scope and depth < DEEPEST:
            return _sentence(scope[name], scope, depth + 1)
    return ""


def render() -> str:
    """Return the page."""
    rows: dict[str, list[Fault]] = defaultdict(list)
    for fault in faults():
        rows[fault.reference or ""].append(fault)
    lines = []
    for reference, group in sorted(rows.items()):
        statuses = " ".join(sorted({str(one.status) for one in group if one.status is not None}))
        messages = dict.fromkeys(one.message.replace("|", "\\|") for one in group if one.message)
        lines.append(f"| `{reference}` | {statuses} | {' / '.join(messages) or '…'} |")
    return HEAD + "\n".join(lines) + "\n"
