"""The answer to "why was I refused?": every rule that a command is judged by, and which of them refuses."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.explain import harmless
from shared.context import Asker, Context
from shared.database import now_ms
from shared.quota import Bucket, tokens_left
from shared.reply import Reply
from shared.tables import quota

if TYPE_CHECKING:
    from bot.core import Core


async def gather(core: "Core", ctx: Context, group: str, command: str | None, asker: Asker) -> Reply:
    """Say of each rule whether it lets `asker` use a command, or (None) the first command of a plugin."""
    if command is None:
        plugin = core.plugins.get(group)
        assert plugin is not None, "callers see to it"
        command = next((c.name for c in plugin.commands if not c.hidden), plugin.commands[0].name)
    found, declared = core.find(group, command)
    lines, allowed = [], True
    for check in core.access.checks(found, declared, asker):
        mark = "✅" if check.refusal is None else "⛔"
        allowed = allowed and check.refusal is None
        lines.append(f"{mark} {core.texts.render(harmless(check.asks), ctx.asker.locale)}")
    for bucket in core.access.buckets(found, declared, asker):
        left = await _left(core, bucket)
        allowed = allowed and left >= 1
        words = ctx.text(
            "{what}: {left} of {burst} requests left, {per_minute:g} more a minute",
            what=_what(ctx, bucket),
            left=max(0, int(left)),
            burst=bucket.rule.burst,
            per_minute=bucket.rule.per_minute,
        )
        lines.append(f"{'✅' if left >= 1 else '⛔'} {words}")
    title = ctx.text("Allowed, as it is now") if allowed else ctx.text("Not allowed, as it is now")
    head = f"`/{found.name} {declared.name}`"
    return Reply(
        title=title,
        text="\n".join([head, *lines]),
        tone="good" if allowed else "bad",
        private=True,
    )


async def _left(core: "Core", bucket: Bucket) -> float:
    query = select(quota).where(quota.c.bucket == bucket.key)

    def work(connection: Any) -> float:
        return tokens_left(connection.execute(query).one_or_none(), bucket.rule, now_ms())

    return await core.database.transact(work)


def _what(ctx: Context, bucket: Bucket) -> str:
    match bucket.key.split(":"):
        case ["server", *_]:
            return ctx.text("This server")
        case [_, _, _, "quota", plugin]:
            return ctx.text("{plugin} for one person", plugin=plugin)
        case [_, _, _, "cooldown", plugin]:
            return ctx.text("Cool-down of {plugin}", plugin=plugin)
    return ctx.text("One person")
