"""`minibento build`: from a project's folder to a version in the bundle store, step by step.

Each step is done elsewhere; here is their order, and what one hands to the next.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from minibento.bundles import layout
from minibento.bundles.facts import Facts
from minibento.bundles.machine import this_platform, this_python
from minibento.errors import BuildError, Corrupt, MinibentoError
from minibento.models.resolving import get
from minibento.packager.bootstrap import bootstrap_source
from minibento.packager.build_file import BuildFile
from minibento.packager.context import LeftOut, context_of
from minibento.packager.copying import copy_model
from minibento.packager.describe import Description, describe
from minibento.packager.documents import canonical_json, readme, sbom
from minibento.packager.environment import environment_name
from minibento.packager.lock import Lock, check_lock, inputs, make_lock
from minibento.packager.trial import start_once
from minibento.packager.untouched import untouched
from minibento.packager.vendor import vendored
from minibento.packager.wheels import (
    Wheel,
    environment_lock,
    local_wheels,
    own_version,
    own_wheel,
)
from minibento.processes.place import Place
from minibento.store.arrival import EXECUTES_CODE
from minibento.store.disk import disk_errors
from minibento.store.draft import Origin
from minibento.store.entry import Entry
from minibento.store.home import local_store
from minibento.store.locks import hold_folder
from minibento.store.manifest import Manifest
from minibento.store.staging import stage
from minibento.store.store import Store
from minibento.tag import LATEST, Tag

__all__ = ["Aim", "Built", "build", "bundle_name", "lock"]

Say = Callable[[str], None]
# From so many bytes on a copy is worth a line that says what takes the time.
_LONG_COPY = 64 << 20


@dataclass(frozen=True, slots=True)
class Aim:
    """What a bundle is built for.

    Attributes:
        vendor: Whether all wheels go inside.
        python: Minor version, as `3.11`.
        platform: As `linux/amd64`.
    """

    vendor: bool
    python: str
    platform: str

    @property
    def is_here(self) -> bool:
        """Whether it can be started on this machine."""
        return (self.python, self.platform) == (this_python(), this_platform())


@dataclass(frozen=True, slots=True)
class Built:
    """What came of it.

    Attributes:
        entry: In the bundle store.
        new: Whether this content was not there before.
        left_out: What did not go in, the largest first.
    """

    entry: Entry
    new: bool
    left_out: Sequence[LeftOut]


def build(build_file: BuildFile, place: Place, aim: Aim, say: Say) -> Built:
    """Make a bundle of the service at `place`, whose folder is the project's.

    Args:
        build_file: What is built.
        place: Of the service, in the project's folder.
        aim: What for.
        say: Told what takes time or was decided.

    Raises:
        BuildError: something that the service needs is not in it, does not start, or is refused.
        NotFound: the store has no such model.
        MinibentoError: what the store refuses.
    """
    store, project = local_store("bundles"), place.folder
    recipe = _Recipe(build_file, aim, say)
    context = context_of(project, build_file)
    with disk_errors("cannot build", store.folder), stage(store.folder / ".staging") as aside:
        code = aside / layout.CODE
        context.copy_to(code)
        with untouched(code, "while it is imported"):
            described = describe(replace(place, folder=code), project, context.why_missing)
        name = bundle_name(described.name)
        models = _models(described.models, build_file.models)
        inside = [own_wheel(), *local_wheels(build_file.requirements, project)]
        lock = _locked(project, recipe, models, inside)
        with store.draft(name) as draft:
            code.rename(draft.path / layout.CODE)
            _copy_models(models.values(), draft.path, say)
            environment = _write_libraries(draft.path, aim, lock, inside)
            facts = Facts(
                service=f"{place.module}:{described.attribute}",
                models={tag: str(entry.tag) for tag, entry in models.items()},
                runners=described.runners,
                python=aim.python,
                platform=aim.platform,
                minibento=own_version(),
                environment=environment,
                vendored=aim.vendor,
                labels=build_file.labels,
                container=build_file.container,
            )
            _write_documents(draft.path, name, facts, described, lock)
            manifest = draft.seal(facts.to_json(), None)
            _check_models(manifest, models.values())
            new = not _is_there(store, manifest.tag)
            if new:
                _try(draft.path, recipe)
            return Built(draft.place(manifest, Origin()), new, context.left_out)


def lock(build_file: BuildFile, place: Place, aim: Aim) -> Path:
    """Write requirements.lock anew for the service at `place`; returns its path.

    Raises what `build` raises.
    """
    described = describe(place, place.folder)
    models = _models(described.models, build_file.models)
    recorded = {str(entry.tag): entry.about.get("libraries", {}) for entry in models.values()}
    inside = [own_wheel(), *local_wheels(build_file.requirements, place.folder)]
    wanted = inputs(build_file.requirements, recorded, inside)
    with hold_folder(place.folder):
        return make_lock(place.folder, wanted, aim.python, aim.platform)


def bundle_name(service: str) -> str:
    """`CreditRisk` is bundled as `credit_risk`.

    Raises:
        BuildError: nothing of the service's name can be in a tag.
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", service)
    name = re.sub(r"[^a-z0-9._-]+", "-", words.lower()).strip("._-")
    if not name:
        raise BuildError(
            f"the service is called {service!r}, which gives no name for a bundle: give it one "
            'with letters or digits, as @minibento.service(name="credit_risk")'
        )
    return name[:63]


@dataclass(frozen=True, slots=True)
class _Recipe:
    build_file: BuildFile
    aim: Aim
    say: Say


def _models(found: Mapping[str, str], named: Sequence[str]) -> dict[str, Entry]:
    """Each tag that code or the build file names, with what it stands for."""
    asked = [
        parsed if parsed.version else Tag(parsed.name, LATEST) for parsed in map(Tag.parse, named)
    ]
    tags = {**found, **{str(tag): str(get(tag).tag) for tag in asked}}
    store = local_store()
    return {tag: store.get(exact) for tag, exact in sorted(tags.items())}


def _locked(
    project: Path, recipe: "_Recipe", models: Mapping[str, Entry], inside: Sequence[Wheel]
) -> Lock:
    recorded = {str(entry.tag): entry.about.get("libraries", {}) for entry in models.values()}
    wanted = inputs(recipe.build_file.requirements, recorded, inside)
    path, aim = project / layout.LOCK, recipe.aim
    if not os.path.lexists(path):
        with hold_folder(project):
            if not path.exists():  # nobody else has made it meanwhile
                recipe.say(f"there is no {layout.LOCK}: resolving {len(wanted)} requirements")
                make_lock(project, wanted, aim.python, aim.platform)
                recipe.say(f"wrote {path}: commit it, so that every build installs the same")
    return check_lock(path, wanted, aim.python, aim.platform)


def _copy_models(models: Iterable[Entry], folder: Path, say: Say) -> None:
    for entry in {entry.tag: entry for entry in models}.values():
        if entry.about.get(EXECUTES_CODE) is not False:
            # A bundle is code as a whole, so nobody would ask again.
            entry.refuse_unvouched()
        if entry.size >= _LONG_COPY:
            say(f"copying {entry.tag}: {entry.size / 1e6:,.0f} MB")
        copy_model(entry, folder / layout.model_folder(entry.tag))


def _write_libraries(folder: Path, aim: Aim, lock: Lock, inside: Sequence[Wheel]) -> str:
    """The lock and the wheels; returns the name of the environment that they make."""
    (folder / layout.WHEELS).mkdir()
    for wheel in inside:
        (folder / layout.WHEELS / wheel.name).write_bytes(wheel.data)
    if aim.vendor:
        vendored(lock, aim.python, aim.platform, folder / layout.WHEELS)
    whole = environment_lock(lock.data, inside)
    (folder / layout.LOCK).write_bytes(lock.data)
    (folder / layout.ENVIRONMENT).write_bytes(whole)
    return environment_name(whole, aim.python, aim.platform)


def _write_documents(
    folder: Path, name: str, facts: Facts, described: Description, lock: Lock
) -> None:
    text = readme(name, facts, described.openapi, described.summary)
    (folder / layout.OPENAPI).write_bytes(canonical_json(described.openapi))
    (folder / layout.README).write_bytes(text.encode())
    (folder / layout.SBOM).write_bytes(canonical_json(sbom(name, facts, lock.pins)))
    (folder / layout.MAIN).write_bytes(bootstrap_source())


def _check_models(manifest: Manifest, models: Iterable[Entry]) -> None:
    """What was copied is what was saved: its hashes are in both manifests."""
    sealed = {record.path: record.sha256 for record in manifest.files}
    for entry in models:
        folder = layout.model_folder(entry.tag)
        for record in entry.files:
            if sealed.get(f"{folder}/{record.path}") != record.sha256:
                raise Corrupt(
                    f"{entry.tag}: file {record.path!r} is not what was saved: "
                    f"`minibento models verify {entry.tag}` says more; save or import it again"
                )


def _try(folder: Path, recipe: _Recipe) -> None:
    """Start it as it will be started: from its own files and models alone."""
    aim = recipe.aim
    if aim.is_here:
        with untouched(folder, "when it is started"):
            start_once(Path(sys.executable), str(folder), {})
    else:
        recipe.say(f"not started: it is for Python {aim.python} on {aim.platform}")


def _is_there(store: Store, tag: Tag) -> bool:
    with suppress(MinibentoError):
        return store.get(tag).tag == tag
    return False
