"""The commands that the bot registered, global ones and those of the guild, and who may use them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from bot.sandbox.command_check import MESSAGE_MENU, SLASH, USER_MENU, checked
from bot.sandbox.errors import ApiError, Json, Problems, known
from bot.sandbox.snowflake import Snowflakes
from bot.sandbox.world import ALL_PERMISSIONS, GUILD_ID, World

LIMITS: Final = {SLASH: 100, USER_MENU: 15, MESSAGE_MENU: 15}
CREATES_A_DAY: Final = 200
Scope = str | None
"""A guild's id, or None for the global commands."""


@dataclass
class _Scoped:
    by_id: dict[str, Json] = field(default_factory=dict)
    created: int = 0


class Commands:
    """All registered commands."""

    def __init__(self, world: World, snowflakes: Snowflakes, changed: Callable[[], None]) -> None:
        self._world, self._snowflakes, self._changed = world, snowflakes, changed
        self._scopes: dict[Scope, _Scoped] = {None: _Scoped(), GUILD_ID: _Scoped()}

    def all(self) -> list[Json]:
        """Return every command: the guild's own, then the global ones."""
        return [*self._scopes[GUILD_ID].by_id.values(), *self._scopes[None].by_id.values()]

    def listed(self, scope: Scope, *, with_localizations: bool) -> list[Json]:
        """Return a scope's commands, as Discord lists them. Raises 10004."""
        commands = list(self._scope(scope).by_id.values())
        return commands if with_localizations else [_without_localizations(c) for c in commands]

    def get(self, scope: Scope, command_id: str) -> Json:
        """Return a command. Raises 10063."""
        found = self._scope(scope).by_id.get(command_id)
        if found is None:
            raise known(10063)
        return found

    def find(self, command_id: str) -> Json | None:
        """Return a command of any scope."""
        return next((s.by_id[command_id] for s in self._scopes.values() if command_id in s.by_id), None)

    def replace(self, scope: Scope, bodies: Any) -> list[Json]:
        """Put these in the place of all commands of a scope; those that stay keep their ids."""
        scoped = self._scope(scope)
        if not isinstance(bodies, list):
            raise ApiError(400, 50035, "Invalid Form Body")
        problems = Problems()
        commands = [checked(body, problems, f"{index}.") for index, body in enumerate(bodies)]
        seen: set[tuple[int, Any]] = set()
        for index, command in enumerate(commands):
            key = (command["type"], command["name"])
            if key in seen:
                problems.add(
                    f"{index}.name",
                    "APPLICATION_COMMANDS_DUPLICATE_NAME",
                    "Application command names must be unique",
                )
            seen.add(key)
        problems.settle()
        self._refuse_too_many(commands)
        old = {(c["type"], c["name"]): c for c in scoped.by_id.values()}
        self._count_creates(scoped, sum(1 for c in commands if (c["type"], c["name"]) not in old))
        stored = [self._stored(scope, c, old.get((c["type"], c["name"]))) for c in commands]
        scoped.by_id = {c["id"]: c for c in stored}
        self._changed()
        return stored

    def upsert(self, scope: Scope, body: Any) -> tuple[Json, bool]:
        """Add a command, or replace the one of its type and name; tell whether it is new."""
        scoped = self._scope(scope)
        problems = Problems()
        command = checked(body, problems)
        problems.settle()
        old = next(
            (
                c
                for c in scoped.by_id.values()
                if (c["type"], c["name"]) == (command["type"], command["name"])
            ),
            None,
        )
        if old is None:
            self._refuse_too_many([*scoped.by_id.values(), command])
            self._count_creates(scoped, 1)
        stored = self._stored(scope, command, old)
        scoped.by_id[stored["id"]] = stored
        self._changed()
        return stored, old is None

    def edit(self, scope: Scope, command_id: str, body: Any) -> Json:
        """Change some fields of a command."""
        old = self.get(scope, command_id)
        problems = Problems()
        changes = body if isinstance(body, dict) else {}
        command = checked({**old, **changes, "type": old["type"]}, problems)
        problems.settle()
        stored = self._stored(scope, command, old)
        self._scope(scope).by_id[command_id] = stored
        self._changed()
        return stored

    def delete(self, scope: Scope, command_id: str) -> None:
        """Remove a command."""
        self.get(scope, command_id)
        del self._scope(scope).by_id[command_id]
        self._changed()

    def usable(self, command: Json, user_id: str, *, direct: bool) -> bool:
        """Tell whether Discord would offer a command to a user, in the guild or in direct conversation."""
        contexts = command["contexts"]
        if contexts is not None and (1 if direct else 0) not in contexts:
            return False
        if direct:
            return "guild_id" not in command and (contexts is not None or command["dm_permission"])
        needed = command["default_member_permissions"]
        held = self._world.permissions(user_id)
        if needed is None or held == ALL_PERMISSIONS:
            return True
        bits = int(needed)
        return bits != 0 and held & bits == bits

    def _scope(self, scope: Scope) -> _Scoped:
        if scope not in self._scopes:
            raise known(10004)
        return self._scopes[scope]

    def _refuse_too_many(self, commands: list[Json]) -> None:
        for kind, most in LIMITS.items():
            if sum(1 for c in commands if c["type"] == kind) > most:
                fault = known(30032)
                raise ApiError(fault.status, fault.code, f"{fault.message} ({most})")

    def _count_creates(self, scoped: _Scoped, new: int) -> None:
        if scoped.created + new > CREATES_A_DAY:
            raise known(30034)
        scoped.created += new

    def _stored(self, scope: Scope, command: Json, old: Json | None) -> Json:
        stored: Json = {
            "id": old["id"] if old is not None else self._snowflakes.next(),
            "application_id": self._world.application_id,
            "version": self._snowflakes.next(),
            **command,
        }
        if scope is not None:
            stored["guild_id"] = scope
        return stored


def _without_localizations(command: Json) -> Json:
    return {k: v for k, v in command.items() if k not in ("name_localizations", "description_localizations")}
