from benchmarks import credit_data
from benchmarks.servers.application import Application


def test_every_real_application_is_valid_and_comes_back_unchanged() -> None:
    applications, _ = credit_data.load()
    for application in applications:
        assert Application(**application).model_dump() == application  # type: ignore[arg-type]
