"""Alerts and dashboard against the metrics that a gateway shows and that docs/operations.md tells of.

    metrics.py PROGRAM FOLDER    PROGRAM is the release program; `promtool` is found by PATH
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
# Shown once there is something to show: a canary, NATS, sessions, an end that WhatsApp told, a first look for a version that ended.
LATER = {
    "wharf_canary_seconds",
    "wharf_limits_alone",
    "wharf_nats_up",
    "wharf_session_memory_bytes",
    "wharf_whatsapp_expires_seconds",
    "wharf_whatsapp_version_fetches_total",
}


def promtool(*words, text=None):
    done = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def page(program, folder):
    """What a fresh gateway shows."""
    environment = {**os.environ, "WHARF_LISTEN": "127.0.0.1:0", "WHARF_DATA_DIR": str(folder / "data"), "WHARF_LOG": "error"}
    gateway = subprocess.Popen([program, "serve"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        url = gateway.stdout.readline().split()[-1]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        # What counts calls is shown from the first one on.
        for path in ("readyz", "metrics"):
            with opener.open(f"{url}/{path}", timeout=30) as answer:
                shown = answer.read().decode()
        return shown
    finally:
        gateway.terminate()
        gateway.wait(timeout=35)


def documented():
    """The table's rows: name, labels, whether it says when to be alarmed."""
    rows = {}
    for row in re.findall(r"^\| `((?:wharf|process)_\w+)(?:\{([\w,]+)\})?` \|.*\|([^|]*)\|$", (TOP / "docs/operations.md").read_text(), re.MULTILINE):
        rows[row[0]] = (set(row[1].split(",")) - {""}, row[2].strip() != "")
    return rows


def base(name, rows):
    return name if name in rows else re.sub(r"_(bucket|sum|count)$", "", name)


def look(where, expressions, rows):
    """Every name and every label of ours in the expressions is there. Tells the names."""
    used = set()
    for expression in expressions:
        for name, labels in re.findall(r"\b((?:wharf|process)_\w+)(?:\{([^}]*)\})?", expression):
            name = base(name, rows)
            assert name in rows, f"{where} names {name}, which is no metric"
            unknown = set(re.findall(r"(\w+)\s*[=!]", labels)) - rows[name][0] - {"instance", "job", "le"}
            assert not unknown, f"{where}: {name} has no label {unknown}"
            used.add(name)
    return used


def main(program, folder):
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rows, shown = documented(), page(program, folder)
    promtool("check", "metrics", text=shown)
    families = set(re.findall(r"^# TYPE (\w+)", shown, re.MULTILINE))
    assert families <= set(rows), f"docs/operations.md does not have {families - set(rows)}"

    path = TOP / "deploy/prometheus/alerts.yml"
    promtool("check", "rules", str(path))
    promtool("test", "rules", str(path.parent / "tests.yml"))
    alerts = [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
    told = look("alerts.yml", [rule["expr"] for rule in alerts], rows)
    silent = {name for name, (_, alarming) in rows.items() if alarming} - told
    assert not silent, f"docs/operations.md says when to be alarmed by {silent}, and no alert does"

    dashboard = json.loads((TOP / "deploy/grafana/wharf.json").read_text())
    drawn = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    seen = look("wharf.json", drawn, rows)
    absent = (told | seen) - families - LATER
    assert not absent, f"alerts or dashboard name {absent}, which a gateway does not show"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)), "two panels have one id"
    rules = [{"record": f"drawn:{number}", "expr": text.replace("$__rate_interval", "5m").replace("$node", ".*")} for number, text in enumerate(drawn)]
    (folder / "drawn.yml").write_text(yaml.safe_dump({"groups": [{"name": "drawn", "rules": rules}]}))
    promtool("check", "rules", str(folder / "drawn.yml"))
    print(f"metrics: {len(families)} shown, {len(alerts)} alerts for all that are alarming, {len(drawn)} lines drawn, by promtool")


if __name__ == "__main__":
    main(*sys.argv[1:])
