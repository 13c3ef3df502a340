r"""JupyterHub for a class: one installation and one cache, which learners only read.

The lecturers' page says how The Littlest JupyterHub is told to read this. To look at
it on your own machine, where `make classroom` has run, with any name and no password:

    cd "$(mktemp -d)"
    COURSE/.venv/bin/jupyterhub -f COURSE/scripts/jupyterhub_config.py \
        --ip=127.0.0.1 --JupyterHub.authenticator_class=dummy \
        --Authenticator.allow_all=True --JupyterHub.spawner_class=simple
"""

from pathlib import Path

# The clone that this file is in, also when it is read through a link.
COURSE = Path(__file__).resolve().parents[1]
PROGRAMS = COURSE / ".venv" / "bin"

c = get_config()  # noqa: F821 (JupyterHub defines it)

c.Spawner.cmd = [str(PROGRAMS / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
# A server answers after seconds, but not when a whole class logs in at once.
c.Spawner.http_timeout = 120
c.Spawner.environment = {
    # Where the links of nbgitpuller put the notebooks; points are kept beside them.
    "DELIBERATE_WORK": "~/deliberate/course",
    # What learners train themselves, outside of what is pulled.
    "DELIBERATE_CACHE": "~/.cache/deliberate",
    # What `make test` has trained in the clone: read, never written to.
    "DELIBERATE_SHARED_CACHE": str(COURSE / "work" / "cache"),
    # Many learners, few cores; and models this small gain nothing by more threads.
    "OMP_NUM_THREADS": "1",
    # Pages are shown rendered, and nobody is asked about news.
    "JUPYTER_CONFIG_PATH": str(COURSE / "utils" / "teach" / "settings"),
    # `!python` and `!git` in a notebook.
    "PATH": f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin",
}
# The Littlest JupyterHub would put its own Python before this PATH.
c.SystemdSpawner.extra_paths = []

# One notebook at its peak, and another that lies open: the lecturers' page has the
# measurements. Local processes, as above, know no limit.
c.Spawner.mem_limit = "3G"

# Only where JupyterHub starts its own proxy: the one in Python needs no node.
c.ConfigurableHTTPProxy.command = [str(PROGRAMS / "configurable-http-proxy")]
