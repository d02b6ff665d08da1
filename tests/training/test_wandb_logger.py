from __future__ import annotations

import json

from potbench.training.wandb_logger import WandbLogger, has_key


def test_a_resumed_run_continues_in_the_same_dashboard(tmp_path):
    run = tmp_path / "runs" / "quick" / "now"
    for logger in (first := WandbLogger(offline=True), second := WandbLogger(offline=True)):
        logger.keep_in(run)
    assert first.version == second.version == json.loads((run / "wandb.json").read_text())["id"]
    assert [path.name for path in run.iterdir()] == ["wandb.json"]


def test_runs_have_dashboards_of_their_own(tmp_path):
    for logger in (first := WandbLogger(offline=True), second := WandbLogger(offline=True)):
        logger.keep_in(tmp_path / str(id(logger)))
    assert first.version != second.version


def test_a_key_is_known_from_the_environment_or_netrc(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not has_key()
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password key\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert has_key()
    (tmp_path / ".netrc").write_text("damaged\n")
    assert not has_key()
    monkeypatch.setenv("WANDB_API_KEY", "key")
    assert has_key()
