from tests.bench.readings import patroni_cpu


def test_each_way_to_ask_patroni_is_measured_and_tls_costs_more() -> None:
    found = dict(patroni_cpu(readings=5))
    assert 0 < found["patroni, http"] < found["patroni, https"]
    assert len(found) == 4
