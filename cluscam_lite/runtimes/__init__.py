"""Networks that live in a file and run without torch: ONNX Runtime and OpenVINO, explained as any other model.

Neither package is needed to import this one: a model that is opened asks for its own.
"""

from .onnx_model import OnnxModel
from .openvino_model import OpenVinoModel
from .runtime import RuntimeModel

__all__ = ["OnnxModel", "OpenVinoModel", "RuntimeModel"]
