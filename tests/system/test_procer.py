"""procer keeps programs running: profiles as Mongrel2's manual has them, and what goes wrong with them."""

from __future__ import annotations

import os
import pwd
import re
import signal
from pathlib import Path
from typing import Iterator

import pytest

from support.procer import BACKGROUND, Profiles, count, is_alive, read_pid
from support.program import run
from support.server import Stage
from support.wait import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def profiles(stage: Stage) -> Iterator[Profiles]:
    return Profiles(stage)


# ---- what a run gets ------------------------------------------------------------------------


def test_what_a_run_gets(profiles: Profiles) -> None:
    profiles.add("one", 'env; pwd; readlink /proc/self/fd/0; ls /proc/self/fd\n' + BACKGROUND)
    profiles.keep(env={"FROM": "outside"})
    profiles.pid("one")
    log = profiles.log("one")
    assert "PROCER_PIDFILE=../run/one.pid\n" in log
    assert "PROCER_ACTION=one\n" in log
    assert "FROM=outside\n" in log
    assert f"\n{profiles.folder}\n/dev/null\n" in log
    assert re.findall(r"^\d+$", log, re.M) == ["0", "1", "2", "3"]  # 3 is the folder that ls reads


def test_one_log_for_all_when_asked_for(profiles: Profiles) -> None:
    profiles.add("one", "echo first\n" + BACKGROUND)
    profiles.add("two", "echo second >&2\n" + BACKGROUND)
    profiles.keep(env={"PROCER_RUN_LOG": str(profiles.top / "all.log")})
    profiles.pid("one"), profiles.pid("two")
    assert sorted((profiles.top / "all.log").read_text().split()) == ["first", "second"]
    assert not (profiles.folder / "one.log").exists()


@as_root
def test_a_run_is_its_owner_with_that_users_groups_only(profiles: Profiles) -> None:
    profiles.add("one", "grep -E '^(Uid|Gid|Groups)' /proc/self/status\n" + BACKGROUND, owner=NOBODY.pw_uid)
    (profiles.top / "run").chmod(0o777)
    profiles.keep(before=lambda: os.setgroups([4, 24]))
    pid = profiles.pid("one")
    status = Path(f"/proc/{pid}/status").read_text()
    assert re.search(rf"^Uid:(\s+{NOBODY.pw_uid}){{4}}$", status, re.M)
    groups = re.search(r"^Groups:(.*)$", status, re.M)
    assert groups and not {"0", "4", "24"} & set(groups[1].split())
    assert profiles.log("one").startswith("Uid:")  # opened before the change of user
    assert (profiles.folder / "one.log").stat().st_uid == NOBODY.pw_uid


@as_root
def test_who_cannot_become_the_owner_does_not_start_it(profiles: Profiles) -> None:
    profiles.add("mine", owner=NOBODY.pw_uid)
    profiles.add("roots")
    for folder in (profiles.top, profiles.top / "run", profiles.folder):
        folder.chmod(0o777)
    keeper = profiles.keep("-tries", 2, before=lambda: os.setgroups([]) or os.setuid(NOBODY.pw_uid))
    keeper.wait_log("roots: The profile belongs to user 0, and procer runs as 65534")
    keeper.wait_log("roots has failed after 2 tries")
    profiles.pid("mine")
    assert profiles.started("roots") == 0


@as_root
def test_a_profile_cannot_make_procer_write_elsewhere(profiles: Profiles) -> None:
    """Its user owns the log and chooses the pid file; procer is root."""
    victim = profiles.top / "victim"
    victim.write_text("2147483646")  # as good as a stale pid file
    one = profiles.add("one", "sleep 1000\n", pid_file=str(victim), owner=NOBODY.pw_uid)
    (profiles.folder / "two.log").symlink_to(victim)
    profiles.add("two", "echo written\n", pid_file=None)
    os.link(victim, profiles.folder / "three.log")
    profiles.add("three", "echo written\n", pid_file=None)
    keeper = profiles.keep("-tries", 1)
    keeper.wait_log("one: Can't remove the pid file .*victim: Permission denied")
    keeper.wait_log("one: Can't write the pid file .*victim: Permission denied")
    keeper.wait_log("two: Can't open the log two.log")
    keeper.wait_log("three: The log three.log is no file with one name only")
    assert victim.read_text() == "2147483646"
    assert one.exists()


# ---- life of a profile ----------------------------------------------------------------------


def test_a_program_that_dies_comes_back(profiles: Profiles) -> None:
    profiles.add("one")
    profiles.keep()
    first = profiles.pid("one")
    os.kill(first, signal.SIGKILL)
    second = profiles.pid("one", other_than=first)
    os.kill(second, signal.SIGTERM)
    profiles.pid("one", other_than=second)
    assert profiles.started("one") == 3


def test_without_restart_it_is_left(profiles: Profiles) -> None:
    profiles.add("one", restart=False)
    keeper = profiles.keep()
    keeper.wait_log("one is up")
    os.kill(profiles.pid("one"), signal.SIGKILL)
    keeper.wait_log("one is finished")
    assert profiles.started("one") == 1


def test_what_runs_already_is_left_alone(profiles: Profiles) -> None:
    profiles.add("one")
    keeper = profiles.keep()
    pid = profiles.pid("one")
    keeper.wait_log("one is up")
    keeper.stop()
    again = profiles.keep()
    again.wait_log(f"one was running already pid={pid}")
    assert profiles.started("one") == 1
    os.kill(pid, signal.SIGKILL)  # and is kept from then on
    profiles.pid("one", other_than=pid)


def test_a_stale_pid_file_is_removed(profiles: Profiles) -> None:
    profiles.add("one")
    (profiles.top / "run" / "one.pid").write_text("2147483646")
    keeper = profiles.keep()
    keeper.wait_log("Process 2147483646 is not running anymore, so removing PID file")
    profiles.pid("one", other_than=2147483646)


def test_garbage_in_a_pid_file_is_no_process(profiles: Profiles) -> None:
    profiles.add("one")
    (profiles.top / "run" / "one.pid").write_text("garbage")
    profiles.keep()
    profiles.pid("one")


def test_a_process_younger_than_the_pid_file_is_another_one(profiles: Profiles) -> None:
    """The machine was started again, and the number belongs to somebody else now."""
    profiles.add("one")
    innocent = profiles.stage.start(["sleep", "1000"], profiles.top)
    path = profiles.top / "run" / "one.pid"
    path.write_text(str(innocent.pid))
    os.utime(path, (0, 0))
    profiles.keep()
    profiles.pid("one", other_than=innocent.pid)
    assert innocent.is_running()


def test_a_program_that_stays_in_front(profiles: Profiles) -> None:
    """Its run does not end: that is the program, and its id is put in the pid file."""
    profiles.add("front", "exec sleep 1000\n")
    profiles.add("other")
    keeper = profiles.keep()
    other = profiles.pid("other")
    first = profiles.pid("front")
    assert Path(f"/proc/{first}/comm").read_text() == "sleep\n"
    os.kill(other, signal.SIGKILL)  # the others are watched meanwhile
    profiles.pid("other", other_than=other)
    os.kill(first, signal.SIGKILL)
    second = profiles.pid("front", other_than=first)
    keeper.wait_log(f"front: run was ended by signal 9 pid={first}")
    keeper.stop()
    assert is_alive(second)
    profiles.keep().wait_log(f"front was running already pid={second}")


def test_without_a_pid_file_it_stays_in_front(profiles: Profiles) -> None:
    where = profiles.add("front", "exec sleep 1000\n", pid_file=None)
    keeper = profiles.keep()
    first = until(lambda: read_pid(where / "run.pid"), "a pid file")
    keeper.wait_log(f"front is up pid={first}")
    os.kill(first, signal.SIGKILL)
    until(lambda: read_pid(where / "run.pid") not in (0, first), "another process")


def test_a_slow_start_is_followed(profiles: Profiles) -> None:
    """The script takes longer than what is taken for the program, then leaves a daemon."""
    profiles.add("slow", f'while [ ! -e {profiles.top}/go ]; do sleep 0.05; done\n{BACKGROUND}')
    keeper = profiles.keep()
    script = profiles.pid("slow")
    keeper.wait_log(f"slow is up pid={script}")
    (profiles.top / "go").touch()
    daemon = profiles.pid("slow", other_than=script)
    keeper.wait_log(f"slow: process {script} has ended, process {daemon} goes on")
    os.kill(daemon, signal.SIGKILL)
    keeper.wait_log(f"slow: process {daemon} has ended\n")
    profiles.pid("slow", other_than=daemon)
    assert profiles.started("slow") == 2


def test_a_wrapper_that_outlives_its_program(profiles: Profiles) -> None:
    profiles.add("wrapped", f"{BACKGROUND}wait\nexec sleep 1000\n")
    keeper = profiles.keep()
    program = profiles.pid("wrapped")
    keeper.wait_log(f"wrapped is up pid={program}")
    os.kill(program, signal.SIGKILL)
    keeper.wait_log(f"wrapped: process {program} has ended, but its run goes on")
    wrapper = profiles.pid("wrapped", other_than=program)
    os.kill(wrapper, signal.SIGKILL)
    profiles.pid("wrapped", other_than=wrapper)
    assert profiles.started("wrapped") == 2


@pytest.mark.parametrize("fault", ["missing interpreter", "not executable"])
def test_a_run_that_cannot_be_executed_makes_no_second_procer(profiles: Profiles, fault: str) -> None:
    where = profiles.add("bad")
    if fault == "not executable":
        (where / "run").chmod(0o644)
    else:
        (where / "run").write_text("#!/no/such/interpreter\n")
    profiles.add("good")
    keeper = profiles.keep("-tries", 3)
    keeper.wait_log("bad has failed after 3 tries")
    assert count(rf"error procer: bad: Can't run {where}/run: ", keeper.log()) == 3
    good = profiles.pid("good")
    keepers = [pid for pid in profiles.living() if Path(f"/proc/{pid}/comm").read_text() == "procer\n"]
    assert keepers == [keeper.pid]
    keeper.stop()
    assert is_alive(good)


def test_no_pid_file_is_a_failure(profiles: Profiles) -> None:
    profiles.add("one", "exit 0\n")
    keeper = profiles.keep("-tries", 2)
    keeper.wait_log("one has failed after 2 tries")
    assert count("one didn't make pidfile", keeper.log()) == 2
    assert profiles.started("one") == 2


def test_pauses_get_longer(profiles: Profiles) -> None:
    profiles.add("one", "exit 1\n")
    keeper = profiles.keep("-tries", 5, "-delay", 10, "-max_delay", 50)
    keeper.wait_log("one has failed after 5 tries")
    assert re.findall(r"starting it again in (\d+) ms", keeper.log()) == ["10", "20", "40", "50"]
    assert profiles.started("one") == 5


# ---- dependencies ---------------------------------------------------------------------------


def test_dependants_wait_until_the_process_lives(profiles: Profiles) -> None:
    gate = f"while [ ! -e {profiles.top}/go ]; do sleep 0.05; done\n"
    profiles.add("db", gate + BACKGROUND)
    profiles.add("chat", depends="db")
    profiles.add("alone", depends=None)
    keeper = profiles.keep("-front", 60000)
    profiles.pid("alone")
    assert profiles.started("chat") == 0
    (profiles.top / "go").touch()
    profiles.pid("chat")
    assert "required" not in keeper.log()
    log = keeper.log()
    assert log.index("db is up") < log.index("chat: run started")


def test_a_failed_dependency_holds_its_dependants(profiles: Profiles) -> None:
    where = profiles.add("db", "exit 1\n")
    profiles.add("chat", depends="db")
    keeper = profiles.keep("-tries", 2)
    keeper.wait_log("db has failed after 2 tries, what depends on it is held; SIGHUP tries again")
    assert profiles.started("chat") == 0
    (where / "run").write_text(f"#!/bin/sh\n{BACKGROUND}")
    keeper.signal(signal.SIGHUP)
    profiles.pid("db"), profiles.pid("chat")


def test_dependants_are_not_touched_when_a_dependency_dies(profiles: Profiles) -> None:
    profiles.add("db")
    profiles.add("chat", depends="db")
    profiles.keep()
    chat, db = profiles.pid("chat"), profiles.pid("db")
    os.kill(db, signal.SIGKILL)
    profiles.pid("db", other_than=db)
    assert is_alive(chat) and profiles.started("chat") == 1


def test_circles_and_unknown_names_are_told(profiles: Profiles) -> None:
    profiles.add("a", depends="b")
    profiles.add("b", depends="a")
    profiles.add("c", depends="nobody  b")
    profiles.add("d", depends="nobody")
    done = profiles.daemon()
    assert done.returncode == 0
    for text in (done.stderr.decode(), (profiles.folder / "error.log").read_text()):
        assert "a: depends on itself, so it never starts: a -> b -> a" in text
        assert "Could not find dependency c has on nobody." in text
    profiles.pid("d")
    profiles.stop_daemon()
    assert [profiles.started(name) for name in "abc"] == [0, 0, 0]


# ---- procer itself --------------------------------------------------------------------------


def test_its_death_disturbs_nothing(profiles: Profiles) -> None:
    profiles.add("one")
    profiles.add("front", "exec sleep 1000\n")
    keeper = profiles.keep()
    pids = [profiles.pid("one"), profiles.pid("front")]
    keeper.wait_log("front is up")
    keeper.kill()
    assert all(map(is_alive, pids))
    again = profiles.keep()
    for name, pid in zip(["one", "front"], pids):
        again.wait_log(f"{name} was running already pid={pid}")
    assert profiles.started("one") == profiles.started("front") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_and_removes_its_pid_file(profiles: Profiles, number: int) -> None:
    profiles.add("one")
    keeper = profiles.keep()
    pid = profiles.pid("one")
    assert read_pid(profiles.pid_file) == keeper.pid
    keeper.signal(number)
    assert keeper.wait_end() == 0
    assert "Exiting as requested from procer." in keeper.log()
    assert not profiles.pid_file.exists()
    assert is_alive(pid)


def test_hang_up_reads_the_profiles_again(profiles: Profiles) -> None:
    profiles.add("stays")
    leaves = profiles.add("leaves")
    keeper = profiles.keep()
    stays, left = profiles.pid("stays"), profiles.pid("leaves")
    keeper.wait_log("stays is up")
    profiles.add("comes")
    leaves.rename(profiles.folder / "_leaves")
    (profiles.folder / "stays" / "restart").unlink()
    keeper.signal(signal.SIGHUP)
    profiles.pid("comes")
    keeper.wait_log("leaves: the profile is gone, its processes are left alone")
    assert is_alive(left) and profiles.pid("stays") == stays
    os.kill(left, signal.SIGKILL)
    os.kill(stays, signal.SIGKILL)  # it has no restart any more
    keeper.wait_log("stays is finished")
    (profiles.folder / "stays" / "restart").touch()
    keeper.signal(signal.SIGHUP)
    profiles.pid("stays", other_than=stays)
    assert profiles.started("leaves") == 1


def test_a_daemon_with_relative_paths(profiles: Profiles) -> None:
    profiles.add("one")
    done = profiles.daemon("profiles", "procer.pid")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    pid = read_pid(profiles.pid_file)
    assert is_alive(pid)
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert os.readlink(f"/proc/{pid}/fd/1") == str(profiles.folder / "error.log")
    profiles.pid("one")
    second = profiles.daemon()
    assert second.returncode == 1
    assert b"procer is already running" in second.stderr
    profiles.stop_daemon()
    assert not profiles.pid_file.exists()


def test_its_log_is_rotated_by_hang_up(profiles: Profiles) -> None:
    log = profiles.top / "own.log"
    profiles.daemon(env={"PROCER_ERROR_LOG": str(log)})
    log.rename(profiles.top / "old.log")
    os.kill(read_pid(profiles.pid_file), signal.SIGHUP)
    until(lambda: log.exists() and "the profiles are read again" in log.read_text(), "a new log")
    profiles.stop_daemon()
    assert "Exiting as requested" in log.read_text()
    assert "Exiting as requested" not in (profiles.top / "old.log").read_text()


def test_a_procer_that_knows_no_lock_is_respected(profiles: Profiles) -> None:
    """Mongrel2's own writes its id without a newline, and locks nothing."""
    other = profiles.stage.start(["sleep", "1000"], profiles.top)
    profiles.pid_file.write_text(str(other.pid))
    done = profiles.daemon()
    assert done.returncode == 1
    assert f"Process {other.pid} is still running, shut it down first".encode() in done.stderr
    other.kill()
    assert profiles.daemon().returncode == 0
    profiles.stop_daemon()


@pytest.mark.parametrize(
    "words,status,sentence",
    [
        (["no/such", "procer.pid"], 1, "Couldn't change to no/such profile dir"),
        (["profiles", "no/such/procer.pid"], 1, "Can't open the pid file"),
        (["profiles"], 2, "usage: procer PROFILES PIDFILE"),
        (["profiles", "procer.pid", "more"], 2, "usage: procer PROFILES PIDFILE"),
        (["profiles", "procer.pid", "-nonsense"], 2, "nonsense"),
        (["profiles", "procer.pid", "-tries", "x"], 2, "tries"),
    ],
)
def test_a_start_that_fails_says_so(profiles: Profiles, words: list, status: int, sentence: str) -> None:
    done = profiles.daemon(*words)
    assert done.returncode == status
    assert sentence in done.stderr.decode()


def test_a_log_that_cannot_be_opened_is_a_failure(profiles: Profiles) -> None:
    done = profiles.daemon(env={"PROCER_ERROR_LOG": "/no/such/log"})
    assert done.returncode == 1
    assert b"Can't open the log /no/such/log" in done.stderr
    assert not profiles.pid_file.exists()


def test_help_and_version(profiles: Profiles) -> None:
    shown = run([profiles.procer, "-help"])
    assert shown.returncode == 0 and shown.stdout.startswith(b"usage: procer PROFILES PIDFILE")
    shown = run([profiles.procer, "-version"])
    assert shown.returncode == 0 and re.fullmatch(rb"procer \d+\.\d+\.\d+\n", shown.stdout)
