"""Health samples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from providers.model.samples import Sample
from providers_contract.vocabulary import Reason
from tests.kit.stores import NOW, Stores


def test_a_minute_bucket_is_set_once(stores: Stores) -> None:
    """The first sample of a minute is kept."""
    sample = Sample(NOW.replace(second=0, microsecond=0), 3, Reason.TIMEOUT, 812)
    assert stores.health.record("prov_1", sample)
    assert not stores.health.record("prov_1", sample._replace(reason=None))
    assert list(stores.health.read("prov_1", sample.at, sample.at)) == [sample]
    assert list(stores.health.read("prov_2", sample.at, sample.at)) == []


def test_samples_are_read_by_minute_and_by_hour(stores: Stores) -> None:
    """Samples are read across hours and days, both ends included, oldest first."""
    first = datetime(2026, 4, 14, 22, 58, tzinfo=UTC)
    samples = [Sample(first + timedelta(minutes=minute), 1, None, minute) for minute in range(125)]
    for sample in reversed(samples):
        assert stores.health.record("prov_1", sample)
    assert list(stores.health.read("prov_1", samples[1].at, samples[-2].at)) == samples[1:-1]
    recent = stores.health.recent(["prov_1", "prov_2"], samples[-1].at)
    assert recent == {"prov_1": samples[62:], "prov_2": []}
