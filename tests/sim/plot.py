"""What happens in one seed: engines that work, die and go on, people and operators, and in the end peace and the judge."""

from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from engine.model.errors import CouplerError, LockHeld, RunError
from engine.model.snapshot import Wish
from engine.runs import control
from tests.sim.answers import Answers
from tests.sim.company import some_company
from tests.sim.conditions import some_setup, some_weather
from tests.sim.faults import CALM
from tests.sim.life import Doom, Life
from tests.sim.mute import without_mail
from tests.sim.newcomers import Newcomers
from tests.sim.oracle import judge, judge_at_end_of_run
from tests.sim.seen import Facts, Work
from tests.sim.world import World

_MOST_LIVES = 3
_CALM_LIVES = 4
_LASTING = {
    "conflict", "ambiguous", "0x80044330", "Application_FieldValidationException", "not_coupled", "company_not_coupled",
}  # fmt: skip
"""Codes of records that fail whatever an engine does, or whose turn comes in any synchronization."""
_BROKE_DOWN = ("the engine raised", "the engine says")


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a seed; `wrong` is what the judge found. `steps` are those of the first life that something may happen
    to, `marks` the ones that changed the world.
    """

    seed: int
    trace: tuple[str, ...]
    wrong: tuple[str, ...]
    faults: Counter[str]
    lives: int
    steps: int
    requests: int
    marks: tuple[int, ...]

    @property
    def finding(self) -> str:
        """What the judge found first; blank where nothing is wrong, or the engine broke down: that shows no planted bug."""
        return "" if any(one.startswith(_BROKE_DOWN) for one in self.wrong) else next(iter(self.wrong), "")


@dataclass(frozen=True, slots=True)
class _Backup:
    path: Path
    answers: Answers


def play(seed: int, *, kill_at: int | None = None) -> Played:
    """Play a seed. With `kill_at` its first life ends before that step, and what follows is calm."""
    name = str(seed)
    chance = Random(f"{name} plot")
    company = some_company(Random(f"{name} company"), Random(f"{name} odd records"))
    setup = some_setup(chance)
    if setup.marker:
        company = without_mail(company, Random(f"{name} mail"))
    world = World(name, company, setup)
    try:
        plot = _Plot(seed, world, chance, kill_at)
        try:
            plot.all()
        except CouplerError as error:
            world.wrong.append(f"an operator was refused: {error.message}")
        return plot.played()
    finally:
        world.close()


class _Plot:
    def __init__(self, seed: int, world: World, chance: Random, kill_at: int | None) -> None:
        self._seed = seed
        self._world = world
        self._chance = chance
        self._kill_at = kill_at
        self._facts = Facts(world.company.jobs)
        self._newcomers = Newcomers(world, Random(f"{seed} newcomers"))
        self._answers = Answers()
        self._backups: list[_Backup] = []
        self._runs: list[int] = []
        self._first = 0
        self._there: Mapping[tuple[str, str], frozenset[str]] = {}
        self._life = 0
        self._lived: Counter[int] = Counter()
        self._disturbed: Life | None = None
        self._weather = some_weather(chance)
        self._edits = chance.choice((0, 0, 2, 5))

    def all(self) -> None:
        """From the first run to the verdict."""
        self._world.tell(f"seed {self._seed}: {', '.join(self._world.company.jobs)}; {self._world.setup}")
        for mapping in self._world.company.jobs:
            if self._chance.random() < 0.4:
                self._set_flag(mapping)
        kind = "run"
        if self._chance.random() < 0.35:
            self._whole("run")
            kind = self._chance.choice(("run", "sync"))
            for _ in range(self._chance.randrange(5)):
                self._world.edit_something()
            if self._chance.random() < 0.5:  # only where records are updated
                self._weather = replace(self._weather, kinds=(*self._weather.kinds, "meanwhile edited"))
        self._disturb(kind)
        self._world.agenda.pass_by(60)
        if self._world.wrong:
            return
        last = self._chance.choice(("run", "sync"))
        troubles = {row["code"] for row in self._world.rows("SELECT code FROM trouble")}
        failed = troubles - _LASTING  # such as creates without an answer
        self._whole("run" if failed or self._facts.forgotten or self._newcomers.signs else last)
        if self._chance.random() < 0.2 and not self._world.wrong:
            self._again()

    def played(self) -> Played:
        """What came of it."""
        self._facts.flags = self._answers.flags
        wrong = judge(self._world, self._facts)
        for text in wrong:
            self._world.tell(f"WRONG {text}")
        return Played(
            self._seed,
            tuple(self._world.trace),
            tuple(wrong),
            self._world.faults + self._world.network.faults,
            self._lived.total(),
            self._disturbed.steps if self._disturbed is not None else 0,
            self._world.network.requests,
            tuple(self._disturbed.marks) if self._disturbed is not None else (),
        )

    # lives

    def _disturb(self, kind: str) -> None:
        """A run, or a synchronization of modified records, that has a hard time."""
        run = self._start(kind)
        lives = self._chance.randint(1, _MOST_LIVES) if self._kill_at is None else 1
        for number in range(lives):
            self._storm(run)
            life = self._live(run, self._end())
            if number == 0:
                self._disturbed = life
            if self._chance.random() < 0.3:
                self._backups.append(_Backup(self._world.copy_store(), deepcopy(self._answers)))
            if self._ended(run):
                break
            self._world.agenda.pass_by(self._chance.random() * self._chance.choice((1, 5, 60)))
            self._world.put_back_something()
            self._newcomers.come_between()
            if self._kill_at is None:
                self._misfortune()
            run = self._go_on(run, kind)
        self._world.network.weather = CALM
        self._to_its_end(run, kind)

    def _whole(self, kind: str) -> None:
        """A run that nothing happens to."""
        self._world.network.at_contacts.clear()
        self._world.network.weather = CALM
        self._to_its_end(self._start(kind), kind)

    def _again(self) -> None:
        """A run that must write nothing."""
        before = len(self._world.log.lines)
        self._whole("run")
        written = [line for line in self._world.log.lines[before:] if line.by == "engine"]
        if written:
            self._world.wrong.append(f"a second run wrote {written[0].op} {written[0].set} {dict(written[0].values)}")

    def _to_its_end(self, run: int, kind: str) -> None:
        row: dict[str, str] = {}
        for _ in range(_CALM_LIVES):
            if self._ended(run):
                break
            self._live(run, Doom())
            if self._ended(run):
                break
            row = self._row(run)
            run = self._go_on(run, kind)
        else:
            self._world.wrong.append(f"the run never ends: {row['state']} {row['code']} {row['message']}")
            return
        self._facts.last = run
        self._facts.several = frozenset(self._newcomers.several)
        self._facts.removed |= self._newcomers.removed
        if kind == "run":
            self._world.wrong += judge_at_end_of_run(self._world, self._facts)
        place = (self._first, len(self._world.log.lines))
        runs = (*(one for one in self._runs if one != run), run)
        self._facts.works.append(Work(runs, *place, kind, self._there, self._life, self._lived[run]))
        self._runs = []
        self._first = len(self._world.log.lines)

    def _live(self, run: int, doom: Doom) -> Life:
        self._world.tell(f"an engine works on run {run}")
        life = self._world.live(run, doom)
        self._lived[run] += 1
        self._life = life.number
        row = self._row(run)
        self._world.tell(f"run {run} is {row['state']} {row['code']} {row['message']}".rstrip())
        if row["code"] == "internal":
            self._world.wrong.append(f"the engine says: {row['message']}")
        stored = {one["mapping"]: bool(one["only_coupled"]) for one in self._world.rows("SELECT * FROM flag")}
        if row["state"] != "finished" and stored != self._answers.flags:
            self._world.wrong.append(f"I4 during run {run} the flags are {stored}, but must be {self._answers.flags}")
        return life

    def _end(self) -> Doom:
        """When an engine is killed: shortly after something that it sent, at any step, or not at all."""
        if self._kill_at is not None:
            return Doom(at_step=self._kill_at)
        chance = self._chance.random()
        if chance < 0.15:
            return Doom(after_commits=self._chance.randint(1, 8))
        if chance < 0.5:
            return Doom(after_writes=self._chance.randint(1, 6), steps_later=self._chance.randrange(12))
        return Doom(at_step=int(2 ** (self._chance.random() * 9))) if chance < 0.68 else Doom()

    # operators

    def _start(self, kind: str) -> int:
        keep = self._chance.choice((None, None, True, False)) if kind == "run" else None
        run = self._world.desk(
            lambda store: control.start(
                store,
                self._world.settings,
                kind=kind,
                only=self._world.company.jobs,
                keep_cleared=keep,
                by="operator",
                clock=self._world.agenda.moment,
            )
        )
        self._world.tell(f"{kind} {run} is started")
        self._runs.append(run)
        self._answers.started(run, keep)
        self._there = self._world.there()
        return run

    def _go_on(self, run: int, kind: str) -> int:
        """What an operator does about a run that has not come to its end."""
        unfinished = "SELECT id FROM run WHERE state IN ('running', 'stopped', 'asking')"
        rows = self._world.rows(f"{unfinished} AND id = ?", run) or self._world.rows(f"{unfinished} AND kind = 'run'")
        if not rows:
            return self._start(kind)
        run = rows[0]["id"]
        state = self._row(run)["state"]
        if kind == "run" and state in ("running", "stopped"):
            self._world.desk(lambda store: control.resume(store, self._world.settings, run))
            self._world.tell(f"run {run} is resumed")
            return run
        if state == "asking":
            return run
        return self._start(kind)

    def _ended(self, run: int) -> bool:
        """Whether a run came to its end; the closing question is answered."""
        query = "SELECT state, kind, answer FROM run WHERE id = ?"
        rows = self._world.rows(query, run)
        if not rows or rows[0]["state"] not in ("asking", "finished"):
            return False
        if rows[0]["state"] == "asking":
            yes = self._chance.random() < 0.5
            self._world.desk(
                lambda store: control.answer(store, run, yes=yes, by="operator", clock=self._world.agenda.moment)
            )
            self._answers.given[run] = yes
            self._world.tell(f"the question of run {run} is answered with {'Yes' if yes else 'No'}")
            rows = self._world.rows(query, run)
        stored = None if rows[0]["answer"] is None else bool(rows[0]["answer"])
        if wrong := self._answers.ended(run, rows[0]["kind"], stored, self._world.company.jobs):
            self._world.wrong.append(wrong)
        return True

    def _set_flag(self, mapping: str) -> None:
        value = self._chance.random() < 0.5
        self._world.desk(
            lambda store: control.set_only_coupled(
                store, self._world.settings, mapping, value=value, by="operator", clock=self._world.agenda.moment
            )
        )
        self._answers.set(mapping, value=value)
        self._world.tell(f"Synch. Only Coupled Records of {mapping} is set to {value}")

    # what happens meanwhile

    def _storm(self, run: int) -> None:
        world, chance = self._world, self._chance
        world.network.weather = self._weather
        for _ in range(self._edits):
            world.agenda.after(chance.random() * 3, world.edit_something)
        self._newcomers.come()
        happening = chance.random()
        at = chance.random() * 2
        if self._kill_at is not None:
            return
        if happening < 0.10:
            world.agenda.after(at, lambda: self._wish(run, Wish.STOP))
        elif happening < 0.15:
            world.agenda.after(at, lambda: self._wish(run, Wish.CANCEL))
        elif happening < 0.22:
            world.agenda.after(at, lambda: self._wish(run, Wish.PAUSE))
            world.agenda.after(at + chance.random() * 9, lambda: self._wish(run, Wish.RUN))
        elif happening < 0.27:
            world.agenda.after(at, lambda: self._set_flag(chance.choice(world.company.jobs)))
        elif happening < 0.37:
            world.agenda.after(at, lambda: self._second_operator(run))
        elif happening < 0.45:
            world.agenda.after(at, self._delete_something)

    def _delete_something(self) -> None:
        if sign := self._world.delete_something():
            self._facts.removed |= {sign}

    def _wish(self, run: int, wish: Wish) -> None:
        self._world.tell(f"an operator wishes: {wish.value}")
        try:
            self._world.desk(lambda store: control.wish(store, run, wish))
        except RunError as error:
            self._world.tell(f"  refused: {error.message}")
        else:
            self._world.faults[f"wish to {wish.value}"] += 1

    def _second_operator(self, run: int) -> None:
        self._world.tell("a second operator tries to resume the run")
        self._world.faults["second operator"] += 1
        try:
            self._world.desk(lambda store: control.resume(store, self._world.settings, run))
        except (LockHeld, RunError) as error:
            self._world.tell(f"  refused: {error.message}")
        else:
            self._world.also(run)

    def _misfortune(self) -> None:
        """Sometimes the state store is lost or set back, once nothing is under way any more."""
        luck = self._chance.random()
        if luck >= 0.16 or (luck >= 0.08 and not self._backups):
            return
        self._world.agenda.pass_by(60)
        self._facts.forgotten = True
        self._facts.works, self._runs, self._there = [], [], {}
        if luck < 0.08:
            self._world.tell("the state store is lost")
            self._world.faults["state store lost"] += 1
            self._world.new_store()
            self._answers = Answers()
        else:
            backup = self._chance.choice(self._backups)
            self._world.tell("an older state store is put back")
            self._world.faults["state store set back"] += 1
            self._world.restore_store(backup.path)
            self._answers = deepcopy(backup.answers)

    def _row(self, run: int) -> dict[str, str]:
        rows = self._world.rows("SELECT state, code, message FROM run WHERE id = ?", run)
        return dict(rows[0]) if rows else {"state": "unknown", "code": "", "message": ""}
