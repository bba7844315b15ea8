"""Which file a program's name stands for, and whether this machine can execute it."""

from __future__ import annotations

import os
import sys
from typing import Final

__all__ = ["SpawnError", "executable", "look", "look_around"]

_HEAD: Final = 256
"""Bytes of a file that tell what it is: an ELF header, or the first line of a script."""
_ELF: Final = b"\x7fELF"
_MACHO: Final = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xce\xfa\xed\xfe")
_MACHINES: Final = {
    3: "x86", 0x28: "arm", 0x3E: "x86_64", 0xB7: "aarch64", 0xF3: "riscv64", 0x15: "ppc64le",
    0x16: "s390x",
}  # fmt: skip
_ALSO: Final = {"x86_64": ("x86",), "aarch64": ("arm",)}
"""What a machine mostly runs beside its own."""
_INTERPRETERS: Final = "/proc/sys/fs/binfmt_misc"
"""Where Linux lists what executes foreign programs (emulators, runtimes)."""


class SpawnError(Exception):
    """A program could not be started; the message says why in words.

    Args:
        why: a sentence that begins with "cannot".
        reference: stable word for this kind of fault.
        hint: what to type or do.
    """

    def __init__(
        self, why: str, *, reference: str = "spawn-failed", hint: str | None = None
    ) -> None:
        super().__init__(why)
        self.reference = reference
        self.hint = hint


def executable(name: str, path: str, cwd: str = "/") -> str:
    """Return the file that a program's name stands for.

    Args:
        name: with a slash a path, seen from ``cwd``; else looked up.
        path: the child's own ``PATH``.
        cwd: the child's working folder.

    Raises:
        SpawnError: there is none, or it may not be executed.
    """
    if "/" in name:
        _permitted(os.path.normpath(os.path.join(cwd, name)), name)
        return name
    for folder in path.split(os.pathsep):
        found = os.path.join(folder or ".", name)
        if os.path.isfile(found) and os.access(found, os.X_OK):
            return found
    here = os.path.isfile(os.path.join(cwd, name))
    raise SpawnError(
        f'cannot find "{name}" on the PATH of the stack',
        reference="no-program",
        hint=f'write "./{name}"' if here else f"install it, or write its path; PATH is {path}",
    )


def look(name: str, path: str, cwd: str = "/") -> None:
    """See whether a program can be executed, as far as one can tell without doing it.

    Args:
        name: with a slash a path, seen from ``cwd``; else looked up.
        path: the child's own ``PATH``.
        cwd: the child's working folder.

    Raises:
        SpawnError: it cannot.
    """
    found = os.path.normpath(os.path.join(cwd, executable(name, path, cwd)))
    try:
        with open(found, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return  # may be executed and not read
    if head.startswith(b"#!"):
        _script(found, head, path)
    elif not _foreign_programs():
        _binary(found, head)


def look_around(cwd: str, stdin: str) -> None:
    """See whether the working folder and the input of a program are there.

    Raises:
        SpawnError: one is not.
    """
    if not os.path.isdir(cwd):
        raise SpawnError(
            f'cannot use the working folder "{cwd}": it is not there',
            reference="cwd-missing",
            hint=f"mkdir -p {cwd}, or correct cwd",
        )
    if not os.access(stdin, os.R_OK) or os.path.isdir(stdin):
        raise SpawnError(
            f'cannot read "{stdin}" as its input',
            reference="stdin-missing",
            hint="correct stdin; a relative path starts at the folder of booty.toml",
        )


def _permitted(found: str, name: str) -> None:
    if not os.path.exists(found):
        raise SpawnError(
            f'cannot find the program "{name}": there is no "{found}"',
            reference="no-program",
            hint="build it, or correct its path; a relative one starts at the working folder",
        )
    if os.path.isdir(found):
        raise _not_executable(found, "it is a folder", "write the path of a program in it")
    if not os.access(found, os.X_OK):
        raise _not_executable(found, *_why_not(found))


def _why_not(found: str) -> tuple[str, str]:
    if os.statvfs(found).f_flag & getattr(os, "ST_NOEXEC", 0):
        return "its file system is mounted noexec", "put it elsewhere, or mount that with exec"
    return "it is not executable", f"chmod +x {found}"


def _not_executable(found: str, why: str, hint: str) -> SpawnError:
    return SpawnError(f'cannot execute "{found}": {why}', reference="cannot-execute", hint=hint)


def _script(found: str, head: bytes, path: str) -> None:
    line = os.fsdecode(head[2:].partition(b"\n")[0])
    words = line.split()
    if not words or (len(head) == _HEAD and b"\n" not in head):
        return
    if line.endswith("\r") and not os.path.exists(f"{words[0]}\r"):
        raise _not_executable(found, "its lines end in CR LF", f"sed -i 's/\\r$//' {found}")
    if not os.path.exists(words[0]):
        raise _no_interpreter(found, words[0])
    if os.path.basename(words[0]) == "env" and words[1:] and words[1][0] != "-":
        try:
            executable(words[1], path)
        except SpawnError as error:
            raise _no_interpreter(found, words[1]) from error


def _no_interpreter(found: str, name: str) -> SpawnError:
    return SpawnError(
        f'cannot execute "{found}": its first line asks for "{name}", which is not there',
        reference="no-program",
        hint=f"install {name}, or correct the first line",
    )


def _binary(found: str, head: bytes) -> None:
    if head.startswith(_MACHO) and sys.platform == "darwin":
        return
    if not head.startswith(_ELF):
        why = 'it is neither a program for this machine nor a script that begins with "#!"'
        raise _not_executable(found, why, 'write "#!/bin/sh" as its first line, or build it here')
    built, here = _machine(head), os.uname().machine
    if built and here in _MACHINES.values() and built not in {here, *_ALSO.get(here, ())}:
        raise SpawnError(
            f'cannot execute "{found}": it is built for {built}, this machine is {here}',
            reference="foreign-program",
            hint=f"build it for {here}",
        )


def _machine(head: bytes) -> str | None:
    little = head[5:6] == b"\x01"
    return _MACHINES.get(int.from_bytes(head[18:20], "little" if little else "big"))


def _foreign_programs() -> bool:
    try:
        return bool(set(os.listdir(_INTERPRETERS)) - {"register", "status"})
    except OSError:
        return False
