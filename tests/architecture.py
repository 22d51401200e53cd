"""The rules of the tree, by the syntax of every module; nothing is imported. A breach is one sentence."""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from tests.project import PACKAGES, PYPROJECT, ROOT


@dataclass(frozen=True)
class Module:
    """A Python file of the project, by its path from the root."""

    path: PurePosixPath
    source: str

    @property
    def name(self) -> str:
        """As others import it."""
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Everything in it, wherever it stands."""
        return list(ast.walk(ast.parse(self.source)))

    @cached_property
    def imports(self) -> set[str]:
        """Dotted names of all that it imports, also within functions; ``a.b.c`` for c of ``a.b``."""
        found: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                start = self.path.parts[: len(self.path.parts) - node.level] if node.level else ()
                origin = ".".join([*start, *([node.module] if node.module else [])])
                found |= {f"{origin}.{alias.name}" for alias in node.names}
        return found

    @property
    def identifiers(self) -> set[str]:
        """Names of its classes, functions, parameters, variables and attributes that it assigns."""
        found = {self.path.stem}
        for node in self.nodes:
            match node:
                case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                    found.add(node.name)
                case ast.arg():
                    found.add(node.arg)
                case ast.Name(ctx=ast.Store()):
                    found.add(node.id)
                case ast.Attribute(ctx=ast.Store()):
                    found.add(node.attr)
        return found

    @property
    def bases(self) -> set[str]:
        """Dotted names of the classes that its own inherit from, of those that it imports."""
        told: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.ImportFrom):
                told |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        classes = [node for node in self.nodes if isinstance(node, ast.ClassDef)]
        texts = [ast.unparse(base).partition("[")[0] for each in classes for base in each.bases]
        names = [text.partition(".") for text in texts]
        return {told[first] + dot + rest for first, dot, rest in names if first in told}

    def imports_of(self, *names: str) -> list[str]:
        """What it imports of these packages or modules."""
        return sorted(name for name in self.imports if any(_within(name, of) for of in names))

    def is_in(self, *places: str) -> bool:
        """Whether it is one of these files, or in one of these folders."""
        return any(self.path == PurePosixPath(place) or self.path.is_relative_to(place) for place in places)


Rule = Callable[[Module], Iterator[str]]


def modules(*folders: str) -> list[Module]:
    """All modules of these folders."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Module(PurePosixPath(path.relative_to(ROOT)), path.read_text()) for path in paths]


def _within(name: str, of: str) -> bool:
    return name == of or name.startswith(of + ".")


def packages_know_each_other_in_one_direction(module: Module) -> Iterator[str]:
    """`gateway` knows nobody; the others know its contract, and not each other."""
    package = module.path.parts[0]
    for name in module.imports_of(*PACKAGES, "tests"):
        if _within(name, package) or (package != "gateway" and _within(name, "gateway.contract")):
            continue
        yield (
            f"{module.path} imports {name}: what {package} shares with another package "
            "belongs in gateway/contract, and nothing else may be imported"
        )


def http_is_standard_library_only(module: Module) -> Iterator[str]:
    """Parsers and renderers take addresses and predicates as values."""
    if not module.is_in("gateway/http"):
        return
    for name in sorted(module.imports):
        is_own = _within(name, "gateway.http") or _within(name, "gateway.access")
        if not is_own and name.partition(".")[0] not in sys.stdlib_module_names:
            yield f"{module.path} imports {name}: gateway/http takes what it needs of it as an argument"


def the_contract_is_standard_library_only(module: Module) -> Iterator[str]:
    """Whoever reads a record must not need aiohttp, redis or a socket for it."""
    if not module.is_in("gateway/contract"):
        return
    for name in sorted(module.imports):
        if not _within(name, "gateway.contract") and name.partition(".")[0] not in sys.stdlib_module_names:
            yield f"{module.path} imports {name}: code that needs it belongs beside the contract, not in it"


PURE = (
    "gateway/http",
    "gateway/access.py",
    "gateway/policy",
    "gateway/proxy/slots.py",
    "gateway/contract",
    "gateway/config/values.py",
    "gateway/identity.py",
    "gateway/limiter/decision.py",
    "gateway/limiter/frame.py",
    "gateway/limiter/window_cache.py",
    "gateway/override_fields.py",
    "gateway/proxy/inbound_request.py",
    "gateway/proxy/simple_request.py",
    "gateway/telemetry/deltas.py",
    "gateway/workers/restarts.py",
    "subject/causes",
    "subject/checker.py",
    "subject/cluster",
    "subject/dashboard/chart.py",
    "subject/dashboard/guard.py",
    "subject/dashboard/page.py",
    "subject/dashboard/undo.py",
    "subject/detectors",
    "subject/diagnosis",
    "subject/figures.py",
    "subject/finding.py",
    "subject/observed.py",
    "subject/output/diagnosis_document.py",
    "subject/output/documents.py",
    "subject/output/exposition.py",
    "subject/output/overview.py",
    "subject/output/policy_document.py",
    "subject/output/policy_lines.py",
    "subject/output/printable.py",
    "subject/output/since_document.py",
    "subject/output/sparkline.py",
    "subject/output/status_lines.py",
    "subject/output/why_document.py",
    "subject/output/wording.py",
    "subject/why/answer.py",
    "subject/why/named_policies.py",
    "subject/why/origins.py",
    "subject/why/pasted_answers.py",
)
IO_MODULES = (
    "aiohttp",
    "asyncio",
    "http.client",
    "http.server",
    "logging",
    "os",
    "random",
    "redis",
    "socket",
    "subprocess",
    "time",
)


def decisions_are_made_without_io(module: Module) -> Iterator[str]:
    """Time and data come in as arguments, so that every rule can be tested without a socket or a clock."""
    if module.is_in(*PURE):
        for name in module.imports_of(*IO_MODULES):
            yield (
                f"{module.path} imports {name}: it decides without IO, so what reads a socket, a clock or "
                "the environment belongs to its caller, which passes the value"
            )


def io_reached_from(start: Module, by_name: Mapping[str, Module]) -> Iterator[str]:
    """The same for all that a module which decides without IO imports, and what that imports, and so on."""
    ways: list[tuple[Module, ...]] = [(start,)]
    seen = {start}
    while ways and start.is_in(*PURE):
        way = ways.pop()
        for name in way[-1].imports_of(*IO_MODULES):
            path = " → ".join(str(module.path) for module in way)
            yield f"{path} imports {name}: what decides without IO takes the value as an argument"
        found = {by_name.get(name) or by_name.get(name.rpartition(".")[0]) for name in way[-1].imports}
        ways += [(*way, module) for module in found if module is not None and module not in seen]
        seen |= {module for module in found if module is not None}


def who_says_that_it_does_no_io_is_held_to_it(module: Module) -> Iterator[str]:
    """What a docstring promises is one of the rules."""
    docstrings = [ast.get_docstring(node) or "" for node in module.nodes if isinstance(node, ast.Module)]
    if "No IO" in docstrings[0] and not module.is_in(*PURE):
        yield f"{module.path} says that it does no IO: then it belongs to PURE in tests/architecture.py"


SUBJECT_FROM_BELOW = (
    (
        "agent_prompt",
        "codes",
        "errors",
        "exit_codes",
        "figures",
        "finding",
        "standard_streams",
        "stores",
        "thresholds",
    ),
    ("durations", "observed", "settings"),
    ("cluster",),
    ("telemetry",),
    ("actions",),
    ("detectors",),
    ("causes",),
    ("diagnosis",),
    ("why",),
    ("output",),
    ("checker", "commands", "dashboard"),
    ("protocol",),
    ("cli",),
)
"""The subject's packages and modules: each knows those above it here, none of those beside or below it."""


def _subject_layers() -> Iterator[tuple[str, str]]:
    others = [name for level in SUBJECT_FROM_BELOW for name in level]
    for level in SUBJECT_FROM_BELOW:
        others = others[len(level) :]
        for name in level:
            beside = [*level[: level.index(name)], *level[level.index(name) + 1 :]]
            place = f"subject/{name}" if (ROOT / "subject" / name).is_dir() else f"subject/{name}.py"
            yield place, " ".join(f"subject.{other}" for other in (*beside, *others))


WHOLE = "gateway.app gateway.building gateway.config gateway.proxy_parts gateway.workers"
ABOVE_POLICY = f"{WHOLE} gateway.admission gateway.proxy gateway.telemetry"
LAYERS = {
    "gateway/contract": f"{ABOVE_POLICY} gateway.limiter gateway.policy",
    "gateway/http": f"{ABOVE_POLICY} gateway.limiter gateway.policy",
    "gateway/telemetry": f"{WHOLE} gateway.admission gateway.limiter gateway.policy gateway.proxy",
    "gateway/limiter": f"{WHOLE} gateway.admission gateway.policy gateway.proxy",
    "gateway/policy": f"{ABOVE_POLICY} gateway.http",
    "gateway/proxy": f"{WHOLE} gateway.overrides "
    "gateway.limiter.batch gateway.limiter.limiter gateway.limiter.store",
    **dict(_subject_layers()),
    "loadtest/scenarios": "loadtest.cluster loadtest.demo loadtest.session loadtest.stories",
    "loadtest/stories": "loadtest.cluster loadtest.demo loadtest.operator loadtest.session",
}
"""Folders, and what stands above them or beside them."""


def lower_layers_do_not_know_higher_ones(module: Module) -> Iterator[str]:
    """A request's way can be read from top to bottom, without jumping back."""
    for folder, others in LAYERS.items():
        for name in module.imports_of(*others.split()) if module.is_in(folder) else ():
            yield f"{module.path} imports {name}: {folder} takes what it needs of it as an argument"


def the_gateway_reads_its_settings_in_one_place(module: Module) -> Iterator[str]:
    """What builds and runs the node passes values on; only what reads the files that they name takes them."""
    if module.path.parts[0] != "gateway" or module.is_in(
        "gateway/app.py",
        "gateway/building.py",
        "gateway/cli.py",
        "gateway/config/policy_files.py",
        "gateway/config/report.py",
        "gateway/config/settings.py",
        "gateway/config/values.py",
        "gateway/proxy_parts.py",
        "gateway/workers/assignment.py",
        "gateway/workers/node.py",
        "gateway/workers/speaker.py",
    ):
        return
    settings = ("gateway.config.settings", "gateway.config.values", "gateway.config.report")
    for name in module.imports_of(*settings, "pydantic", "pydantic_settings", "os.environ", "os.getenv"):
        yield f"{module.path} imports {name}: gateway/building.py reads settings and passes on what is needed"
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
            yield f"{module.path} reads the environment: a setting belongs in gateway/config/settings.py"


FOREIGN_FRAMEWORKS = (
    "bottle",
    "celery",
    "django",
    "dramatiq",
    "falcon",
    "fastapi",
    "flask",
    "huey",
    "limits",
    "litestar",
    "prometheus_client",
    "pyrate_limiter",
    "quart",
    "ratelimit",
    "rq",
    "sanic",
    "slowapi",
    "starlette",
    "throttled",
    "tornado",
)


def there_is_no_second_framework(module: Module) -> Iterator[str]:
    """One web framework, own metrics, and a limiter that is the product itself."""
    if module.path == PurePosixPath("loadtest/bench/textbook_limits.py"):  # it is measured beside one
        return
    for name in module.imports_of(*FOREIGN_FRAMEWORKS):
        yield f"{module.path} imports {name}: HTTP is aiohttp's, counting and metrics are the project's own"


def locust_stays_in_its_own_process(module: Module) -> Iterator[str]:
    """Importing locust patches the standard library of whoever does it."""
    if module.path != PurePosixPath("loadtest/locustfile.py"):
        for name in module.imports_of("locust", "gevent"):
            yield f"{module.path} imports {name}: it belongs in loadtest/locustfile.py, a process of its own"


def redis_runs_no_scripts_and_no_transactions(module: Module) -> Iterator[str]:
    """The limiter's decisions are read from replies of plain commands."""
    if not module.is_in("gateway"):
        return
    for node in module.nodes:
        word = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
        if isinstance(word, str) and word.upper() in ("EVAL", "EVALSHA", "FCALL", "MULTI", "WATCH"):
            yield f"{module.path} uses {word}: gateway/limiter/decision.py decides from the replies instead"


CONTEXT_MAKERS = ("SSLContext", "create_default_context", "_create_unverified_context")


def tls_has_one_floor(module: Module) -> Iterator[str]:
    """Whatever makes a context hands it to `modern` at once, which knows no version that is broken."""
    calls = [node for node in module.nodes if isinstance(node, ast.Call)]
    handed = {argument for call in calls if _called(call) == "modern" for argument in call.args}
    for call in calls:
        if _called(call) in CONTEXT_MAKERS and call not in handed:
            yield f"{module.path} makes a context of TLS: hand it to modern() of gateway/contract/tls.py"


def _called(call: ast.Call) -> str:
    return _named(call.func)


def init_imports_nothing(module: Module) -> Iterator[str]:
    """To import the contract must not import the gateway's server."""
    if module.path.name == "__init__.py" and module.is_in("gateway"):
        for name in sorted(module.imports):
            yield f"{module.path} imports {name}: import the module itself where it is needed"


CONVERTED = (
    "gateway/config",
    "gateway/http",
    "gateway/limiter",
    "gateway/policy",
    "gateway/redis",
    "gateway/telemetry",
    "gateway/workers/shared_counters.py",
)
"""What uses the field's terms already. A folder or module joins when it is moved to its place."""

REPLACED_WORDS = {
    "answer": "response",
    "answers": "responses",
    "asked": "enqueued",
    "bill": "limits",
    "bills": "limits",
    "charge": "hit",
    "charges": "hits",
    "farewell": "final record",
    "hear": "receive",
    "hears": "receives",
    "hurry": "force",
    "lane": "path",
    "looks": "polls",
    "meter": "window",
    "meters": "windows",
    "nobody": "no client, no node",
    "onward": "upstream request",
    "owe": "pending",
    "owing": "pending",
    "patience": "timeouts",
    "pace": "data rate",
    "reckon": "compute",
    "standing": "window status",
    "stillness": "tunnel timer",
    "tariff": "limits",
    "tell": "publish, notify",
    "tells": "publishes, notifies",
    "told": "published, notified",
    "turn_away": "reject",
    "turned_away": "rejected",
}
"""Words of identifiers that have a standard term, which is the value."""


PUBLIC_NAMES = {"fast_lane"}
"""Names that users write, in settings and requests; they stay as they are."""


def identifiers_use_standard_terms(module: Module) -> Iterator[str]:
    """A reader from nginx, Envoy or asyncio needs no dictionary of this project."""
    if not module.is_in(*CONVERTED):
        return
    for name in sorted(module.identifiers - PUBLIC_NAMES):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
        for word, term in REPLACED_WORDS.items():
            if f"_{word}_" in f"_{words}_":
                yield f"{module.path} has the identifier {name}: the term for {word!r} is {term!r}"


COMPILED: list[str] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]
"""Paths of what is compiled, in gateway/ and without their ending."""
_COMPILED_NAMES = {"gateway." + path.replace("/", ".") for path in COMPILED}


def compiled_classes_are_of_one_family(module: Module) -> Iterator[str]:
    """What mypyc has made of a class can be inherited from by such classes only, and is none of aiohttp's."""
    is_compiled = module.name in _COMPILED_NAMES
    for name in module.bases:
        if is_compiled and _within(name, "aiohttp"):
            yield f"{module.path} inherits from {name}, but is compiled: hold one instead"
        if not is_compiled and name.rpartition(".")[0] in _COMPILED_NAMES:
            yield f"{module.path} inherits from {name}, which is compiled: hold one, or name a Protocol"


STATUS_LINE_WRITER = "gateway/http/response_head.py"
TASK_OWNERS = ("gateway/proxy/upstream_pool.py", "gateway/proxy/server.py", "gateway/proxy/aiohttp_server.py")


def one_module_writes_status_lines(module: Module) -> Iterator[str]:
    """The framing of all responses is decided in one place."""
    if not module.is_in("gateway") or module.is_in(STATUS_LINE_WRITER):
        return
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, bytes) and b"HTTP/1.1 " in node.value:
            yield f"{module.path} writes {node.value!r}: status lines are written in {STATUS_LINE_WRITER}"


def the_engine_has_no_tasks(module: Module) -> Iterator[str]:
    """A request is a state machine; only connecting, draining and the adapter of aiohttp need tasks."""
    if not module.is_in("gateway/proxy") or module.is_in(*TASK_OWNERS):
        return
    for node in module.nodes:
        if isinstance(node, ast.Call) and _called(node) in ("create_task", "ensure_future", "create_future"):
            yield f"{module.path} calls {_called(node)}: the engine continues by callbacks"


def incremented_counters(module: Module) -> list[str]:
    """Names of the counters that it increments, once for each statement that does."""
    targets: list[ast.expr] = []
    for node in module.nodes:
        match node:
            case ast.AugAssign(op=ast.Add()):
                targets.append(node.target)
            case ast.Call(func=ast.Attribute(attr="add" | "count", value=owner)):
                targets.append(owner)
    found = [target.value if isinstance(target, ast.Subscript) else target for target in targets]
    names = [target for target in found if isinstance(target, ast.Attribute)]
    return [name.attr for name in names if _named(name.value) in ("counters", "_counters")]


def _named(expression: ast.expr) -> str:
    return ast.unparse(expression).rpartition(".")[2]


RULES: tuple[Rule, ...] = (
    packages_know_each_other_in_one_direction,
    the_contract_is_standard_library_only,
    http_is_standard_library_only,
    decisions_are_made_without_io,
    who_says_that_it_does_no_io_is_held_to_it,
    lower_layers_do_not_know_higher_ones,
    the_gateway_reads_its_settings_in_one_place,
    there_is_no_second_framework,
    locust_stays_in_its_own_process,
    redis_runs_no_scripts_and_no_transactions,
    tls_has_one_floor,
    init_imports_nothing,
    identifiers_use_standard_terms,
    compiled_classes_are_of_one_family,
    one_module_writes_status_lines,
    the_engine_has_no_tasks,
)
