"""What is measured: one entry a peer, and one module a run-time."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A way to run a model.

    Args:
        runtime: As tables call it.
        precision: ``float32``, ``bf16`` or ``int8``.
        module: The module of this package that runs it.
        graph: Which export it runs, by model type (``*`` for any); it leaves out the others.
        needs: The packages it takes.
        install: The command that brings them.
        held: Whether it can be held to an instruction set: ``yes``, ``partly`` or ``no``.
        exports: Whether there are files to make for it.
    """

    runtime: str
    precision: str
    module: str
    graph: dict[str, str]
    needs: tuple[str, ...]
    install: str = 'pip install "squeezebert[peers]"'
    held: str = "yes"
    exports: bool = False

    @property
    def name(self) -> str:
        """As ``--peers`` takes it."""
        return f"{self.runtime}/{self.precision}"

    @property
    def ours(self) -> bool:
        """Whether it is our engine."""
        return self.runtime == "squeezebert"

    @property
    def other(self) -> bool:
        """Whether it is somebody else's, to be compared with."""
        return not self.runtime.startswith("squeezebert")

    def held_to(self, isa: str | None) -> str:
        """What tables say of the instruction set where this one is asked for."""
        if isa is None:
            return "native"
        return {"yes": isa, "partly": f"{isa} in part", "no": "native"}[self.held]

    def graph_for(self, model_type: str) -> str | None:
        """The export for ``bert`` or ``squeezebert``; None where it leaves that model out."""
        return self.graph.get(model_type, self.graph.get("*"))

    def suits(self, isa: str | None) -> bool:
        """Whether it makes sense under this instruction set: other people's bf16 is emulated,
        slower than float32, where there are no instructions for it.
        """
        return self.ours or self.precision != "bf16" or isa in (None, "avx512_bf16", "amx")

    def missing(self) -> tuple[str, ...]:
        """The packages it lacks."""
        return tuple(name for name in self.needs if not _there(name))


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # a submodule of a package that is not there
        return False


FLOORS = {"float32": 0.9999, "bf16": 0.995, "int8": 0.97}
"""The least mean token cosine to float32 by which an output counts as right."""

_TORCH = ("torch", "transformers")
_ONNX = ("onnxruntime", "onnx", "onnxscript", "onnxslim", "torch", "transformers")
_OPENVINO = ("openvino", *_ONNX)


def _torch(runtime: str, precision: str, graph: str) -> Peer:
    return Peer(
        runtime=runtime,
        precision=precision,
        module="torch_models",
        graph={"*": graph},
        needs=_TORCH,
        install='pip install "squeezebert[baselines]"',
    )


def _onnx(runtime: str, precision: str, **graph: str) -> Peer:
    return Peer(
        runtime=runtime,
        precision=precision,
        module="onnx_runtime",
        graph=graph,
        needs=_ONNX,
        held="no",
        exports=True,
    )


def _openvino(runtime: str, precision: str, **graph: str) -> Peer:
    return Peer(
        runtime=runtime,
        precision=precision,
        module="openvino_runtime",
        graph=graph,
        needs=(*_OPENVINO, "nncf") if precision == "int8" else _OPENVINO,
        held="partly",
        exports=True,
    )


def _engine(precision: str) -> Peer:
    return Peer(
        runtime="squeezebert",
        precision=precision,
        module="engine",
        graph={"*": ""},
        needs=("squeezebert.engine._native",),
        install="pip install squeezebert",
    )


PEERS: tuple[Peer, ...] = (
    _torch("transformers", "float32", "eager"),
    _torch("transformers", "bf16", "eager"),
    _torch("torch.compile", "float32", "compiled"),
    _torch("torch.compile", "bf16", "compiled"),
    _onnx("onnxruntime as exported", "float32", bert="theirs", squeezebert="theirs"),
    _onnx("onnxruntime as exported", "int8", bert="theirs+dynamic", squeezebert="theirs+dynamic"),
    _onnx("onnxruntime", "float32", bert="plain+fuse", squeezebert="plain+fuse"),
    _onnx(
        "onnxruntime",
        "int8",
        bert="plain+fuse+dynamic_pc",
        squeezebert="by_group+slim+fuse+dynamic_pc",
    ),
    _onnx("onnxruntime static", "int8", bert="plain+fuse+static", squeezebert="plain+fuse+static"),
    _openvino("openvino as exported", "float32", squeezebert="theirs"),
    _openvino("openvino as exported", "bf16", squeezebert="theirs"),
    _openvino("openvino as exported", "int8", squeezebert="theirs"),
    _openvino("openvino", "float32", bert="plain", squeezebert="ours+slim"),
    _openvino("openvino", "bf16", bert="plain", squeezebert="ours+slim"),
    _openvino("openvino", "int8", bert="plain", squeezebert="ours+slim"),
    Peer(
        runtime="llama.cpp",
        precision="int8",
        module="llama_cpp",
        graph={"bert": "q8_0"},
        needs=("llama_cpp", "gguf"),
        install="pip install llama-cpp-python gguf",
        held="no",
        exports=True,
    ),
    _torch("squeezebert torch", "float32", "ours"),
    _torch("squeezebert torch", "bf16", "ours"),
    _engine("float32"),
    _engine("bf16"),
    _engine("int8"),
)
"""In the order of the tables. The graphs are those that were fastest (docs/performance.md)."""
