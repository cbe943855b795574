"""`hearth doctor` finds what is missing, says what to do, and lets no failing check hide another."""

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from bot.doctor import Finding
from bot.doctor.database import schema
from shared.migrate import migrate, newest_revision
from shared.model import Report as Figures
from shared.settings import Settings
from shared.store import Store
from shared.vault import Vault
from tests.bot.doctored import REPOSITORY, TOKEN, doctor, forget_settings, opened, report


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_settings(monkeypatch)


async def test_a_fresh_folder_is_fine_but_for_the_token(tmp_path: Path) -> None:
    found = await report(tmp_path, torch=True)
    assert found.problems == []
    assert found["token"].level == "warning"
    assert "HEARTH_TOKEN" in found["token"].remedy
    assert found["plugin spam"] == Finding("plugin spam", "ok", "built in")
    assert found["model spam"].seen == "default (default)"
    assert found["torch"].seen.startswith("2.13.0")
    assert "the first start makes its tables" in found["database"].seen


async def test_looking_at_a_database_changes_nothing_in_it(tmp_path: Path) -> None:
    await report(tmp_path)
    async with opened(tmp_path) as database, database.begin() as connection:
        assert await connection.run_sync(lambda c: inspect(c).get_table_names()) == []


async def test_a_database_that_a_start_has_made_is_fine(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
    found = await report(tmp_path)
    assert (found["database"].level, found.problems) == ("ok", [])
    assert f"revision {newest_revision()}" in found["database"].seen


async def test_a_database_of_a_newer_version_is_a_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
        async with database.begin() as connection:
            await connection.execute(text("UPDATE hearth_version SET version_num = '9999'"))
    found = await report(tmp_path)
    assert found.problems == ["database"]
    assert "revision 9999, which this version does not know" in found["database"].seen


def test_a_database_of_an_older_version_is_a_warning(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    versions.mkdir()
    for revision, down in (("0001", None), ("0002", "0001")):
        lines = f"revision = {revision!r}\ndown_revision = {down!r}\n"
        (versions / f"{revision}_step.py").write_text(lines, encoding="utf-8")
    assert schema("here", "0002", tmp_path).level == "ok"
    found = schema("here", "0001", tmp_path)
    assert (found.level, found.seen) == (
        "warning",
        "here is at revision 0001; the next start brings it to 0002",
    )
    assert "backup" in found.remedy


async def test_a_database_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    async with opened(tmp_path) as database:
        await migrate(database)
    url = f"sqlite:///file:{tmp_path}/data/hearth.db?mode=ro&uri=true"
    found = await report(tmp_path, database_url=url)
    assert found.problems == ["database"]
    assert "readonly" in found["database"].seen


async def test_a_champion_that_is_damaged_is_named_and_the_default_stands_in(tmp_path: Path) -> None:
    store = Store(tmp_path / "data" / "models")
    with store.stage("spam") as folder:
        (folder / "weights.json").write_text("{}", encoding="utf-8")
        figures = Figures(n=1, metrics={}, baseline={}, baseline_name="none", losses=[0.0])
        made = store.publish("spam", folder, report=figures, data=None, licence="CC0", code="1", parent=None)
    store.promote("spam", made.version)
    assert (await report(tmp_path))["model spam"].seen == f"{made.version} (store)"
    (tmp_path / "data" / "models" / "spam" / made.version / "weights.json").write_text("[]", encoding="utf-8")
    found = (await report(tmp_path))["model spam"]
    assert (found.level, found.seen) == (
        "warning",
        f"default (default), since the champion {made.version} is damaged",
    )


async def test_a_cluster_that_is_away_and_replicas_of_no_model_are_named(tmp_path: Path) -> None:
    assert (await report(tmp_path))["engine"].seen == "local"
    pytest.importorskip("ray", reason="ray is not installed: make test-ray")
    away = await report(tmp_path, engine="ray", ray_address="127.0.0.1:1", ray_replicas={"spma": 2})
    found = [f for f in away.findings if f.name == "engine"]
    assert [f.level for f in found] == ["problem", "warning"]
    assert "no Ray cluster answers at 127.0.0.1:1" in found[0].seen
    assert "spma" in found[1].seen
    with socket.create_server(("127.0.0.1", 0)) as there:
        address = f"ray://127.0.0.1:{there.getsockname()[1]}"
        assert (await report(tmp_path, engine="ray", ray_address=address))["engine"].level == "ok"


async def test_a_shared_model_store_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    (folder / "spam").mkdir(parents=True)
    (folder / "spam" / "champion.json").write_text("{", encoding="utf-8")
    broken = await report(tmp_path, model_store=f"file://{folder}")
    assert broken.problems == ["model store"]
    assert "champion.json cannot be read" in broken["model store"].seen
    (folder / "spam" / "champion.json").unlink()
    assert (await report(tmp_path, model_store=f"file://{folder}"))["model store"].seen.endswith(
        ", 0 champions"
    )
    assert (await report(tmp_path, model_store="nonsense://a:opensesame@b/c")).problems == ["model store"]


async def test_a_token_in_a_file_that_others_may_read_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    (tmp_path / "token").chmod(0o640)
    assert (await report(tmp_path, token_file=tmp_path / "token"))["secret files"].level == "ok"
    (tmp_path / "token").chmod(0o644)
    found = await report(tmp_path, token_file=tmp_path / "token")
    assert (found["secret files"].level, found["secret files"].remedy) == (
        "warning",
        f"chmod 600 {tmp_path / 'token'}",
    )
    (tmp_path / ".env").write_text("HEARTH_TOKEN=", encoding="utf-8")
    (tmp_path / ".env").chmod(0o666)
    assert (await report(tmp_path))["secret files"].remedy == "chmod 600 .env"


async def test_a_port_that_is_open_to_the_network_is_a_warning(tmp_path: Path) -> None:
    found = (await report(tmp_path, http_host="0.0.0.0"))["http port"]
    assert found.level == "warning"
    assert "without a password" in found.seen
    assert (await report(tmp_path, http_host="::1"))["http port"].level in ("ok", "warning")


async def test_traces_are_looked_at_and_no_password_of_their_address_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:opensesame@127.0.0.1:1")
    away = await report(tmp_path)
    assert (away["traces"].level, away["traces"].seen) == ("warning", "127.0.0.1:1 does not answer")
    with socket.create_server(("127.0.0.1", 0)) as there:
        where = f"127.0.0.1:{there.getsockname()[1]}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{where}")
        assert (await report(tmp_path))["traces"].seen == f"sent to {where}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert (await report(tmp_path)).problems == ["traces"]
    assert "opensesame" not in repr(away.findings)


async def test_hub_models_that_cannot_be_had_or_belong_to_nobody_are_warnings(tmp_path: Path) -> None:
    found = await report(tmp_path, hub={"spam": "no revision", "spma": "org/name@v1"})
    assert found.problems == []
    assert found["model spam"].seen == "default (default), since no revision cannot be had"
    assert found["model spma"].level == "warning"


async def test_a_gpu_that_is_asked_for_and_not_there_is_a_problem(tmp_path: Path) -> None:
    found = await report(tmp_path, torch=True, device="cuda")
    if not found["torch"].seen.endswith("HEARTH_DEVICE is cuda"):
        pytest.skip("this machine has a GPU")
    assert found.problems == ["torch"]
    assert "HEARTH_DEVICE" in found["torch"].remedy


async def test_every_finding_that_is_not_well_says_what_to_do(tmp_path: Path) -> None:
    found = await report(
        tmp_path,
        token="nonsense",
        http_port=None,
        database_url="postgresql://hearth:secret@127.0.0.1:1/hearth",
        plugin_folders=[REPOSITORY / "tests" / "fixtures" / "folder"],
    )
    assert len([f for f in found.findings if f.level != "ok"]) >= 4
    assert [f.name for f in found.findings if f.level != "ok" and not f.remedy] == []


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", TOKEN + " " + TOKEN, "Bot " + TOKEN])
async def test_a_malformed_token_is_a_problem_and_is_not_shown(tmp_path: Path, token: str) -> None:
    found = await report(tmp_path, token=token)
    assert found.problems == ["token"]
    assert token not in repr(found.findings)


async def test_a_well_formed_token_is_taken_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n", encoding="utf-8")
    found = await report(tmp_path, token="", token_file=tmp_path / "token")
    assert found["token"].level == "ok"


async def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = await report(tmp_path, token_file=tmp_path / "nowhere")
    assert found.problems == ["token"]
    assert str(tmp_path / "nowhere") in found["token"].seen


async def test_an_unreachable_database_is_named_without_its_password(tmp_path: Path) -> None:
    found = await report(tmp_path, database_url="postgresql://hearth:opensesame@127.0.0.1:1/hearth")
    assert found.problems == ["database"]
    assert "127.0.0.1:1/hearth" in found["database"].seen
    assert "opensesame" not in repr(found.findings)


async def test_an_address_that_is_no_database_is_one_problem_among_the_checks(tmp_path: Path) -> None:
    found = await report(tmp_path, database_url="not an address")
    assert found.problems == ["database"]
    assert found["plugin spam"].level == "ok"


async def test_a_broken_plugin_is_named_with_its_fault_and_the_others_are_well(tmp_path: Path) -> None:
    found = await report(tmp_path, plugin_folders=[REPOSITORY / "tests" / "fixtures" / "folder"])
    assert found.problems == ["plugin broken", "plugin greedy"]
    assert found["plugin broken"].seen.startswith("set aside: ")
    assert "HEARTH_DISABLED_PLUGINS" in found["plugin broken"].remedy
    assert found["plugin trial"].level == found["plugin spam"].level == "ok"


async def test_a_data_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    found = await report(tmp_path, data_dir=tmp_path / "file" / "data")
    assert "data folder" in found.problems
    assert "HEARTH_DATA_DIR" in found["data folder"].remedy
    assert found["plugin spam"].level == "ok"


async def test_a_port_that_is_taken_is_a_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = await report(tmp_path, http_port=port)
    assert found["http port"].level == "warning"
    assert str(port) in found["http port"].seen


def test_json_is_one_list_of_findings(tmp_path: Path) -> None:
    well = doctor(tmp_path, "--json")
    assert well.returncode == 0, well.stderr
    findings = json.loads(well.stdout)
    assert {"python", "torch", "data folder", "database", "token"} <= {f["name"] for f in findings}
    assert all(set(f) == {"name", "level", "seen", "remedy"} for f in findings)


def test_the_command_line_names_many_troubles_at_once_and_what_to_do_about_each(tmp_path: Path) -> None:
    Vault.of(Settings(_env_file=None, data_dir=tmp_path / "data"))
    (tmp_path / "data" / "secret.key").chmod(0o644)
    (tmp_path / "token").write_text(TOKEN, encoding="utf-8")
    (tmp_path / "token").chmod(0o644)
    database = sqlite3.connect(tmp_path / "data" / "hearth.db")
    with closing(database):
        database.execute("CREATE TABLE hearth_version (version_num VARCHAR(32))")
        database.execute("INSERT INTO hearth_version VALUES ('9999')")
        database.commit()
    done = doctor(
        tmp_path,
        "--json",
        HEARTH_TOKEN_FILE=str(tmp_path / "token"),
        HEARTH_HTTP_HOST="0.0.0.0",
        HEARTH_BACKUP_FOLDER=str(tmp_path / "nowhere"),
        HEARTH_ENGINE="ray",
        HEARTH_RAY_ADDRESS="127.0.0.1:1",
        HEARTH_MODEL_STORE="nonsense://store",
        HEARTH_PLUGIN_FOLDERS=json.dumps([str(REPOSITORY / "tests" / "fixtures" / "folder")]),
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1",
    )
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)
    levels = {f["name"]: f["level"] for f in findings if f["level"] != "ok"}
    assert levels | {"memory": "warning", "data folder": "warning"} == {
        "database": "problem",
        "plugin broken": "problem",
        "plugin greedy": "problem",
        "engine": "problem",
        "model store": "problem",
        "backups": "warning",
        "secret key": "problem",
        "http port": "warning",
        "traces": "warning",
        "secret files": "warning",
        # As the machine has them.
        "memory": "warning",
        "data folder": "warning",
    }
    assert [f["name"] for f in findings if f["level"] != "ok" and not f["remedy"]] == []
    assert TOKEN not in done.stdout + done.stderr


def test_people_read_a_line_for_each_finding_and_one_for_what_to_do(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("! token"))
    assert lines[at + 1].strip().startswith("→ Set HEARTH_TOKEN")
    assert not done.stderr


def test_a_setting_that_is_not_allowed_ends_with_one_line_that_names_it(tmp_path: Path) -> None:
    done = doctor(tmp_path, HEARTH_HTTP_PORT="eighty")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "HEARTH_HTTP_PORT: " in done.stderr
