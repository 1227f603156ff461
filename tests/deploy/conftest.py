from collections.abc import Iterator

import pytest
from deploy.engine import Environment, NoEngine, docker_engine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """One for all: what one module builds another finds built."""
    try:
        with docker_engine(tmp_path_factory.mktemp("docker")) as environment:
            yield environment
    except NoEngine as error:
        pytest.skip(str(error))
