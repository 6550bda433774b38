"""What a version from elsewhere must pass, whichever way it comes; opens no file, no socket."""

from dataclasses import dataclass

from minibento.errors import Corrupt, StoreError, Untrusted
from minibento.store.draft import Draft, Origin
from minibento.store.entry import Entry
from minibento.store.manifest import Manifest

__all__ = ["BUNDLE", "EXECUTES_CODE", "MAX_BYTES", "MAX_FILES", "Arrival", "kind_of", "refusal"]

MAX_BYTES = 1 << 40
MAX_FILES = 100_000
# The keys of `about` that are read here. Loading these files can run code that is in them:
EXECUTES_CODE = "executes_code"
# It is a bundle, no model:
BUNDLE = "bundle"
_PICKLE = ".pkl"  # how the names of pickles end; only the refusal shows them
_FEW = 5  # pickles are named at most


@dataclass(frozen=True, slots=True)
class Arrival:
    """One version on its way in.

    Attributes:
        place: The file or URL it comes from, as the user gave it.
        source: What the store records as its origin.
        kind: `models` or `bundles`: what is asked for.
        verb: The command that takes it in, for messages: `import` or `pull`.
        trust: Take it in even if loading it can execute code that is in it.
        latest: Make it `latest`; otherwise it is only if the name had no versions.
    """

    place: str
    source: str
    kind: str
    verb: str
    trust: bool
    latest: bool

    def check(self, manifest: Manifest) -> None:
        """Refuse it before any of its files is taken in.

        Raises:
            StoreError: it is of the other kind, or exceeds the limits.
            Untrusted: it can execute code and `trust` is not given.
        """
        found = kind_of(manifest)
        if found != self.kind:
            raise StoreError(
                f"{self.place} holds {manifest.tag} of the {found}: "
                f"minibento {found} {self.verb} {self.place}"
            )
        self._check_size(manifest)
        self._check_trust(manifest)

    def finish(self, made: Draft, manifest: Manifest) -> Entry:
        """Publish what the draft was filled with, if it is what the manifest says.

        Raises:
            Corrupt: it is not.
            AlreadyExists: its explicit version exists with other content.
        """
        sealed = made.seal(manifest.about, manifest.explicit)
        if sealed != manifest:
            raise self.refused(_difference(sealed, manifest))
        return made.place(sealed, Origin(self.source, trusted=self.trust, latest=self.latest))

    def refused(self, reason: str) -> Corrupt:
        """The error for what is not, to the byte, a version that was sent off."""
        return refusal(self.place, self.verb, reason)

    def _check_size(self, manifest: Manifest) -> None:
        count, size = len(manifest.files), sum(record.size for record in manifest.files)
        if count > MAX_FILES or size > MAX_BYTES:
            raise StoreError(
                f"{self.place} has {count} files of {size} bytes: "
                f"at most {MAX_FILES} files of {MAX_BYTES} bytes are taken"
            )

    def _check_trust(self, manifest: Manifest) -> None:
        if manifest.about.get(EXECUTES_CODE, False) is not False and not self.trust:
            pickles = [repr(one.path) for one in manifest.files if one.path.endswith(_PICKLE)]
            named = f"whose {', '.join(pickles[:_FEW])}" if pickles else "which"
            raise Untrusted(
                f"{self.place} holds {manifest.tag}, {named} can execute code when it is loaded: "
                f"{self.verb} it with --trust if you know who made it, or have it saved in a safe "
                "format and without custom_objects"
            )


def refusal(place: str, verb: str, reason: str) -> Corrupt:
    """The error for what cannot be taken in from a place by `import` or `pull`."""
    again = {"import": "export", "pull": "push"}[verb]
    return Corrupt(
        f"{place} cannot be {verb}ed: {reason}; get a whole copy, or {again} the version again"
    )


def kind_of(manifest: Manifest) -> str:
    """`models` or `bundles`."""
    return "bundles" if BUNDLE in manifest.about else "models"


def _difference(sealed: Manifest, manifest: Manifest) -> str:
    changed = sorted(set(sealed.files) ^ set(manifest.files))
    return f"{changed[0].path!r} is not what its manifest says" if changed else "it was changed"
