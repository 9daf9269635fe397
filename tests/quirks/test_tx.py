"""Quirks of transactions, on the wire, with and without."""

from typing import Any

from simulator.core import inputs as i
from simulator.quirks import tx
from tests.quirks.rig import Bench, build, compare

BOGUS = 9_223_372_036_854_775_807


def test_meter_start_zero() -> None:
    assert tx.MeterStartZero.name == "tx-meterstart-always-zero"

    def scenario(b: Bench) -> list[bool]:
        b.smoke().session()
        return [p["meterStart"] == 0 for p in b.sent("StartTransaction")]

    b = compare("tx-meterstart-always-zero", scenario, without=[False] * 2, with_=[True] * 2)
    assert all(p["meterStop"] > 1_000 for p in b.sent("StopTransaction"))


def test_start_resent() -> None:
    def scenario(b: Bench) -> list[Any]:
        b.boot().plug().token("TAG", 30).drop_link().token("TAG", 5).unplug()
        assert len(b.csms.transactions) == 1
        b.drop_link()
        return [p["timestamp"][11:19] for p in b.sent("StartTransaction")]

    compare("tx-start-resent-on-reconnect", scenario, without=["00:00:10"], with_=["00:00:10"] * 2)


def test_colons() -> None:
    def scenario(b: Bench) -> set[str]:
        b.boot().session(30, "2069c021").session(30, "no hex")
        b.plug().remote_start("ABCD")
        b.run(10)
        return {p["idTag"] for p in b.sent("Authorize", "StartTransaction", "StopTransaction") if "idTag" in p}

    b = compare(
        "idtag-colon-separated", scenario,
        without={"2069c021", "no hex", "ABCD"}, with_={"20:69:C0:21", "no hex", "ABCD"},
    )  # fmt: skip
    assert len(b.csms.transactions) == 3


def test_seven_bytes_fit_and_eight_do_not() -> None:
    b = Bench(build("idtag-colon-separated")).boot().session(10, "04A1B2C3D4E5F6").session(10, "04A1B2C3D4E5F6A7")
    assert [p["idTag"] for p in b.sent("StartTransaction")] == ["04:A1:B2:C3:D4:E5:F6", "04A1B2C3D4E5F6A7"]


def test_token_is_serial() -> None:
    def scenario(b: Bench) -> str:
        b.boot().plug(60)
        return str(b.sent("StartTransaction")[0]["idTag"])

    more = {"free_vend": True, "vendor_keys": {"PlugAndChargeIdentifier": ("", True)}}
    b = compare("idtag-equals-serial", scenario, without="FREEVEND", with_="S00000", **more)
    answer = b.ask("GetConfiguration", key=["PlugAndChargeIdentifier"])
    assert answer["configurationKey"][0]["value"] == "S00000"
    b.ask("ChangeConfiguration", key="PlugAndChargeIdentifier", value="MINE")
    b.unplug().plug(30)
    assert b.sent("StartTransaction")[-1]["idTag"] == "MINE"
    assert b.ask("GetConfiguration", key=["PlugAndChargeIdentifier"])["configurationKey"][0]["value"] == "MINE"


def test_a_presented_token_stays_itself() -> None:
    b = Bench(build("idtag-equals-serial")).smoke()
    assert b.sent("StartTransaction")[0]["idTag"] == "TAG"


def test_id_flips() -> None:
    def scenario(b: Bench) -> tuple[list[Any], Any]:
        b.boot().session(250)
        return [p["transactionId"] for p in b.sent("MeterValues")], b.sent("StopTransaction")[0]["transactionId"]

    compare("txid-int64-max", scenario, without=([1] * 4, 1), with_=([1, 1, BOGUS, BOGUS], 1))


def test_store_overflow() -> None:
    def scenario(b: Bench) -> tuple[Any, ...]:
        b.boot().session(70).session(70).plug().token("TAG", 70)
        stopped = b.ask("RemoteStopTransaction", transactionId=3)["status"]
        b.run(5)
        ids = [p["transactionId"] for p in b.sent("MeterValues")]
        return ids, [p["transactionId"] for p in b.sent("StopTransaction")], stopped

    compare(
        "tx-store-overflow", scenario, params={"capacity": 1},
        without=([1, 2, 3], [1, 2, 3], "Accepted"), with_=([1, BOGUS, BOGUS], [1, BOGUS], "Rejected"),
    )  # fmt: skip


def test_second_session_dead() -> None:
    def scenario(b: Bench) -> tuple[int, str]:
        b.smoke().session()
        before = b.csms.actions().count("StartTransaction")
        b.plug()
        answer = b.remote_start()["status"]
        b.run(20)
        return before, answer

    b = compare("tx-second-session-dead-until-reboot", scenario, without=(2, "Accepted"), with_=(1, "Rejected"))
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    b.token("TAG", 20)
    assert b.csms.actions().count("StartTransaction") == 2


def test_nor_does_a_token_that_is_known_locally_begin_a_second_session() -> None:
    known = {"LocalPreAuthorize": True, "AuthorizationCacheEnabled": True, "AllowOfflineTxForUnknownId": True}

    def sessions(*quirks: str) -> tuple[int, int]:
        b = Bench(build(*quirks, settings=known))
        b.smoke().session()
        online = b.csms.actions().count("StartTransaction")
        b.plug()
        b.fleet.cut(b.station)
        b.run(5).token("OTHER", 20)
        b.fleet.mend(b.station)
        b.run(200)
        return online, b.csms.actions().count("StartTransaction")

    assert sessions() == (2, 3)
    assert sessions("tx-second-session-dead-until-reboot") == (1, 1)


def test_a_second_session_is_dead_in_2x_too() -> None:
    b = Bench(build("tx-second-session-dead-until-reboot", version="2.0.1"))
    b.boot().session(20).plug()
    ask = {"idToken": {"idToken": "TAG", "type": "Central"}, "remoteStartId": 1, "evseId": 1}
    assert b.ask("RequestStartTransaction", **ask)["status"] == "Rejected"
