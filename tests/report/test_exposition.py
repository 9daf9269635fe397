"""The metrics page: the same as prometheus-client would write, bounded, and written in slices."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from simulator.core import records as r
from simulator.metrics import OUTCOMES, PHASES, RunMetrics
from simulator.report.exposition import SERIES_MAX, MetricsText, RunCollector

BUILD = {"version": "0.1.0"}
RUN = {"run_id": "r1", "fleet": 'a "quoted" \\ name\nof two lines'}
CONTRACT = {
    "cpfarm_call_duration_seconds": {"action", "ocpp", "outcome", "le"},
    "cpfarm_call_lateness_seconds": {"ocpp", "le"},
    "cpfarm_calls_total": {"action", "ocpp", "profile", "outcome"},
    "cpfarm_csms_calls_total": {"action", "ocpp", "outcome"},
    "cpfarm_call_errors_total": {"action", "code"},
    "cpfarm_connect_duration_seconds": {"le"},
    "cpfarm_boot_duration_seconds": {"le"},
    "cpfarm_connect_failures_total": {"reason"},
    "cpfarm_stations": {"state"},
    "cpfarm_transactions_active": set(),
    "cpfarm_energy_wh_total": set(),
    "cpfarm_reconnects_total": set(),
    "cpfarm_faults_active": {"fault"},
    "cpfarm_schema_violations_total": {"action"},
    "cpfarm_queued_messages": set(),
    "cpfarm_loop_lag_seconds": set(),
    "cpfarm_build_info": {"version"},
    "cpfarm_run_info": {"run_id", "fleet"},
}


def small_run() -> RunMetrics:
    metrics = RunMetrics()
    handle = metrics.bind("1.6", "generic/ac-single")
    handle.phase(None, "available")
    for took_us in (2_000, 30_000, 700_000, 40_000_000):
        handle.record(r.CallFinished("Heartbeat", "ok", took_us, 0))
    handle.record(r.CallFinished("Authorize", "callerror", 1_000, 0, "InternalError"))
    handle.record(r.CallFinished("Authorize", "timeout", 30_000_000, 0))
    handle.record(r.CsmsCallHandled("Reset", "ok"))
    handle.record(r.ViolationSeen("Reset", "type", "enum"))
    handle.record(r.ConnectFailed("refused", 0))
    handle.record(r.FaultBegan("f", "meter.noise", 1, {}))
    handle.record(r.TransactionClosed("1", 1, "Local", 0, 1234.5, 1234.5, 1234.5, 1234.5))
    metrics.lag(2_500)
    return metrics


def largest_run() -> RunMetrics:
    """More of everything than any fleet has: every open label far beyond what exists."""
    metrics = RunMetrics()
    for profile in range(20):
        for ocpp in ("1.6", "2.0.1", "2.1"):
            handle = metrics.bind(ocpp, f"vendor/model-{profile}")
            for action in range(60):
                for outcome in OUTCOMES:
                    code = f"Code{profile}" if outcome == "callerror" else ""
                    handle.record(r.CallFinished(f"Action{action}", outcome, 10_000, 0, code))
                for csms_outcome in ("ok", "callerror", "silent"):
                    handle.record(r.CsmsCallHandled(f"Action{action}", csms_outcome))
                handle.record(r.ViolationSeen(f"Action{action}", "a", "b"))
            for n in range(100):
                handle.record(r.FaultBegan(f"f{n}", f"part.fault-{n}", 0, {}))
                handle.record(r.ConnectFailed("http_status", 400 + n))
    return metrics


def parsed(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_names_and_labels_are_those_of_the_contract() -> None:
    text = MetricsText(small_run(), BUILD, RUN).render().decode()
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            found[line.split()[2]] = set()
    for name, labels in parsed(text):
        base = max((family for family in found if name.startswith(family)), key=len)
        found[base] |= {label for label, _ in labels}
    assert found == CONTRACT


def test_the_text_is_what_prometheus_client_makes_of_the_same_figures() -> None:
    for metrics in (small_run(), largest_run()):
        registry = CollectorRegistry()
        registry.register(RunCollector(metrics, BUILD, RUN))
        assert parsed(MetricsText(metrics, BUILD, RUN).render().decode()) == parsed(generate_latest(registry).decode())


def test_values() -> None:
    samples = parsed(MetricsText(small_run(), BUILD, RUN).render().decode())

    def value(name: str, **labels: str) -> float:
        return samples[name, frozenset(labels.items())]

    own = {"action": "Heartbeat", "ocpp": "1.6", "outcome": "ok"}
    assert value("cpfarm_call_duration_seconds_bucket", **own, le="0.005") == 1
    assert value("cpfarm_call_duration_seconds_bucket", **own, le="0.05") == 2
    assert value("cpfarm_call_duration_seconds_bucket", **own, le="30.0") == 3
    assert value("cpfarm_call_duration_seconds_bucket", **own, le="+Inf") == 4
    assert value("cpfarm_call_duration_seconds_count", **own) == 4
    assert value("cpfarm_call_duration_seconds_sum", **own) == 40.732
    assert value("cpfarm_energy_wh_total") == 1234.5
    assert value("cpfarm_loop_lag_seconds") == 0.0025
    assert sum(v for (name, _), v in samples.items() if name == "cpfarm_stations") == 1
    assert {dict(labels)["state"] for name, labels in samples if name == "cpfarm_stations"} == set(PHASES)


def test_the_largest_fleet_stays_below_the_bound_and_loses_no_call() -> None:
    metrics = largest_run()
    samples = parsed(MetricsText(metrics, BUILD, RUN).render().decode())
    assert 2000 < len(samples) < SERIES_MAX
    shown = sum(value for (name, _), value in samples.items() if name == "cpfarm_calls_total")
    assert shown == sum(cell.n for cell in metrics.calls.values())
    timed = sum(value for (name, _), value in samples.items() if name == "cpfarm_call_duration_seconds_count")
    assert timed == shown
    again = parsed(MetricsText(metrics, BUILD, RUN).render().decode())
    assert again == samples, "folding must not change figures of the run"


def test_the_text_is_built_in_slices_and_served_from_the_last_complete_one() -> None:
    metrics = small_run()
    page = MetricsText(metrics, BUILD, RUN, groups_per_step=5)
    assert page.text == b""
    steps = 1
    while not page.step(0):
        assert page.text == b""
        steps += 1
    assert steps > 5
    first = page.text
    assert first == MetricsText(metrics, BUILD, RUN).render()
    metrics.lag(9_000_000)
    assert not page.step(999_999)
    assert page.text is first, "young enough"
    while not page.step(1_000_000):
        assert page.text is first
    assert b"cpfarm_loop_lag_seconds 9\n" in page.text


def test_a_number_of_groups_that_divides_evenly_still_ends() -> None:
    for groups in range(1, 60):
        page = MetricsText(small_run(), BUILD, RUN, groups_per_step=groups)
        steps = 0
        while not page.step(0):
            steps += 1
            assert steps < 200
        assert page.text.endswith(b"\n")
