"""Writes the pages of the site that are made from declarations: commands of chat, command line, metrics, models."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from bot.groups import Group
from bot.metrics import Metrics
from shared.command import Command, Parameter
from shared.plugins import Plugins
from shared.texts import CORE, Texts, language_of

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "Commands in chat",
        "intro": "Made from what the plugins declare, at each build of these pages. An administrator may switch a "
        "plugin off, or say who may use it and where; what needs a permission says so.",
        "of_core": "Of the core",
        "opt_in": "Off in each server until an administrator enables it: `/plugins enable {name}`.",
        "menu": "Also in the menu of a message: **{menu}**.",
        "permission": "For people with the permission *{permission}*.",
        "private": "Only the asker sees the answer.",
        "option": "option",
        "meaning": "meaning",
        "takes": "takes",
        "default": "when left out",
        "required": "must be given",
        "modal": "a form asks for it",
        "nothing": "nothing",
        "yes": "yes",
        "no": "no",
        "range": "{low} to {high}",
        "least": "{low} or more",
        "most": "{high} at most",
        "letters": "{range} characters",
        "or": " or ",
        "manage_guild": "Manage Server",
        "administrator": "Administrator",
        "text": "text",
        "integer": "whole number",
        "number": "number",
        "flag": "yes or no",
        "choice": "one of: {choices}",
        "long_text": "text, however long",
        "article": "text, address, or file (.txt, .html, .pdf)",
        "channel": "channel",
        "role": "role",
        "person": "member",
        "image": "picture",
        "images": "one to ten pictures",
        "table": "CSV file",
    },
    "zh_TW": {
        "title": "聊天室指令",
        "intro": "本頁在每次建置網站時，依各外掛宣告的內容自動產生。管理員可以停用外掛，也可以限制誰能使用、"
        "在哪裡使用；需要權限的指令會另外註明。指令名稱以 Discord 中文介面顯示的為準，括號內是英文介面的名稱。",
        "of_core": "核心功能",
        "opt_in": "在每個伺服器預設為關閉，須由管理員以 `/外掛 啟用` 開啟 {name}。",
        "menu": "也能從訊息的右鍵選單使用：**{menu}**。",
        "permission": "需要「{permission}」權限。",
        "private": "只有提問的人看得到回覆。",
        "option": "選項",
        "meaning": "說明",
        "takes": "可填",
        "default": "省略時",
        "required": "必填",
        "modal": "會開啟表單讓你填寫",
        "nothing": "無",
        "yes": "是",
        "no": "否",
        "range": "{low} 到 {high}",
        "least": "至少 {low}",
        "most": "最多 {high}",
        "letters": "{range} 個字元",
        "or": "或",
        "manage_guild": "管理伺服器",
        "administrator": "管理員",
        "text": "文字",
        "integer": "整數",
        "number": "數字",
        "flag": "是或否",
        "choice": "擇一：{choices}",
        "long_text": "文字，長短不拘",
        "article": "文字、網址或檔案（.txt、.html、.pdf）",
        "channel": "頻道",
        "role": "身分組",
        "person": "成員",
        "image": "圖片",
        "images": "一到十張圖片",
        "table": "CSV 檔",
    },
}


def commands_page(plugins: Plugins, builtin: Mapping[str, Group], texts: Texts, locale: str) -> str:
    """List every slash command and message menu, in the language of a Discord `locale`."""
    words = WORDS[language_of(locale)]
    lines = [f"# {words['title']}", "", words["intro"]]
    for plugin in sorted(plugins, key=lambda each: each.name):
        group = Group.of(plugin)
        if any(not each.hidden for each in group.commands):
            lines += _group(group, texts, locale)
    lines += ["", f"## {words['of_core']}", ""]
    for name in sorted(builtin):
        lines += _group(builtin[name], texts, locale, level=3)
    return "\n".join(lines) + "\n"


def _group(group: Group, texts: Texts, locale: str, level: int = 2) -> list[str]:
    words = WORDS[language_of(locale)]
    called = _name(texts, "command", group.name, group.domain, locale)
    shown = f"/{called}" if called == group.name else f"/{called}（{group.name}）"
    lines = [
        "",
        f"{'#' * level} {shown} {{ #{group.name} }}",
        "",
        _full_stop(texts.render(group.summary, locale, group.domain), locale),
    ]
    if group.opt_in:
        lines[-1] += " " + words["opt_in"].format(name=group.name)
    for each in group.commands:
        if not each.hidden:
            lines += _command(group, each, called, texts, locale, level + 1)
    return lines


def _command(group: Group, command: Command, called: str, texts: Texts, locale: str, level: int) -> list[str]:
    words, domain = WORDS[language_of(locale)], group.domain
    name = f"/{called} {_name(texts, 'command', command.name, domain, locale)}"
    english = f"/{group.name} {command.name}"
    shown = f"`{name}`" if name == english else f"`{name}`（`{english}`）"
    says = [_full_stop(texts.render(command.description, locale, domain), locale)]
    if command.menu is not None:
        says.append(words["menu"].format(menu=_name(texts, "menu", command.menu, domain, locale)))
    if command.permission != "everyone":
        says.append(words["permission"].format(permission=words[command.permission]))
    if command.private:
        says.append(words["private"])
    lines = ["", f"{'#' * level} {shown} {{ #{group.name}-{command.name} }}", "", " ".join(says)]
    if command.parameters:
        rows = [_parameter(each, domain, texts, locale) for each in command.parameters]
        lines += ["", *table([words["option"], words["meaning"], words["takes"], words["default"]], rows)]
    return lines


def _parameter(parameter: Parameter, domain: str, texts: Texts, locale: str) -> list[str]:
    words = WORDS[language_of(locale)]
    name = _name(texts, "option", parameter.name, domain, locale)

    def shown(value: Any) -> str:
        match value:
            case bool():
                return words["yes" if value else "no"]
            case None | "" | ():
                return words["nothing"]
            case float():
                return f"{value:g}"
            case _:
                return str(value)

    def choice(value: str | int) -> str:
        return _name(texts, "choice", str(value), domain, locale)

    takes = words[parameter.kind].format(choices=words["or"].join(map(choice, parameter.choices)))
    if (bounds := _bounds(parameter, words)) and parameter.kind != "article":
        lettered = parameter.kind in ("text", "long_text")
        takes += ", " if language_of(locale) == "en" else "，"
        takes += words["letters"].format(range=bounds) if lettered else bounds
    if not parameter.required:
        default = shown(parameter.default)
        default = choice(parameter.default) if parameter.kind == "choice" else default
    else:
        default = words["modal" if parameter.kind in ("long_text", "article") else "required"]
    description = texts.render(parameter.description, locale, domain)
    return [f"`{name}`", description, takes, default]


def _bounds(parameter: Parameter, words: Mapping[str, str]) -> str:
    match parameter.minimum, parameter.maximum:
        case None, None:
            return ""
        case low, None:
            return words["least"].format(low=f"{low:,.15g}")
        case None, high:
            return words["most"].format(high=f"{high:,.15g}")
        case low, high:
            return words["range"].format(low=f"{low:,.15g}", high=f"{high:,.15g}")
    return ""


def _name(texts: Texts, context: str, msgid: str, domain: str, locale: str) -> str:
    language = language_of(locale)
    if language == "en":
        return msgid
    return texts.name(context, msgid, language, domain) or texts.name(context, msgid, language, CORE) or msgid


def _full_stop(sentence: str, locale: str) -> str:
    end = "。" if language_of(locale) == "zh_TW" else "."
    return sentence if sentence.endswith((".", "。", "?", "？", "!", "！")) else sentence + end


def command_line_page(root: Any) -> str:
    """List every command of the command line, with its arguments and options; `root` is Typer's group."""
    lines = [
        "# Command line",
        "",
        "Made from the program itself, at each build of these pages; `hearth COMMAND --help` says the same. Every one",
        "ends with 0 where it did what it was asked, with 2 where it was asked wrongly, and else with 1 and one line",
        "that says why.",
    ]
    for name, command in root.commands.items():
        lines += _program(["hearth", name], command)
    return "\n".join(lines) + "\n"


def _program(path: list[str], command: Any) -> Iterable[str]:
    if command.hidden:
        return
    yield from ("", f"{'#' * len(path)} {' '.join(path)}", "", _full_stop(_plain(command.help), "en-US"))
    if nested := getattr(command, "commands", None):
        for name, each in nested.items():
            yield from _program([*path, name], each)
        return
    arguments = [each for each in command.params if type(each).__name__.endswith("Argument")]
    options = [each for each in command.params if each not in arguments and not each.hidden]
    named = [each.metavar or each.name.upper() for each in arguments]
    usage = [
        n if a.required or n.startswith("[") else f"[{n}]" for n, a in zip(named, arguments, strict=True)
    ]
    usage = [f"{n}…" if a.nargs == -1 else n for n, a in zip(usage, arguments, strict=True)]
    needed = [f"{each.opts[0]} {_metavar(each)}" for each in options if each.required]
    rest = ["[OPTIONS]"] if any(not each.required for each in options) else []
    yield from ("", "```text", " ".join([*path, *usage, *needed, *rest]), "```")
    rows = [[f"`{name}`", _plain(a.help), ""] for name, a in zip(named, arguments, strict=True)]
    rows += [[f"`{_spelt(each)}`", _plain(each.help), _default(each)] for each in options]
    if rows:
        yield from ("", *table(["", "meaning", "when left out"], rows))


def _spelt(option: Any) -> str:
    names = "/".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {_metavar(option)}"


def _metavar(option: Any) -> str:
    return str(option.metavar or option.name.upper())


def _default(option: Any) -> str:
    match option.default:
        case _ if option.required:
            return "must be given"
        case None | False | "" | () | []:
            return ""
        case True:
            return f"`{option.opts[0]}`"
        case value if callable(value):
            return ""
        case value:
            return f"`{value}`"


def metrics_page() -> str:
    """List every metric of the bot's process, as it is registered."""
    registry = Metrics().registry
    labels: dict[str, tuple[Sequence[str], Sequence[float] | None]] = {}
    for collector in registry._collector_to_names:
        # Only Prometheus' own collectors, of memory and the like, have neither.
        buckets = getattr(collector, "_upper_bounds", None)
        for family in collector.collect():
            labels[family.name] = (getattr(collector, "_labelnames", ()), buckets)
    rows, edges = [], []
    for family in registry.collect():
        names, buckets = labels[family.name]
        shown = family.name + ("_total" if family.type == "counter" else "")
        rows.append([f"`{shown}`", family.type, ", ".join(names), family.documentation.rstrip(".")])
        if buckets:
            edges.append([f"`{shown}`", ", ".join(f"{edge:g}" for edge in buckets[:-1])])
    return "\n".join(
        [
            "# Metrics",
            "",
            "All that `/metrics` tells, in Prometheus' text format; made from the registry of the program at each",
            "build of these pages. What they mean at night, and which are worth an alert, stands in",
            "[operations](operations.md).",
            "",
            *table(["name", "kind", "labels", "tells"], rows),
            "",
            "## Buckets of the histograms",
            "",
            *table(["name", "upper edges"], edges),
            "",
        ]
    )


def models_page(plugins: Plugins, cards: Mapping[str, str]) -> str:
    """List every model that plugins declare; `cards` maps a model's name to the page with its card."""
    rows = []
    for plugin in sorted(plugins, key=lambda each: each.name):
        for model in plugin.models:
            card = f"[card]({cards[model.name]})" if model.name in cards else ""
            columns = getattr(model, "data_columns", None) or {}
            needs = ", ".join(f"`{name}`" for name in columns)
            trained = f"yes, from {needs}" if needs else ("yes" if hasattr(model, "train") else "")
            rows.append([f"`{model.name}`", f"`{plugin.name}`", str(model.max_batch), trained, card])
    return "\n".join(
        [
            "# Models",
            "",
            "Every model that a plugin declares. Those with a card ship with weights; what each was trained on, how",
            "good it is on rows that it never saw, and where it fails, stands there.",
            "`hearth models card NAME` shows the same for the version that answers now.",
            "",
            *table(["model", "plugin", "requests in a batch", "can be trained", ""], rows),
            "",
        ]
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Yield the lines of a Markdown table; what would end a cell or be taken for HTML is escaped."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in row) + " |"


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())
