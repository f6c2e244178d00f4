"""Lets `tox` and its parts (`tox -e PART`) share one environment, `.tox/all`. Nothing here is graded."""

from tox.plugin import impl
from tox.tox_env.info import Info
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner

SHARED = "all"


class SharedInfo(Info):
    """What tox remembers of the environment: it has one name, whichever part uses it."""

    def compare(self, value, section, sub_section=None):
        if isinstance(value, dict) and "name" in value:
            value = {**value, "name": SHARED}
        return super().compare(value, section, sub_section)


class SharedEnvironment(VirtualEnvRunner):
    """An environment that tox does not make anew for another part."""

    @staticmethod
    def id():
        return "shared"

    @property
    def cache(self):
        return SharedInfo(self.env_dir)


@impl
def tox_register_tox_env(register):
    register.add_run_env(SharedEnvironment)


@impl
def tox_on_install(tox_env, arguments, section, of_type):
    if isinstance(tox_env, SharedEnvironment):
        print(
            "First run: installing what the checks need into the folder .tox. This needs the internet,\n"
            "takes a minute or two, and is done once; `tox`, `tox -e PART` and `tox -e submit` share it.",
            flush=True,
        )
