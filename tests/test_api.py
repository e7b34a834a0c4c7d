"""API versions, deprecation and names: who was written for what, what is going, and who may be called what."""

import subprocess
import sys
import tomllib
import warnings
from importlib.metadata import Distribution
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_plugins import ROOT, Plugin, ask, install, optimizer

from optikit import Registry, api, deprecated, registry
from optikit.doctor import checkup


def points(plugin, folder):
    site = install([plugin], folder, pip=False)
    (info,) = site.glob("*.dist-info")
    return list(Distribution.at(info).entry_points.select(group="optikit"))


@pytest.mark.parametrize(("ours", "oldest"), [(1, 1), (3, 2), (12, 9)])
@given(numbers=st.sets(st.integers(0, 20), max_size=4))
def test_who_was_written_for_any_supported_number_is_taken_and_who_for_none_is_not(ours, oldest, numbers):
    point = registry.installed()[0]
    with patch.multiple(api, API=ours, OLDEST=oldest):
        fault = api.refused(point, "some-plugin", [str(number) for number in numbers])
    assert (fault is None) == (not numbers or bool(numbers & set(range(oldest, ours + 1))))
    if fault is not None and min(numbers) > ours:
        assert fault.problem.startswith(f"it was written for the plugin API {min(numbers)}, ")
        assert fault.remedy == "run `python -m pip install --upgrade optikit`"
    elif fault is not None:
        assert "--upgrade some-plugin" in fault.remedy


def test_nothing_of_a_plugin_for_another_api_is_imported(tmp_path, monkeypatch):
    plugin = Plugin(name="of-tomorrow", source="raise RuntimeError('imported')", api=("2",))
    found = points(plugin, tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "site")
    (fault,) = Registry(found).faults
    assert (fault.stage, "imported" in fault.problem) == ("found", False)
    monkeypatch.setattr(api, "API", 2)
    (fault,) = Registry(found).faults
    assert (fault.stage, fault.problem) == ("import", "RuntimeError: imported")


def test_who_gives_no_number_counts_as_written_for_the_oldest(tmp_path, monkeypatch):
    found = points(Plugin(name="silent", source=optimizer("of-the-silent")), tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "site")
    for ours, oldest in [(2, 1), (4, 3)]:
        monkeypatch.setattr(api, "API", ours)
        monkeypatch.setattr(api, "OLDEST", oldest)
        (note,) = [note for note in checkup("silent")["notes"] if note["distribution"] == "silent"]
        assert note["note"].endswith(f"counts as written for API {oldest}")
        assert f'with {oldest} = "silent"' in note["remedy"]
        assert Registry(found).faults == []


USER = """
    from optikit.deprecated import deprecated

    def use(times):
        for _ in range(times):
            deprecated("the option fast", "speed=2", 7)  # stands for a call into optikit that is deprecated

    class Old: ...
"""


@pytest.fixture
def user(tmp_path, monkeypatch):
    install([Plugin(name="Old-User", source=USER)], tmp_path, pip=False)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(deprecated, "told", [])
    monkeypatch.setattr(deprecated, "_known", set())
    import Old_User

    yield Old_User
    del sys.modules["Old_User"]


def test_what_is_deprecated_is_told_once_with_plugin_line_and_what_to_write(user):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        user.use(3)
        user.use(3)
    (warning,) = caught
    assert warning.category is DeprecationWarning
    assert (warning.filename, warning.lineno) == (user.__file__, 5)
    assert str(warning.message) == (
        f"Old-User uses the option fast ({user.__file__}:5), which the plugin API 7 will not have; write speed=2"
    )
    assert deprecated.told == [str(warning.message)]


def test_of_a_class_its_definition_is_named(user):
    with pytest.warns(DeprecationWarning, match=rf"^Old-User uses the hook x \({user.__file__}:7\)"):
        deprecated.deprecated("the hook x", "the hook y", 7, user.Old)
    with pytest.warns(DeprecationWarning, match="^somewhere uses"):
        deprecated.deprecated("the hook x", "the hook y", 7, type("Made", (), {"__module__": "somewhere.else"}))


def test_what_is_imported_from_optikit_by_a_deprecated_name_is_the_importers(tmp_path):
    # As `optikit.__getattr__` would be reached; the import machinery stands between.
    (tmp_path / "late.py").write_text("import optikit\nfrom optikit import OldName\n")
    code = f"""
import sys, warnings
sys.path.insert(0, {str(tmp_path)!r})
import optikit, optikit.deprecated
look_up = optikit.__getattr__
namespace = {{"__name__": "optikit", "deprecated": optikit.deprecated.deprecated, "look_up": look_up}}
exec('''
def __getattr__(name):
    if name == "OldName":
        deprecated("optikit.OldName", "optikit.NewName", 2)
        return 1
    return look_up(name)
''', namespace)
optikit.__getattr__ = namespace["__getattr__"]
warnings.simplefilter("error")
try:
    import late
except DeprecationWarning as warning:
    print(warning)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"late uses optikit.OldName ({tmp_path / 'late.py'}:2)")


FOREIGN = "\N{KELVIN SIGN}\N{LATIN SMALL LETTER LONG S}\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}é"
LETTERS = st.text(alphabet="aBkK-_." + FOREIGN)


@given(LETTERS)
def test_names_of_distributions_are_compared_as_installers_compare_them(name):
    written = registry.canonical(name)
    assert registry.canonical(written) == written
    assert registry.canonical(name.replace("-", "_.")) == written
    assert {letter for letter in name if not letter.isascii()} == {letter for letter in written if not letter.isascii()}


def test_several_plugins_of_one_distribution_bring_a_name_once(tmp_path, monkeypatch):
    plugin = Plugin(name="two-of-them", source=optimizer("of-both"), files={"other.py": optimizer("of-both")})
    plugin.more_entries["second"] = "two_of_them.other"
    found = points(plugin, tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "site")
    made = Registry(found)
    (entry,) = made.entries
    (fault,) = made.faults
    assert (fault.stage, fault.name) == ("component", "of-both")
    assert "another of its distribution" in fault.problem
    assert made.find("optimizer", "Two_Of.Them:of-both") is entry.item


def test_a_plugin_may_be_named_as_a_built_in_one_and_takes_nothing_from_it(tmp_path, monkeypatch):
    plugin = Plugin(name="optimizers", source=optimizer("lbfgs"), entry="optimizers")
    monkeypatch.syspath_prepend(tmp_path / "site")
    made = Registry([*registry.installed(), *points(plugin, tmp_path)])
    assert made.find("optimizer", "lbfgs") is registry.default().find("optimizer", "lbfgs")
    assert made.find("optimizer", "optimizers:lbfgs").__module__ == "optimizers"
    (clash,) = [clash for clash in made.clashes() if clash.distribution == "optimizers"]
    assert "also that of optikit" in clash.problem


def test_what_is_installed_twice_is_taken_once_and_the_first_on_the_path_is_meant(tmp_path):
    mine = install([Plugin(name="Twice-Here", source=optimizer("mine"))], tmp_path / "first", pip=False)
    install([Plugin(name="twice_here", source=optimizer("theirs"))], tmp_path / "second", pip=False)
    core = install([Plugin(name="Optikit", source=optimizer("lbfgs"))], tmp_path / "core", pip=False)
    script = f"""
        import json, sys
        sys.path.insert(2, {str(tmp_path / "second" / "site")!r})
        sys.path.append({str(core)!r})
        from optikit import registry
        made = registry.default()
        found = [[entry.name, entry.distribution] for entry in made.entries if entry.distribution != "optikit"]
        print(json.dumps([found, made.find("optimizer", "lbfgs").__module__, len(made.faults)]))
    """
    assert ask(mine, script) == [[["mine", "Twice-Here"]], "optikit_optimizers.lbfgs", 0]


def test_our_own_plugins_and_those_of_the_template_say_todays_number(tmp_path):
    pytest.importorskip("copier")
    from optikit import scaffold

    scaffold.create("my-search", "optimizer", tmp_path / "made", None)
    for folder in (ROOT, tmp_path / "made"):
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        assert set(project["entry-points"]["optikit.api"]) == {str(api.API)}
