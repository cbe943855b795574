"""Who may do what: the one place where slash commands, menus, buttons, watches and jobs are judged.

Each judgement is a list of checks in order, each passed or not and why; the first that is not refuses. So the answer to
"why was I refused?" is made of the very checks that refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.groups import Group
from bot.payload import PERMISSION_BITS
from bot.rules import Rules
from bot.states import States
from shared.command import Command
from shared.context import Asker
from shared.errors import Denied
from shared.quota import Bucket
from shared.settings import Settings
from shared.texts import Text

WHY: Final = ("hearth", "why")
"""The command that tells why somebody was refused; one who must wait need not wait for that, and it costs no more."""
ASKED_A_LOT: Final = Text("You have asked a lot in a short time. Try again in {seconds} s.")
SHARE_USED: Final = Text("This server has used its share for now. Try again in {seconds} s.")


@dataclass(frozen=True)
class Mentions:
    """Ids that chat shows as names; no text of people, so nothing in it is escaped."""

    sign: str
    ids: Sequence[int]

    def __str__(self) -> str:
        return ", ".join(f"<{self.sign}{id}>" for id in self.ids)


@dataclass(frozen=True)
class Check:
    """One check: what it asks for, and the refusal where it is not met."""

    asks: Text
    refusal: Denied | None


@dataclass(frozen=True)
class Access:
    """Judges askers by what is on, by permissions, and by the rules of their server."""

    states: States
    rules: Rules
    settings: Settings

    def checks(self, group: Group, command: Command, asker: Asker) -> Iterator[Check]:
        """Return every check of a command, in the order in which they refuse."""
        name = {"plugin": group.name}
        if group.plugin:
            off = Denied("{plugin} is switched off here. An administrator can switch it on.", **name)
            on = self.states.is_on(group.name, asker.guild_id)
            yield Check(Text("{plugin} is switched on here", name), None if on else off)
        if group.opt_in:
            yield self._opt_in(group, asker)
        yield self._permission(command, asker)
        if group.plugin:
            yield self._channel(group, asker)
            yield self._roles(group, asker)

    def allow(self, group: Group, command: Command, asker: Asker) -> None:
        """Raise `Denied` by the first check that is not met."""
        for check in self.checks(group, command, asker):
            if check.refusal is not None:
                raise check.refusal

    def forbids_job(
        self,
        plugin: str,
        guild: int | None,
        channel: int | None,
        parent: int | None = None,
        *,
        opt_in: bool,
    ) -> str | None:
        """Return why a plugin's job may not run or post there; for the ledger. `parent` is that of a thread."""
        if not self.states.is_on(plugin, guild, opt_in=opt_in and guild is not None):
            return f"{plugin} is switched off"
        channels = self.rules.of(plugin, guild).channels
        if channels and channel is not None and not {channel, parent} & set(channels):
            return f"a rule of the server keeps {plugin} out of this channel"
        return None

    def may_watch(self, plugin: str, asker: Asker, *, opt_in: bool) -> bool:
        """Tell whether a plugin may look at messages of a channel; who wrote them does not matter."""
        if not self.states.is_on(plugin, asker.guild_id, opt_in=opt_in):
            return False
        channels = self.rules.of(plugin, asker.guild_id).channels
        return not channels or bool({asker.channel_id, asker.parent_id} & set(channels))

    def may_post(self, guild: int | None, channel: int, parent: int | None = None) -> bool:
        """Tell whether jobs may post to a channel, or to a thread of the channel `parent`."""
        allowed = self.rules.server(guild).post_channels
        return not allowed or bool({channel, parent} & set(allowed))

    def buckets(self, group: Group, command: Command, asker: Asker) -> list[Bucket]:
        """Return the quotas that a request is taken from."""
        if (group.name, command.name) == WHY:
            return []
        found = [Bucket(f"person:{asker.user_id}", self.settings.person_quota, ASKED_A_LOT)]
        if asker.guild_id is not None:
            found.append(Bucket(f"server:{asker.guild_id}", self.settings.server_quota, SHARE_USED))
        return found + (self.rules.buckets(group.name, asker) if group.plugin else [])

    def _opt_in(self, group: Group, asker: Asker) -> Check:
        refusal = None
        if asker.guild_id is None:
            refusal = Denied("This works in a server only.")
        elif not self.states.is_on(group.name, asker.guild_id, opt_in=True):
            refusal = Denied(
                "{plugin} is off in every server until an administrator says /plugins enable {plugin}.",
                plugin=group.name,
            )
        return Check(
            Text("An administrator enabled {plugin} in this server", {"plugin": group.name}), refusal
        )

    def _permission(self, command: Command, asker: Asker) -> Check:
        if command.permission == "everyone":
            return Check(Text("Everybody may use the command"), None)
        refusal = None
        if asker.guild_id is None:
            refusal = Denied("This works in a server only.")
        elif not may(command.permission, asker.permissions):
            refusal = Denied("Only those who may manage this server can use that.")
        return Check(Text("The command is for those who manage this server"), refusal)

    def _channel(self, group: Group, asker: Asker) -> Check:
        channels = self.rules.of(group.name, asker.guild_id).channels
        if not channels:
            return Check(Text("It may be used in every channel"), None)
        values = {"plugin": group.name, "channels": Mentions("#", channels)}
        refusal = None
        # A thread counts as the channel that it belongs to.
        if not {asker.channel_id, asker.parent_id} & set(channels):
            refusal = Denied("In this server {plugin} may be used in {channels} only.", **values)
        return Check(Text("It may be used in {channels}", values), refusal)

    def _roles(self, group: Group, asker: Asker) -> Check:
        roles = self.rules.of(group.name, asker.guild_id).roles
        if not roles:
            return Check(Text("Everybody in this server may use it"), None)
        values = {"plugin": group.name, "roles": Mentions("@&", roles)}
        refusal = None
        # Who rules the server is kept from nothing in it.
        if not (set(roles) & (asker.roles | {asker.guild_id}) or may("manage_guild", asker.permissions)):
            refusal = Denied("In this server {plugin} is for {roles}.", **values)
        return Check(Text("It is for {roles}, and for those who manage this server", values), refusal)


def server_of(asker: Asker) -> int:
    """Return the server that somebody asks from. Raises `Denied` in direct messages."""
    if asker.guild_id is None:
        raise Denied("This works in a server only.")
    return asker.guild_id


def may(permission: str, held: int) -> bool:
    """Tell whether the permission bits `held` are enough; an administrator may do everything."""
    return permission == "everyone" or bool(
        held & (PERMISSION_BITS[permission] | PERMISSION_BITS["administrator"])
    )
