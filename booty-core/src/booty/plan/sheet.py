"""The run sheet: a plan compiled into what the supervisor executes. Plain JSON."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import TYPE_CHECKING, Any, Final

from booty.errors import ConflictError
from booty.model import codec
from booty.model.plan import Plan
from booty.model.reference import place
from booty.plan.inputs import digest_of

if TYPE_CHECKING:
    from booty.model.plan import PlannedInstance

__all__ = ["digest", "from_json", "sheet", "to_json"]

FORMAT: Final = 1
BLOB: Final = 64 * 1024
"""Files of this size or more lie beside the sheet, by their digest."""


def to_json(plan: Plan) -> bytes:
    """Return the plan as JSON: equal plans give equal bytes."""
    data = codec.to_data(plan)
    return json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"


def from_json(text: bytes) -> Plan:
    """Read a plan back; settings and resources stay plain data.

    Raises:
        ConflictError: it is cut off, damaged, or of a format that this booty does not know.
    """
    from cattrs import BaseValidationError

    try:
        data = json.loads(text)
        if data["format"] == FORMAT:
            return codec.from_data(Plan, data)
        why = f"its format {data['format']} is unknown"
    except (ValueError, LookupError, TypeError, BaseValidationError) as error:
        raise _unreadable("it is damaged") from error
    raise _unreadable(why)


def _unreadable(why: str) -> ConflictError:
    return ConflictError(
        f"cannot read the saved plan: {why}",
        reference="plan-unreadable",
        hint="booty up --replan",
    )


def digest(plan: Plan) -> str:
    """Return the digest of what will run; inputs, steps and warnings are no part of it."""
    data = codec.to_data(plan)
    others = {"inputs", "steps", "warnings"}
    return digest_of({key: data[key] for key in sorted(data) if key not in others})


def sheet(plan: Plan) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Compile a plan.

    Returns:
        The run sheet, and the contents of large files by their sha256.
    """
    blobs: dict[str, bytes] = {}
    services = plan.services
    compiled = {
        "format": FORMAT,
        "digest": digest(plan),
        "stack": dict(plan.stack),
        "artifacts": {
            key: {"path": one.path, "executable": one.executable}
            for key, one in plan.artifacts.items()
        },
        "providers": {
            service["provider"]: {
                "module": service["module"],
                "python": sys.executable,
                "hooks": service["hooks"],
            }
            for service in services.values()
        },
        "services": {
            name: {
                key: service[key]
                for key in ("provider", "component", "instances", "bootstrap", "critical", "url")
            }
            for name, service in services.items()
        },
        "instances": [_entry(one, blobs) for one in plan.instances],
    }
    return compiled, blobs


def _entry(one: PlannedInstance, blobs: dict[str, bytes]) -> dict[str, Any]:
    instance, launch = one.instance, one.launch
    return {
        "name": instance.name,
        "service": instance.service,
        "role": instance.role,
        "index": instance.index,
        "component": instance.component,
        "provider": instance.owner,
        "version": instance.version,
        "needs": [dict(need) for need in one.needs],
        "argv": list(launch.argv),
        "env": dict(launch.env),
        "cwd": launch.cwd,
        "umask": launch.umask,
        "limits": dict(launch.limits),
        "dirs": [*dict.fromkeys((place("data"), *launch.dirs))],
        "files": {
            path: _file(file.content, file.mode, blobs) for path, file in launch.files.items()
        },
        "prepare": codec.to_data(launch.prepare),
        "check": codec.to_data(launch.check),
        **one.policy,
        "digest": one.digest,
        "inputs": dict(one.inputs),
        "changes": {path: str(change) for path, change in one.changes.items()},
        "instance": codec.to_data(instance),
    }


def _file(content: str, mode: int, blobs: dict[str, bytes]) -> dict[str, Any]:
    data = content.encode()
    if len(data) < BLOB:
        return {"content": content, "blob": None, "mode": mode}
    name = hashlib.sha256(data).hexdigest()
    blobs[name] = data
    return {"content": None, "blob": name, "mode": mode}
