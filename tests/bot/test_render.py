"""A reply of any size becomes messages within Discord's limits, and nothing of it is lost without a word."""

from hypothesis import given
from hypothesis import strategies as st

from bot.exchange import send_message
from bot.render import MAX_PARTS, Message, render, split
from shared.reply import Button, Field, File, Picture, Reply

LIMIT = 10 * 2**20


def embed_size(message: Message) -> int:
    fields = sum(len(f.name) + len(f.value) for f in message.fields)
    return len(message.title or "") + len(message.description) + len(message.footer or "") + fields


def test_a_short_answer_is_one_plain_message() -> None:
    (message,) = render(Reply(text="pong"), LIMIT)
    assert message.plain
    assert message.description == "pong"


def test_a_long_answer_is_split_and_its_buttons_stand_at_the_end() -> None:
    text = "\n".join(f"line {n}" for n in range(1200))
    messages = render(Reply(text=text, title="Long", buttons=(Button("Right", "mark"),)), LIMIT)
    assert 1 < len(messages) <= MAX_PARTS
    assert "\n".join(m.description for m in messages).split() == text.split()
    assert [len(m.buttons) for m in messages] == [0] * (len(messages) - 1) + [1]


def test_a_very_long_answer_comes_as_a_file_beside_its_beginning() -> None:
    text = "word " * 20_000
    (message,) = render(Reply(text=text, title="Long"), LIMIT)
    assert message.files[0].data.decode() == text
    assert len(message.description) <= 4096


def test_files_over_the_limit_are_named_instead_of_sent() -> None:
    reply = Reply(
        text="x",
        pictures=(Picture(b"p" * 2000, "alt"),),
        files=(File("big.bin", b"f" * 2000), File("ok", b"1")),
    )
    (message,) = render(reply, 1000)
    assert message.skipped == ("picture.png", "big.bin")
    assert [f.name for f in message.files] == ["ok"]


def test_a_mention_calls_that_person_and_nobody_else() -> None:
    for reply in (
        Reply(text="@everyone <@&5> up", mention=42),
        Reply(title="up", text="<@7>", mention=42),
        Reply(text="x" * 2000, mention=42),
    ):
        sent = send_message(render(reply, LIMIT)[0], [])
        assert sent["content"].startswith("<@42>")
        assert len(sent["content"]) <= 2000
        assert sent["allowed_mentions"].to_dict() == {"parse": [], "users": [42]}
    assert (
        send_message(render(Reply(text="<@42>"), LIMIT)[0], [])["allowed_mentions"].to_dict()["parse"] == []
    )


def test_more_than_ten_files_go_in_further_messages() -> None:
    messages = render(Reply(text="x", files=tuple(File(f"{n}.txt", b"1") for n in range(23))), LIMIT)
    assert [len(m.files) for m in messages] == [10, 10, 3]


def test_a_code_block_that_is_cut_is_closed_and_opened_again() -> None:
    pieces = split("```py\n" + "print()\n" * 100 + "```", 200, 200)
    assert all(piece.count("```") % 2 == 0 for piece in pieces)
    assert all(piece.startswith("```py") for piece in pieces if piece)


@given(
    st.text(max_size=9000),
    st.text(max_size=300) | st.none(),
    st.lists(st.tuples(st.text(max_size=300), st.text(max_size=1200)), max_size=30),
    st.text(max_size=3000) | st.none(),
)
def test_every_message_keeps_within_the_limits(
    text: str, title: str | None, fields: list[tuple[str, str]], source: str | None
) -> None:
    reply = Reply(text=text, title=title, fields=tuple(Field(*f) for f in fields), source=source)
    for message in render(reply, LIMIT):
        assert embed_size(message) <= 6000
        assert len(message.description) <= (2000 if message.plain else 4096)
        assert len(message.title or "") <= 256
        assert len(message.fields) <= 25
        assert all(1 <= len(f.name) <= 256 and 1 <= len(f.value) <= 1024 for f in message.fields)


@given(st.text(alphabet=st.sampled_from("ab \n。`"), max_size=3000), st.integers(60, 300))
def test_split_pieces_are_short_enough(text: str, limit: int) -> None:
    assert all(len(piece) <= limit for piece in split(text, limit, limit))
