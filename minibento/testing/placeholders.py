"""Models for tests that have no store; knows no service."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from minibento.models.model import Model
from minibento.models.resolving import resolving

__all__ = ["models"]


@contextmanager
def models(answers: Mapping[str, Model | None]) -> Iterator[None]:
    """Within the block `minibento.models.get` answers these tags from here.

        with minibento.testing.models({"credit_risk:production": None}):
            from service import CreditRisk

    None makes a placeholder: it has its tag, can be given to a runner, and loads nothing, so that
    a service is imported without a store and tested with `testing.client(CreditRisk, model=...)`.
    Tags that are not named come from the store as ever.

    Raises:
        InvalidTag: a key is no tag.
    """
    with resolving(answers):
        yield
