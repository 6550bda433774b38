"""`python3 NAME.bundle install`: from one file to a service that systemd can run.

Standard library only: it runs from the wheel in the bundle, on a machine that has only Python.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from minibento.bundles.bundle import Bundle
from minibento.bundles.facts import Facts
from minibento.bundles.fitting import refuse_other_machine
from minibento.errors import BuildError, Corrupt, MinibentoError
from minibento.packager.environment import make_environment
from minibento.packager.trial import start_once
from minibento.store.archive import archive_manifest, check_digest
from minibento.store.disk import disk_errors, make_directory, path_errors, write_file
from minibento.store.locks import hold
from minibento.store.manifest import Manifest
from minibento.store.store import Store

__all__ = ["PRODUCTION", "main"]

PRODUCTION = "production"
# Longer than a stop takes that waits for its requests: `grace` of the configuration.
_STOP_SECONDS = 90


def main(archive: Path, arguments: Sequence[str]) -> int:
    """Obey the command line behind the bundle's file; the exit code."""
    given = _parser(archive).parse_args(arguments)
    try:
        if given.verb == "install":
            _install(archive, Path(given.home).absolute(), given.sha256)
        else:
            _show(archive)
    except MinibentoError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser(archive: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python3 {archive.name}")
    verbs = parser.add_subparsers(dest="verb", required=True)
    install = verbs.add_parser("install", help="install it, so that it can be served")
    install.add_argument("--home", required=True, metavar="DIR", help="where all of it goes")
    install.add_argument("--sha256", metavar="D", help="refuse the file unless it has this digest")
    verbs.add_parser("info", help="show what is in it")
    return parser


def _install(archive: Path, home: Path, sha256: str | None) -> None:
    _quoted(home)  # before anything is done for a unit that cannot be written
    if home.exists() and not home.is_dir():
        raise BuildError(f"--home {home} is a file, not a folder: name another, which is made")
    if sha256 is not None:
        check_digest(archive, sha256)
    manifest, facts = _read(archive)
    refuse_other_machine(manifest.tag, facts)
    store = Store(home, "bundles")
    _say(f"importing {manifest.tag} into {home}")
    bundle = Bundle(store.import_(archive, latest=True).path)
    _say(f"installing its libraries into {home / 'envs' / facts.environment}")
    python = make_environment(bundle.path, facts, home)
    _say("starting it once")
    start_once(python, str(bundle.tag), {"MINIBENTO_HOME": str(home)})
    name = bundle.tag.name
    # Of two that install at once, one comes after the other: command and unit go with the alias.
    with disk_errors("cannot install", home), hold(home / ".install.lock"):
        command = _write_command(home, python)
        unit = _write_unit(home, name, command)
        store.alias(bundle.tag, PRODUCTION)
    print(f"installed {bundle.tag}, which {name}:{PRODUCTION} stands for now")
    print(f"serve it:       {shlex.quote(str(command))} serve {name}:{PRODUCTION}")
    print(f"under systemd:  systemctl enable --now {shlex.quote(str(unit))}")
    print(f"if it runs:     {shlex.quote(str(command))} reload {name}")


def _read(archive: Path) -> tuple[Manifest, Facts]:
    """What it says of itself; whether that is true, importing it finds out."""
    manifest = archive_manifest(archive)
    try:
        return manifest, Facts.from_json(manifest.about)
    except Corrupt as error:
        raise Corrupt(f"{archive} {error}") from error


def _show(archive: Path) -> None:
    manifest, facts = _read(archive)
    print(f"bundle    {manifest.tag}")
    print(f"service   {facts.service}")
    for exact in sorted(set(facts.models.values())):
        print(f"model     {exact}")
    print(f"python    {facts.python} on {facts.platform}")
    wheels = "all inside" if facts.vendored else "from an index"
    print(f"libraries {wheels}")


def _write_command(home: Path, python: Path) -> Path:
    """`bin/minibento`: the command, in the environment of what was installed last."""
    text = (
        "#!/bin/sh\n"
        # Always: it is the command of what is installed here, whatever else the user has.
        f"export MINIBENTO_HOME={shlex.quote(str(home))}\n"
        f'exec {shlex.quote(str(python))} -P -m minibento.cli "$@"\n'
    )
    return _replace(home / "bin" / "minibento", text, 0o755)


def _write_unit(home: Path, name: str, command: Path) -> Path:
    """A systemd unit (systemd.service(5), systemd.exec(5))."""
    # By the shell that it is written for: systemd takes no program with quotes in its path.
    started, run = f"/bin/sh {_quoted(command).replace('$', '$$')}", f"minibento-{name}"
    text = f"""[Unit]
Description={name}, served by minibento
After=network.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={started} serve {name}:{PRODUCTION}
ExecReload={started} reload {name}
Environment={_quoted(f"MINIBENTO_HOME={home}")}
Environment=MINIBENTO_RUN_DIR=/run/{run}
RuntimeDirectory={run}
RuntimeDirectoryMode=0700
DynamicUser=yes
KillMode=mixed
TimeoutStopSec={_STOP_SECONDS}
Restart=on-failure
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
"""
    return _replace(home / "systemd" / f"{name}.service", text, 0o644)


def _quoted(text: object) -> str:
    """One word of a unit, with what systemd replaces escaped (systemd.syntax(7)).

    In the arguments of a command `$` is to be doubled beside.
    """
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if not escaped.isprintable():
        raise BuildError(f"{escaped!r} cannot stand in a systemd unit: choose another --home")
    return f'"{escaped}"'


def _replace(path: Path, text: str, mode: int) -> Path:
    with path_errors("cannot write", path):
        make_directory(path.parent)
        aside = path.with_name(f".{path.name}.new")
        write_file(aside, text.encode(), mode=mode)
        aside.replace(path)
    return path


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
