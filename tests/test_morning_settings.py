"""The settings of a morning run: strict, with the way out in each sentence."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from blockrisk.features.errors import UserError
from blockrisk.training.cli import cli
from blockrisk.training.morning.settings import SETTINGS, read_config, template


def written(folder: Path, text: str) -> Path:
    file = folder / "morning.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_template_is_a_file_of_settings_and_holds_every_one(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, template()))
    assert {setting.name: config[setting.name] for setting in SETTINGS if not setting.path} == {
        setting.name: setting.default for setting in SETTINGS if not setting.path
    }
    assert all(setting.name.rpartition(".")[2] in template() for setting in SETTINGS)


def test_paths_count_from_the_file_and_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, 'data = "in"\nlists = "/srv/lists"\nas_of = 2025-04-01'))
    assert config.folder("data") == tmp_path / "in"
    assert config.folder("lists") == Path("/srv/lists")
    assert config["as_of"] == date(2025, 4, 1)
    assert config.part("renew") == {"every_days": 7, "on_alarm": True, "weeks": 2, "least_blocks": 10}
    assert config["pseudonymise"] is None


def test_an_address_with_a_password_is_not_put_on_record(tmp_path: Path) -> None:
    config = read_config(written(tmp_path, 'data = "in"\n[monitor]\nwebhook = "https://user:secret@host/x"'))
    assert config["monitor.webhook"].startswith("https://user:secret")
    assert "secret" not in str(config.to_json())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", 'data is missing (folder of the tables, as for blockrisk check); write data = "exports"'),
        ('data = "x"\nworkspce = "y"', "workspce is no setting; did you mean workspace?"),
        ('data = "x"\n[renew]\nevery_day = 3', "renew.every_day is no setting; did you mean renew.every_days?"),
        ('data = "x"\nevery_days = 3', "every_days is no setting; did you mean renew.every_days?"),
        ('data = "x"\nzzz = 3', "zzz is no setting; there are data, workspace"),
        ("data = 3", "data = 3 is no text"),
        ('data = "x"\ncapacity = true', "capacity = True is no whole number"),
        ('data = "x"\ncapacity = 0', "capacity = 0 is too small; it must be at least 1"),
        ('data = "x"\nas_of = 2025-04-01T06:00:00', "is no date"),
        ('data = "x"\nformats = ["doc"]', "formats names 'doc'; choose among html, xlsx, csv, parquet"),
        ('data = "x"\nformats = []', "formats = [] cannot be"),
        ('data = "x"\n[model]\nhorizons = [1, "7"]', "model.horizons"),
        ('data = "x"\n[model]\nhorizons = [0]', "model.horizons = [0] is too small"),
        ('data = "x"\n[monitor]\ncommand = [1]', "monitor.command"),
        ('data = "x"\nrenew = 3', "renew is no setting"),
        ("data = ", "is no TOML"),
    ],
)
def test_what_is_not_as_declared_is_refused_with_the_way_out(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        read_config(written(tmp_path, text))


def test_no_file_and_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="write one with `blockrisk run --write-config"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is no TOML"):
        read_config(tmp_path / "bytes.toml")


def test_the_command_writes_a_file_to_start_from_and_never_over_another(tmp_path: Path) -> None:
    file = tmp_path / "new.toml"
    assert CliRunner().invoke(cli, ["run", "--write-config", str(file)]).exit_code == 0
    assert tomllib.loads(file.read_text())["data"] == "exports"
    refused = CliRunner().invoke(cli, ["run", "--write-config", str(file)])
    assert "exists and is not touched" in str(refused.exception)
    for arguments in (["run"], ["run", str(file), "--write-config", str(file)]):
        assert CliRunner().invoke(cli, arguments).exit_code == 2
