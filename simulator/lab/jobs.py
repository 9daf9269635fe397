"""Who carries out the jobs of stations in memory: transfers that take their time, and work on keys and certificates.

A transfer takes the round trips of the modem and the time its bytes need through the narrower of modem and server. It
says how far it is a bounded number of times, and each of these moments asks whether the modem still passes anything: if
not, the transfer is broken there and then. A station that has restarted meanwhile has forgotten its job, and nothing
arrives anywhere.

Work on keys is done at once by ``simulator.pki`` and its end comes in the next moment: no answer comes within a feed.
"""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.station import Station
from simulator.lab.files import LabFiles
from simulator.pki import work
from simulator.pki.keystore import Keystore, PoolKeystore

#: how often a transfer says how far it is
MAX_PROGRESS = 10
#: connecting, logging in and asking: so many round trips before the first byte
ROUND_TRIPS = 4
#: how long a name that is not found and a host that does not answer keep a station waiting
DNS_US, TIMEOUT_US = 2_000_000, 30_000_000


class LabWorker:
    """The worker of a ``VirtualFleet``. ``files`` are its servers, ``keystore`` the keys of all its stations."""

    def __init__(self, files: LabFiles | None = None, keystore: Keystore | None = None) -> None:
        self.files = files if files is not None else LabFiles()
        self.keystore = keystore if keystore is not None else PoolKeystore()
        #: transfers under way: (station, number)
        self._under_way: dict[tuple[int, int], e.Job] = {}
        #: what local controllers keep, and where they serve it, by (station, name)
        self._kept: dict[tuple[str, str], bytes] = {}
        self.published: dict[tuple[str, str], str] = {}

    def begin(self, station: Station, job: e.Job, now: int) -> list[tuple[int, i.JobProgress | i.JobDone]]:
        """What will become of it if nothing comes between; see :meth:`due`."""
        if job.kind in work.KINDS:
            ok, result = work.run(job.kind, job.args, self.keystore)
            return [(now + 1_000, i.JobDone(job.job, ok, result))]
        if job.kind in ("publish", "unpublish"):
            return [(now + 1_000, i.JobDone(job.job, *self._site(station, job)))]
        if job.kind not in ("upload", "download"):
            detail = f"{job.kind} is not carried out in memory"
            return [(now, i.JobDone(job.job, False, {"cause": "unsupported", "detail": detail}))]
        url = str(job.args["url"])
        self._under_way[id(station), job.job] = job
        if job.kind == "upload":
            outcome = self.files.upload(url, job.args["content"])
        else:
            outcome = self.files.download(url, int(job.args["max_bytes"]))
        cause = "" if outcome.ok else str(outcome.result["cause"])
        wait_us = {"dns": DNS_US, "timeout": TIMEOUT_US}.get(cause, 0)
        first = now + wait_us + ROUND_TRIPS * station.board.modem.rtt_ms(now)[0] * 1_000
        limits = [kb_s for kb_s in (outcome.kb_s, station.board.modem.bandwidth_kb_s()) if kb_s is not None]
        length_us = int(outcome.passed * 1_000 / min(limits)) if limits else 0
        steps = MAX_PROGRESS if length_us else 1
        told: list[tuple[int, i.JobProgress | i.JobDone]] = [
            (first + length_us * n // steps, i.JobProgress(job.job, outcome.passed * n // steps, outcome.total))
            for n in range(steps)
        ]
        told.append((first + length_us, i.JobDone(job.job, outcome.ok, outcome.result)))
        return told

    def _site(self, station: Station, job: e.Job) -> tuple[bool, dict[str, Any]]:
        """What a local controller serves lies on the virtual network under its own name."""
        name, host = str(job.args["name"]), f"{station.id.lower()}.site"
        if job.kind == "publish":
            content = self._kept.get((station.id, name))
            if content is None:
                return False, {"cause": "not_found", "detail": "nothing was kept under this name"}
            place = f"http://{host}/{name}/{quote(str(job.args['file_name']))}"
            self.published[station.id, name] = self.files.serve(place, content)
            return True, {"places": [place]}
        place = self.published.get((station.id, name), "")
        fetching = {str(one.args["url"]) for one in self._under_way.values() if one.kind == "download"}
        if place in fetching:
            return False, {"cause": "busy", "detail": "somebody is fetching it"}
        self._kept.pop((station.id, name), None)
        self.files.withdraw(self.published.pop((station.id, name), ""))
        return True, {}

    def due(
        self, station: Station, event: i.JobProgress | i.JobDone, now: int, *, reached: bool
    ) -> i.JobProgress | i.JobDone | None:
        """What is to be fed now that the moment has come, None for nothing. ``reached``: the network beyond the modem
        is there."""
        key = (id(station), event.job)
        if event.job not in station.jobs:
            self._under_way.pop(key, None)
            return None
        job = self._under_way.get(key)
        if job is None:  # nothing that goes over the network
            return event
        if not reached or not station.board.modem.passes(now):
            del self._under_way[key]
            return i.JobDone(event.job, False, {"cause": "broken", "detail": "the modem passes nothing"})
        if isinstance(event, i.JobDone):
            del self._under_way[key]
            if event.ok and "keep" in job.args:
                content = self.files.content(str(job.args["url"]))
                self._kept[station.id, str(job.args["keep"])] = content
                event.result["md5"] = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if event.ok and job.kind == "upload":
                self.files.keep(str(job.args["url"]), str(job.args["file_name"]), job.args["content"])
        return event
