"""The table of what can be measured and how each is started; knows no load."""

import sys
from collections.abc import Callable, Mapping

from benchmarks import workload
from benchmarks.server import Contestant
from benchmarks.workload import Workload
from benchmarks.workplace import Workplace

__all__ = ["model_servers", "noop_servers", "processes", "served", "uvicorn"]


def noop_servers(place: Workplace) -> list[Contestant]:
    """Those without a model, the floor first."""
    right = workload.placeholder(place.rows)
    return [
        Contestant(
            "asgi",
            (*uvicorn("asgi_echo:app"), "--lifespan", "off"),
            workload.echoed(place.rows),
        ),
        Contestant("starlette", uvicorn("starlette_noop:app"), right),
        Contestant("fastapi", uvicorn("fastapi_noop:app"), right),
        Contestant("minibento", uvicorn("minibento_noop:Noop"), right),
    ]


def model_servers(place: Workplace, model: str) -> list[Contestant]:
    """Those with the model of that name, the hand-written one first."""
    right = workload.modelled(place.rows, place.models[model])
    environment = place.environment(model)
    mosec = (
        *(sys.executable, "-m", "benchmarks.servers.mosec_model"),
        *("--address", "127.0.0.1", "--port", "{port}", "--path", "{directory}/mosec-{port}"),
        *("--timeout", "60000", "--log-level", "warning"),
    )
    return [
        Contestant("starlette", uvicorn("starlette_model:app"), right, environment),
        Contestant("mosec", mosec, right, environment),
        Contestant(
            "minibento",
            uvicorn("minibento_model:Credit"),
            right,
            environment,
            lambda: place.save(model),
        ),
        processes(place, model, "processes"),
    ]


def processes(place: Workplace, model: str, name: str, *options: str) -> Contestant:
    """minibento with processes of its own, and the model of that name in one of them."""
    right = workload.modelled(place.rows, place.models[model])
    return served(
        name,
        "minibento_model:Credit",
        right,
        place.environment(model),
        lambda: place.save(model),
        options=options,
    )


def served(
    name: str,
    target: str,
    right: Workload,
    environment: Mapping[str, str],
    prepare: Callable[[], None] = lambda: None,
    *,
    options: tuple[str, ...] = (),
) -> Contestant:
    """What `minibento serve` makes of a module of `benchmarks.servers`."""
    command = (
        *(sys.executable, "-m", "minibento.cli", "serve", f"benchmarks.servers.{target}"),
        *("--host", "127.0.0.1", "--port", "{port}", "--no-access-log"),
        # Longer than any pause of ours, as for uvicorn.
        *("--set", "limits.keep_alive_seconds=120", *options),
    )
    return Contestant(name, command, right, environment, prepare)


def uvicorn(target: str) -> tuple[str, ...]:
    """The command for a module of `benchmarks.servers`, the same for all that uvicorn serves."""
    return (
        *(sys.executable, "-m", "uvicorn", f"benchmarks.servers.{target}"),
        *("--host", "127.0.0.1", "--port", "{port}"),
        *("--loop", "uvloop", "--http", "httptools"),
        *("--no-access-log", "--log-level", "warning"),
        # Longer than any pause of ours: an idle connection must not close under a request.
        *("--timeout-keep-alive", "120"),
    )
