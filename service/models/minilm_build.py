"""Make a small, fast ONNX file of all-MiniLM-L6-v2 from its safetensors: fused attention, weights as 8-bit integers.

Run as `python -m service.models.minilm_build WEIGHTS TARGET` in a process of its own, whose memory goes with it.
The graph takes input_ids and attention_mask (int32, [batch, tokens]) and gives token vectors (float32,
[batch, tokens, 384]), not pooled. A change of the graph needs a new version in the catalog's build.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

_FUSED = "com.microsoft"
_LAYERS = 6
_HEADS = 12
_DIMENSION = 384
_EPSILON = 1e-12


class Graph:
    """Nodes and constants of an ONNX graph, in order."""

    def __init__(self, weights: dict[str, Array]) -> None:
        self._weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Array) -> str:
        import numpy as np
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self._weights[name])

    def transposed(self, name: str) -> str:
        return self.constant(name, self._weights[name].T)

    def joined(self, prefix: str, ending: str) -> Array:
        """Query, key and value side by side, as the fused Attention wants them."""
        import numpy as np

        return np.concatenate(
            [self._weights[f"{prefix}{part}.{ending}"].T for part in ("query", "key", "value")], axis=-1
        )

    def add(self, kind: str, inputs: list[str], output: str, *also: str, fused: bool = False, **attributes: Any) -> str:
        from onnx import helper

        domain = _FUSED if fused else ""
        outputs = [output, *also]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=output, domain=domain, **attributes))
        return output

    def norm(self, name: str, values: str, skip: str, bias: str) -> str:
        """Layer normalisation of values + bias + skip."""
        inputs = [values, skip, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), self.weight(bias)]
        return self.add("SkipLayerNormalization", inputs, f"{name}.out", fused=True, epsilon=_EPSILON)


def _embeddings(graph: Graph) -> str:
    graph.add("Sub", ["input_ids", "input_ids"], "token_types")
    tables = [graph.weight(f"embeddings.{kind}_embeddings.weight") for kind in ("word", "position", "token_type")]
    norm = [graph.weight("embeddings.LayerNorm.weight"), graph.weight("embeddings.LayerNorm.bias")]
    inputs = ["input_ids", "token_types", *tables, *norm]
    return graph.add("EmbedLayerNormalization", inputs, "embedded", "unused_mask", fused=True, epsilon=_EPSILON)


def _layer(graph: Graph, number: int, values: str) -> str:
    name = f"encoder.layer.{number}."
    attention, output = f"{name}attention.self.", f"{name}attention.output."
    qkv = graph.constant(f"{name}qkv", graph.joined(attention, "weight"))
    bias = graph.constant(f"{name}qkv.bias", graph.joined(attention, "bias"))
    inputs = [values, qkv, bias, "attention_mask"]
    seen = graph.add("Attention", inputs, f"{name}seen", fused=True, num_heads=_HEADS)
    seen = graph.add("MatMul", [seen, graph.transposed(f"{output}dense.weight")], f"{name}mixed")
    values = graph.norm(f"{output}LayerNorm", seen, values, f"{output}dense.bias")
    wide = graph.add("MatMul", [values, graph.transposed(f"{name}intermediate.dense.weight")], f"{name}wide")
    wide = graph.add("BiasGelu", [wide, graph.weight(f"{name}intermediate.dense.bias")], f"{name}gelu", fused=True)
    narrow = graph.add("MatMul", [wide, graph.transposed(f"{name}output.dense.weight")], f"{name}narrow")
    return graph.norm(f"{name}output.LayerNorm", narrow, values, f"{name}output.dense.bias")


def encoder(graph: Graph) -> str:
    """Add all-MiniLM-L6-v2 from the graph's weights; the name of its token vectors."""
    values = _embeddings(graph)
    for number in range(_LAYERS):
        values = _layer(graph, number, values)
    return values


def model(graph: Graph, name: str, output: str, width: int) -> Any:
    """The ONNX model of a graph whose output has width numbers a token."""
    from onnx import TensorProto, helper

    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    result = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", "tokens", width])
    made = helper.make_graph(graph.nodes, name, inputs, [result], graph.constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=9)


def build(weights: Path, target: Path) -> None:
    """Write target from the safetensors file weights, atomically, once it has proved to load."""
    safetensors: Any = import_module("safetensors.numpy")
    graph = Graph(safetensors.load_file(weights))
    save(model(graph, "all-MiniLM-L6-v2", encoder(graph), _DIMENSION), target)


def save(made: Any, target: Path, in_full: Sequence[str] = ()) -> None:
    """Write the model with weights as 8-bit integers, those of the nodes in_full excepted."""
    onnx: Any = import_module("onnx")
    runtime: Any = import_module("onnxruntime")
    quantization: Any = import_module("onnxruntime.quantization")

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        full, small = Path(folder) / "full.onnx", Path(folder) / "small.onnx"
        onnx.save(made, full)
        quantization.quantize_dynamic(
            full,
            small,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Attention", "EmbedLayerNormalization"],
            nodes_to_exclude=list(in_full),
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        runtime.InferenceSession(small, providers=["CPUExecutionProvider"])
        small.replace(target)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
