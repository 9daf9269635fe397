"""A captured station against a scripted CSMS, without a network and on a stepped clock."""

from typing import Any

import pytest

from simulator.core.wall import parse_wall
from simulator.dialects import DIALECTS, dialect_for
from simulator.lab.csms import SILENT, CallError, LabCsms, Late
from simulator.profile.compiled import compile_profile
from simulator.replay.capture import capture_of
from simulator.replay.player import Player
from simulator.replay.stage import prepare
from simulator.traces.model import Mark, Trace
from tests.quirks.rig import Bench
from tests.replay.rig import STATION, frames_of, play, written
from tests.replay.test_capture import ACCEPTED, BOOT, START, STOP, WHOLE

BEGIN_US = 1_700_000_000_000_000
Rows = list[tuple[float | None, str, int, str, Any]]


def player_of(trace: Trace, **more: Any) -> Player:
    capture = capture_of(trace)
    model = compile_profile("generic/ac-single", capture.version)
    return prepare(capture, model, station_id="NEW-1", begin_us=BEGIN_US, nonce="r1", **more)


def csms_for(player: Player, **script: Any) -> LabCsms:
    found = LabCsms(dialect_for(player.capture.version).subprotocol, epoch_us=BEGIN_US, next_transaction=5000)
    found.script = script
    return found


def kinds(player: Player) -> list[tuple[str, str, str, str, str]]:
    return [(one.kind, one.action, one.path, one.then, one.now) for one in player.differences]


@pytest.mark.parametrize("version", list(DIALECTS))
def test_a_session_against_a_csms_that_says_the_same(version: str) -> None:
    bench = Bench(compile_profile("generic/ac-single", version)).boot(30).plug().token("TAG", 130)
    trace = frames_of(bench.token("TAG", 5).unplug().run(5))
    player = player_of(trace)
    csms = csms_for(player)
    took_us = play(player, csms)
    assert kinds(player) == [] and player.violations == [] and player.assumed == []
    then = [frame for frame in trace.frames if frame.to_csms and frame.kind == 2]
    assert csms.actions() == [frame.action for frame in then] and len(then) >= 8
    assert 0 < took_us <= trace.frames[-1].at_us - trace.frames[0].at_us  # type: ignore[operator]
    said = csms.sent()
    moved = [
        parse_wall(new["timestamp"]) - parse_wall(old.payload["timestamp"])  # type: ignore[operator]
        for old, new in zip(then, said, strict=True)
        if "timestamp" in new
    ]
    assert len(set(moved)) == 1 and BEGIN_US + moved[0] > 0
    assert csms.epoch_us <= parse_wall(said[-1]["timestamp"]) <= csms.epoch_us + took_us + 1_000_000  # type: ignore[operator]
    assert player.open == set() and len(csms.transactions) == 1
    (theirs,) = csms.transactions
    assert list(player.exchange.transactions.values()) == [theirs] and theirs not in player.exchange.transactions


def test_the_id_of_a_session_is_what_this_csms_gave() -> None:
    player = player_of(written(WHOLE[:4] + WHOLE[6:]))
    csms = csms_for(player)
    play(player, csms)
    assert csms.sent("StopTransaction")[0]["transactionId"] == 5000
    assert kinds(player) == [("no_callerror", "StopTransaction", "", "CALLERROR InternalError", "CALLRESULT")]


def test_answers_are_waited_for_where_the_capture_had_them() -> None:
    """A slow CSMS puts everything off; what overlapped in the capture may overlap."""
    rows: Rows = [
        (0, "cp", 2, "BootNotification", BOOT),
        (0, "csms", 3, "BootNotification", ACCEPTED),
        (1, "cp", 2, "StartTransaction", START),
        (1, "csms", 3, "StartTransaction", {"transactionId": 17, "idTagInfo": {"status": "Accepted"}}),
        (2, "cp", 2, "StopTransaction", STOP),
        (2, "csms", 3, "StopTransaction", {}),
        (3, "cp", 2, "Heartbeat", {}),
        (3, "cp", 2, "DataTransfer", {"vendorId": "x"}),
        (4, "csms", 3, "Heartbeat", {"currentTime": "2020-09-13T12:26:40Z"}),
        (4, "csms", 3, "DataTransfer", {"status": "UnknownVendorId"}),
    ]
    player = player_of(written(rows))
    slow = {"transactionId": 9, "idTagInfo": {"status": "Accepted"}}
    csms = csms_for(
        player, StartTransaction=lambda c, p: Late(20, slow), Heartbeat=lambda c, p: Late(9, {"currentTime": c.time()})
    )
    play(player, csms)
    at = {seen.action: seen.now / 1e6 for seen in csms.seen if seen.kind == 2}
    assert at == {
        "BootNotification": 0,
        "StartTransaction": 1,
        "StopTransaction": 22,
        "Heartbeat": 23,
        "DataTransfer": 23,
    }
    assert csms.sent("StopTransaction")[0]["transactionId"] == 9
    assert kinds(player) == []


def test_speed_shortens_the_pauses_and_times_end_now() -> None:
    player = player_of(written(WHOLE[:4] + WHOLE[6:]), speed=3.5)
    csms = csms_for(player)
    assert play(player, csms) == 1_714_285
    then, now = parse_wall(STOP["timestamp"]), parse_wall(csms.sent("StopTransaction")[0]["timestamp"])  # type: ignore[arg-type]
    assert then is not None and now is not None
    ended = player.capture.ended_us
    assert now - then == BEGIN_US + 2_000_000 - ended


def test_every_kind_of_difference_is_told() -> None:
    player = player_of(written([*WHOLE[:4], WHOLE[6], (7, "csms", 3, "StopTransaction", {}), *beats(3)]))
    answers = iter([CallError("NotSupported", "not today"), {"currentTime": "soon"}, SILENT])
    csms = csms_for(
        player,
        StartTransaction=lambda c, p: {"transactionId": 1, "idTagInfo": {"status": "Blocked"}},
        StopTransaction=lambda c, p: {"idTagInfo": {}},
        Heartbeat=lambda c, p: next(answers),
    )
    play(player, csms)
    assert kinds(player) == [
        ("status", "StartTransaction", "idTagInfo.status", "Accepted", "Blocked"),
        ("callerror", "Heartbeat", "", "CALLRESULT", "CALLERROR NotSupported not today"),
        ("no_answer", "Heartbeat", "", "CALLRESULT", ""),
    ]
    assert player.differences[0].sentence == (
        "StartTransaction (line 3): idTagInfo.status: Blocked, in the capture Accepted"
    )
    assert [(one.action, one.path) for one in player.violations] == [
        ("StopTransaction", "idTagInfo.status"),
        ("Heartbeat", "currentTime"),
    ]


def beats(count: int) -> Rows:
    found: Rows = []
    for number in range(count):
        found += [
            (10 + number, "cp", 2, "Heartbeat", {}),
            (10.5 + number, "csms", 3, "Heartbeat", {"currentTime": "2020-09-13T12:26:40Z"}),
        ]
    return found


def test_a_station_that_is_not_accepted_at_once_asks_again() -> None:
    player = player_of(written(WHOLE[:2] + beats(1)))
    answers = iter(["Pending", "Rejected", "Accepted"])
    csms = csms_for(
        player,
        BootNotification=lambda c, p: {"status": next(answers), "currentTime": c.time(), "interval": 12},
    )
    play(player, csms)
    assert csms.actions() == ["BootNotification"] * 3 + ["Heartbeat"]
    assert [seen.now / 1e6 for seen in csms.seen if seen.kind == 2] == [0, 12, 24, 33]
    assert [row[4] for row in kinds(player)] == ["Pending", "Rejected"]
    assert player.gave_up == ""


def test_a_station_that_is_never_accepted_gives_up() -> None:
    player = player_of(written(WHOLE[:2] + beats(1)), boot_timeout_us=30_000_000)
    csms = csms_for(
        player, BootNotification=lambda c, p: {"status": "Rejected", "currentTime": c.time(), "interval": 12}
    )
    assert play(player, csms) == 30_000_000
    assert player.gave_up == "the CSMS did not accept the station" and player.not_played == ["Heartbeat"]


def test_a_refusal_of_the_capture_is_no_reason_to_wait() -> None:
    pending = {**ACCEPTED, "status": "Pending"}
    player = player_of(
        written([(0, "cp", 2, "BootNotification", BOOT), (1, "csms", 3, "BootNotification", pending), *beats(1)])
    )
    csms = csms_for(player, BootNotification=lambda c, p: {**pending, "interval": 500})
    assert play(player, csms) == 10_000_000 and kinds(player) == []


def test_calls_of_the_csms_are_answered_from_the_capture_and_else_by_the_profile() -> None:
    rows: Rows = [
        *WHOLE[:2],
        (2, "csms", 2, "GetConfiguration", {"key": ["A"]}),
        (3, "cp", 3, "GetConfiguration", {"configurationKey": [{"key": "A", "readonly": True, "value": "1"}]}),
        (4, "csms", 2, "Reset", {"type": "Hard"}),
        (5, "cp", 3, "Reset", {"status": "Rejected"}),
        (6, "csms", 2, "Reset", {"type": "Soft"}),
        (7, "cp", 4, "Reset", "InternalError"),
        *beats(3),
    ]
    player = player_of(written(rows))
    csms = csms_for(player)
    play(
        player,
        csms,
        [
            (1, "Reset", {"type": "Soft"}),
            (2, "Reset", {"type": "Soft"}),
            (3, "GetConfiguration", {"key": ["HeartbeatInterval"]}),
            (4, "GetConfiguration", {"key": ["A"]}),
            (5, "UnlockConnector", {"connectorId": 1}),
            (6, "NoSuchThing", {}),
        ],
    )
    reset, again, config, same, unlock, unknown = csms.answers.values()
    assert (reset, again) == (["InternalError", "", {}], {"status": "Rejected"})
    assert config["configurationKey"][0]["key"] == "HeartbeatInterval"
    assert same["configurationKey"][0]["key"] == "A"
    assert unlock == {"status": "Unlocked"} and unknown[0] == "NotImplemented"
    assert [text.split()[3] for text in player.assumed] == ["GetConfiguration", "UnlockConnector", "NoSuchThing"]
    assert player.not_asked == [] and player.asked[0] == "Reset"
    assert kinds(player) == []


def test_messages_about_a_call_of_the_csms_wait_for_that_call() -> None:
    report = {"requestId": 8, "generatedAt": "2020-09-13T12:26:40Z", "seqNo": 0}
    boot = {"reason": "PowerUp", "chargingStation": {"model": "Box", "vendorName": "Maker"}}
    rows: Rows = [
        (0, "cp", 2, "BootNotification", boot),
        (0, "csms", 3, "BootNotification", ACCEPTED),
        (1, "csms", 2, "GetBaseReport", {"requestId": 8, "reportBase": "FullInventory"}),
        (1, "cp", 3, "GetBaseReport", {"status": "Accepted"}),
        (2, "cp", 2, "NotifyReport", report),
        (2, "csms", 3, "NotifyReport", {}),
        *beats(2),
    ]
    player = player_of(written(rows, "2.0.1"))
    csms = csms_for(player)
    play(player, csms, [(10.5, "GetBaseReport", {"requestId": 4711, "reportBase": "FullInventory"})])
    assert csms.actions() == ["BootNotification", "Heartbeat", "NotifyReport", "Heartbeat"]
    assert csms.sent("NotifyReport")[0]["requestId"] == 4711
    nobody = player_of(written(rows, "2.0.1"))
    play(nobody, csms_for(nobody))
    assert (nobody.not_asked, nobody.not_played) == (["GetBaseReport"], ["NotifyReport"])


def test_what_is_filled_in_is_marked_and_judged() -> None:
    player = player_of(written([WHOLE[6], (7, "csms", 3, "StopTransaction", {})]))
    csms = csms_for(player)
    play(player, csms)
    assert csms.actions() == ["BootNotification", "StartTransaction", "StopTransaction"]
    assert csms.sent("BootNotification")[0]["chargePointVendor"] == "Generic"
    assert [bool(call.act.assumed) for call in player.calls] == [True, True, False]
    refused = player_of(written([WHOLE[6]]))
    play(refused, csms_for(refused, StartTransaction=lambda c, p: CallError("InternalError")))
    assert [row[:2] for row in kinds(refused)] == [("callerror", "StartTransaction")]


def test_a_frame_that_is_none_is_told_and_a_lost_link_is_no_answer() -> None:
    player = player_of(written(WHOLE[:4]))
    player.begin(0)
    assert player.receive(b"[3,", 0) == [] and player.receive(b'{"a":1}', 0) == []
    (boot,) = player.turn(0)
    player.lost()
    assert [row[0] for row in kinds(player)] == ["frame", "frame", "no_answer"]
    (again,) = player.turn(1)
    assert again.split(b",", 2)[2] == boot.split(b",", 2)[2] and again != boot


def test_a_link_that_went_goes_again_and_comes_back_in_time() -> None:
    trace = written([*WHOLE[:2], (3, "cp", 2, "DataTransfer", {"vendorId": "x"}), *beats(2)])
    trace.marks += [
        Mark(line=3, what="closed", station=STATION, at_us=trace.frames[2].at_us),
        Mark(line=9, what="closed", station=STATION),
        Mark(line=3, what="closed", station="another"),
    ]
    player = player_of(trace)
    assert [act.hangup for act in player.capture.acts] == [False, False, True, False, False]
    csms = csms_for(player, DataTransfer=lambda c, p: SILENT)
    assert play(player, csms) == 11_000_000
    assert [seen.now / 1e6 for seen in csms.seen if seen.kind == 2] == [0, 3, 10, 11]
    assert kinds(player) == []  # what was lost with the link was lost in the capture, too


def operated(deaf: bool = False) -> tuple[Player, LabCsms]:
    """A remote start, and the session that it began; ``deaf``: a CSMS that does nothing when it is asked to."""
    start = {"idTag": "TAG", "connectorId": 2}
    rows: Rows = [
        *WHOLE[:2],
        (2, "csms", 2, "RemoteStartTransaction", start),
        (2, "cp", 3, "RemoteStartTransaction", {"status": "Accepted"}),
        (3, "cp", 2, "StartTransaction", START),
        (3, "csms", 3, "StartTransaction", {"transactionId": 17, "idTagInfo": {"status": "Accepted"}}),
        (4, "csms", 2, "RemoteStopTransaction", {"transactionId": 17}),
        (4, "cp", 3, "RemoteStopTransaction", {"status": "Accepted"}),
        (5, "cp", 2, "StopTransaction", STOP),
        (5, "csms", 3, "StopTransaction", {}),
        (6, "csms", 2, "Reset", {"type": "Soft"}),
        (6, "cp", 3, "Reset", {"status": "Accepted"}),
    ]
    player = player_of(written(rows), operable=lambda action: action != "Reset")
    csms = csms_for(player)
    play(player, csms, deaf=deaf)
    return player, csms


def test_what_the_csms_sent_it_is_made_to_send_again() -> None:
    player, csms = operated()
    sent = [(seen.action, seen.payload) for seen in csms.seen if seen.direction == "csms" and seen.kind == 2]
    assert sent == [
        ("RemoteStartTransaction", {"idTag": "TAG", "connectorId": 2}),
        ("RemoteStopTransaction", {"transactionId": 5000}),
    ]
    order = [seen.action for seen in csms.seen if seen.kind == 2]
    assert order == [
        "BootNotification",
        "RemoteStartTransaction",
        "StartTransaction",
        "RemoteStopTransaction",
        "StopTransaction",
    ]
    assert player.not_asked == ["Reset"] and kinds(player) == [] and player.assumed == []


def test_a_csms_that_does_not_do_it_is_not_waited_for_for_ever() -> None:
    player, csms = operated(deaf=True)
    assert [seen.now / 1e6 for seen in csms.seen if seen.kind == 2] == [0, 12, 23]
    assert player.not_asked == ["RemoteStartTransaction", "RemoteStopTransaction", "Reset"]
