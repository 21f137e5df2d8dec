"""What the tests of the judgement share."""

import pytest

from analysis.judging.ledger import ledger


@pytest.fixture(scope="session")
def table():
    """The ledger of the repository."""
    return ledger()
